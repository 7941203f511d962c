/* SPDX-License-Identifier: Apache-2.0
 *
 * admit: what is looked at before any handler: whether the peer may do this at
 * all (aclEnable). What needs the decoded header (topic, role, load) is in the
 * handlers.
 */
#ifndef MQBROKER_DOOR_ADMIT_H
#define MQBROKER_DOOR_ADMIT_H

#include "mqbroker/door/request.h"

/* False: it was refused, in the words of Java's AclException. */
bool admit(struct broker *b, const struct request *rq);

#endif
