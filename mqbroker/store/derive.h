/* SPDX-License-Identifier: Apache-2.0
 *
 * derive: what follows from a record: whether it enters its queue, and the
 * tags code of its unit (CommitLog.checkMessageAndReturnSize,
 * DefaultMessageStore.CommitLogDispatcherBuildConsumeQueue).
 */
#ifndef MQBROKER_STORE_DERIVE_H
#define MQBROKER_STORE_DERIVE_H

#include "core/wire/message.h"

#define DELAY_LEVELS_MAX 64
#define DELAY_LEVELS_DEFAULT "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"
#define SCHEDULE_TOPIC "SCHEDULE_TOPIC_XXXX"

struct delay_levels {
  int32_t count;
  int64_t ms[DELAY_LEVELS_MAX + 1]; /* level 1 is ms[1] */
};

/* ScheduleMessageService.parseDelayLevel: numbers with s, m, h or d behind, separated by blanks. */
enum status delay_levels_parse(struct span text, struct delay_levels *out) MUST_USE;

/* Half messages and roll-backs enter no queue. */
bool derive_enters_queue(int32_t sys_flag);
int64_t derive_tags_code(const struct delay_levels *levels, struct span topic, struct span properties,
                         int64_t store_ms);

#endif
