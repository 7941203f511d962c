/* SPDX-License-Identifier: Apache-2.0
 *
 * half_record: the records of a transaction. What a producer prepares lies in
 * the half topic, and its properties say where it belongs
 * (org.apache.rocketmq.broker.transaction.queue.TransactionalMessageBridge.parseHalfMessageInner).
 * Committed it is stored once more, there (EndTransactionProcessor). Either
 * way a record of the op topic says that the half one is done with.
 */
#ifndef MQBROKER_TRANSACTION_HALF_RECORD_H
#define MQBROKER_TRANSACTION_HALF_RECORD_H

#include "core/base/arena.h"
#include "core/base/moment.h"
#include "core/wire/message.h"

#define HALF_TOPIC "RMQ_SYS_TRANS_HALF_TOPIC"
#define OP_TOPIC "RMQ_SYS_TRANS_OP_HALF_TOPIC"
#define CHECK_MAX_TOPIC "TRANS_CHECK_MAX_TIME_TOPIC"
#define HALF_GROUP "CID_RMQ_SYS_TRANS"

/* Does a sender ask for a transaction? (Boolean.parseBoolean of TRAN_MSG) */
bool half_wanted(struct span properties);
/* From what was sent to the record of the half topic, its new properties in the arena. LIMIT: its record would not fit
 * record_max, now or when it is committed. */
enum status half_enter(struct message *m, size_t record_max, struct arena *arena) MUST_USE;
/* From the half record to the committed one; spans borrow the same bytes, its properties stay as they are, as Java's.
 * INVALID and why: it belongs nowhere. */
enum status half_commit(struct message *m, const char **why) MUST_USE;
/* The topic and queue it was sent to. INVALID as above. */
enum status half_origin(const struct message *m, struct span *topic, int32_t *queue_id, const char **why) MUST_USE;
/* The same record with another TRANSACTION_CHECK_TIMES. absent: out of memory. */
struct span half_properties(struct span properties, int32_t check_times, struct arena *arena);
int32_t half_check_times(struct span properties);
/* CHECK_IMMUNITY_TIME_IN_SECONDS in ms; -1: none (TransactionalMessageUtil.getImmunityTime). */
int64_t half_immunity_ms(struct span properties);

/* What an op record says besides Java's TAGS=d. */
#define OP_DISCARDED "DISCARDED" /* nobody said commit or rollback: it was given up */
#define OP_CHECKS "CHECKS"       /* how often those that wait were asked for; the body names one that is done with */
struct op_text {
  char body[24];
};
/* properties: those of op_properties. */
struct message op_record(int64_t half_offset, struct span properties, const struct net_peer *broker, struct moment now,
                         struct op_text *text);
#define OP_PROPERTIES SPAN_LITERAL("WAIT\001true\002TAGS\001d\002")
#define OP_DISCARDED_PROPERTIES SPAN_LITERAL("WAIT\001true\002TAGS\001d\002" OP_DISCARDED "\001true\002")

#endif
