/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/base/test_base.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/prng.h"
#include "tests/harness.h"

void arena_gives_aligned_memory(void) {
  struct arena a;
  struct prng p;
  uint8_t *blocks[400];
  size_t sizes[400];
  arena_init(&a, SIZE_MAX / 2);
  prng_init(&p, 1);
  for (size_t i = 0; i < 400; i++) {
    sizes[i] = prng_below(&p, i % 50 == 0 ? 20000 : 100);
    blocks[i] = arena_alloc(&a, sizes[i]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(blocks[i]);
    CU_ASSERT_EQUAL((uintptr_t)blocks[i] % 16, 0);
    memset(blocks[i], (int)(i & 255), sizes[i]);
  }
  for (size_t i = 0; i < 400; i++)
    for (size_t j = 0; j < sizes[i]; j++)
      if (blocks[i][j] != (i & 255)) CU_FAIL("blocks overlap");
  uint64_t *zeros = arena_zalloc(&a, 100, sizeof *zeros);
  CU_ASSERT_PTR_NOT_NULL_FATAL(zeros);
  for (int i = 0; i < 100; i++) CU_ASSERT_EQUAL(zeros[i], 0);
  struct span copy = arena_copy(&a, SPAN_LITERAL("topic"));
  ASSERT_SPAN(copy, "topic");
  CU_ASSERT_EQUAL(copy.ptr[5], 0);
  arena_fini(&a);
}

void arena_keeps_its_limit(void) {
  struct arena a;
  arena_init(&a, 10000);
  CU_ASSERT_PTR_NULL(arena_alloc(&a, 10001));
  CU_ASSERT_PTR_NULL(arena_alloc(&a, SIZE_MAX));
  CU_ASSERT_PTR_NULL(arena_zalloc(&a, SIZE_MAX / 2, 4));
  size_t total = 0;
  while (total < 20000 && arena_alloc(&a, 160) != NULL) total += 160;
  CU_ASSERT(total <= 10000);
  CU_ASSERT(total > 5000);
  CU_ASSERT(a.total <= 10000);
  arena_fini(&a);
}

void arena_reset_stops_growing(void) {
  struct arena a;
  arena_init(&a, SIZE_MAX / 2);
  for (int i = 0; i < 20; i++) CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 3000));
  arena_reset(&a);
  CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 3000));
  struct arena_chunk *chunk = a.chunk;
  for (int round = 0; round < 5; round++) {
    arena_reset(&a);
    for (int i = 0; i < 8; i++) CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 3000));
    CU_ASSERT_PTR_EQUAL(a.chunk, chunk); /* nothing was allocated */
  }
  CU_ASSERT_PTR_NOT_NULL(arena_alloc(&a, 2 << 20));
  arena_reset(&a);
  CU_ASSERT(a.total <= 1 << 20); /* a rare giant is given back */
  arena_fini(&a);
}

void buf_puts_and_drops(void) {
  struct buf b;
  buf_init(&b, 1 << 20);
  buf_put_u8(&b, 1);
  buf_put_u16(&b, 0x0203);
  buf_put_u32(&b, 0x04050607);
  buf_put_u64(&b, 0x08090a0b0c0d0e0f);
  for (size_t i = 0; i < 15; i++) CU_ASSERT_EQUAL(b.ptr[i], i + 1);
  CU_ASSERT_EQUAL(b.len, 15);
  buf_clear(&b);
  buf_put_decimal(&b, INT64_MIN);
  buf_put_text(&b, " a");
  buf_printf(&b, " %d%s", 7, "x");
  ASSERT_SPAN(buf_span(&b), "-9223372036854775808 a 7x");
  buf_drop_front(&b, 21);
  ASSERT_SPAN(buf_span(&b), "a 7x");
  buf_drop_front(&b, 100);
  CU_ASSERT_EQUAL(b.len, 0);
  buf_put_text(&b, NULL);
  CU_ASSERT_EQUAL(b.len, 0);
  CU_ASSERT_FALSE(b.failed);
  buf_fini(&b);
}

void buf_fails_at_its_limit(void) {
  struct buf b;
  buf_init(&b, 10);
  buf_put_text(&b, "12345678");
  CU_ASSERT_FALSE(b.failed);
  buf_put_text(&b, "abc"); /* the first allocation would have had room */
  CU_ASSERT_TRUE(b.failed);
  ASSERT_SPAN(buf_span(&b), "12345678");
  buf_put_u8(&b, 'x'); /* failed stays failed */
  CU_ASSERT_EQUAL(b.len, 8);
  CU_ASSERT_PTR_NULL(buf_reserve(&b, 1));
  buf_clear(&b);
  buf_put_u8(&b, 'x');
  ASSERT_SPAN(buf_span(&b), "x");
  buf_fini(&b);
}
