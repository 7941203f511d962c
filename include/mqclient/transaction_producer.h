/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactional producers: a message is stored but given to nobody until the
 * program says how its local transaction ended. Who says nothing, or dies, is
 * asked later; any producer of the group may be asked, also one that did not
 * send the message, so the outcome must be found in what the program keeps
 * (its database, say), not in its memory. Agrees with
 * org.apache.rocketmq.client.producer.TransactionMQProducer.
 *
 * All functions may be called by any number of threads at once, except
 * mq_transaction_producer_free, which must be the last.
 */
#ifndef MQCLIENT_TRANSACTION_PRODUCER_H
#define MQCLIENT_TRANSACTION_PRODUCER_H

#include "mqclient/client.h"
#include "mqclient/message.h"
#include "mqclient/producer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_transaction_producer mq_transaction_producer;

/* LocalTransactionState. */
enum mq_transaction_state {
  MQ_TRANSACTION_UNKNOWN, /* the broker asks again, transactionCheckMax times */
  MQ_TRANSACTION_COMMIT,  /* the message is delivered */
  MQ_TRANSACTION_ROLLBACK /* it never will be */
};

/* TransactionListener. */
struct mq_transaction_listener {
  /* Runs the local transaction, on the thread that sends and after the broker stored the message. message_id is the
   * message's (UNIQ_KEY), argument the sender's. */
  enum mq_transaction_state (*execute)(void *context, const mq_message *message, const char *message_id,
                                       void *argument);
  /* How did it end? On a thread of the producer's own; may block. The message lives during the call; its id is
   * mq_message_id, mq_message_property(message, "TRANSACTION_CHECK_TIMES") says how often it was asked for. */
  enum mq_transaction_state (*check)(void *context, const mq_message *message);
  void *context;
};

/* Makes the group known and answers for it. MQ_EXISTS: the client has a producer of this group. MQ_INVALID: execute or
 * check is missing. error may be NULL, here and below. Free with mq_transaction_producer_free. */
enum mq_result mq_transaction_producer_start(mq_client *client, const char *group,
                                             const struct mq_transaction_listener *listener,
                                             mq_transaction_producer **out, struct mq_error *error);
/* Refuses new sends, waits up to timeout_ms for those under way and for checks that run. What was not answered is asked
 * again, of another producer of the group. */
enum mq_result mq_transaction_producer_stop(mq_transaction_producer *producer, int timeout_ms, struct mq_error *error);
/* After mq_transaction_producer_stop (else it stops with no time). NULL is allowed. */
void mq_transaction_producer_free(mq_transaction_producer *producer);

/* Blocks until the broker has the message, runs execute and tells the broker what it said. A delay level is ignored.
 * MQ_OK: execute ran, or the broker could not make sure of the message (result->status is not MQ_SEND_OK): then
 * it is rolled back. *state says which. Anything else: execute did not run, nothing will be delivered.
 * That the broker hears of the outcome is not waited for: if it does not, it asks. result and state may be NULL.
 * (sendMessageInTransaction) */
enum mq_result mq_transaction_producer_send(mq_transaction_producer *producer, const mq_message *message,
                                            void *argument, struct mq_send_result *result,
                                            enum mq_transaction_state *state, struct mq_error *error);

#ifdef __cplusplus
}
#endif

#endif
