/* SPDX-License-Identifier: Apache-2.0
 *
 * memory: allocations are counted and the n-th fails (the linker's --wrap, WRAP_MEMORY),
 * but only those of what is under test: the imagined world around it always has
 * enough and costs nothing.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Allocations [at, at + count) fail, the first is 1; 0: none. Counting begins anew. */
void memory_fail(uint64_t at, uint64_t count);
/* From now on all succeed. */
void memory_heal(void);
uint64_t memory_count(void);
bool memory_failed(void);
/* Inside what is under test: allocations count. Returns what it was. */
bool memory_arm(void);
/* Back in the tests. Returns what it was, for memory_release. */
bool memory_hold(void);
void memory_release(bool was);

#endif
