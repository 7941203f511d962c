/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/outbox.h"
#include "core/base/prng.h"
#include "tests/unit/uv/uv_test.h"

#include <stdlib.h>

#define MODEL_MAX (1 << 20)
#define VECTORS 7

struct model {
  uint8_t *expect; /* all bytes ever put in */
  size_t in, out;
};

static uint8_t *pattern(size_t len, struct prng *chance) {
  uint8_t *p = malloc(len == 0 ? 1 : len);
  for (size_t i = 0; i < len; i++) p[i] = (uint8_t)prng_next(chance);
  return p;
}

/* Takes up to n bytes through the vectors and compares them with what was put in. */
static void take(struct outbox *o, struct block_pool *pool, struct model *m, size_t n) {
  struct iovec v[VECTORS];
  int count = outbox_vectors(o, v, VECTORS);
  size_t taken = 0;
  for (int i = 0; i < count && taken < n; i++) {
    size_t step = v[i].iov_len < n - taken ? v[i].iov_len : n - taken;
    CU_ASSERT(step > 0 && memcmp(v[i].iov_base, m->expect + m->out + taken, step) == 0);
    taken += step;
  }
  outbox_took(o, pool, taken);
  m->out += taken;
}

/* Any sequence of copies, loans, partial sends and keeps gives the bytes in order. */
static void test_outbox_order(void) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct prng chance;
    prng_init(&chance, seed);
    struct block_pool pool;
    block_pool_init(&pool);
    struct outbox o = {0};
    struct model m = {malloc(MODEL_MAX), 0, 0};
    uint8_t *loans[64];
    size_t loan_count = 0;
    while (m.in < MODEL_MAX - 8192) {
      uint64_t what = prng_below(&chance, 10);
      size_t len = (size_t)prng_below(&chance, what < 7 ? 3000 : 100);
      uint8_t *bytes = pattern(len, &chance);
      if (what < 8 && loan_count < 64) {
        memcpy(m.expect + m.in, bytes, len);
        m.in += len;
        if (what < 4) outbox_copy(&o, &pool, span_of(bytes, len), SIZE_MAX);
        else outbox_borrow(&o, &pool, span_of(bytes, len), SIZE_MAX);
        loans[loan_count++] = bytes;
        bytes = NULL;
      } else {
        take(&o, &pool, &m, (size_t)prng_below(&chance, 20000));
        CU_ASSERT(outbox_keep(&o, &pool) == STATUS_OK);
        while (loan_count > 0) free(loans[--loan_count]); /* ASan sees who still looks at them */
      }
      free(bytes);
      CU_ASSERT(o.bytes == m.in - m.out);
    }
    while (o.bytes > 0) take(&o, &pool, &m, 100000);
    CU_ASSERT(m.in == m.out && !o.failed && o.own.ptr == NULL && o.parts.ptr == NULL);
    while (loan_count > 0) free(loans[--loan_count]);
    outbox_fini(&o, &pool);
    block_pool_fini(&pool);
    free(m.expect);
  }
}

static void test_outbox_limit(void) {
  struct block_pool pool;
  block_pool_init(&pool);
  struct outbox o = {0};
  uint8_t bytes[1000] = {0};
  outbox_copy(&o, &pool, span_of(bytes, 600), 1000);
  CU_ASSERT(!o.failed && o.bytes == 600);
  outbox_borrow(&o, &pool, span_of(bytes, 600), 1000);
  CU_ASSERT(o.failed && o.bytes == 600);
  outbox_copy(&o, &pool, span_of(bytes, 1), 1000); /* nothing may follow a hole */
  CU_ASSERT(o.bytes == 600);
  outbox_fini(&o, &pool);
  CU_ASSERT(!o.failed && o.bytes == 0);
  block_pool_fini(&pool);
}

static void test_block_reuse(void) {
  struct block_pool pool;
  block_pool_init(&pool);
  struct block a = block_take(&pool, 700);
  CU_ASSERT_FATAL(a.ptr != NULL);
  CU_ASSERT(a.cap == 1024);
  uint8_t *first = a.ptr;
  block_give(&pool, a);
  struct block b = block_take(&pool, 1024);
  CU_ASSERT(b.ptr == first);
  struct block big = block_take(&pool, (1u << BLOCK_MAX_SHIFT) + 1);
  CU_ASSERT(big.cap == 2u << BLOCK_MAX_SHIFT);
  block_give(&pool, big);
  block_give(&pool, b);
  CU_ASSERT(block_take(&pool, SIZE_MAX).ptr == NULL);
  block_pool_fini(&pool);
}

const struct test outbox_tests[] = {
    {"outbox_order", test_outbox_order},
    {"outbox_limit", test_outbox_limit},
    {"block_reuse", test_block_reuse},
    {NULL, NULL},
};
