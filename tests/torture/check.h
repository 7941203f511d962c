/* SPDX-License-Identifier: Apache-2.0
 *
 * check: does a running broker hold what the book says? Every promised message
 * by queue offset, by physical offset and by key; queues dense and without
 * repetition; tables whole. What is wrong goes into the book.
 */
#ifndef TESTS_TORTURE_CHECK_H
#define TESTS_TORTURE_CHECK_H

#include "tests/torture/stand.h"

/* live: nothing has crashed since, so what was refused must not be there either. Returns a digest of all messages
 * by queue and offset: the same for derived files that say the same. */
uint64_t check_broker(struct stand *s, bool live);
/* From now on only what is there now is right in the tables. */
void check_tables_are(struct stand *s);

#endif
