/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends numbered messages. Message i goes to queue i % queues, so each queue
 * has its own gapless SEQ; a queue belongs to one thread, so SEQ is the order
 * of sending too. The client must not retry: that would make duplicates and
 * disorder that are not the broker's fault.
 */
#include "tests/interop/peer.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASYNC_WINDOW 500
#define BATCH_MAX 32
#define THREADS_MAX 64
#define SEND_TIMEOUT_MS 10000
#define COMPLAINTS_MAX 5
/* With --patient, while the brokers of a group change places. */
#define PATIENT_PAUSE_MS 50
#define PATIENT_ROUTES_MS 1000
/* Queues that the client takes for a topic that has no route yet (defaultTopicQueueNums). */
#define NEW_TOPIC_QUEUES 4

struct producer {
  mq_client *client;
  mq_producer *producer;
  mq_queue_list *queues; /* NULL: no route yet */
  const char *topic, *prefix;
  int count, size, threads, queue_count;
  int delay_level; /* 0: none */
  bool patient;
  int64_t deadline_ms;
  FILE *acked; /* NULL: none */
  sem_t window;
  atomic_int sent, complaints;
};

/* Sends SEQ from..to-1 of one queue. */
typedef enum mq_result (*send_fn)(struct producer *p, int queue, int from, int to, struct mq_error *error);

struct mode {
  const char *name;
  int block; /* SEQ per request; 0: asynchronous */
  send_fn send;
};

static void complain(struct producer *p, const struct mq_error *error) {
  if (p->complaints++ < COMPLAINTS_MAX) peer_complain("send failed", error);
}

static void count_ok(struct producer *p, int queue, int from, int to) {
  p->sent += to - from;
  for (int seq = from; p->acked != NULL && seq < to; seq++) fprintf(p->acked, "%s:%d:%d\n", p->prefix, queue, seq);
}

static int seqs_of(const struct producer *p, int queue) {
  return (p->count - queue + p->queue_count - 1) / p->queue_count;
}

static mq_message *message_of(const struct producer *p, int queue, int seq) {
  struct payload payload = {p->prefix, strlen(p->prefix), queue, seq};
  mq_message *message = payload_message(&payload, p->topic, p->size, p->queue_count);
  if (message == NULL || p->delay_level == 0 || mq_message_set_delay_level(message, p->delay_level) == MQ_OK)
    return message;
  mq_message_free(message);
  return NULL;
}

static struct mq_send_options to_queue(const struct producer *p, int queue) {
  return (struct mq_send_options){.queue = mq_queue_list_get(p->queues, (size_t)queue)};
}

/* Anything but SEND_OK has failed. */
static enum mq_result status_check(enum mq_result outcome, const struct mq_send_result *result,
                                   struct mq_error *error) {
  if (outcome != MQ_OK || result->status == MQ_SEND_OK) return outcome;
  *error = (struct mq_error){.result = MQ_REFUSED};
  snprintf(error->text, sizeof error->text, "send status %d", (int)result->status);
  return MQ_REFUSED;
}

static enum mq_result no_memory(struct mq_error *error) {
  *error = (struct mq_error){.result = MQ_NO_MEMORY};
  return MQ_NO_MEMORY;
}

static enum mq_result send_sync(struct producer *p, int queue, int from, int to, struct mq_error *error) {
  (void)to;
  mq_message *message = message_of(p, queue, from);
  if (message == NULL) return no_memory(error);
  struct mq_send_options options = to_queue(p, queue);
  struct mq_send_result result;
  enum mq_result outcome = mq_producer_send(p->producer, message, &options, &result, error);
  mq_message_free(message);
  return status_check(outcome, &result, error);
}

static enum mq_result send_oneway(struct producer *p, int queue, int from, int to, struct mq_error *error) {
  (void)to;
  mq_message *message = message_of(p, queue, from);
  if (message == NULL) return no_memory(error);
  struct mq_send_options options = to_queue(p, queue);
  enum mq_result outcome = mq_producer_send_oneway(p->producer, message, &options, error);
  mq_message_free(message);
  return outcome;
}

static size_t queue_select(const mq_queue_list *queues, void *context) {
  const int *queue = context;
  return (size_t)*queue % mq_queue_list_count(queues);
}

static enum mq_result send_selected(struct producer *p, int queue, int from, int to, struct mq_error *error) {
  (void)to;
  mq_message *message = message_of(p, queue, from);
  if (message == NULL) return no_memory(error);
  struct mq_send_options options = {.selector = queue_select, .selector_context = &queue};
  struct mq_send_result result;
  enum mq_result outcome = mq_producer_send(p->producer, message, &options, &result, error);
  mq_message_free(message);
  return status_check(outcome, &result, error);
}

static enum mq_result send_batch(struct producer *p, int queue, int from, int to, struct mq_error *error) {
  mq_message *messages[BATCH_MAX];
  size_t made = 0;
  enum mq_result outcome = MQ_OK;
  for (int seq = from; seq < to && outcome == MQ_OK; seq++) {
    messages[made] = message_of(p, queue, seq);
    if (messages[made] == NULL) outcome = no_memory(error);
    else made++;
  }
  if (outcome == MQ_OK) {
    struct mq_send_options options = to_queue(p, queue);
    struct mq_send_result result;
    outcome = mq_producer_send_batch(p->producer, (const mq_message *const *)messages, made, &options, &result, error);
    outcome = status_check(outcome, &result, error);
  }
  while (made > 0) mq_message_free(messages[--made]);
  return outcome;
}

static const struct mode modes[] = {
    {"sync", 1, send_sync},           {"oneway", 1, send_oneway}, {"selector", 1, send_selected},
    {"batch", BATCH_MAX, send_batch}, {"async", 0, NULL},
};

/* ---- the loop of a thread ---- */

struct worker {
  struct producer *producer;
  const struct mode *mode;
  int own; /* the queues with this remainder */
  pthread_t thread;
};

static void block_failed(struct producer *p, const struct mq_error *error) {
  complain(p, error);
  if (p->patient) peer_sleep_ms(PATIENT_PAUSE_MS);
}

static void block_send(struct producer *p, const struct mode *mode, int queue, int from) {
  struct mq_error error;
  int end = seqs_of(p, queue);
  int to = from + mode->block < end ? from + mode->block : end;
  if (from >= to) return;
  if (mode->send(p, queue, from, to, &error) == MQ_OK) count_ok(p, queue, from, to);
  else block_failed(p, &error);
}

static void *worker_run(void *argument) {
  struct worker *w = argument;
  struct producer *p = w->producer;
  for (int from = 0; from < seqs_of(p, 0) && peer_now_ms() < p->deadline_ms; from += w->mode->block)
    for (int queue = w->own; queue < p->queue_count; queue += p->threads) block_send(p, w->mode, queue, from);
  return NULL;
}

static bool send_in_threads(struct producer *p, const struct mode *mode) {
  struct worker workers[THREADS_MAX];
  int started = 0;
  for (; started < p->threads; started++) {
    struct worker *w = &workers[started];
    *w = (struct worker){.producer = p, .mode = mode, .own = started};
    if (pthread_create(&w->thread, NULL, worker_run, w) != 0) break;
  }
  for (int i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
  return started == p->threads;
}

/* ---- asynchronous ---- */

struct pending {
  struct producer *producer;
  int queue, seq;
};

static void on_sent(void *context, enum mq_result outcome, const struct mq_send_result *result,
                    const struct mq_error *error) {
  struct pending *pending = context;
  struct producer *p = pending->producer;
  struct mq_error why = {0};
  if (outcome == MQ_OK) outcome = status_check(outcome, result, &why);
  else why = *error;
  if (outcome == MQ_OK) count_ok(p, pending->queue, pending->seq, pending->seq + 1);
  else complain(p, &why);
  free(pending);
  sem_post(&p->window);
}

/* The window is taken; on failure it is given back. */
static enum mq_result async_start(struct producer *p, int queue, int seq, struct mq_error *error) {
  struct pending *pending = malloc(sizeof *pending);
  mq_message *message = message_of(p, queue, seq);
  enum mq_result outcome = no_memory(error);
  if (pending != NULL && message != NULL) {
    *pending = (struct pending){p, queue, seq};
    struct mq_send_options options = to_queue(p, queue);
    outcome = mq_producer_send_async(p->producer, message, &options, on_sent, pending, error);
  }
  mq_message_free(message);
  if (outcome != MQ_OK) {
    free(pending);
    sem_post(&p->window);
  }
  return outcome;
}

/* mq_producer_stop waits for the callbacks that are left. */
static void send_async(struct producer *p) {
  for (int i = 0; i < p->count && peer_now_ms() < p->deadline_ms; i++) {
    struct mq_error error;
    sem_wait(&p->window);
    if (async_start(p, i % p->queue_count, i / p->queue_count, &error) != MQ_OK) complain(p, &error);
  }
}

/* ---- start and end ---- */

/* A selector lets the client make the topic, so there the topic may be missing yet. */
static bool queues_find(struct producer *p, bool may_be_missing) {
  struct mq_error error;
  enum mq_result outcome = mq_producer_queues(p->producer, p->topic, &p->queues, &error);
  if (outcome == MQ_OK) {
    p->queue_count = (int)mq_queue_list_count(p->queues);
    return p->queue_count > 0;
  }
  p->queue_count = NEW_TOPIC_QUEUES;
  if (!may_be_missing || outcome != MQ_NO_ROUTE) peer_complain("queues", &error);
  return may_be_missing && outcome == MQ_NO_ROUTE;
}

static bool producer_open(struct producer *p, const char *servers, const char *group) {
  struct mq_error error = {.result = MQ_NO_MEMORY};
  mq_config *config = mq_config_new();
  bool ok = config != NULL && mq_config_set(config, "namesrvAddr", servers, &error) == MQ_OK && peer_set_keys(config, &error) &&
            (!p->patient || mq_config_set_int(config, "pollNameServerInterval", PATIENT_ROUTES_MS, &error) == MQ_OK) &&
            mq_config_set_int(config, "sendMsgTimeout", SEND_TIMEOUT_MS, &error) == MQ_OK &&
            mq_config_set_int(config, "retryTimesWhenSendFailed", 0, &error) == MQ_OK &&
            mq_config_set_int(config, "retryTimesWhenSendAsyncFailed", 0, &error) == MQ_OK &&
            mq_client_start(config, &p->client, &error) == MQ_OK &&
            mq_producer_start(p->client, group, &p->producer, &error) == MQ_OK;
  if (!ok) peer_complain("start", &error);
  mq_config_free(config);
  return ok;
}

static void producer_close(struct producer *p) {
  struct mq_error error;
  if (p->producer != NULL && mq_producer_stop(p->producer, SEND_TIMEOUT_MS + 5000, &error) != MQ_OK)
    peer_complain("stop", &error);
  mq_queue_list_free(p->queues);
  mq_producer_free(p->producer);
  mq_client_free(p->client);
  if (p->acked != NULL && fclose(p->acked) != 0) perror("--acked");
}

static const struct mode *mode_find(const char *name) {
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
    if (strcmp(modes[i].name, name) == 0) return &modes[i];
  fprintf(stderr, "-m %s: no such mode\n", name);
  return NULL;
}

enum { NAMESRV, TOPIC, GROUP, COUNT, SIZE, MODE, THREADS, PREFIX, TIMEOUT, ACKED, DELAY, PATIENT, OPTIONS };

static bool acked_open(struct producer *p, const char *path) {
  if (path == NULL) return true;
  p->acked = fopen(path, "a");
  if (p->acked == NULL) {
    perror(path);
    return false;
  }
  /* A line must be complete when the broker or this program is killed. */
  setvbuf(p->acked, NULL, _IOLBF, BUFSIZ);
  return true;
}

int produce_main(int argc, char **argv) {
  struct option o[OPTIONS] = {
      [NAMESRV] = {"-n", NULL, true},     [TOPIC] = {"-t", NULL, true},        [GROUP] = {"-g", NULL, true},
      [COUNT] = {"-c", NULL, true},       [SIZE] = {"-s", "100", false},       [MODE] = {"-m", "sync", false},
      [THREADS] = {"-k", "1", false},     [PREFIX] = {"--prefix", NULL, true}, [TIMEOUT] = {"--timeout", "300", false},
      [ACKED] = {"--acked", NULL, false}, [DELAY] = {"--delay", "0", false},   [PATIENT] = {"--patient", "0", false},
  };
  if (!options_parse(o, OPTIONS, argc, argv)) return PEER_USAGE;
  const struct mode *mode = mode_find(o[MODE].value);
  if (mode == NULL) return PEER_USAGE;
  struct producer p = {
      .topic = o[TOPIC].value,
      .prefix = o[PREFIX].value,
      .count = option_number(&o[COUNT]),
      .size = option_number(&o[SIZE]),
      .threads = option_number(&o[THREADS]),
      .delay_level = option_number(&o[DELAY]),
      .patient = option_number(&o[PATIENT]) != 0,
      .deadline_ms = peer_now_ms() + (int64_t)option_number(&o[TIMEOUT]) * 1000,
  };
  if (p.threads < 1 || p.threads > THREADS_MAX || strlen(p.prefix) > 100 || !acked_open(&p, o[ACKED].value))
    return PEER_USAGE;
  sem_init(&p.window, 0, ASYNC_WINDOW);
  bool ok = producer_open(&p, o[NAMESRV].value, o[GROUP].value) && queues_find(&p, mode->send == send_selected);
  if (ok && mode->block > 0) ok = send_in_threads(&p, mode);
  if (ok && mode->block == 0) send_async(&p);
  producer_close(&p);
  sem_destroy(&p.window);
  /* Whatever was not acknowledged, tried or not, has failed. */
  int failed = p.count - p.sent;
  printf("{\"sent\":%d,\"failed\":%d}\n", p.sent, failed);
  return ok && failed == 0 ? PEER_OK : PEER_FAILED;
}
