/* SPDX-License-Identifier: Apache-2.0
 *
 * mqbench: a load generator over libmqclient. One mode a run; the result is a
 * readable block, or one JSON line with --json.
 */
#include "tools/histogram.h"

#include <mqclient/mqclient.h>

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { THREADS_MAX = 1024, BODY_MAX = 4 << 20, TOUCH_TIMEOUT_MS = 10000, STOP_MS = 10000, IDLE_END_MS = 2000 };

static const char usage[] = "usage: mqbench [-n NAMESRV] [-t TOPIC] --mode MODE [options]\n"
                            "  --mode sync      N threads send and wait for each answer\n"
                            "         async     one thread keeps a window of sends under way\n"
                            "         oneway    one thread sends and asks for no answer\n"
                            "         consume   a push consumer drains the topic from its first message\n"
                            "         latency   as async at a given rate, with a consumer: end-to-end times\n"
                            "  --threads N      senders or listener threads (default 32)\n"
                            "  --window W       sends under way (default 1000)\n"
                            "  --size B         bytes of a body (default 128)\n"
                            "  --seconds S      how long (default 10), or\n"
                            "  --count C        how many messages\n"
                            "  --rate R         latency: messages a second (default 20000)\n"
                            "  --group G        producer or consumer group (default mqbench)\n"
                            "  --json           one line of JSON\n";

struct bench {
  const char *namesrv, *topic, *mode, *group;
  int threads, window, size, seconds, rate;
  int64_t count; /* 0: until the seconds are over */
  bool json;

  mq_client *client;
  mq_producer *producer;
  char *body;
  uint64_t end_ns;
  _Atomic int64_t started, done, failed, received;
  _Atomic uint64_t last_ns; /* of the last message received */
  pthread_mutex_t lock;     /* of total and first_error */
  struct histogram total;
  char first_error[MQ_ERROR_TEXT_MAX];
};

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what, const struct mq_error *e) {
  fprintf(stderr, "mqbench: %s: %s: %s\n", what, mq_error_text(e->result), e->text);
  exit(1);
}

static void note_failure(struct bench *b, const struct mq_error *e) {
  b->failed++;
  pthread_mutex_lock(&b->lock);
  if (b->first_error[0] == '\0' && e != NULL) memcpy(b->first_error, e->text, sizeof b->first_error);
  pthread_mutex_unlock(&b->lock);
}

/* May another message be sent? */
static bool next(struct bench *b) {
  if (b->count > 0) return b->started++ < b->count;
  return now_ns() < b->end_ns;
}

/* ---- sync ---- */

static void *sync_sender(void *arg) {
  struct bench *b = arg;
  struct histogram *h = calloc(1, sizeof *h);
  mq_message *m = mq_message_new(b->topic, b->body, (size_t)b->size);
  struct mq_error e;
  while (next(b)) {
    uint64_t begin = now_ns();
    if (mq_producer_send(b->producer, m, NULL, NULL, &e) == MQ_OK) {
      histogram_add(h, (now_ns() - begin) / 1000);
      b->done++;
    } else {
      note_failure(b, &e);
    }
  }
  mq_message_free(m);
  pthread_mutex_lock(&b->lock);
  histogram_merge(&b->total, h);
  pthread_mutex_unlock(&b->lock);
  free(h);
  return NULL;
}

static void run_sync(struct bench *b) {
  pthread_t threads[THREADS_MAX];
  for (int i = 0; i < b->threads; i++) pthread_create(&threads[i], NULL, sync_sender, b);
  for (int i = 0; i < b->threads; i++) pthread_join(threads[i], NULL);
}

/* ---- async, oneway ---- */

/* Callbacks all run on the client's thread, so total has one writer. */
static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *e);

struct sent {
  struct bench *b;
  uint64_t begin_ns;
  struct sent *next_free;
};

static struct sent *free_list; /* filled by the callbacks, emptied by the sender */
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t free_cond = PTHREAD_COND_INITIALIZER;

static void give_back(struct sent *s) {
  pthread_mutex_lock(&free_lock);
  bool was_empty = free_list == NULL;
  s->next_free = free_list;
  free_list = s;
  pthread_mutex_unlock(&free_lock);
  if (was_empty) pthread_cond_signal(&free_cond);
}

/* The whole list at once, so that the lock is taken once for many sends. */
static struct sent *take_all(void) {
  pthread_mutex_lock(&free_lock);
  while (free_list == NULL) pthread_cond_wait(&free_cond, &free_lock);
  struct sent *list = free_list;
  free_list = NULL;
  pthread_mutex_unlock(&free_lock);
  return list;
}

static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *e) {
  struct sent *s = context;
  (void)result;
  if (outcome == MQ_OK) {
    histogram_add(&s->b->total, (now_ns() - s->begin_ns) / 1000);
    s->b->done++;
  } else {
    note_failure(s->b, e);
  }
  give_back(s);
}

static void run_async(struct bench *b) {
  struct sent *slots = calloc((size_t)b->window, sizeof *slots);
  mq_message *m = mq_message_new(b->topic, b->body, (size_t)b->size);
  struct sent *list = NULL;
  struct mq_error e;
  for (int i = 0; i < b->window; i++) {
    slots[i] = (struct sent){b, 0, list};
    list = &slots[i];
  }
  while (next(b)) {
    if (list == NULL) list = take_all();
    struct sent *s = list;
    list = s->next_free;
    s->begin_ns = now_ns();
    if (mq_producer_send_async(b->producer, m, NULL, on_sent, s, &e) != MQ_OK) {
      note_failure(b, &e);
      s->next_free = list;
      list = s;
    }
  }
  mq_message_free(m);
  mq_producer_stop(b->producer, STOP_MS, NULL); /* waits for what is under way */
  free(slots);
}

static void run_oneway(struct bench *b) {
  mq_message *m = mq_message_new(b->topic, b->body, (size_t)b->size);
  struct mq_error e;
  while (next(b)) {
    if (mq_producer_send_oneway(b->producer, m, NULL, &e) == MQ_OK) b->done++;
    else note_failure(b, &e);
  }
  mq_message_free(m);
}

/* ---- consume, latency ---- */

static enum mq_consume_result on_messages(void *context, const mq_message *const *messages, size_t count) {
  struct bench *b = context;
  (void)messages;
  b->received += (int64_t)count;
  b->last_ns = now_ns();
  return MQ_CONSUME_SUCCESS;
}

/* Bodies begin with the sender's clock (same machine). */
static enum mq_consume_result on_timed(void *context, const mq_message *const *messages, size_t count) {
  struct bench *b = context;
  uint64_t now = now_ns();
  pthread_mutex_lock(&b->lock);
  for (size_t i = 0; i < count; i++) {
    size_t len;
    uint64_t sent;
    const void *body = mq_message_body(messages[i], &len);
    if (len < sizeof sent) continue;
    memcpy(&sent, body, sizeof sent);
    if (sent <= now && now - sent < UINT64_C(60000000000)) histogram_add(&b->total, (now - sent) / 1000);
  }
  pthread_mutex_unlock(&b->lock);
  b->received += (int64_t)count;
  b->last_ns = now;
  return MQ_CONSUME_SUCCESS;
}

static mq_push_consumer *start_consumer(struct bench *b, mq_message_listener listener) {
  mq_push_consumer *c;
  struct mq_error e;
  if (mq_push_consumer_new(b->client, b->group, &c, &e) != MQ_OK) die("consumer", &e);
  mq_push_consumer_listen(c, listener, b);
  if (mq_push_consumer_subscribe(c, b->topic, "*", &e) != MQ_OK) die("subscribe", &e);
  if (mq_push_consumer_start(c, &e) != MQ_OK) die("start of the consumer", &e);
  return c;
}

static void stop_consumer(mq_push_consumer *c) {
  mq_push_consumer_stop(c, STOP_MS, NULL);
  mq_push_consumer_free(c);
}

static void sleep_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

/* From the first message until `count` have come, or none for two seconds. Returns the time used. */
static uint64_t run_consume(struct bench *b) {
  mq_push_consumer *c = start_consumer(b, on_messages);
  uint64_t give_up = now_ns() + (uint64_t)b->seconds * 1000000000u + UINT64_C(30000000000), begin = 0;
  while (now_ns() < give_up) {
    int64_t got = b->received;
    if (got > 0 && begin == 0) begin = now_ns();
    if (b->count > 0 && got >= b->count) break;
    if (begin != 0 && now_ns() - b->last_ns > IDLE_END_MS * UINT64_C(1000000)) break;
    sleep_ms(1);
  }
  b->done = b->received;
  uint64_t used = begin == 0 ? 1 : b->last_ns - begin;
  stop_consumer(c);
  return used == 0 ? 1 : used;
}

static void on_paced(void *context, enum mq_result outcome, const struct mq_send_result *result,
                     const struct mq_error *e) {
  struct bench *b = context;
  (void)result;
  if (outcome == MQ_OK) b->done++;
  else note_failure(b, e);
}

/* Returns the time in which was sent. */
static uint64_t run_latency(struct bench *b) {
  mq_push_consumer *c = start_consumer(b, on_timed);
  sleep_ms(3000); /* the queues have been shared out */
  mq_message *m = mq_message_new(b->topic, b->body, (size_t)b->size);
  uint64_t begin = now_ns(), sent = 0;
  struct mq_error e;
  b->end_ns = begin + (uint64_t)b->seconds * 1000000000u;
  while (now_ns() < b->end_ns) {
    uint64_t due = (now_ns() - begin) / 1000 * (uint64_t)b->rate / 1000000;
    for (; sent < due; sent++) {
      uint64_t stamp = now_ns();
      memcpy(b->body, &stamp, sizeof stamp);
      mq_message_set_body(m, b->body, (size_t)b->size);
      if (mq_producer_send_async(b->producer, m, NULL, on_paced, b, &e) != MQ_OK) note_failure(b, &e);
    }
    sleep_ms(1);
  }
  uint64_t used = now_ns() - begin;
  mq_message_free(m);
  sleep_ms(IDLE_END_MS);
  stop_consumer(c);
  return used;
}

/* ---- frame ---- */

static bool number(const char *text, long least, long most, int *out) {
  char *end;
  long v = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || v < least || v > most) return false;
  *out = (int)v;
  return true;
}

static bool parse(int argc, char **argv, struct bench *b) {
  enum { MODE = 256, THREADS, WINDOW, SIZE, SECONDS, COUNT, RATE, GROUP, JSON };
  static const struct option longs[] = {{"mode", 1, NULL, MODE},
                                        {"threads", 1, NULL, THREADS},
                                        {"window", 1, NULL, WINDOW},
                                        {"size", 1, NULL, SIZE},
                                        {"seconds", 1, NULL, SECONDS},
                                        {"count", 1, NULL, COUNT},
                                        {"rate", 1, NULL, RATE},
                                        {"group", 1, NULL, GROUP},
                                        {"json", 0, NULL, JSON},
                                        {"help", 0, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  int option, count = 0;
  bool ok = true;
  while (ok && (option = getopt_long(argc, argv, "n:t:h", longs, NULL)) != -1) {
    switch (option) {
    case 'n':
      b->namesrv = optarg;
      break;
    case 't':
      b->topic = optarg;
      break;
    case MODE:
      b->mode = optarg;
      break;
    case THREADS:
      ok = number(optarg, 1, THREADS_MAX, &b->threads);
      break;
    case WINDOW:
      ok = number(optarg, 1, 1000000, &b->window);
      break;
    case SIZE:
      ok = number(optarg, 8, BODY_MAX, &b->size);
      break;
    case SECONDS:
      ok = number(optarg, 1, 86400, &b->seconds);
      break;
    case COUNT:
      ok = number(optarg, 1, INT32_MAX, &count);
      break;
    case RATE:
      ok = number(optarg, 1, 10000000, &b->rate);
      break;
    case GROUP:
      b->group = optarg;
      break;
    case JSON:
      b->json = true;
      break;
    case 'h':
      fputs(usage, stdout);
      exit(0);
    default:
      ok = false;
    }
  }
  b->count = count;
  return ok && b->mode != NULL && optind == argc;
}

static void start(struct bench *b) {
  struct mq_error e;
  mq_config *config = mq_config_new();
  if (config == NULL || mq_config_set(config, "namesrvAddr", b->namesrv, &e) != MQ_OK ||
      mq_config_set_int(config, "maxPendingSends", b->window + THREADS_MAX, &e) != MQ_OK ||
      mq_config_set_int(config, "consumeThreadMin", b->threads, &e) != MQ_OK ||
      mq_config_set_int(config, "consumeThreadMax", b->threads, &e) != MQ_OK ||
      mq_config_set_int(config, "consumeMessageBatchMaxSize", 32, &e) != MQ_OK ||
      mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", &e) != MQ_OK ||
      mq_client_start(config, &b->client, &e) != MQ_OK)
    die("start", &e);
  mq_config_free(config);
  if (strcmp(b->mode, "consume") == 0) return;
  if (mq_producer_start(b->client, b->group, &b->producer, &e) != MQ_OK) die("producer", &e);
  /* The topic exists and is known before the clock starts. */
  mq_message *m = mq_message_new(b->topic, b->body, (size_t)b->size);
  struct mq_send_options first = {.timeout_ms = TOUCH_TIMEOUT_MS};
  if (mq_producer_send(b->producer, m, &first, NULL, &e) != MQ_OK) die("first message", &e);
  mq_message_free(m);
}

static double cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void print(const struct bench *b, double seconds, double cpu) {
  const struct histogram *h = &b->total;
  double rate = (double)b->done / seconds;
  if (b->json)
    printf("{\"mode\":\"%s\",\"messages\":%lld,\"failed\":%lld,\"seconds\":%.3f,\"rate\":%.0f,\"mb_s\":%.2f,\"p50_us\":"
           "%llu,"
           "\"p99_us\":%llu,\"p999_us\":%llu,\"max_us\":%llu,\"received\":%lld,\"client_cpu_s\":%.3f}\n",
           b->mode, (long long)b->done, (long long)b->failed, seconds, rate, rate * b->size / 1e6,
           (unsigned long long)histogram_at(h, 0.5), (unsigned long long)histogram_at(h, 0.99),
           (unsigned long long)histogram_at(h, 0.999), (unsigned long long)h->max, (long long)b->received, cpu);
  else
    printf("%s: %lld messages of %d bytes in %.2f s: %.0f msg/s, %.1f MB/s; %lld failed%s%s\n"
           "  p50 %.2f ms  p99 %.2f ms  p99.9 %.2f ms  max %.2f ms; received %lld; client CPU %.2f s\n",
           b->mode, (long long)b->done, b->size, seconds, rate, rate * b->size / 1e6, (long long)b->failed,
           b->first_error[0] != '\0' ? ", first: " : "", b->first_error, (double)histogram_at(h, 0.5) / 1e3,
           (double)histogram_at(h, 0.99) / 1e3, (double)histogram_at(h, 0.999) / 1e3, (double)h->max / 1e3,
           (long long)b->received, cpu);
}

int main(int argc, char **argv) {
  static struct bench b = {.namesrv = "127.0.0.1:9876",
                           .topic = "BenchmarkTest",
                           .group = "mqbench",
                           .threads = 32,
                           .window = 1000,
                           .size = 128,
                           .seconds = 10,
                           .rate = 20000,
                           .lock = PTHREAD_MUTEX_INITIALIZER};
  if (!parse(argc, argv, &b)) {
    fputs(usage, stderr);
    return 2;
  }
  b.body = malloc((size_t)b.size);
  if (b.body == NULL) return 1;
  for (int i = 0; i < b.size; i++) b.body[i] = (char)('a' + i * 7 % 26);
  start(&b);
  double cpu = cpu_seconds();
  uint64_t begin = now_ns(), used = 0;
  b.end_ns = begin + (uint64_t)b.seconds * 1000000000u;
  if (strcmp(b.mode, "sync") == 0) run_sync(&b);
  else if (strcmp(b.mode, "async") == 0) run_async(&b);
  else if (strcmp(b.mode, "oneway") == 0) run_oneway(&b);
  else if (strcmp(b.mode, "consume") == 0) used = run_consume(&b);
  else if (strcmp(b.mode, "latency") == 0) used = run_latency(&b);
  else {
    fprintf(stderr, "mqbench: unknown mode \"%s\"\n%s", b.mode, usage);
    return 2;
  }
  if (used == 0) used = now_ns() - begin;
  print(&b, (double)used / 1e9, cpu_seconds() - cpu);
  if (b.producer != NULL) mq_producer_stop(b.producer, STOP_MS, NULL);
  mq_producer_free(b.producer);
  mq_client_free(b.client);
  free(b.body);
  return b.failed > 0 || b.done == 0;
}
