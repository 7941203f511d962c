/* SPDX-License-Identifier: Apache-2.0
 *
 * standalone: a name server beside the broker, in the same process, for
 * `mqbroker --standalone`. It has its own loop and thread; the two talk over
 * loopback as two processes would.
 */
#ifndef MQBROKER_STANDALONE_H
#define MQBROKER_STANDALONE_H

#include "core/base/log.h"
#include "mqbroker/settings.h"

#define STANDALONE_ROOT "./mqdata"
#define STANDALONE_NAMESRV_PORT 9876

struct standalone;

/* Fills keys that are still at their defaults: data below STANDALONE_ROOT, the name server at
 * 127.0.0.1:9876, address 127.0.0.1. */
enum status standalone_defaults(struct broker_settings *s, struct buf *why) MUST_USE;
/* Starts the name server at the port of s->namesrvAddr. NULL: the log says why. */
struct standalone *standalone_start(const struct broker_settings *s, struct log *log);
void standalone_stop(struct standalone *names); /* NULL is allowed */

#endif
