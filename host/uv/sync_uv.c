/* SPDX-License-Identifier: Apache-2.0
 *
 * disk_ops.sync_start and sync_all_start: fdatasync and syncfs on a worker thread, the answer on the loop's.
 */
#include "host/uv/host.h"

#include <stdlib.h>

struct sync_job {
  uv_work_t work;
  struct uv_host *host;
  struct disk_file *file;
  uint64_t token;
  enum status status;
  bool all;              /* the whole file system */
  struct sync_job *next; /* among the free ones */
};

static void sync_work(uv_work_t *work) {
  struct sync_job *job = work->data;
  job->status = (job->all ? disk_file_sync_all : disk_file_sync)(&job->host->disk, job->file);
}

static void sync_done(uv_work_t *work, int status) {
  struct sync_job *job = work->data;
  struct uv_host *h = job->host;
  uint64_t token = job->token;
  disk_sync_ended(&h->disk, job->file);
  enum status result = status == 0 ? job->status : STATUS_SHUTDOWN;
  job->next = h->sync_free;
  h->sync_free = job;
  h->stats.syncs++;
  h->dirty = true;
  if (h->node != NULL && h->node->ops->synced != NULL) h->node->ops->synced(h->node, token, result, host_now(h));
}

static enum status job_start(struct disk *disk, struct disk_file *file, uint64_t token, bool all) {
  struct uv_host *h = CONTAINER_OF(disk, struct uv_host, disk);
  struct sync_job *job = h->sync_free;
  if (job != NULL) h->sync_free = job->next;
  else job = malloc(sizeof *job);
  if (job == NULL) return STATUS_NO_MEMORY;
  *job = (struct sync_job){.host = h, .file = file, .token = token, .all = all};
  job->work.data = job;
  if (uv_queue_work(&h->loop, &job->work, sync_work, sync_done) == 0) {
    file->syncs++;
    return STATUS_OK;
  }
  free(job);
  return STATUS_LIMIT;
}

enum status disk_sync_start(struct disk *disk, struct disk_file *file, uint64_t token) {
  return job_start(disk, file, token, false);
}

enum status disk_sync_all_start(struct disk *disk, struct disk_file *file, uint64_t token) {
  return job_start(disk, file, token, true);
}

/* After the loop is closed: no job runs any more. */
void disk_fini(struct uv_host *h) {
  while (h->sync_free != NULL) {
    struct sync_job *job = h->sync_free;
    h->sync_free = job->next;
    free(job);
  }
  while (h->locks != NULL) h->disk.ops->close(&h->disk, h->locks);
}
