/* SPDX-License-Identifier: Apache-2.0
 *
 * opening: the record with which a leader opens its term when there are
 * entries whose fate is open: committing it commits them (Raft 5.4.2). DLedger
 * 0.1 has no entry without a record, so it is one that a Java broker reads and
 * passes over: a RocketMQ record that says it rolls back a transaction
 * (sysFlag 0xC). CommitLogDispatcherBuildConsumeQueue and IndexService.buildIndex leave those
 * out, so it is in no queue and in no index; recovery steps over it as over any
 * other.
 */
#ifndef LIBDLEDGER_OPENING_H
#define LIBDLEDGER_OPENING_H

#include "core/base/span.h"

#define OPENING_TOPIC "DLEDGER_TERM"
#define OPENING_LENGTH (91 + sizeof OPENING_TOPIC - 1)

/* The same bytes each time: no host, no time, no position. */
void opening_record(uint8_t out[OPENING_LENGTH]);
/* Is it one? Whoever applies a log skips it. */
bool opening_is(struct span body);
/* A RocketMQ record carries the position of its own first byte (DLedgerCommitLog's append hook). */
void opening_prepare(uint8_t *body, size_t len, int64_t pos);

#endif
