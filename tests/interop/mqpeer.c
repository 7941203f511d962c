/* SPDX-License-Identifier: Apache-2.0
 *
 * Our peer of the interop tests: README.md beside it has the command line, the
 * payload and the output; java/Produce.java and java/Consume.java do the same.
 */
#include <mqclient/mqclient.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  ASYNC_WINDOW = 500,
  BATCH = 32,
  PULL_BATCH = 32,
  BIG = 6000,
  QUIET_MS = 2000, /* how long to look for duplicates */
  COMPLAINTS_MAX = 5
};

static const char UNI[] = "h\xc3\xa9llo-\xe4\xb8\x96\xe7\x95\x8c-\xf0\x9f\x9a\x80";

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void sleep_ms(int ms) { usleep((useconds_t)ms * 1000); }

static atomic_int complaints;
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...) {
  if (atomic_fetch_add(&complaints, 1) >= COMPLAINTS_MAX) return;
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
}

static void die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "%s: %s: %s (broker code %d)\n", what, mq_error_text(error->result), error->text, error->broker_code);
  exit(1);
}

/* ---- command line ---- */

struct args {
  int argc;
  char **argv;
};

static const char *get(const struct args *a, const char *name, const char *fallback) {
  for (int i = 2; i + 1 < a->argc; i += 2)
    if (strcmp(a->argv[i], name) == 0) return a->argv[i + 1];
  return fallback;
}

static const char *need(const struct args *a, const char *name) {
  const char *value = get(a, name, NULL);
  if (value == NULL) {
    fprintf(stderr, "missing option %s\n", name);
    exit(2);
  }
  return value;
}

static int number(const struct args *a, const char *name, int fallback) {
  const char *value = get(a, name, NULL);
  return value == NULL ? fallback : atoi(value);
}

static void check_args(const struct args *a, const char *const *known) {
  for (int i = 2; i < a->argc; i += 2) {
    size_t k = 0;
    while (known[k] != NULL && strcmp(known[k], a->argv[i]) != 0) k++;
    if (known[k] == NULL || i + 1 == a->argc) {
      fprintf(stderr, "bad option %s\n", a->argv[i]);
      exit(2);
    }
  }
}

static mq_client *open_client(const struct args *a, const char *const *settings) {
  struct mq_error error;
  mq_client *client;
  mq_config *config = mq_config_new();
  if (config == NULL || mq_config_set(config, "namesrvAddr", need(a, "-n"), &error) != MQ_OK) die("config", &error);
  for (; settings[0] != NULL; settings += 2)
    if (mq_config_set(config, settings[0], settings[1], &error) != MQ_OK) die("config", &error);
  if (mq_client_start(config, &client, &error) != MQ_OK) die("client", &error);
  mq_config_free(config);
  return client;
}

/* ---- payload ---- */

static char letter(long seq, size_t i) { return (char)('a' + (seq + (long)i) % 26); }

static mq_message *make_message(const char *topic, const char *prefix, int queue, long seq, int size, int queues) {
  char text[512];
  int head = snprintf(text, sizeof text, "%s:%d:%ld:", prefix, queue, seq);
  size_t length = (size_t)size;
  if ((seq * queues + queue) % 1000 == 999 && length < BIG) length = BIG;
  if (length < (size_t)head) length = (size_t)head;
  char *body = malloc(length);
  memcpy(body, text, (size_t)head);
  for (size_t i = (size_t)head; i < length; i++) body[i] = letter(seq, i);
  mq_message *m = mq_message_new(topic, body, length);
  free(body);
  mq_message_set_tags(m, seq % 2 == 0 ? "TagA" : "TagB");
  snprintf(text, sizeof text, "%s-%d-%ld", prefix, queue, seq);
  mq_message_set_keys(m, text);
  mq_message_set_property(m, "uni", UNI);
  snprintf(text, sizeof text, "%zu", length);
  mq_message_set_property(m, "len", text);
  snprintf(text, sizeof text, "%ld", seq % 10);
  mq_message_set_property(m, "num", text);
  return m;
}

struct payload {
  char prefix[256];
  int queue;
  long seq;
};

static bool is(const char *value, const char *wanted) { return value != NULL && strcmp(value, wanted) == 0; }

static bool parse_message(const mq_message *m, struct payload *p) {
  size_t length;
  const char *body = mq_message_body(m, &length);
  char head[512], text[512];
  size_t n = length < sizeof head - 1 ? length : sizeof head - 1;
  memcpy(head, body, n);
  head[n] = '\0';
  int used = 0;
  if (sscanf(head, "%255[^:]:%d:%ld:%n", p->prefix, &p->queue, &p->seq, &used) != 3 || used == 0) return false;
  for (size_t i = (size_t)used; i < length; i++)
    if (body[i] != letter(p->seq, i)) return false;
  snprintf(text, sizeof text, "%s-%d-%ld", p->prefix, p->queue, p->seq);
  char len[32], num[32];
  snprintf(len, sizeof len, "%zu", length);
  snprintf(num, sizeof num, "%ld", p->seq % 10);
  return is(mq_message_tags(m), p->seq % 2 == 0 ? "TagA" : "TagB") && is(mq_message_keys(m), text) &&
         is(mq_message_property(m, "uni"), UNI) && is(mq_message_property(m, "len"), len) &&
         is(mq_message_property(m, "num"), num);
}

/* ---- produce ---- */

struct produce {
  mq_producer *producer;
  const char *topic, *prefix, *mode;
  int count, size, threads;
  int64_t deadline_ms;
  FILE *acked;
  mq_queue_list *queues; /* NULL: no route yet */
  int queue_count;
  pthread_mutex_t lock;
  int sent, failed; /* under lock */
  sem_t window;
};

struct produce_thread {
  struct produce *p;
  int index;
  pthread_t thread;
};

static int seqs_of(const struct produce *p, int queue) {
  return (p->count - queue + p->queue_count - 1) / p->queue_count;
}

static void count_sent(struct produce *p, int queue, int from, int to) {
  pthread_mutex_lock(&p->lock);
  p->sent += to - from;
  for (int seq = from; p->acked != NULL && seq < to; seq++) fprintf(p->acked, "%s:%d:%d\n", p->prefix, queue, seq);
  if (p->acked != NULL) fflush(p->acked);
  pthread_mutex_unlock(&p->lock);
}

static void count_failed(struct produce *p, int n, const char *why) {
  complain("send failed: %s", why);
  pthread_mutex_lock(&p->lock);
  p->failed += n;
  pthread_mutex_unlock(&p->lock);
}

static size_t select_given(const mq_queue_list *queues, void *context) {
  (void)queues;
  return (size_t)*(int *)context;
}

static enum mq_result send_some(struct produce *p, int queue, int from, int to, struct mq_send_result *result,
                                struct mq_error *error) {
  mq_message *messages[BATCH];
  struct mq_send_options options = {0};
  if (strcmp(p->mode, "selector") == 0) {
    options.selector = select_given;
    options.selector_context = &queue;
  } else {
    options.queue = mq_queue_list_get(p->queues, (size_t)queue);
  }
  for (int seq = from; seq < to; seq++)
    messages[seq - from] = make_message(p->topic, p->prefix, queue, seq, p->size, p->queue_count);
  enum mq_result outcome;
  result->status = MQ_SEND_OK;
  if (strcmp(p->mode, "batch") == 0)
    outcome = mq_producer_send_batch(p->producer, (const mq_message *const *)messages, (size_t)(to - from), &options,
                                     result, error);
  else if (strcmp(p->mode, "oneway") == 0)
    outcome = mq_producer_send_oneway(p->producer, messages[0], &options, error);
  else
    outcome = mq_producer_send(p->producer, messages[0], &options, result, error);
  for (int i = 0; i < to - from; i++) mq_message_free(messages[i]);
  return outcome;
}

static void *send_own_queues(void *arg) {
  struct produce_thread *t = arg;
  struct produce *p = t->p;
  int block = strcmp(p->mode, "batch") == 0 ? BATCH : 1;
  for (int from = 0; from < seqs_of(p, 0); from += block)
    for (int q = t->index; q < p->queue_count; q += p->threads) {
      int to = from + block < seqs_of(p, q) ? from + block : seqs_of(p, q);
      if (from >= to) continue;
      struct mq_send_result result;
      struct mq_error error;
      if (now_ms() > p->deadline_ms)
        count_failed(p, to - from, "time is up");
      else if (send_some(p, q, from, to, &result, &error) != MQ_OK)
        count_failed(p, to - from, error.text);
      else if (result.status != MQ_SEND_OK)
        count_failed(p, to - from, "send status is not SEND_OK");
      else
        count_sent(p, q, from, to);
    }
  return NULL;
}

struct async_send {
  struct produce *p;
  int queue, seq;
};

static void async_done(void *context, enum mq_result outcome, const struct mq_send_result *result,
                       const struct mq_error *error) {
  struct async_send *a = context;
  if (outcome != MQ_OK)
    count_failed(a->p, 1, error->text);
  else if (result->status != MQ_SEND_OK)
    count_failed(a->p, 1, "send status is not SEND_OK");
  else
    count_sent(a->p, a->queue, a->seq, a->seq + 1);
  sem_post(&a->p->window);
  free(a);
}

static void send_async(struct produce *p) {
  sem_init(&p->window, 0, ASYNC_WINDOW);
  for (int i = 0; i < p->count; i++) {
    struct async_send *a = malloc(sizeof *a);
    *a = (struct async_send){p, i % p->queue_count, i / p->queue_count};
    struct mq_error error = {.text = "time is up"};
    struct mq_send_options options = {.queue = mq_queue_list_get(p->queues, (size_t)a->queue)};
    mq_message *m = make_message(p->topic, p->prefix, a->queue, a->seq, p->size, p->queue_count);
    sem_wait(&p->window);
    if (now_ms() > p->deadline_ms ||
        mq_producer_send_async(p->producer, m, &options, async_done, a, &error) != MQ_OK) {
      count_failed(p, 1, error.text);
      sem_post(&p->window);
      free(a);
    }
    mq_message_free(m);
  }
  for (int i = 0; i < ASYNC_WINDOW; i++) sem_wait(&p->window);
}

static void send_in_threads(struct produce *p) {
  struct produce_thread *threads = calloc((size_t)p->threads, sizeof *threads);
  for (int i = 0; i < p->threads; i++) {
    threads[i] = (struct produce_thread){.p = p, .index = i};
    pthread_create(&threads[i].thread, NULL, send_own_queues, &threads[i]);
  }
  for (int i = 0; i < p->threads; i++) pthread_join(threads[i].thread, NULL);
  free(threads);
}

static void find_queues(struct produce *p) {
  enum { NEW_TOPIC_QUEUES = 4 };
  struct mq_error error;
  if (mq_producer_queues(p->producer, p->topic, &p->queues, &error) == MQ_OK) {
    p->queue_count = (int)mq_queue_list_count(p->queues);
  } else if (strcmp(p->mode, "selector") == 0 && error.result == MQ_NO_ROUTE) {
    p->queue_count = NEW_TOPIC_QUEUES;
  } else {
    die("queues", &error);
  }
}

static bool is_mode(const char *mode, const char *const *modes) {
  for (; *modes != NULL; modes++)
    if (strcmp(*modes, mode) == 0) return true;
  fprintf(stderr, "bad mode %s\n", mode);
  return false;
}

static int produce(const struct args *a) {
  check_args(a, (const char *const[]){"-n", "-t", "-g", "-c", "-s", "-m", "-k", "--prefix", "--timeout", "--acked", NULL});
  struct produce p = {.topic = need(a, "-t"),
                      .prefix = need(a, "--prefix"),
                      .mode = get(a, "-m", "sync"),
                      .count = atoi(need(a, "-c")),
                      .size = number(a, "-s", 100),
                      .threads = number(a, "-k", 1),
                      .deadline_ms = now_ms() + number(a, "--timeout", 300) * 1000LL};
  if (!is_mode(p.mode, (const char *const[]){"sync", "async", "oneway", "batch", "selector", NULL})) return 2;
  const char *file = get(a, "--acked", NULL);
  if (file != NULL) p.acked = fopen(file, "a");
  pthread_mutex_init(&p.lock, NULL);
  mq_client *client = open_client(a, (const char *const[]){"sendMsgTimeout", "10000", "retryTimesWhenSendFailed", "0",
                                                           "retryTimesWhenSendAsyncFailed", "0", NULL});
  struct mq_error error;
  if (mq_producer_start(client, need(a, "-g"), &p.producer, &error) != MQ_OK) die("producer", &error);
  find_queues(&p);
  if (strcmp(p.mode, "async") == 0)
    send_async(&p);
  else
    send_in_threads(&p);
  mq_producer_stop(p.producer, 5000, NULL);
  mq_producer_free(p.producer);
  mq_queue_list_free(p.queues);
  mq_client_free(client);
  if (p.acked != NULL) fclose(p.acked);
  printf("{\"sent\":%d,\"failed\":%d}\n", p.sent, p.failed);
  return p.failed == 0 ? 0 : 1;
}

/* ---- consume ---- */

/* Everything seen of one (prefix, queue). */
struct stream {
  struct stream *next;
  char prefix[256];
  int queue;
  unsigned char *seen;
  long cap, last;
  char where[MQ_HOST_MAX + 16];
};

/* The last queue offset of one (store host, queue id). */
struct place {
  struct place *next;
  char where[MQ_HOST_MAX + 16];
  long long offset;
};

struct consume {
  const char *topic, *sub;
  long expect;
  bool check_order, at_least;
  int64_t deadline_ms;
  pthread_mutex_t lock; /* all below */
  struct stream *streams;
  struct place *places;
  long received, distinct, duplicates, disorder, corrupt, lost;
};

static struct stream *stream_of(struct consume *c, const char *prefix, int queue, bool make) {
  for (struct stream *s = c->streams; s != NULL; s = s->next)
    if (s->queue == queue && strcmp(s->prefix, prefix) == 0) return s;
  if (!make) return NULL;
  struct stream *s = calloc(1, sizeof *s);
  snprintf(s->prefix, sizeof s->prefix, "%s", prefix);
  s->queue = queue;
  s->last = -1;
  s->next = c->streams;
  c->streams = s;
  return s;
}

static struct place *place_of(struct consume *c, const char *where) {
  for (struct place *p = c->places; p != NULL; p = p->next)
    if (strcmp(p->where, where) == 0) return p;
  struct place *p = calloc(1, sizeof *p);
  snprintf(p->where, sizeof p->where, "%s", where);
  p->offset = -1;
  p->next = c->places;
  c->places = p;
  return p;
}

/* Marks; false when it was marked before. */
static bool mark(struct stream *s, long seq) {
  if (seq >= s->cap) {
    long cap = s->cap == 0 ? 1024 : s->cap;
    while (cap <= seq) cap *= 2;
    s->seen = realloc(s->seen, (size_t)cap);
    memset(s->seen + s->cap, 0, (size_t)(cap - s->cap));
    s->cap = cap;
  }
  bool fresh = s->seen[seq] == 0;
  s->seen[seq] = 1;
  return fresh;
}

static bool all_wanted(const struct consume *c) { return strcmp(c->sub, "*") == 0 || strncmp(c->sub, "sql:", 4) == 0; }

static bool tag_wanted(const struct consume *c, long seq) {
  return all_wanted(c) || strstr(c->sub, seq % 2 == 0 ? "TagA" : "TagB") != NULL;
}

/* The SEQ that must follow; with a tag subscription only every other one may come. */
static bool follows(const struct consume *c, const struct stream *s, long seq) {
  if (strncmp(c->sub, "sql:", 4) == 0) return seq > s->last;
  long next = s->last + 1;
  if (!tag_wanted(c, next)) next++;
  return seq == next;
}

static void check_place(struct consume *c, struct stream *s, const struct payload *p, const mq_message *m) {
  char host[MQ_HOST_MAX], where[MQ_HOST_MAX + 16];
  snprintf(where, sizeof where, "%s/%d", mq_message_store_host(m, host), (int)mq_message_queue(m).id);
  if (s->where[0] == '\0') snprintf(s->where, sizeof s->where, "%s", where);
  bool wrong = strcmp(s->where, where) != 0;
  if (c->check_order) {
    struct place *place = place_of(c, where);
    wrong |= mq_message_queue_offset(m) <= place->offset || !follows(c, s, p->seq);
    place->offset = mq_message_queue_offset(m);
  }
  if (wrong) {
    complain("disorder after seq %ld: %s:%d:%ld at %s offset %lld", s->last, p->prefix, p->queue, p->seq, where,
             (long long)mq_message_queue_offset(m));
    c->disorder++;
  }
}

static void seen(struct consume *c, const mq_message *m) {
  struct payload p;
  pthread_mutex_lock(&c->lock);
  c->received++;
  if (!parse_message(m, &p) || strcmp(mq_message_topic(m), c->topic) != 0 || !tag_wanted(c, p.seq)) {
    complain("corrupt: topic %s offset %lld", mq_message_topic(m), (long long)mq_message_queue_offset(m));
    c->corrupt++;
  } else {
    struct stream *s = stream_of(c, p.prefix, p.queue, true);
    if (mark(s, p.seq)) {
      c->distinct++;
      check_place(c, s, &p, m);
      s->last = p.seq;
    } else {
      complain("duplicate: %s:%d:%ld", p.prefix, p.queue, p.seq);
      c->duplicates++;
    }
  }
  pthread_mutex_unlock(&c->lock);
}

static bool complete(struct consume *c) {
  pthread_mutex_lock(&c->lock);
  bool all = c->distinct >= c->expect;
  pthread_mutex_unlock(&c->lock);
  return all;
}

static enum mq_consume_result listen(void *context, const mq_message *const *messages, size_t count) {
  for (size_t i = 0; i < count; i++) seen(context, messages[i]);
  return MQ_CONSUME_SUCCESS;
}

static void push(struct consume *c, const struct args *a, const char *model) {
  struct mq_error error;
  mq_push_consumer *consumer;
  mq_client *client = open_client(
      a, (const char *const[]){"consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", "messageModel", model, NULL});
  bool sql = strncmp(c->sub, "sql:", 4) == 0;
  if (mq_push_consumer_new(client, need(a, "-g"), &consumer, &error) != MQ_OK ||
      (sql ? mq_push_consumer_subscribe_sql(consumer, c->topic, c->sub + 4, &error)
           : mq_push_consumer_subscribe(consumer, c->topic, c->sub, &error)) != MQ_OK)
    die("consumer", &error);
  if (c->check_order)
    mq_push_consumer_listen_ordered(consumer, listen, c);
  else
    mq_push_consumer_listen(consumer, listen, c);
  if (mq_push_consumer_start(consumer, &error) != MQ_OK) die("consumer", &error);
  while (now_ms() < c->deadline_ms && (c->at_least || !complete(c))) sleep_ms(20);
  sleep_ms(QUIET_MS);
  mq_push_consumer_stop(consumer, 5000, NULL);
  mq_push_consumer_free(consumer);
  mq_client_free(client);
}

/* One pull; answers whether the offset moved. */
static bool pull_once(struct consume *c, mq_pull_consumer *consumer, struct mq_pull_request *q) {
  struct mq_error error;
  mq_pull_result *result;
  if (mq_pull_consumer_pull(consumer, q, &result, &error) != MQ_OK) die("pull", &error);
  for (size_t i = 0; i < mq_pull_result_count(result); i++) {
    const mq_message *m = mq_pull_result_message(result, i);
    if (mq_message_queue(m).id != q->queue.id || mq_message_queue_offset(m) < q->offset) {
      complain("message of another place");
      c->disorder++;
    }
    seen(c, m);
  }
  if (mq_pull_result_status(result) == MQ_PULL_OFFSET_ILLEGAL) {
    complain("offset %lld of queue %d is illegal", (long long)q->offset, (int)q->queue.id);
    c->disorder++;
  }
  int64_t next = mq_pull_result_next_offset(result);
  bool moved = next != q->offset;
  q->offset = next;
  mq_pull_result_free(result);
  return moved;
}

static void pull_all(struct consume *c, mq_pull_consumer *consumer, struct mq_pull_request *q, size_t n) {
  int64_t quiet_since = now_ms();
  while (now_ms() < c->deadline_ms) {
    bool moved = false;
    for (size_t i = 0; i < n; i++) moved |= pull_once(c, consumer, &q[i]);
    if (moved) {
      quiet_since = now_ms();
      continue;
    }
    if (now_ms() - quiet_since > QUIET_MS && (complete(c) || c->at_least)) break;
    sleep_ms(20);
  }
}

static void pull(struct consume *c, const struct args *a) {
  struct mq_error error;
  mq_pull_consumer *consumer;
  mq_queue_list *queues;
  mq_client *client = open_client(a, (const char *const[]){NULL});
  if (mq_pull_consumer_start(client, need(a, "-g"), &consumer, &error) != MQ_OK ||
      mq_pull_consumer_queues(consumer, c->topic, &queues, &error) != MQ_OK)
    die("consumer", &error);
  size_t n = mq_queue_list_count(queues);
  bool sql = strncmp(c->sub, "sql:", 4) == 0;
  struct mq_pull_request *q = calloc(n, sizeof *q);
  for (size_t i = 0; i < n; i++) {
    q[i] = (struct mq_pull_request){.topic = c->topic,
                                    .queue = mq_queue_list_get(queues, i),
                                    .expression = sql ? c->sub + 4 : c->sub,
                                    .sql = sql,
                                    .max_messages = PULL_BATCH};
    if (mq_pull_consumer_min_offset(consumer, c->topic, q[i].queue, &q[i].offset, &error) != MQ_OK)
      die("min offset", &error);
  }
  pull_all(c, consumer, q, n);
  for (size_t i = 0; i < n; i++)
    if (mq_pull_consumer_commit(consumer, c->topic, q[i].queue, q[i].offset, &error) != MQ_OK) die("commit", &error);
  free(q);
  mq_queue_list_free(queues);
  mq_pull_consumer_stop(consumer, 5000, NULL);
  mq_pull_consumer_free(consumer);
  mq_client_free(client);
}

static void look_for_lost(struct consume *c, const char *path) {
  FILE *file = fopen(path, "r");
  char line[512];
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    struct payload p;
    if (sscanf(line, "%255[^:]:%d:%ld", p.prefix, &p.queue, &p.seq) != 3) continue;
    const struct stream *s = stream_of(c, p.prefix, p.queue, false);
    if (s != NULL && p.seq < s->cap && s->seen[p.seq]) continue;
    if (c->lost++ < COMPLAINTS_MAX) fprintf(stderr, "lost: %s", line);
  }
  if (file != NULL) fclose(file);
}

static void forget_all(struct consume *c) {
  while (c->streams != NULL) {
    struct stream *next = c->streams->next;
    free(c->streams->seen);
    free(c->streams);
    c->streams = next;
  }
  while (c->places != NULL) {
    struct place *next = c->places->next;
    free(c->places);
    c->places = next;
  }
}

static int consume(const struct args *a) {
  check_args(a, (const char *const[]){"-n", "-t", "-g", "--expect", "--timeout", "--mode", "--sub", "--check-order",
                                      "--at-least", "--must-have", NULL});
  struct consume c = {.topic = need(a, "-t"),
                      .sub = get(a, "--sub", "*"),
                      .expect = atol(need(a, "--expect")),
                      .check_order = number(a, "--check-order", 0) != 0,
                      .at_least = number(a, "--at-least", 0) != 0,
                      .deadline_ms = now_ms() + number(a, "--timeout", 60) * 1000LL};
  const char *mode = get(a, "--mode", "push"), *must_have = get(a, "--must-have", NULL);
  if (!is_mode(mode, (const char *const[]){"push", "pull", "broadcast", NULL})) return 2;
  pthread_mutex_init(&c.lock, NULL);
  if (strcmp(mode, "pull") == 0)
    pull(&c, a);
  else
    push(&c, a, strcmp(mode, "push") == 0 ? "CLUSTERING" : "BROADCASTING");
  if (must_have != NULL) look_for_lost(&c, must_have);
  forget_all(&c);
  printf("{\"received\":%ld,\"distinct\":%ld,\"duplicates\":%ld,\"disorder\":%ld,\"corrupt\":%ld,\"lost\":%ld}\n",
         c.received, c.distinct, c.duplicates, c.disorder, c.corrupt, c.lost);
  bool enough = c.at_least ? c.distinct >= c.expect : c.distinct == c.expect;
  return enough && c.duplicates + c.disorder + c.corrupt + c.lost == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  struct args a = {argc, argv};
  if (argc >= 2 && strcmp(argv[1], "produce") == 0) return produce(&a);
  if (argc >= 2 && strcmp(argv[1], "consume") == 0) return consume(&a);
  fprintf(stderr, "usage: mqpeer produce|consume OPTIONS, see README.md\n");
  return 2;
}
