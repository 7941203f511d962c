/* SPDX-License-Identifier: Apache-2.0
 *
 * dispatch: request code -> handler. The table in dispatch.c is the broker's
 * table of contents. A code without a handler is refused in words
 * (REQUEST_CODE_NOT_SUPPORTED); Java's broker says nothing and lets the caller
 * time out.
 */
#ifndef MQBROKER_DOOR_DISPATCH_H
#define MQBROKER_DOOR_DISPATCH_H

#include "mqbroker/door/request.h"

void dispatch(struct broker *b, const struct request *rq);
/* NULL: not handled. For the completeness test. */
request_handler dispatch_find(int code);

#endif
