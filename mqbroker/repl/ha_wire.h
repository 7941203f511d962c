/* SPDX-License-Identifier: Apache-2.0
 *
 * ha_wire: the few bytes that masters and slaves exchange
 * (org.apache.rocketmq.store.ha.HAConnection, HAService.HAClient).
 *
 * slave -> master  a report: i64, the offset up to which it has the log. The
 *                  first one says from where it wants to go on.
 * master -> slave  i64 offset of the first body byte, i32 body length, body:
 *                  bytes of the log, never over the end of a file. Length 0: a
 *                  keepalive, the offset is the next one to come.
 *
 * The first report 0 gets the start of the master's last file. A slave of our
 * own says HA_HELLO before it: Java's master reads the newest of the reports
 * it finds and never sees it. Our master then knows that
 *   0 means everything it has, from its first byte, and that
 *   a keepalive with another offset than the one asked for tells how far its
 *   log reaches when it does not have that (Java's says nothing, for ever), and
 * it knows a slave that comes again before its old connection was found dead.
 */
#ifndef MQBROKER_REPL_HA_WIRE_H
#define MQBROKER_REPL_HA_WIRE_H

#include "core/base/bytes.h"

#include <stdbool.h>

#define HA_REPORT_SIZE 8
#define HA_HEADER_SIZE 12
#define HA_HELLO (INT64_MIN + INT64_C(0x6d71686100000000)) /* "mqha"; a slave adds its brokerId */

static inline int64_t ha_hello(int32_t broker_id) { return HA_HELLO + broker_id; }
static inline bool ha_is_hello(int64_t report) { return report >= HA_HELLO && report <= HA_HELLO + INT32_MAX; }

static inline void ha_header_put(uint8_t *p, int64_t offset, int32_t length) {
  put_i64(p, offset);
  put_i32(p + 8, length);
}

#endif
