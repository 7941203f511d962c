/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: a life in which calls of the disk, or allocations, fail for a while.
 * What may be refused is refused; what was promised stays; the broker comes
 * back by itself where it can, and after a restart where it says so.
 */
#ifndef TESTS_TORTURE_FAULT_H
#define TESTS_TORTURE_FAULT_H

#include "tests/torture/stand.h"

/* The lens or the memory has been told what fails. Adds to *count the crashes it looked at afterwards. */
void fault_live(struct stand *s, uint64_t seed, uint64_t *count, char violation[512]);

#endif
