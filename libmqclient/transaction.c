/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/transaction.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"

enum status transaction_read(conn_id conn, const struct command *cmd, struct transaction_question *out) {
  struct check_transaction_state_request h;
  struct message m;
  const char *missing = NULL;
  size_t size;
  if (header_decode(&check_transaction_state_request_header, cmd, false, &h, &missing) != STATUS_OK)
    return STATUS_INVALID;
  if (message_decode(cmd->body, false, &m, &size) != STATUS_OK) return STATUS_INVALID;
  *out = (struct transaction_question){.name = {.half_offset = h.tranStateTableOffset,
                                                .log_offset = h.commitLogOffset,
                                                .message_id = property_get(m.properties, "UNIQ_KEY"),
                                                .transaction_id = h.transactionId},
                                       .group = property_get(m.properties, "PGROUP"),
                                       .record = cmd->body,
                                       .conn = conn};
  if (out->name.message_id.len == 0) out->name.message_id = h.msgId.len > 0 ? h.msgId : h.offsetMsgId;
  return out->group.len > 0 ? STATUS_OK : STATUS_INVALID;
}

static void fill(struct end_transaction_request *h, struct span group, const struct transaction_name *name,
                 enum transaction_state state, bool asked) {
  *h = (struct end_transaction_request){0};
  HEADER_SET(end_transaction_request, h, producerGroup, group);
  HEADER_SET(end_transaction_request, h, tranStateTableOffset, name->half_offset);
  HEADER_SET(end_transaction_request, h, commitLogOffset, name->log_offset);
  HEADER_SET(end_transaction_request, h, commitOrRollback, (int32_t)state);
  HEADER_SET(end_transaction_request, h, fromTransactionCheck, asked);
  HEADER_SET(end_transaction_request, h, msgId, name->message_id);
  if (name->transaction_id.len > 0) HEADER_SET(end_transaction_request, h, transactionId, name->transaction_id);
}

enum status transaction_end(struct client *c, struct span broker, struct span group,
                            const struct transaction_name *name, enum transaction_state state, struct moment now) {
  struct end_transaction_request h;
  const struct broker *b = broker_get(&c->routes, broker);
  const struct server *master = b == NULL ? NULL : broker_master(b);
  if (master == NULL) return STATUS_UNREACHABLE;
  fill(&h, group, name, state, false);
  return client_oneway(
      c, master,
      &(struct request_out){.code = REQUEST_END_TRANSACTION, .header = &end_transaction_request_header, .fields = &h},
      now);
}

enum status transaction_answer(struct client *c, conn_id conn, struct span group, const struct transaction_name *name,
                               enum transaction_state state, struct moment now) {
  struct end_transaction_request h;
  fill(&h, group, name, state, true);
  return remoting_oneway_conn(
      c->remoting, conn,
      &(struct request_out){.code = REQUEST_END_TRANSACTION, .header = &end_transaction_request_header, .fields = &h},
      now);
}
