/* SPDX-License-Identifier: Apache-2.0
 *
 * memory: the n-th allocation fails (the linker's --wrap), but only those of
 * the program under test: the imagined world around it always has enough.
 */
#ifndef TESTS_TORTURE_MEMORY_H
#define TESTS_TORTURE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Allocations [at, at + count) fail, the first is 1; 0: none. Counting begins anew. */
void memory_fail(uint64_t at, uint64_t count);
/* From now on all succeed. */
void memory_heal(void);
uint64_t memory_count(void);
bool memory_failed(void);
/* Inside the program: allocations count. Returns what it was. */
bool memory_arm(void);
/* Back in the tests. Returns what it was, for memory_release. */
bool memory_hold(void);
void memory_release(bool was);

#endif
