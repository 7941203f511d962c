/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/machine_uv.h"
#include "tests/unit/uv/uv_test.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static bool done_at_once(struct world *w) {
  (void)w;
  return true;
}

static void test_stop(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  uv_host_stop(w.host);
  uv_host_run(w.host); /* returns, still answering once */
  CU_ASSERT(w.turns == 1);
  w.done = done_at_once;
  world_run(&w);
  CU_ASSERT(w.turns >= 2);
  world_fini(&w);
}

static void three_wakes(struct world *w) {
  if (w->step > 0) CU_ASSERT(w->now.mono_ms >= *(int64_t *)w->context);
  w->step++;
  *(int64_t *)w->context = w->wake = w->now.mono_ms + 5;
}
static bool after_three(struct world *w) { return w->step > 3; }

static void test_wake(void) {
  struct world w;
  int64_t due = 0;
  world_init(&w, NULL, NULL);
  w.on_turn = three_wakes;
  w.done = after_three;
  w.context = &due;
  world_run(&w);
  CU_ASSERT(w.turns == 4);
  struct moment now = uv_host_now(w.host);
  CU_ASSERT(now.mono_ms + 1 >= w.now.mono_ms && now.wall_ms > 1500000000000);
  world_fini(&w);
}

/* Nothing happens: no turns, however long it lasts. */
static void test_idle(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  CU_ASSERT_FATAL(uv_host_start(w.host) == STATUS_OK);
  CU_ASSERT(!uv_host_is_loop_thread(w.host));
  usleep(100000);
  uv_host_stop(w.host);
  uv_host_join(w.host);
  struct uv_host_stats stats;
  uv_host_stats(w.host, &stats);
  CU_ASSERT(stats.turns <= 3);
  world_fini(&w);
}

#define POSTERS 4
#define POSTS 2000

struct poster {
  struct world *w;
  struct uv_post posts[POSTS];
  size_t ran;
  bool out_of_order, wrong_thread;
};
static struct poster *posters[POSTERS];

static void ran(void *arg) {
  struct uv_post *post = arg;
  for (size_t i = 0; i < POSTERS; i++) {
    struct poster *p = posters[i];
    if (post < p->posts || post >= p->posts + POSTS) continue;
    if (post != &p->posts[p->ran]) p->out_of_order = true;
    if (!uv_host_is_loop_thread(p->w->host)) p->wrong_thread = true;
    p->ran++;
  }
}

static void *post_all(void *arg) {
  struct poster *p = arg;
  for (size_t i = 0; i < POSTS; i++) uv_host_post(p->w->host, &p->posts[i], ran, &p->posts[i]);
  return NULL;
}

static bool all_posts_ran(struct world *w) {
  (void)w;
  size_t n = 0;
  for (size_t i = 0; i < POSTERS; i++) n += posters[i]->ran;
  return n == POSTERS * POSTS;
}

static void test_posts_from_threads(void) {
  struct world w;
  pthread_t threads[POSTERS];
  world_init(&w, NULL, NULL);
  w.done = all_posts_ran;
  for (size_t i = 0; i < POSTERS; i++) {
    posters[i] = calloc(1, sizeof *posters[i]);
    posters[i]->w = &w;
  }
  for (size_t i = 0; i < POSTERS; i++) threads[i] = raw_thread(post_all, posters[i]);
  world_run(&w);
  for (size_t i = 0; i < POSTERS; i++) {
    pthread_join(threads[i], NULL);
    CU_ASSERT(posters[i]->ran == POSTS && !posters[i]->out_of_order && !posters[i]->wrong_thread);
    free(posters[i]);
  }
  world_fini(&w);
}

struct again {
  struct world *w;
  struct uv_post post;
  unsigned count;
};
static void post_again(void *arg) {
  struct again *a = arg;
  if (++a->count < 3) CU_ASSERT(uv_host_post(a->w->host, &a->post, post_again, a));
  if (a->count == 3) uv_host_stop(a->w->host);
}

static void test_post_again(void) {
  struct world w;
  world_init(&w, NULL, NULL);
  struct again a = {.w = &w};
  CU_ASSERT(uv_host_post(w.host, &a.post, post_again, &a));
  CU_ASSERT(!uv_host_post(w.host, &a.post, post_again, &a)); /* it waits already */
  world_run(&w);
  CU_ASSERT(a.count == 3);
  world_fini(&w);
}

static void got_signal(void *arg, int signum) { *(int *)arg = signum; }
static bool signal_seen(struct world *w) { return *(int *)w->context != 0; }

static void test_signal(void) {
  struct world w;
  int seen = 0;
  world_init(&w, NULL, NULL);
  CU_ASSERT(uv_host_on_signal(w.host, SIGUSR1, got_signal, &seen) == STATUS_OK);
  CU_ASSERT(uv_host_on_signal(w.host, SIGKILL, got_signal, &seen) == STATUS_INVALID);
  w.context = &seen;
  w.done = signal_seen;
  kill(getpid(), SIGUSR1);
  world_run(&w);
  CU_ASSERT(seen == SIGUSR1);
  world_fini(&w);
}

static void test_machine(void) {
  char text[MACHINE_ADDRESS_MAX], name[MACHINE_NAME_MAX];
  machine_local_address(text);
  machine_host_name(name);
  CU_ASSERT(strlen(text) > 0 && strlen(name) > 0 && machine_pid() == getpid());
  CU_ASSERT(machine_seed() != machine_seed());
  CU_ASSERT_STRING_EQUAL(machine_choose_address(NULL, 0), "127.0.0.1");
  const char *a[] = {"fe80::1", "192.168.0.4", "127.0.0.9", "10.0.0.1", "10.0.0.2"};
  CU_ASSERT_STRING_EQUAL(machine_choose_address(a, 5), "10.0.0.1");
  CU_ASSERT_STRING_EQUAL(machine_choose_address(a, 3), "127.0.0.9");
  CU_ASSERT_STRING_EQUAL(machine_choose_address(a, 2), "192.168.0.4");
  CU_ASSERT_STRING_EQUAL(machine_choose_address(a, 1), "fe80::1");
}

const struct test loop_tests[] = {
    {"stop", test_stop},
    {"wake", test_wake},
    {"idle", test_idle},
    {"posts_from_threads", test_posts_from_threads},
    {"post_again", test_post_again},
    {"signal", test_signal},
    {"machine", test_machine},
    {NULL, NULL},
};
