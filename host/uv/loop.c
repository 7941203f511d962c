/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/host.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

void uv_host_config_default(struct uv_host_config *config) {
  *config = (struct uv_host_config){
      .connections_max = 65536,
      .input_max = 16 * 1024 * 1024 + 64 * 1024, /* NettyDecoder's frame of 16 MiB and its length */
      .outbox_max = 256 * 1024 * 1024,
      .close_timeout_ms = 10000,
  };
}

static int64_t wall_ms(void) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct moment host_now(struct uv_host *h) {
  int64_t mono = (int64_t)uv_now(&h->loop);
  if (mono != h->now.mono_ms) h->now = (struct moment){mono, wall_ms()};
  return h->now;
}

struct moment uv_host_now(struct uv_host *h) {
  (void)h;
  return (struct moment){(int64_t)(uv_hrtime() / 1000000), wall_ms()};
}

/* ---- the turn ---- */

static void on_timer(uv_timer_t *timer) {
  struct uv_host *h = timer->data;
  h->armed_ms = TIME_NEVER;
  h->dirty = true;
}

static void arm(struct uv_host *h, int64_t due_ms) {
  if (due_ms == h->armed_ms) return;
  h->armed_ms = due_ms;
  if (due_ms == TIME_NEVER) {
    uv_timer_stop(&h->timer);
    return;
  }
  int64_t now = (int64_t)uv_now(&h->loop);
  uv_timer_start(&h->timer, on_timer, due_ms > now ? (uint64_t)(due_ms - now) : 0, 0);
}

static void run_posts(struct uv_host *h) {
  uv_mutex_lock(&h->lock);
  struct uv_post *post = h->post_first;
  h->post_first = NULL;
  h->post_last = &h->post_first;
  /* From here each may be posted again; what we need of it is read before it runs. */
  uv_mutex_unlock(&h->lock);
  while (post != NULL) {
    uv_mutex_lock(&h->lock);
    struct uv_post *next = post->next;
    void (*fn)(void *) = post->fn;
    void *arg = post->arg;
    post->queued = false;
    uv_mutex_unlock(&h->lock);
    h->stats.posts++;
    fn(arg);
    post = next;
  }
}

static bool posts_wait(struct uv_host *h) {
  uv_mutex_lock(&h->lock);
  bool wait = h->post_first != NULL;
  uv_mutex_unlock(&h->lock);
  return wait;
}

static void host_turn(struct uv_host *h) {
  h->stats.turns++;
  run_posts(h);
  net_timers_run(h);
  net_pending_run(h);
  int64_t wake = h->node == NULL ? TIME_NEVER : h->node->ops->turn(h->node, host_now(h));
  net_flush(h);
  int64_t own = timers_next(&h->timers);
  if (own < wake) wake = own;
  /* A failure met while flushing is told in a turn of its own. */
  if (h->pending_first != NULL) wake = (int64_t)uv_now(&h->loop);
  h->dirty = false;
  arm(h, wake);
}

/* Before every poll. A due timer and the reads of the last poll both end here, so that they share one turn. */
static void on_prepare(uv_prepare_t *prepare) {
  struct uv_host *h = prepare->data;
  if (h->dirty) host_turn(h);
}

static void on_async(uv_async_t *async) {
  struct uv_host *h = async->data;
  if (posts_wait(h)) h->dirty = true;
  if (atomic_load(&h->stop)) uv_stop(&h->loop);
}

void uv_host_run(struct uv_host *h) {
  h->loop_thread = uv_thread_self();
  atomic_store(&h->running, true);
  h->dirty = true;
  uv_update_time(&h->loop);
  if (!atomic_load(&h->stop)) uv_run(&h->loop, UV_RUN_DEFAULT);
  if (h->dirty || posts_wait(h)) host_turn(h); /* what the last poll brought is answered */
  atomic_store(&h->running, false);
  atomic_store(&h->stop, false);
}

void uv_host_stop(struct uv_host *h) {
  atomic_store(&h->stop, true);
  uv_async_send(&h->async);
}

static void run_thread(void *arg) { uv_host_run(arg); }

enum status uv_host_start(struct uv_host *h) {
  return uv_thread_create(&h->own_thread, run_thread, h) == 0 ? STATUS_OK : STATUS_LIMIT;
}

void uv_host_join(struct uv_host *h) { uv_thread_join(&h->own_thread); }

bool uv_host_is_loop_thread(struct uv_host *h) {
  uv_thread_t self = uv_thread_self();
  return atomic_load(&h->running) && uv_thread_equal(&self, &h->loop_thread);
}

bool uv_host_post(struct uv_host *h, struct uv_post *post, void (*fn)(void *arg), void *arg) {
  uv_mutex_lock(&h->lock);
  bool fresh = !post->queued;
  bool first = fresh && h->post_first == NULL;
  if (fresh) {
    *post = (struct uv_post){NULL, fn, arg, true};
    *h->post_last = post;
    h->post_last = &post->next;
  }
  uv_mutex_unlock(&h->lock);
  if (first) uv_async_send(&h->async);
  return fresh;
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int signum) {
  struct host_signal *s = handle->data;
  CONTAINER_OF(handle->loop, struct uv_host, loop)->dirty = true;
  s->fn(s->arg, signum);
}

enum status uv_host_on_signal(struct uv_host *h, int signum, void (*fn)(void *arg, int signum), void *arg) {
  if (h->signal_count == HOST_SIGNALS_MAX) return STATUS_LIMIT;
  struct host_signal *s = &h->signals[h->signal_count];
  *s = (struct host_signal){.fn = fn, .arg = arg};
  if (uv_signal_init(&h->loop, &s->handle) != 0) return STATUS_NO_MEMORY;
  s->handle.data = s;
  h->signal_count++; /* also when it cannot start: the handle is closed with the host */
  return uv_signal_start(&s->handle, on_signal, signum) == 0 ? STATUS_OK : STATUS_INVALID;
}

void uv_host_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

/* ---- life ---- */

struct net *uv_host_net(struct uv_host *h) { return &h->net; }
struct disk *uv_host_disk(struct uv_host *h) { return &h->disk; }

void uv_host_attach(struct uv_host *h, struct node *node) {
  assert(h->node == NULL || node == NULL);
  h->node = node;
}

void uv_host_stats(const struct uv_host *h, struct uv_host_stats *out) { *out = h->stats; }

static enum status host_init_handles(struct uv_host *h) {
  if (uv_async_init(&h->loop, &h->async, on_async) != 0) return STATUS_LIMIT;
  uv_prepare_init(&h->loop, &h->prepare);
  uv_timer_init(&h->loop, &h->timer);
  uv_prepare_start(&h->prepare, on_prepare);
  h->async.data = h->prepare.data = h->timer.data = h;
  return STATUS_OK;
}

struct uv_host *uv_host_new(const struct uv_host_config *config, struct log *log) {
  struct uv_host *h = calloc(1, sizeof *h);
  if (h == NULL) return NULL;
  h->scratch = malloc(INPUT_SMALL + READ_MAX);
  if (h->scratch == NULL || uv_loop_init(&h->loop) != 0) goto fail_memory;
  if (uv_mutex_init(&h->lock) != 0) goto fail_loop;
  if (host_init_handles(h) != STATUS_OK) goto fail_lock;
  if (config != NULL) h->config = *config;
  else uv_host_config_default(&h->config);
  assert(h->config.connections_max < (size_t)1 << SLOT_BITS);
  h->log = log;
  h->net.ops = &net_uv_ops;
  h->disk.ops = &disk_uv_ops;
  h->armed_ms = TIME_NEVER;
  h->post_last = &h->post_first;
  h->flush_last = &h->flush_first;
  h->pending_last = &h->pending_first;
  h->complained_ms = INT64_MIN;
  h->now.mono_ms = INT64_MIN;
  timers_init(&h->timers);
  block_pool_init(&h->pool);
  return h;
fail_lock:
  uv_mutex_destroy(&h->lock);
fail_loop:
  uv_loop_close(&h->loop);
fail_memory:
  free(h->scratch);
  free(h);
  return NULL;
}

void uv_host_free(struct uv_host *h) {
  if (h == NULL) return;
  assert(!atomic_load(&h->running));
  h->node = NULL;
  net_fini(h);
  uv_prepare_stop(&h->prepare);
  uv_close((uv_handle_t *)&h->prepare, NULL);
  uv_close((uv_handle_t *)&h->timer, NULL);
  uv_close((uv_handle_t *)&h->async, NULL);
  for (size_t i = 0; i < h->signal_count; i++) uv_close((uv_handle_t *)&h->signals[i].handle, NULL);
  uv_run(&h->loop, UV_RUN_DEFAULT); /* until every handle is closed and every request has answered */
  int busy = uv_loop_close(&h->loop);
  assert(busy == 0);
  (void)busy;
  disk_fini(h);
  uv_mutex_destroy(&h->lock);
  timers_fini(&h->timers);
  block_pool_fini(&h->pool);
  free(h->slots);
  free(h->scratch);
  free(h);
}
