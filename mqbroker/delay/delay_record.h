/* SPDX-License-Identifier: Apache-2.0
 *
 * delay_record: a delayed message as it is stored. Until it is due it lies in
 * the schedule topic, in the queue of its level, and its properties say where
 * it belongs (org.apache.rocketmq.store.CommitLog.asyncPutMessage); then it is
 * stored once more, there (ScheduleMessageService.messageTimeup).
 */
#ifndef MQBROKER_DELAY_DELAY_RECORD_H
#define MQBROKER_DELAY_DELAY_RECORD_H

#include "core/base/arena.h"
#include "core/wire/message.h"
#include "mqbroker/store/derive.h"

/* The level a sender asks for; 0: none. INVALID: DELAY is not a number. */
enum status delay_level_of(struct span properties, int32_t *level) MUST_USE;

/* If m asks for a delay it is turned into the record of the schedule topic, its new properties in the arena. INVALID:
 * DELAY is not a number; LIMIT: its record would not fit record_max, now or when it is due. */
enum status delay_enter(struct message *m, const struct delay_levels *levels, size_t record_max,
                        struct arena *arena) MUST_USE;

/* The properties without those of the delay, for what is not to be delayed (again); absent: out of memory. */
struct span delay_strip(struct span properties, struct arena *arena);

/* From the record of the schedule topic to the one that is due; spans borrow the same bytes, its properties stay as
 * they are, as Java's. INVALID and why: it belongs nowhere. */
enum status delay_leave(struct message *m, const char **why) MUST_USE;

/* In a DLedger group the delivered record says, where a message of a transaction has its prepared offset and others
 * have 0, how far its level is with it: a log that has the delivery knows that it was made. */
void delay_mark(struct message *m, int32_t level, int64_t next);
/* Is that a delivered record with a mark? */
bool delay_marked(const struct message *m, int32_t *level, int64_t *next);

#endif
