/* SPDX-License-Identifier: Apache-2.0
 *
 * mqbench: load on a broker through the public API, and how long it took.
 */
#include "tools/histogram.h"

#include <getopt.h>
#include <mqclient/mqclient.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 256, STOP_MS = 10000, IDLE_MS = 3000, NS_PER_MS = 1000000 };

static const char HELP[] =
    "usage: mqbench -n NAMESRV -t TOPIC [--mode MODE] [OPTION]...\n"
    "\n"
    "  -n, --namesrv HOST:PORT   name servers (default 127.0.0.1:9876)\n"
    "  -t, --topic TOPIC         topic (default BenchmarkTest)\n"
    "  -g, --group GROUP         group (default mqbench)\n"
    "      --mode MODE           sync: blocking sends; async: --window under way per thread; oneway;\n"
    "                            consume: a new group reads from the first offset;\n"
    "                            latency: from the call of send to the listener, --rate per second\n"
    "      --threads N           sending threads, one producer (default 1)\n"
    "      --window W            asynchronous sends under way per thread (default 1000)\n"
    "      --batch N             messages per request or listener call (default 1, consume 32)\n"
    "      --size B              bytes of a body (default 100)\n"
    "      --rate R              latency: messages per second (default 1000)\n"
    "      --seconds S           how long (default 10)\n"
    "      --count N             stop after so many messages instead\n"
    "      --set KEY=VALUE       a setting of the client\n"
    "      --json                one line of JSON instead of text\n";

struct bench {
  const char *mode, *topic, *group;
  int threads, window, batch, size, rate;
  double seconds;
  int64_t count; /* 0: no limit */
  bool json;
  mq_client *client;
  mq_producer *producer;
  int64_t end_ns;
  atomic_llong claimed; /* messages taken from count */
  atomic_llong failed;
  atomic_flag complained;
  /* consume, latency */
  atomic_llong consumed, consumed_bytes;
  atomic_llong first_ns, last_ns;
  pthread_mutex_t lock;
  struct histogram end_to_end; /* under lock */
  int64_t run;                 /* latency: tells our messages from others */
};

struct worker {
  struct bench *b;
  pthread_t thread;
  struct histogram latency; /* sync: own thread; async: the loop thread */
  int64_t sent;             /* messages with success */
  /* async */
  atomic_int in_flight;
  atomic_bool waiting;
  pthread_mutex_t lock;
  pthread_cond_t room;
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_ns(int64_t ns) {
  if (ns <= 0) return;
  struct timespec t = {ns / 1000000000, ns % 1000000000};
  nanosleep(&t, NULL);
}

static double cpu_seconds(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int die(const char *what, const struct mq_error *error) {
  fprintf(stderr, "mqbench: %s: %s: %s\n", what, mq_error_text(error->result), error->text);
  exit(1);
}

static void failed(struct bench *b, int n, const struct mq_error *error) {
  atomic_fetch_add(&b->failed, n);
  if (!atomic_flag_test_and_set(&b->complained))
    fprintf(stderr, "mqbench: first failure: %s: %s\n", mq_error_text(error->result), error->text);
}

/* How many messages the next request may carry; 0: it is over. */
static int claim(struct bench *b) {
  if (b->count == 0) return now_ns() < b->end_ns ? b->batch : 0;
  int64_t before = atomic_fetch_add(&b->claimed, b->batch);
  int64_t left = b->count - before;
  return left <= 0 ? 0 : left < b->batch ? (int)left : b->batch;
}

/* ---- sending ---- */

static mq_message **make_messages(const struct bench *b) {
  char *body = malloc((size_t)b->size);
  mq_message **messages = calloc((size_t)b->batch, sizeof(mq_message *));
  if (body == NULL || messages == NULL) exit(1);
  memset(body, 'x', (size_t)b->size);
  for (int i = 0; i < b->batch; i++)
    if ((messages[i] = mq_message_new(b->topic, body, (size_t)b->size)) == NULL) exit(1);
  free(body);
  return messages;
}

static void free_messages(const struct bench *b, mq_message **messages) {
  for (int i = 0; i < b->batch; i++) mq_message_free(messages[i]);
  free(messages);
}

static void *send_sync(void *arg) {
  struct worker *w = arg;
  struct bench *b = w->b;
  mq_message **messages = make_messages(b);
  bool oneway = strcmp(b->mode, "oneway") == 0;
  for (int n; (n = claim(b)) > 0;) {
    struct mq_error error;
    int64_t start = now_ns();
    enum mq_result r = oneway    ? mq_producer_send_oneway(b->producer, messages[0], NULL, &error)
                       : n > 1   ? mq_producer_send_batch(b->producer, (const mq_message *const *)messages, (size_t)n,
                                                          NULL, NULL, &error)
                                 : mq_producer_send(b->producer, messages[0], NULL, NULL, &error);
    if (r != MQ_OK) {
      failed(b, n, &error);
      continue;
    }
    histogram_add(&w->latency, (uint64_t)(now_ns() - start));
    w->sent += n;
  }
  free_messages(b, messages);
  return NULL;
}

/* The start time and the worker in one pointer: 48 bits of ns (3 days) and 16 of index. */
static struct worker *workers_base;

static void *pack(const struct worker *w, int64_t start_ns) {
  return (void *)(((uintptr_t)(w - workers_base) << 48) | ((uintptr_t)start_ns & 0xFFFFFFFFFFFF));
}

static void leave(struct worker *w) {
  /* Woken when half the window is empty: a thread that wakes should find work. */
  int left = atomic_fetch_sub(&w->in_flight, 1) - 1;
  if (left > w->b->window / 2 || !atomic_load(&w->waiting)) return;
  pthread_mutex_lock(&w->lock);
  pthread_cond_signal(&w->room);
  pthread_mutex_unlock(&w->lock);
}

static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *error) {
  struct worker *w = &workers_base[(uintptr_t)context >> 48];
  int64_t taken = (now_ns() - (int64_t)(uintptr_t)context) & 0xFFFFFFFFFFFF;
  (void)result;
  if (outcome == MQ_OK) {
    histogram_add(&w->latency, (uint64_t)taken);
    w->sent += w->b->batch;
  } else {
    failed(w->b, w->b->batch, error);
  }
  leave(w);
}

static void wait_for(struct worker *w, int at_most) {
  if (atomic_load(&w->in_flight) <= at_most) return;
  pthread_mutex_lock(&w->lock);
  atomic_store(&w->waiting, true);
  while (atomic_load(&w->in_flight) > at_most) pthread_cond_wait(&w->room, &w->lock);
  atomic_store(&w->waiting, false);
  pthread_mutex_unlock(&w->lock);
}

static void *send_async(void *arg) {
  struct worker *w = arg;
  struct bench *b = w->b;
  mq_message **messages = make_messages(b);
  struct mq_error error;
  for (int n; (n = claim(b)) > 0;) {
    if (atomic_load(&w->in_flight) >= b->window) wait_for(w, b->window / 2);
    atomic_fetch_add(&w->in_flight, 1);
    void *context = pack(w, now_ns());
    enum mq_result r = b->batch > 1 ? mq_producer_send_batch_async(b->producer, (const mq_message *const *)messages,
                                                                   (size_t)b->batch, NULL, on_sent, context, &error)
                                    : mq_producer_send_async(b->producer, messages[0], NULL, on_sent, context, &error);
    if (r == MQ_OK) continue;
    failed(b, n, &error);
    leave(w);
  }
  wait_for(w, 0);
  free_messages(b, messages);
  return NULL;
}

/* ---- results ---- */

struct outcome {
  int64_t messages;
  double seconds, cpu;
  const struct histogram *latency; /* NULL: not measured */
};

static void print_json(const struct bench *b, const struct outcome *o) {
  printf("{\"mode\":\"%s\",\"threads\":%d,\"size\":%d,\"messages\":%lld,\"failed\":%lld,\"seconds\":%.3f,"
         "\"rate\":%.0f,\"mb_per_s\":%.2f,\"cpu_seconds\":%.3f",
         b->mode, b->threads, b->size, (long long)o->messages, (long long)b->failed, o->seconds,
         (double)o->messages / o->seconds, (double)o->messages * b->size / o->seconds / 1e6, o->cpu);
  if (o->latency != NULL)
    printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f",
           (double)histogram_at(o->latency, 500) / 1e3, (double)histogram_at(o->latency, 990) / 1e3,
           (double)histogram_at(o->latency, 999) / 1e3, (double)o->latency->max / 1e3);
  puts("}");
}

static void print_result(const struct bench *b, const struct outcome *o) {
  if (b->json) {
    print_json(b, o);
    return;
  }
  printf("%s: %lld messages in %.2f s, %lld failed\n", b->mode, (long long)o->messages, o->seconds,
         (long long)b->failed);
  printf("  %.0f msg/s, %.2f MB/s, own CPU %.2f s (%.2f us per message)\n", (double)o->messages / o->seconds,
         (double)o->messages * b->size / o->seconds / 1e6, o->cpu, o->cpu * 1e6 / (double)(o->messages + 1));
  if (o->latency != NULL)
    printf("  p50 %.1f us, p99 %.1f us, p99.9 %.1f us, max %.1f us\n", (double)histogram_at(o->latency, 500) / 1e3,
           (double)histogram_at(o->latency, 990) / 1e3, (double)histogram_at(o->latency, 999) / 1e3,
           (double)o->latency->max / 1e3);
}

static void open_producer(struct bench *b) {
  struct mq_error error;
  if (mq_producer_start(b->client, b->group, &b->producer, &error) != MQ_OK) die("producer", &error);
  mq_message **messages = make_messages(b);
  /* Route and connection are there before the clock starts. */
  if (mq_producer_send(b->producer, messages[0], NULL, NULL, &error) != MQ_OK) die("send", &error);
  free_messages(b, messages);
}

static void close_producer(struct bench *b) {
  mq_producer_stop(b->producer, STOP_MS, NULL);
  mq_producer_free(b->producer);
}

static void run_senders(struct bench *b, void *(*run)(void *arg)) {
  struct worker *workers = calloc((size_t)b->threads, sizeof *workers);
  if (workers == NULL) exit(1);
  workers_base = workers;
  open_producer(b);
  double cpu = cpu_seconds();
  int64_t start = now_ns();
  b->end_ns = start + (int64_t)(b->seconds * 1e9);
  for (int i = 0; i < b->threads; i++) {
    workers[i].b = b;
    pthread_mutex_init(&workers[i].lock, NULL);
    pthread_cond_init(&workers[i].room, NULL);
    pthread_create(&workers[i].thread, NULL, run, &workers[i]);
  }
  for (int i = 0; i < b->threads; i++) pthread_join(workers[i].thread, NULL);
  if (strcmp(b->mode, "oneway") == 0) close_producer(b); /* until the last one has left */
  struct outcome o = {.seconds = (double)(now_ns() - start) / 1e9, .cpu = cpu_seconds() - cpu};
  if (strcmp(b->mode, "oneway") != 0) close_producer(b); /* the last callbacks are over */
  struct histogram *all = calloc(1, sizeof *all);
  for (int i = 0; i < b->threads && all != NULL; i++) {
    histogram_merge(all, &workers[i].latency);
    o.messages += workers[i].sent;
  }
  o.latency = all;
  print_result(b, &o);
  free(all);
  free(workers);
}

/* ---- consuming ---- */

static enum mq_consume_result count_messages(void *context, const mq_message *const *messages, size_t count) {
  struct bench *b = context;
  long long bytes = 0, now = now_ns();
  for (size_t i = 0; i < count; i++) {
    size_t length;
    mq_message_body(messages[i], &length);
    bytes += (long long)length;
  }
  if (atomic_fetch_add(&b->consumed, (long long)count) == 0) atomic_store(&b->first_ns, now);
  atomic_fetch_add(&b->consumed_bytes, bytes);
  atomic_store(&b->last_ns, now);
  return MQ_CONSUME_SUCCESS;
}

static mq_push_consumer *open_consumer(struct bench *b, mq_message_listener listener) {
  struct mq_error error;
  mq_push_consumer *consumer;
  char group[256];
  snprintf(group, sizeof group, "%s_%lld", b->group, (long long)time(NULL) * 1000 + getpid() % 1000);
  if (mq_push_consumer_new(b->client, group, &consumer, &error) != MQ_OK ||
      mq_push_consumer_subscribe(consumer, b->topic, "*", &error) != MQ_OK)
    die("consumer", &error);
  mq_push_consumer_listen(consumer, listener, b);
  if (mq_push_consumer_start(consumer, &error) != MQ_OK) die("consumer", &error);
  return consumer;
}

static void run_consume(struct bench *b) {
  int64_t start = now_ns();
  double cpu = cpu_seconds();
  mq_push_consumer *consumer = open_consumer(b, count_messages);
  int64_t end = start + (int64_t)(b->seconds * 1e9);
  for (;;) {
    sleep_ns(10 * NS_PER_MS);
    int64_t now = now_ns(), last = atomic_load(&b->last_ns);
    if (b->count > 0 && atomic_load(&b->consumed) >= b->count) break;
    if (b->count == 0 && now > end) break;
    if (last != 0 && now - last > (int64_t)IDLE_MS * NS_PER_MS) break; /* the topic has no more */
    if (b->count > 0 && last == 0 && now > end) break;
  }
  int64_t messages = atomic_load(&b->consumed);
  int64_t taken = atomic_load(&b->last_ns) - atomic_load(&b->first_ns);
  struct outcome o = {.messages = messages, .seconds = taken > 0 ? (double)taken / 1e9 : 1e-9, .cpu = cpu_seconds() - cpu};
  b->size = messages > 0 ? (int)(atomic_load(&b->consumed_bytes) / messages) : 0;
  mq_push_consumer_stop(consumer, STOP_MS, NULL);
  mq_push_consumer_free(consumer);
  print_result(b, &o);
}

/* ---- end to end ---- */

struct stamp { /* the first bytes of a body */
  int64_t run;
  int64_t sent_ns;
};

static enum mq_consume_result measure(void *context, const mq_message *const *messages, size_t count) {
  struct bench *b = context;
  int64_t now = now_ns();
  for (size_t i = 0; i < count; i++) {
    size_t length;
    const void *body = mq_message_body(messages[i], &length);
    struct stamp stamp;
    if (length < sizeof stamp) continue;
    memcpy(&stamp, body, sizeof stamp);
    if (stamp.run != b->run) continue; /* of somebody else */
    atomic_fetch_add(&b->consumed, 1);
    if (stamp.sent_ns == 0) continue; /* of the warm-up */
    pthread_mutex_lock(&b->lock);
    histogram_add(&b->end_to_end, (uint64_t)(now - stamp.sent_ns));
    pthread_mutex_unlock(&b->lock);
  }
  return MQ_CONSUME_SUCCESS;
}

static void count_failure(void *context, enum mq_result outcome, const struct mq_send_result *result,
                          const struct mq_error *error) {
  (void)result;
  if (outcome != MQ_OK) failed(context, 1, error);
}

static void send_stamped(struct bench *b, mq_message *message, char *body, int64_t sent_ns) {
  struct mq_error error;
  struct stamp stamp = {b->run, sent_ns};
  memcpy(body, &stamp, sizeof stamp);
  mq_message_set_body(message, body, (size_t)b->size);
  if (mq_producer_send_async(b->producer, message, NULL, count_failure, b, &error) != MQ_OK) failed(b, 1, &error);
}

static void run_latency(struct bench *b) {
  if (b->size < (int)sizeof(struct stamp)) b->size = sizeof(struct stamp);
  b->run = now_ns() ^ (int64_t)getpid() << 40;
  char *body = calloc(1, (size_t)b->size);
  mq_message *message = mq_message_new(b->topic, "x", 1);
  open_producer(b);
  mq_push_consumer *consumer = open_consumer(b, measure);
  /* The consumer begins at the end of the queues: ping until it hears. */
  for (int i = 0; i < 300 && atomic_load(&b->consumed) == 0; i++) {
    send_stamped(b, message, body, 0);
    sleep_ns(100 * NS_PER_MS);
  }
  double cpu = cpu_seconds();
  int64_t start = now_ns(), step = 1000000000 / b->rate, sent = 0;
  int64_t limit = b->count > 0 ? b->count : (int64_t)(b->seconds * b->rate);
  for (; sent < limit; sent++) {
    sleep_ns(start + sent * step - now_ns());
    send_stamped(b, message, body, now_ns());
  }
  struct outcome o = {.messages = sent, .seconds = (double)(now_ns() - start) / 1e9, .cpu = cpu_seconds() - cpu};
  sleep_ns(500LL * NS_PER_MS); /* for those still on their way */
  mq_push_consumer_stop(consumer, STOP_MS, NULL);
  mq_push_consumer_free(consumer);
  close_producer(b);
  o.latency = &b->end_to_end;
  print_result(b, &o);
  mq_message_free(message);
  free(body);
}

/* ---- command line ---- */

static void set_pair(mq_config *config, const char *pair) {
  struct mq_error error;
  char key[128];
  const char *equal = strchr(pair, '=');
  size_t n = equal == NULL ? strlen(pair) : (size_t)(equal - pair);
  snprintf(key, sizeof key, "%.*s", (int)n, pair);
  if (mq_config_set(config, key, equal == NULL ? "" : equal + 1, &error) != MQ_OK) die("--set", &error);
}

static void parse(struct bench *b, mq_config *config, int argc, char **argv) {
  enum { MODE = 256, THREADS, WINDOW, BATCH, SIZE, RATE, SECONDS, COUNT, SET, JSON };
  static const struct option options[] = {
      {"namesrv", 1, NULL, 'n'},  {"topic", 1, NULL, 't'},    {"group", 1, NULL, 'g'},     {"mode", 1, NULL, MODE},
      {"threads", 1, NULL, THREADS}, {"window", 1, NULL, WINDOW}, {"batch", 1, NULL, BATCH}, {"size", 1, NULL, SIZE},
      {"rate", 1, NULL, RATE},    {"seconds", 1, NULL, SECONDS}, {"count", 1, NULL, COUNT}, {"set", 1, NULL, SET},
      {"json", 0, NULL, JSON},    {"help", 0, NULL, 'h'},     {NULL, 0, NULL, 0}};
  struct mq_error error;
  const char *servers = getenv("NAMESRV_ADDR");
  if (servers == NULL) servers = "127.0.0.1:9876";
  for (int o; (o = getopt_long(argc, argv, "n:t:g:h", options, NULL)) != -1;) {
    switch (o) {
    case 'n': servers = optarg; break;
    case 't': b->topic = optarg; break;
    case 'g': b->group = optarg; break;
    case MODE: b->mode = optarg; break;
    case THREADS: b->threads = atoi(optarg); break;
    case WINDOW: b->window = atoi(optarg); break;
    case BATCH: b->batch = atoi(optarg); break;
    case SIZE: b->size = atoi(optarg); break;
    case RATE: b->rate = atoi(optarg); break;
    case SECONDS: b->seconds = atof(optarg); break;
    case COUNT: b->count = atoll(optarg); break;
    case SET: set_pair(config, optarg); break;
    case JSON: b->json = true; break;
    case 'h': fputs(HELP, stdout); exit(0);
    default: fputs(HELP, stderr); exit(2);
    }
  }
  if (optind < argc || b->threads < 1 || b->threads > THREADS_MAX || b->window < 1 || b->size < 1 || b->rate < 1) {
    fputs(HELP, stderr);
    exit(2);
  }
  if (mq_config_set(config, "namesrvAddr", servers, &error) != MQ_OK) die("namesrvAddr", &error);
}

int main(int argc, char **argv) {
  static struct bench b = {.mode = "sync",
                           .topic = "BenchmarkTest",
                           .group = "mqbench",
                           .threads = 1,
                           .window = 1000,
                           .size = 100,
                           .rate = 1000,
                           .seconds = 10,
                           .complained = ATOMIC_FLAG_INIT,
                           .lock = PTHREAD_MUTEX_INITIALIZER};
  struct mq_error error;
  mq_config *config = mq_config_new();
  if (config == NULL) return 1;
  parse(&b, config, argc, argv);
  bool consume = strcmp(b.mode, "consume") == 0;
  if (b.batch < 1) b.batch = consume ? 32 : 1;
  if (consume) {
    mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", NULL);
    mq_config_set_int(config, "consumeMessageBatchMaxSize", b.batch, NULL);
  }
  if (mq_client_start(config, &b.client, &error) != MQ_OK) die("client", &error);
  mq_config_free(config);
  if (consume)
    run_consume(&b);
  else if (strcmp(b.mode, "latency") == 0)
    run_latency(&b);
  else if (strcmp(b.mode, "sync") == 0 || strcmp(b.mode, "oneway") == 0)
    run_senders(&b, send_sync);
  else if (strcmp(b.mode, "async") == 0)
    run_senders(&b, send_async);
  else {
    fputs(HELP, stderr);
    return 2;
  }
  mq_client_free(b.client);
  return b.failed > 0;
}
