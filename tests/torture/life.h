/* SPDX-License-Identifier: Apache-2.0
 *
 * life: what happens to a broker between its first start and the last look at
 * it, always the same: topics, groups and offsets, single messages and
 * batches, small files that roll, a topic deleted and made again, checkpoints,
 * files that expire, an orderly stop, a crash, and a start after each.
 */
#ifndef TESTS_TORTURE_LIFE_H
#define TESTS_TORTURE_LIFE_H

#include "tests/torture/stand.h"

/* The broker runs at the end, unless it could not be started. */
void life_run(struct stand *s);
/* What a person does when the broker says that it must be restarted. */
void life_restart(struct stand *s);
/* A message as long as another one, in another queue: what followed that one in the log might follow this one. */
void life_takes_place_of(struct stand *s, int32_t number);
/* Messages to every topic, after whatever happened: they are promised, or the book says that they are not. */
void life_goes_on(struct stand *s);

#endif
