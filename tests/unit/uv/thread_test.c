/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/uv/uv_test.h"

#include <stdatomic.h>
#include <stdlib.h>

#define JOBS 500

struct task {
  struct worker_job job;
  atomic_uint *count;
  struct latch *started, *gate;
};

static void count_job(struct worker_job *job) { atomic_fetch_add(((struct task *)job)->count, 1); }

static void gated_job(struct worker_job *job) {
  struct task *t = (struct task *)job;
  latch_open(t->started);
  latch_wait(t->gate, -1);
  atomic_fetch_add(t->count, 1);
}

static void test_pool(void) {
  static struct task tasks[JOBS];
  atomic_uint count = 0;
  struct worker_pool *pool = worker_pool_new(3);
  CU_ASSERT_FATAL(pool != NULL);
  for (size_t i = 0; i < JOBS; i++) {
    if (i == 100) CU_ASSERT(worker_pool_resize(pool, 6) == STATUS_OK);
    if (i == 300) CU_ASSERT(worker_pool_resize(pool, 1) == STATUS_OK);
    tasks[i] = (struct task){.job.fn = count_job, .count = &count};
    CU_ASSERT(worker_pool_post(pool, &tasks[i].job) == STATUS_OK);
  }
  CU_ASSERT(worker_pool_stop(pool, -1) == STATUS_OK);
  CU_ASSERT(atomic_load(&count) == JOBS && worker_pool_waiting(pool) == 0);
  CU_ASSERT(worker_pool_post(pool, &tasks[0].job) == STATUS_SHUTDOWN);
  CU_ASSERT(worker_pool_resize(pool, 2) == STATUS_SHUTDOWN);
  worker_pool_free(pool);
  worker_pool_free(NULL);
}

/* A job that does not end holds up nobody longer than the deadline. */
static void test_pool_deadline(void) {
  atomic_uint count = 0;
  struct latch started, gate;
  latch_init(&started);
  latch_init(&gate);
  struct worker_pool *pool = worker_pool_new(1);
  CU_ASSERT_FATAL(pool != NULL);
  struct task slow = {.job.fn = gated_job, .count = &count, .started = &started, .gate = &gate};
  struct task next = {.job.fn = count_job, .count = &count};
  CU_ASSERT(worker_pool_post(pool, &slow.job) == STATUS_OK);
  CU_ASSERT(worker_pool_post(pool, &next.job) == STATUS_OK);
  CU_ASSERT(latch_wait(&started, WORLD_LIMIT_MS));
  CU_ASSERT(worker_pool_stop(pool, 20) == STATUS_TIMEOUT);
  CU_ASSERT(worker_pool_waiting(pool) == 1 && atomic_load(&count) == 0);
  CU_ASSERT(worker_pool_take(pool) == &next.job && worker_pool_take(pool) == NULL);
  latch_open(&gate);
  CU_ASSERT(worker_pool_stop(pool, -1) == STATUS_OK && atomic_load(&count) == 1);
  worker_pool_free(pool);
  latch_fini(&started);
  latch_fini(&gate);
}

static void *open_latch(void *arg) {
  latch_open(arg);
  return NULL;
}

static void test_latch(void) {
  for (int i = 0; i < 200; i++) {
    struct latch *l = malloc(sizeof *l);
    latch_init(l);
    CU_ASSERT(i > 0 || !latch_wait(l, 5));
    pthread_t thread = raw_thread(open_latch, l);
    CU_ASSERT(latch_wait(l, i % 2 == 0 ? -1 : WORLD_LIMIT_MS));
    latch_fini(l);
    free(l);
    pthread_join(thread, NULL);
  }
}

const struct test thread_tests[] = {
    {"pool", test_pool},
    {"pool_deadline", test_pool_deadline},
    {"latch", test_latch},
    {NULL, NULL},
};
