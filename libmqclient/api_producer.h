/* SPDX-License-Identifier: Apache-2.0
 *
 * api_producer: what the transactional producer needs of the public one: to be
 * told when a broker asks for the state of a transaction.
 */
#ifndef MQCLIENT_API_PRODUCER_H
#define MQCLIENT_API_PRODUCER_H

#include "libmqclient/transaction.h"
#include "mqclient/producer.h"

/* On the loop thread; the question is borrowed. */
typedef void (*producer_asked)(void *owner, const struct transaction_question *question, struct moment now);

/* mq_producer_start, with somebody who answers. */
enum mq_result producer_start_asked(mq_client *client, const char *group, producer_asked asked, void *owner,
                                    mq_producer **out, struct mq_error *error);

#endif
