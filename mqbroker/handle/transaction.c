/* SPDX-License-Identifier: Apache-2.0
 *
 * END_TRANSACTION (37): a producer says whether what it prepared is delivered,
 * and CHECK_TRANSACTION_STATE (39), by which it is asked. Agrees with
 * org.apache.rocketmq.broker.processor.EndTransactionProcessor and
 * org.apache.rocketmq.broker.client.net.Broker2Client.checkProducerTransactionState.
 *
 * Said twice it counts once: what has ended as its producer said is not
 * delivered again, as Java's broker would.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"
#include "mqbroker/transaction/half_record.h"

enum { PENDING = 0 };

static void refuse(struct broker *b, const struct request *rq, int code, const char *why) {
  log_warn(b->log, "END_TRANSACTION: %s", why);
  remoting_reply_error(b->remoting, &rq->to, code, "%s", why);
}

/* False: answered. */
static bool admit(struct broker *b, const struct request *rq, struct end_transaction_request *h) {
  if (!decode_fields(b, rq, &end_transaction_request_header, h)) return false;
  if (b->settings->brokerRole == ROLE_SLAVE) {
    refuse(b, rq, RESPONSE_SLAVE_NOT_AVAILABLE, "this broker is a slave: its master ends transactions");
    return false;
  }
  const char *refusal = member_refusal(&b->member);
  if (refusal != NULL) {
    refuse(b, rq, RESPONSE_SERVICE_NOT_AVAILABLE, refusal);
    return false;
  }
  int32_t how = h->commitOrRollback;
  if (how == PENDING || how == SYS_TRANSACTION_COMMIT || how == SYS_TRANSACTION_ROLLBACK) return true;
  refuse(b, rq, RESPONSE_SYSTEM_ERROR, "commitOrRollback field wrong");
  return false;
}

/* checkPrepareMessage. False: answered. */
static bool find_half(struct broker *b, const struct request *rq, const struct end_transaction_request *h,
                      struct message *half) {
  struct span record;
  size_t size;
  const char *why = NULL;
  if (store_message_at(b->store, h->commitLogOffset, &record) != STATUS_OK ||
      message_decode(record, false, half, &size) != STATUS_OK)
    why = "Find prepared transaction message failed";
  else if (!span_equal(property_get(half->properties, "PGROUP"), h->producerGroup)) why = "The producer group wrong";
  else if (half->queue_offset != h->tranStateTableOffset || !span_is(half->topic, HALF_TOPIC))
    why = "The transaction state table offset wrong";
  else if (half->physical_offset != h->commitLogOffset) why = "The commit log offset wrong";
  if (why == NULL) return true;
  refuse(b, rq, RESPONSE_SYSTEM_ERROR, why);
  return false;
}

/* The message in its own topic. False: answered. */
static bool deliver(struct broker *b, const struct request *rq, const struct message *half, struct put_result *put) {
  struct message m = *half;
  const char *why;
  if (half_commit(&m, &why) != STATUS_OK) {
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, why);
    return false;
  }
  if (!send_delay(b, rq, &m)) return false;
  enum put_status status = store_put(b->store, &m, rq->now, put);
  if (status != PUT_OK) {
    send_put_failure(b, rq, status);
    return false;
  }
  stats_add(&b->stats, STATS_PUT, 1);
  stats_add(&b->stats, STATS_PUT_BYTES, put->end_offset - put->physical_offset);
  return true;
}

/* What is delivered and what says so are written together, or neither is. */
void handle_end_transaction(struct broker *b, const struct request *rq) {
  struct end_transaction_request h;
  struct message half;
  struct put_result put;
  if (!admit(b, rq, &h)) return;
  if (h.commitOrRollback == PENDING) return; /* Java answers nothing, either: its clients do not wait */
  if (!find_half(b, rq, &h, &half)) return;
  if (transactions_ended(&b->transactions, half.queue_offset)) {
    reply_ok(b, rq);
    return;
  }
  if (gate_reserve(&b->gate) != STATUS_OK) {
    refuse(b, rq, RESPONSE_SYSTEM_ERROR, "out of memory");
    return;
  }
  bool commit = h.commitOrRollback == SYS_TRANSACTION_COMMIT;
  if (commit && !deliver(b, rq, &half, &put)) return;
  struct put_result op;
  enum put_status status = transactions_end(&b->transactions, b->store, half.queue_offset, rq->now, &op);
  if (status != PUT_OK && !commit) {
    send_put_failure(b, rq, status);
    return;
  }
  if (status == PUT_OK) put.end_offset = op.end_offset;
  struct waiter w = send_waiter(b, rq, &put, half.topic, half.properties);
  w.plain = true;
  w.lacks_replica = false; /* it is stored: a success for Java, too */
  gate_wait(&b->gate, &w);
}

/* ---- asking ---- */

bool transaction_topic(void *broker, const char *name) {
  struct broker *b = broker;
  struct span topic = span_text(name);
  if (topics_find(&b->topics, topic) != NULL) return true;
  if (topics_create_plain(&b->topics, topic, 1, PERM_READ | PERM_WRITE, 0, b->now, b->log) == NULL) return false;
  broker_topics_changed(b);
  return true;
}

/* Each time another of the group's producers. */
static const struct member *producer_of(const struct client_group *g, const struct transaction_check *check) {
  uint64_t skip = (uint64_t)(check->queue_offset + check->times) % g->member_count;
  const struct member *m;
  TAILQ_FOREACH(m, &g->members, in_group)
  if (skip-- == 0) return m;
  return TAILQ_FIRST(&g->members);
}

static bool ask(void *broker, const struct transaction_check *check) {
  struct broker *b = broker;
  const struct client_group *g = clients_producers(&b->clients, check->group);
  if (g == NULL || g->member_count == 0) return false;
  char id[MESSAGE_ID_MAX];
  struct check_transaction_state_request h = {0};
  HEADER_SET(check_transaction_state_request, &h, tranStateTableOffset, check->queue_offset);
  HEADER_SET(check_transaction_state_request, &h, commitLogOffset, check->physical_offset);
  if (check->unique_key.len > 0) {
    HEADER_SET(check_transaction_state_request, &h, msgId, check->unique_key);
    HEADER_SET(check_transaction_state_request, &h, transactionId, check->unique_key);
  }
  HEADER_SET(check_transaction_state_request, &h, offsetMsgId,
             span_of(id, message_id_text(&b->address, check->physical_offset, id)));
  struct request_out q = {.code = REQUEST_CHECK_TRANSACTION_STATE,
                          .header = &check_transaction_state_request_header,
                          .fields = &h,
                          .body = check->record};
  return remoting_oneway_conn(b->remoting, producer_of(g, check)->conn, &q, b->now) == STATUS_OK;
}

struct transaction_door transaction_door(struct broker *b) {
  return (struct transaction_door){.ask = ask, .make_topic = transaction_topic, .context = b};
}
