/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/thread_uv.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct worker_pool {
  pthread_mutex_t lock;
  pthread_cond_t work; /* a job came, or fewer threads are wanted */
  pthread_cond_t gone; /* a thread left */
  struct worker_job *first, **last;
  size_t waiting;
  size_t threads; /* alive */
  size_t wanted;
  bool stopping;
  bool orphan; /* freed while workers were busy */
};

static void cond_init(pthread_cond_t *cond) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
}

static struct timespec deadline_in(int timeout_ms) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  ts.tv_sec += timeout_ms / 1000;
  ts.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (ts.tv_nsec >= 1000000000) {
    ts.tv_sec++;
    ts.tv_nsec -= 1000000000;
  }
  return ts;
}

/* False when the deadline (NULL: none) has passed. */
static bool cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *deadline) {
  if (deadline != NULL) return pthread_cond_timedwait(cond, lock, deadline) == 0;
  pthread_cond_wait(cond, lock);
  return true;
}

static void pool_destroy(struct worker_pool *pool) {
  pthread_cond_destroy(&pool->work);
  pthread_cond_destroy(&pool->gone);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}

/* Under the lock. */
static struct worker_job *job_take(struct worker_pool *pool) {
  struct worker_job *job = pool->first;
  if (job == NULL) return NULL;
  pool->first = job->next;
  if (pool->first == NULL) pool->last = &pool->first;
  pool->waiting--;
  return job;
}

static void *worker_main(void *arg) {
  struct worker_pool *pool = arg;
  pthread_mutex_lock(&pool->lock);
  while (pool->threads <= pool->wanted) {
    struct worker_job *job = job_take(pool);
    if (job == NULL) {
      if (pool->stopping) break;
      pthread_cond_wait(&pool->work, &pool->lock);
      continue;
    }
    pthread_mutex_unlock(&pool->lock);
    job->fn(job);
    pthread_mutex_lock(&pool->lock);
  }
  pool->threads--;
  pthread_cond_broadcast(&pool->gone);
  bool last = pool->orphan && pool->threads == 0;
  pthread_mutex_unlock(&pool->lock);
  if (last) pool_destroy(pool);
  return NULL;
}

/* Under the lock. Detached: the count says when they are gone. */
static enum status threads_start(struct worker_pool *pool) {
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0) return STATUS_NO_MEMORY;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  enum status status = STATUS_OK;
  while (status == STATUS_OK && pool->threads < pool->wanted) {
    pthread_t thread;
    if (pthread_create(&thread, &attr, worker_main, pool) == 0) pool->threads++;
    else status = STATUS_LIMIT;
  }
  pthread_attr_destroy(&attr);
  return status;
}

struct worker_pool *worker_pool_new(size_t threads) {
  assert(threads > 0);
  struct worker_pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL) return NULL;
  pthread_mutex_init(&pool->lock, NULL);
  cond_init(&pool->work);
  cond_init(&pool->gone);
  pool->last = &pool->first;
  pool->wanted = threads;
  pthread_mutex_lock(&pool->lock);
  /* Fewer threads than asked for still do all the work. */
  bool none = threads_start(pool) != STATUS_OK && pool->threads == 0;
  pthread_mutex_unlock(&pool->lock);
  if (!none) return pool;
  pool_destroy(pool);
  return NULL;
}

enum status worker_pool_post(struct worker_pool *pool, struct worker_job *job) {
  pthread_mutex_lock(&pool->lock);
  enum status status = pool->stopping ? STATUS_SHUTDOWN : STATUS_OK;
  if (status == STATUS_OK) {
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pool->waiting++;
    pthread_cond_signal(&pool->work);
  }
  pthread_mutex_unlock(&pool->lock);
  return status;
}

enum status worker_pool_resize(struct worker_pool *pool, size_t threads) {
  assert(threads > 0);
  pthread_mutex_lock(&pool->lock);
  enum status status = STATUS_SHUTDOWN;
  if (!pool->stopping) {
    pool->wanted = threads;
    status = threads_start(pool);
    pthread_cond_broadcast(&pool->work);
  }
  pthread_mutex_unlock(&pool->lock);
  return status;
}

size_t worker_pool_waiting(struct worker_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  size_t n = pool->waiting;
  pthread_mutex_unlock(&pool->lock);
  return n;
}

struct worker_job *worker_pool_take(struct worker_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  struct worker_job *job = job_take(pool);
  pthread_mutex_unlock(&pool->lock);
  return job;
}

enum status worker_pool_stop(struct worker_pool *pool, int timeout_ms) {
  struct timespec deadline = timeout_ms < 0 ? (struct timespec){0, 0} : deadline_in(timeout_ms);
  pthread_mutex_lock(&pool->lock);
  pool->stopping = true;
  pthread_cond_broadcast(&pool->work);
  while (pool->threads > 0)
    if (!cond_wait(&pool->gone, &pool->lock, timeout_ms < 0 ? NULL : &deadline)) break;
  enum status status = pool->threads == 0 ? STATUS_OK : STATUS_TIMEOUT;
  pthread_mutex_unlock(&pool->lock);
  return status;
}

void worker_pool_free(struct worker_pool *pool) {
  if (pool == NULL) return;
  pthread_mutex_lock(&pool->lock);
  assert(pool->stopping);
  pool->orphan = true;
  bool last = pool->threads == 0;
  pthread_mutex_unlock(&pool->lock);
  if (last) pool_destroy(pool);
}

/* ---- latch ---- */

void latch_init(struct latch *l) {
  pthread_mutex_init(&l->lock, NULL);
  cond_init(&l->cond);
  l->open = false;
}

void latch_fini(struct latch *l) {
  /* Whoever opened it may still hold the lock. */
  pthread_mutex_lock(&l->lock);
  pthread_mutex_unlock(&l->lock);
  pthread_cond_destroy(&l->cond);
  pthread_mutex_destroy(&l->lock);
}

void latch_open(struct latch *l) {
  pthread_mutex_lock(&l->lock);
  l->open = true;
  pthread_cond_broadcast(&l->cond);
  pthread_mutex_unlock(&l->lock);
}

bool latch_wait(struct latch *l, int timeout_ms) {
  struct timespec deadline = timeout_ms < 0 ? (struct timespec){0, 0} : deadline_in(timeout_ms);
  pthread_mutex_lock(&l->lock);
  while (!l->open)
    if (!cond_wait(&l->cond, &l->lock, timeout_ms < 0 ? NULL : &deadline)) break;
  bool open = l->open;
  pthread_mutex_unlock(&l->lock);
  return open;
}
