/* SPDX-License-Identifier: Apache-2.0
 *
 * uniq_id: the ids a producer gives its messages (UNIQ_KEY): address, process,
 * instance, ms since the month began and a counter, in hexadecimal. Made by
 * any thread without a lock. Agrees with
 * org.apache.rocketmq.common.message.MessageClientIDSetter.
 */
#ifndef MQCLIENT_UNIQ_ID_H
#define MQCLIENT_UNIQ_ID_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define UNIQ_ID_MAX 56

struct uniq_ids {
  char prefix[UNIQ_ID_MAX]; /* 20 or 44 digits */
  size_t prefix_len;
  _Atomic int64_t month_ms, next_month_ms; /* local time, as Java */
  atomic_uint counter;
};

/* ip: numeric text. */
void uniq_ids_init(struct uniq_ids *u, const char *ip, int pid, uint32_t instance);
/* Writes the digits (no NUL) and returns how many. */
size_t uniq_id_make(struct uniq_ids *u, int64_t wall_ms, char out[UNIQ_ID_MAX]);

#endif
