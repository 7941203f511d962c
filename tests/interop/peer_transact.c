/* SPDX-License-Identifier: Apache-2.0
 *
 * A transactional producer; java/Transact.java says what its modes do.
 */
#include "tests/interop/peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { MIXED, OPEN, ANSWER };

enum { ASKED_MAX = 65536, BODY_SIZE = 100 };

struct transact {
  enum mode mode;
  pthread_mutex_t lock;
  bool asked[ASKED_MAX]; /* by SEQ */
  int distinct;
};

static enum mq_transaction_state execute(void *context, const mq_message *message, const char *message_id,
                                         void *argument) {
  const struct transact *t = context;
  const int *i = argument;
  (void)message, (void)message_id;
  if (t->mode == OPEN || *i % 4 >= 2) return MQ_TRANSACTION_UNKNOWN;
  return *i % 4 == 0 ? MQ_TRANSACTION_COMMIT : MQ_TRANSACTION_ROLLBACK;
}

static enum mq_transaction_state check(void *context, const mq_message *message) {
  struct transact *t = context;
  struct payload p;
  if (!payload_parse(message, &p) || p.seq < 0 || p.seq >= ASKED_MAX) {
    fputs("asked for what was not sent\n", stderr);
    return MQ_TRANSACTION_ROLLBACK;
  }
  pthread_mutex_lock(&t->lock);
  t->distinct += !t->asked[p.seq];
  t->asked[p.seq] = true;
  pthread_mutex_unlock(&t->lock);
  if (t->mode == OPEN) return MQ_TRANSACTION_UNKNOWN;
  return t->mode == ANSWER || p.seq % 4 == 2 ? MQ_TRANSACTION_COMMIT : MQ_TRANSACTION_ROLLBACK;
}

static int distinct(struct transact *t) {
  pthread_mutex_lock(&t->lock);
  int n = t->distinct;
  pthread_mutex_unlock(&t->lock);
  return n;
}

static int send_all(mq_transaction_producer *producer, const char *topic, const char *prefix, int count) {
  int sent = 0;
  for (int i = 0; i < count; i++) {
    struct payload payload = {prefix, strlen(prefix), 0, i};
    struct mq_send_result result;
    struct mq_error error;
    mq_message *m = payload_message(&payload, topic, BODY_SIZE, 1);
    if (m == NULL) break;
    if (mq_transaction_producer_send(producer, m, &i, &result, NULL, &error) != MQ_OK) peer_complain("send", &error);
    else sent += result.status == MQ_SEND_OK;
    mq_message_free(m);
  }
  return sent;
}

static bool mode_parse(const char *text, enum mode *out) {
  static const char *const names[] = {"mixed", "open", "answer"};
  for (int i = 0; i < 3; i++)
    if (strcmp(text, names[i]) == 0) {
      *out = (enum mode)i;
      return true;
    }
  fprintf(stderr, "--mode %s: not known\n", text);
  return false;
}

int transact_main(int argc, char **argv) {
  struct option o[] = {{"-n", NULL, true},       {"-t", NULL, true},        {"-g", NULL, true},
                       {"-c", "0", false},       {"--prefix", "p", false},  {"--mode", NULL, true},
                       {"--expect", "0", false}, {"--timeout", "60", false}};
  static struct transact t = {.lock = PTHREAD_MUTEX_INITIALIZER};
  struct mq_transaction_listener listener = {execute, check, &t};
  struct mq_error error;
  if (!options_parse(o, sizeof o / sizeof o[0], argc, argv) || !mode_parse(o[5].value, &t.mode)) return PEER_USAGE;
  int64_t deadline_ms = peer_now_ms() + option_number(&o[7]) * INT64_C(1000);
  int count = t.mode == ANSWER ? 0 : option_number(&o[3]);
  int expect = t.mode == MIXED ? count / 2 : t.mode == OPEN ? INT32_MAX : option_number(&o[6]);
  mq_config *config = mq_config_new();
  mq_client *client;
  mq_transaction_producer *producer;
  if (config == NULL || mq_config_set(config, "namesrvAddr", o[0].value, &error) != MQ_OK ||
      mq_client_start(config, &client, &error) != MQ_OK)
    return peer_complain("start", &error);
  mq_config_free(config);
  if (mq_transaction_producer_start(client, o[2].value, &listener, &producer, &error) != MQ_OK)
    return peer_complain("start", &error);
  int sent = send_all(producer, o[1].value, o[4].value, count);
  fprintf(stderr, "sent %d\n", sent);
  while (distinct(&t) < expect && peer_now_ms() < deadline_ms) peer_sleep_ms(50);
  peer_sleep_ms(1000);
  printf("{\"sent\":%d,\"asked\":%d}\n", sent, distinct(&t));
  bool ok = sent == count && distinct(&t) == expect;
  mq_transaction_producer_stop(producer, 1000, NULL);
  mq_transaction_producer_free(producer);
  mq_client_free(client);
  return ok ? PEER_OK : PEER_FAILED;
}
