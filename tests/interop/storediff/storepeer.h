/* SPDX-License-Identifier: Apache-2.0
 *
 * storepeer: talks to one broker, Java's or ours, over the tests' own
 * connection (tests/system/peer.h), so that no client library and no name
 * server stands between a test and the store.
 */
#ifndef TESTS_INTEROP_STOREPEER_H
#define TESTS_INTEROP_STOREPEER_H

#include "tests/system/peer.h"

/* One request; prints why there is no answer. */
bool ask(struct conn *c, const struct command *cmd, const struct header *header, const void *fields,
         struct command *reply);

/* storepeer_load.c: load ADDRESS FROM_PORT */
int command_script(int argc, char **argv);
/* storepeer_read.c: places ADDRESS TOPIC QUEUES; commit and committed ADDRESS TOPIC GROUP QUEUES */
int command_places(int argc, char **argv);
int command_commit(int argc, char **argv);
int command_committed(int argc, char **argv);

#endif
