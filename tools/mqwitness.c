/* SPDX-License-Identifier: Apache-2.0
 *
 * mqwitness: sends numbered messages at a steady pace, consumes them, and
 * remembers which were acknowledged and which came. While somebody else kills
 * brokers it says every second how the service is; at the end it says what was
 * lost (acknowledged and never consumed), what came twice, how long sending
 * and consuming paused, and whether two messages got the same queue offset.
 * Exit status 0: nothing acknowledged was lost and no offset was given twice.
 */
#include <mqclient/mqclient.h>

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 256, NUMBERS_MAX = 1 << 27, BODY_MAX = 4 << 20, PLACES_MAX = 1024, STOP_MS = 10000 };
enum { ACKNOWLEDGED = 1, CONSUMED = 2, UNSURE = 4 }; /* bits of a message's fate */

static const char usage[] =
    "usage: mqwitness [-n NAMESRV] [-t TOPIC] [options]\n"
    "  --threads N      senders, each waits for its answers (default 8)\n"
    "  --rate R         messages a second, all senders together (default 1000)\n"
    "  --size B         bytes of a body (default 256)\n"
    "  --seconds S      how long to send (default 10; SIGINT or SIGTERM ends it too)\n"
    "  --settle S       how long to wait for the last messages (default 30)\n"
    "  --work MS        the listener takes so long for a message, and few are held in advance: a backlog grows\n"
    "  --group G        producer and consumer group (default mqwitness)\n"
    "  --quiet          only the last lines\n"
    "Only SEND_OK counts as acknowledged: a message that waits for a slave or a disk may be lost with its broker.\n";

/* The queue offsets given in one queue, as bits. */
struct place {
  char broker[128];
  int queue_id;
  uint8_t *given;
  size_t cap; /* bytes */
};

struct witness {
  const char *namesrv, *topic, *group;
  int threads, rate, size, seconds, settle, work;
  bool quiet;
  mq_client *client;
  mq_producer *producer;
  uint64_t run; /* tells this run's messages from older ones */
  uint64_t begin_ns, end_ns;
  _Atomic uint8_t *fates; /* by number */
  _Atomic uint32_t next;
  _Atomic int64_t sent, failed, weak, consumed, twice, same_offset;
  _Atomic uint64_t sent_ns, consumed_ns;            /* of the last one */
  _Atomic uint64_t send_pause_ns, consume_pause_ns; /* longest */
  pthread_mutex_t lock;                             /* of places and last_error */
  struct place places[PLACES_MAX];
  size_t place_count;
  char last_error[MQ_ERROR_TEXT_MAX];
};

/* With --work: messages held of a queue, listeners. */
#define WORK_HELD 32
#define WORK_LISTENERS 4

static volatile sig_atomic_t stopped;
static void on_signal(int signum) {
  (void)signum;
  stopped = 1;
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_ms(int ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
}

static _Noreturn void die(const char *what, const struct mq_error *e) {
  fprintf(stderr, "mqwitness: %s: %s: %s\n", what, mq_error_text(e->result), e->text);
  exit(2);
}

/* Several threads report: another one's moment may be a little later than ours. */
static void note_moment(_Atomic uint64_t *last, _Atomic uint64_t *longest, uint64_t now) {
  uint64_t before = atomic_exchange(last, now), old = *longest;
  if (before == 0 || now < before) return;
  while (now - before > old && !atomic_compare_exchange_weak(longest, &old, now - before)) {
  }
}

static struct place *place_of(struct witness *w, const struct mq_queue *queue) {
  for (size_t i = 0; i < w->place_count; i++)
    if (w->places[i].queue_id == queue->id && strcmp(w->places[i].broker, queue->broker_name) == 0)
      return &w->places[i];
  if (w->place_count == PLACES_MAX) return NULL;
  struct place *p = &w->places[w->place_count++];
  snprintf(p->broker, sizeof p->broker, "%s", queue->broker_name);
  p->queue_id = queue->id;
  return p;
}

/* No two acknowledged messages may have one place. */
static void note_offset(struct witness *w, const struct mq_send_result *r) {
  pthread_mutex_lock(&w->lock);
  struct place *p = place_of(w, &r->queue);
  size_t at = (size_t)r->queue_offset / 8;
  if (p != NULL && at >= p->cap) {
    size_t cap = (at + 1) * 2;
    uint8_t *given = realloc(p->given, cap);
    if (given == NULL) abort();
    memset(given + p->cap, 0, cap - p->cap);
    p->given = given;
    p->cap = cap;
  }
  if (p != NULL) {
    uint8_t bit = (uint8_t)(1 << r->queue_offset % 8);
    if (p->given[at] & bit) {
      w->same_offset++;
      fprintf(stderr, "mqwitness: offset %lld of queue %d at %s was given twice\n", (long long)r->queue_offset,
              r->queue.id, r->queue.broker_name);
    }
    p->given[at] |= bit;
  }
  pthread_mutex_unlock(&w->lock);
}

static void note_sent(struct witness *w, uint32_t number, const struct mq_send_result *r) {
  uint64_t now = now_ns();
  if (r->status != MQ_SEND_OK) {
    w->weak++;
    return;
  }
  w->fates[number] |= ACKNOWLEDGED;
  note_offset(w, r);
  w->sent++;
  note_moment(&w->sent_ns, &w->send_pause_ns, now);
}

static void note_failed(struct witness *w, uint32_t number, const struct mq_error *e) {
  w->failed++;
  w->fates[number] |= UNSURE;
  pthread_mutex_lock(&w->lock);
  memcpy(w->last_error, e->text, sizeof w->last_error);
  pthread_mutex_unlock(&w->lock);
}

static void *sender(void *arg) {
  struct witness *w = arg;
  struct mq_send_result result;
  struct mq_error e;
  char *body = calloc(1, (size_t)w->size);
  mq_message *m = mq_message_new(w->topic, body, (size_t)w->size);
  if (body == NULL || m == NULL) abort();
  while (!stopped && now_ns() < w->end_ns) {
    uint32_t number = w->next++;
    if (number >= NUMBERS_MAX) break;
    uint64_t due = w->begin_ns + (uint64_t)number * 1000000000u / (uint64_t)w->rate;
    while (!stopped && now_ns() < due) sleep_ms(1);
    memcpy(body, &w->run, sizeof w->run);
    memcpy(body + sizeof w->run, &number, sizeof number);
    if (mq_message_set_body(m, body, (size_t)w->size) != MQ_OK) abort();
    if (mq_producer_send(w->producer, m, NULL, &result, &e) == MQ_OK) note_sent(w, number, &result);
    else note_failed(w, number, &e);
  }
  mq_message_free(m);
  free(body);
  return NULL;
}

static enum mq_consume_result on_messages(void *context, const mq_message *const *messages, size_t count) {
  struct witness *w = context;
  uint64_t now = now_ns(), run;
  uint32_t number;
  bool own = false; /* messages of older runs are passed over quickly */
  for (size_t i = 0; i < count; i++) {
    size_t len;
    const char *body = mq_message_body(messages[i], &len);
    if (len < sizeof run + sizeof number) continue;
    memcpy(&run, body, sizeof run);
    memcpy(&number, body + sizeof run, sizeof number);
    if (run != w->run || number >= NUMBERS_MAX) continue;
    own = true;
    if (atomic_fetch_or(&w->fates[number], CONSUMED) & CONSUMED) w->twice++;
    else w->consumed++;
  }
  note_moment(&w->consumed_ns, &w->consume_pause_ns, now);
  if (w->work > 0 && own) sleep_ms(w->work);
  return MQ_CONSUME_SUCCESS;
}

static int64_t missing(const struct witness *w) {
  int64_t n = 0;
  uint32_t end = w->next < NUMBERS_MAX ? w->next : NUMBERS_MAX;
  for (uint32_t i = 0; i < end; i++) n += (w->fates[i] & (ACKNOWLEDGED | CONSUMED)) == ACKNOWLEDGED;
  return n;
}

static void report(struct witness *w, int64_t *sent, int64_t *consumed) {
  uint64_t sent_ns = w->sent_ns, consumed_ns = w->consumed_ns, now = now_ns(); /* in this order: now is the latest */
  int64_t s = w->sent, c = w->consumed;
  printf("%6.1f s  sent %6lld/s  consumed %6lld/s  failed %lld", (double)(now - w->begin_ns) / 1e9,
         (long long)(s - *sent), (long long)(c - *consumed), (long long)w->failed);
  if (now - sent_ns > 500000000u) printf("  NO SEND for %.1f s", (double)(now - sent_ns) / 1e9);
  if (consumed_ns != 0 && now - consumed_ns > 500000000u)
    printf("  NOTHING CONSUMED for %.1f s", (double)(now - consumed_ns) / 1e9);
  pthread_mutex_lock(&w->lock);
  if (w->last_error[0] != '\0') printf("  (%s)", w->last_error);
  w->last_error[0] = '\0';
  pthread_mutex_unlock(&w->lock);
  printf("\n");
  fflush(stdout);
  *sent = s;
  *consumed = c;
}

static bool configure_work(mq_config *config, struct mq_error *e) {
  return mq_config_set_int(config, "consumeThreadMin", WORK_LISTENERS, e) == MQ_OK &&
         mq_config_set_int(config, "pullThresholdForQueue", WORK_HELD, e) == MQ_OK;
}

static void start(struct witness *w) {
  struct mq_error e;
  mq_config *config = mq_config_new();
  if (config == NULL || (w->work > 0 && !configure_work(config, &e)) ||
      mq_config_set(config, "namesrvAddr", w->namesrv, &e) != MQ_OK ||
      mq_config_set(config, "consumeFromWhere", "CONSUME_FROM_FIRST_OFFSET", &e) != MQ_OK ||
      mq_client_start(config, &w->client, &e) != MQ_OK ||
      mq_producer_start(w->client, w->group, &w->producer, &e) != MQ_OK)
    die("start", &e);
  mq_config_free(config);
  /* The topic exists and is known before the clock starts. */
  mq_message *m = mq_message_new(w->topic, "0", 1);
  struct mq_send_options first = {.timeout_ms = STOP_MS};
  if (m == NULL || mq_producer_send(w->producer, m, &first, NULL, &e) != MQ_OK) die("first message", &e);
  mq_message_free(m);
}

static mq_push_consumer *start_consumer(struct witness *w) {
  mq_push_consumer *c;
  struct mq_error e;
  if (mq_push_consumer_new(w->client, w->group, &c, &e) != MQ_OK) die("consumer", &e);
  mq_push_consumer_listen(c, on_messages, w);
  if (mq_push_consumer_subscribe(c, w->topic, "*", &e) != MQ_OK) die("subscribe", &e);
  if (mq_push_consumer_start(c, &e) != MQ_OK) die("start of the consumer", &e);
  return c;
}

/* Until the senders are through; then until what was acknowledged has come, or patience ends. */
static void watch(struct witness *w, pthread_t *threads) {
  int64_t sent = 0, consumed = 0;
  uint64_t next_ns = w->begin_ns + 1000000000u;
  while (!stopped && now_ns() < w->end_ns) {
    sleep_ms(20);
    if (now_ns() < next_ns) continue;
    next_ns += 1000000000u;
    if (!w->quiet) report(w, &sent, &consumed);
  }
  for (int i = 0; i < w->threads; i++) pthread_join(threads[i], NULL);
  uint64_t patience = now_ns() + (uint64_t)w->settle * 1000000000u;
  while (now_ns() < patience && missing(w) > 0) sleep_ms(20);
}

static bool conclude(struct witness *w) {
  int64_t lost = missing(w), shown = 0;
  printf("acknowledged %lld, consumed %lld, lost %lld, twice %lld, failed %lld, weak %lld, offsets given twice %lld, "
         "longest pause "
         "sending %.2f s, consuming %.2f s\n",
         (long long)w->sent, (long long)w->consumed, (long long)lost, (long long)w->twice, (long long)w->failed,
         (long long)w->weak, (long long)w->same_offset, (double)w->send_pause_ns / 1e9,
         (double)w->consume_pause_ns / 1e9);
  for (uint32_t i = 0; lost > 0 && i < w->next && shown < 10; i++)
    if ((w->fates[i] & (ACKNOWLEDGED | CONSUMED)) == ACKNOWLEDGED && ++shown) printf("  lost: message %u\n", i);
  return lost == 0 && w->same_offset == 0 && w->sent > 0;
}

static bool number(const char *text, long least, long most, int *out) {
  char *end;
  long v = strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || v < least || v > most) return false;
  *out = (int)v;
  return true;
}

static bool parse(int argc, char **argv, struct witness *w) {
  enum { THREADS = 256, RATE, SIZE, SECONDS, SETTLE, WORK, GROUP, QUIET };
  static const struct option longs[] = {
      {"threads", 1, NULL, THREADS}, {"rate", 1, NULL, RATE}, {"size", 1, NULL, SIZE},   {"seconds", 1, NULL, SECONDS},
      {"settle", 1, NULL, SETTLE},   {"work", 1, NULL, WORK}, {"group", 1, NULL, GROUP}, {"quiet", 0, NULL, QUIET},
      {"help", 0, NULL, 'h'},        {NULL, 0, NULL, 0}};
  int option;
  bool ok = true;
  while (ok && (option = getopt_long(argc, argv, "n:t:h", longs, NULL)) != -1) {
    if (option == 'n') w->namesrv = optarg;
    else if (option == 't') w->topic = optarg;
    else if (option == GROUP) w->group = optarg;
    else if (option == QUIET) w->quiet = true;
    else if (option == THREADS) ok = number(optarg, 1, THREADS_MAX, &w->threads);
    else if (option == RATE) ok = number(optarg, 1, 10000000, &w->rate);
    else if (option == SIZE) ok = number(optarg, 16, BODY_MAX, &w->size);
    else if (option == SECONDS) ok = number(optarg, 1, 86400, &w->seconds);
    else if (option == SETTLE) ok = number(optarg, 0, 3600, &w->settle);
    else if (option == WORK) ok = number(optarg, 0, 1000, &w->work);
    else if (option == 'h') {
      fputs(usage, stdout);
      exit(0);
    } else ok = false;
  }
  return ok && optind == argc;
}

int main(int argc, char **argv) {
  static struct witness w = {.namesrv = "127.0.0.1:9876",
                             .topic = "WitnessTopic",
                             .group = "mqwitness",
                             .threads = 8,
                             .rate = 1000,
                             .size = 256,
                             .seconds = 10,
                             .settle = 30,
                             .lock = PTHREAD_MUTEX_INITIALIZER};
  pthread_t threads[THREADS_MAX];
  if (!parse(argc, argv, &w)) {
    fputs(usage, stderr);
    return 2;
  }
  signal(SIGINT, on_signal);
  signal(SIGTERM, on_signal);
  w.fates = calloc(NUMBERS_MAX, 1); /* untouched pages cost nothing */
  if (w.fates == NULL) {
    fputs("mqwitness: out of memory\n", stderr);
    return 2;
  }
  struct timespec wall;
  clock_gettime(CLOCK_REALTIME, &wall);
  w.run = (uint64_t)wall.tv_sec * 1000000000u + (uint64_t)wall.tv_nsec;
  start(&w);
  mq_push_consumer *consumer = start_consumer(&w);
  w.begin_ns = w.sent_ns = now_ns();
  w.end_ns = w.begin_ns + (uint64_t)w.seconds * 1000000000u;
  for (int i = 0; i < w.threads; i++)
    if (pthread_create(&threads[i], NULL, sender, &w) != 0) abort();
  watch(&w, threads);
  bool good = conclude(&w);
  mq_push_consumer_stop(consumer, STOP_MS, NULL);
  mq_push_consumer_free(consumer);
  mq_producer_stop(w.producer, STOP_MS, NULL);
  mq_producer_free(w.producer);
  mq_client_free(w.client);
  for (size_t i = 0; i < w.place_count; i++) free(w.places[i].given);
  free((void *)w.fates);
  return good ? 0 : 1;
}
