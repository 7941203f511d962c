/* SPDX-License-Identifier: Apache-2.0
 *
 * transaction: what a producer says of a prepared message (END_TRANSACTION,
 * 37) and what a broker asks it (CHECK_TRANSACTION_STATE, 39). Sans-I/O, on the
 * client's thread. Agrees with
 * org.apache.rocketmq.client.impl.producer.DefaultMQProducerImpl
 * (endTransaction, checkTransactionState).
 */
#ifndef MQCLIENT_TRANSACTION_H
#define MQCLIENT_TRANSACTION_H

#include "libmqclient/client.h"

/* Values of the wire. */
enum transaction_state { TRANSACTION_UNKNOWN = 0, TRANSACTION_COMMIT = 8, TRANSACTION_ROLLBACK = 12 };

/* A prepared message, as brokers name it. */
struct transaction_name {
  int64_t half_offset, log_offset;
  struct span message_id;     /* UNIQ_KEY, or the offset id */
  struct span transaction_id; /* SPAN_NONE: none */
};

struct transaction_question {
  struct transaction_name name;
  struct span group;
  struct span record;
  conn_id conn; /* who asks */
};

/* Borrows the command. INVALID: it names no message or no group. */
enum status transaction_read(conn_id conn, const struct command *cmd, struct transaction_question *out) MUST_USE;

/* To the master of the broker that has the message. */
enum status transaction_end(struct client *c, struct span broker, struct span group,
                            const struct transaction_name *name, enum transaction_state state,
                            struct moment now) MUST_USE;
/* To who asked. */
enum status transaction_answer(struct client *c, conn_id conn, struct span group, const struct transaction_name *name,
                               enum transaction_state state, struct moment now) MUST_USE;

#endif
