/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/memory.h"

#include <stdlib.h>
#include <string.h>

static bool armed, failed;
static uint64_t number, fail_at, fail_count;

void memory_fail(uint64_t at, uint64_t count) {
  number = 0;
  failed = false;
  fail_at = at;
  fail_count = count;
}

void memory_heal(void) { fail_at = 0; }

uint64_t memory_count(void) { return number; }
bool memory_failed(void) { return failed; }

bool memory_arm(void) {
  bool was = armed;
  armed = true;
  return was;
}

bool memory_hold(void) {
  bool was = armed;
  armed = false;
  return was;
}

void memory_release(bool was) { armed = was; }

static bool refused(void) {
  if (!armed) return false;
  number++;
  bool now = fail_at > 0 && number >= fail_at && number - fail_at < fail_count;
  failed = failed || now;
  return now;
}

/* ---- the wrapped functions ---- */

__typeof__(malloc) __real_malloc, __wrap_malloc;
void *__wrap_malloc(size_t size) { return refused() ? NULL : __real_malloc(size); }

__typeof__(calloc) __real_calloc, __wrap_calloc;
void *__wrap_calloc(size_t count, size_t size) { return refused() ? NULL : __real_calloc(count, size); }

__typeof__(realloc) __real_realloc, __wrap_realloc;
void *__wrap_realloc(void *old, size_t size) { return refused() ? NULL : __real_realloc(old, size); }

__typeof__(strdup) __real_strdup, __wrap_strdup;
char *__wrap_strdup(const char *text) { return refused() ? NULL : __real_strdup(text); }
