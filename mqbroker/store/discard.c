/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole queues that nobody needs any more (DefaultMessageStore.cleanUnusedTopic,
 * cleanExpiredConsumerQueue). Their messages stay in the log.
 */
#include "mqbroker/store/store_state.h"

#include <stdio.h>
#include <stdlib.h>

static enum status directory_remove(struct store *s, const char *path) {
  enum status status = s->disk->ops->remove(s->disk, path);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* consumequeue/TOPIC and consumequeue_ext/TOPIC, if they are empty. */
static enum status topic_directories_remove(struct store *s, struct span topic) {
  char path[DISK_PATH_MAX];
  snprintf(path, sizeof path, "%s_ext/%.*s", s->queues.dir, SPAN_ARG(topic));
  enum status ext = directory_remove(s, path);
  if (ext != STATUS_OK) log_debug(s->log, "%s stays: %s", path, status_text(ext));
  snprintf(path, sizeof path, "%s/%.*s", s->queues.dir, SPAN_ARG(topic));
  return directory_remove(s, path);
}

/* Files, directory, and the entry in the table. */
static enum status queue_discard(struct store *s, struct consumequeue *q) {
  enum status status = q->loaded ? STATUS_OK : consumequeue_load(q, s->commitlog.appended);
  if (status == STATUS_OK) status = consumequeue_reset(q);
  if (status == STATUS_OK) status = directory_remove(s, q->dir);
  if (status == STATUS_OK && q->ext != NULL) status = directory_remove(s, q->ext->dir);
  /* What is staged for it keeps its number and finds an empty queue. */
  if (status == STATUS_OK && q->next == q->max) queues_forget(&s->queues, q);
  return status;
}

enum status store_delete_topic(struct store *s, struct span topic) {
  struct consumequeue **list;
  size_t count;
  enum status status = queues_sorted(&s->queues, topic, &list, &count);
  if (status != STATUS_OK) return status;
  for (size_t i = 0; i < count && status == STATUS_OK; i++) status = queue_discard(s, list[i]);
  free(list);
  return count == 0 || status != STATUS_OK ? status : topic_directories_remove(s, topic);
}

static void first_failure(enum status *first, enum status status) {
  if (*first == STATUS_OK) *first = status;
}

/* Delayed messages are found by the offsets in their queues: those must go on counting. */
static enum status expired_check(struct store *s, struct consumequeue *q, bool *expired) {
  *expired = false;
  if (span_is(q->topic, SCHEDULE_TOPIC)) return STATUS_OK;
  enum status status = q->loaded ? STATUS_OK : consumequeue_load(q, s->commitlog.appended);
  *expired = status == STATUS_OK && q->max > 0 && q->next == q->max && q->physical_max <= commitlog_min(&s->commitlog);
  return status;
}

size_t store_clean_expired_queues(struct store *s, enum status *status) {
  struct consumequeue **list;
  size_t count, removed = 0;
  *status = queues_sorted(&s->queues, SPAN_NONE, &list, &count);
  if (*status != STATUS_OK) return 0;
  for (size_t i = 0; i < count; i++) {
    char text[TOPIC_LENGTH_MAX + 1];
    struct span topic = span_of(text, list[i]->topic.len);
    bool expired;
    enum status done = expired_check(s, list[i], &expired);
    if (done == STATUS_OK && expired) {
      memcpy(text, list[i]->topic.ptr, topic.len);
      log_info(s->log, "consume queue %s is removed: the log has none of its messages any more", list[i]->dir);
      done = queue_discard(s, list[i]);
      if (done == STATUS_OK) removed++;
      /* Only the last queue of a topic leaves an empty directory. */
      enum status directory = topic_directories_remove(s, topic);
      (void)directory;
    }
    first_failure(status, done);
  }
  free(list);
  return removed;
}

/* Half messages and their marks are kept although no table may name them. */
static bool topic_is_internal(struct span topic) {
  return span_is(topic, SCHEDULE_TOPIC) || span_starts(topic, "RMQ_SYS_TRANS_");
}

size_t store_clean_topics(struct store *s, bool (*keep)(void *context, struct span topic), void *context,
                          enum status *status) {
  struct consumequeue **list;
  size_t count, removed = 0;
  *status = queues_sorted(&s->queues, SPAN_NONE, &list, &count);
  if (*status != STATUS_OK) return 0;
  for (size_t i = 0, next; i < count; i = next) {
    char text[TOPIC_LENGTH_MAX + 1];
    struct span topic = span_of(text, list[i]->topic.len);
    memcpy(text, list[i]->topic.ptr, topic.len);
    for (next = i + 1; next < count && span_equal(list[next]->topic, topic);) next++;
    if (topic_is_internal(topic) || keep(context, topic)) continue;
    log_info(s->log, "the consume queues of topic %.*s are removed: there is no such topic", SPAN_ARG(topic));
    enum status done = store_delete_topic(s, topic);
    if (done == STATUS_OK) removed++;
    first_failure(status, done);
  }
  free(list);
  return removed;
}
