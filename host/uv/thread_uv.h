/* SPDX-License-Identifier: Apache-2.0
 *
 * thread_uv: threads for what may block, which is user code (a client's message
 * listeners) and a caller that waits for the loop. Rooms never see them.
 */
#ifndef MQ_UV_THREAD_UV_H
#define MQ_UV_THREAD_UV_H

#include "core/base/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- a pool of workers ---- */

struct worker_pool;

/* Owned by the caller until fn runs; fn may free it or post it again. */
struct worker_job {
  struct worker_job *next;
  void (*fn)(struct worker_job *job);
};

/* NULL when no thread could be started. */
struct worker_pool *worker_pool_new(size_t threads);
/* Any thread; first in, first out. SHUTDOWN after worker_pool_stop began: fn will not run. */
enum status worker_pool_post(struct worker_pool *pool, struct worker_job *job) MUST_USE;
/* More or fewer threads (at least 1). Fewer: each leaves after its job. */
enum status worker_pool_resize(struct worker_pool *pool, size_t threads) MUST_USE;
size_t worker_pool_waiting(struct worker_pool *pool);
/* Takes no more jobs, lets those posted run, waits up to timeout_ms (< 0: for ever) for the threads.
 * OK: all gone. TIMEOUT: some job still runs; may be called again. Not from a worker. */
enum status worker_pool_stop(struct worker_pool *pool, int timeout_ms) MUST_USE;
/* Takes out the oldest waiting job, or NULL: what a deadline left behind is the caller's again. */
struct worker_job *worker_pool_take(struct worker_pool *pool);
/* After stop answered OK; otherwise the last worker frees it when it ends. NULL is allowed. */
void worker_pool_free(struct worker_pool *pool);

/* ---- waiting ---- */

/* Shut until somebody opens it. On the waiter's stack: latch_fini may run as soon as the wait is over. */
struct latch {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  bool open;
};
void latch_init(struct latch *l);
void latch_fini(struct latch *l);
void latch_open(struct latch *l); /* any thread */
/* True: open. timeout_ms < 0: for ever. */
bool latch_wait(struct latch *l, int timeout_ms);

#endif
