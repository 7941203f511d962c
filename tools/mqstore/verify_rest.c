/* SPDX-License-Identifier: Apache-2.0
 *
 * The small files: checkpoint, configuration, DLedger's own.
 */
#include "tools/mqstore/verify.h"

#include <inttypes.h>

static void check_promise(struct verify *v, int64_t position, const char *what, int64_t ms) {
  char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
  if (ms <= sum_of(v->max_ms, CLOCK_SLACK_MS)) return;
  verify_report(v, PROBLEM, "checkpoint", position, "%s up to %s, but the newest record is of %s", what,
                time_text(ms, a), time_text(v->max_ms, b));
}

void verify_checkpoint(struct verify *v) {
  const struct checkpoint_times *c = &v->store->checkpoint;
  enum { CHECKPOINT_BYTES = 4096 };
  if (!c->exists) {
    if (v->records > 0) verify_report(v, NOTE, "checkpoint", -1, "there is none");
    return;
  }
  if (c->length != CHECKPOINT_BYTES)
    verify_report(v, PROBLEM, "checkpoint", -1, "%" PRId64 " bytes long, not %d", c->length, CHECKPOINT_BYTES);
  check_promise(v, 0, "log on disk", c->physic_ms);
  check_promise(v, 8, "queues on disk", c->logics_ms);
  check_promise(v, 16, "index on disk", c->index_ms);
}

bool topic_is_gone(const struct verify *v, struct span topic) {
  const struct json *table = json_member(v->topics.tree, "topicConfigTable");
  if (table == NULL) return false; /* nothing is known of any */
  for (const struct json *t = table->children; t != NULL; t = t->next)
    if (span_equal(json_text(t->key), topic)) return false;
  return true;
}

/* Behind the last unit, or the last record that will get one. */
static int64_t queue_limit(const struct store_queue *q) {
  return q->walk.started && q->walk.next > q->end ? q->walk.next : q->end;
}

static void check_offset(struct verify *v, const char *file, struct span topic, struct span group, int32_t queue_id,
                         int64_t offset) {
  struct store_queue *q = queue_find(&v->store->queues, topic, queue_id);
  int64_t limit = q == NULL ? 0 : queue_limit(q);
  if (offset < 0 || queue_id < 0)
    verify_report(v, PROBLEM, file, -1, "%.*s of %.*s: queue %" PRId32 ", offset %" PRId64, SPAN_ARG(group),
                  SPAN_ARG(topic), queue_id, offset);
  else if (offset > limit && q == NULL && topic_is_gone(v, topic))
    verify_report(v, NOTE, file, -1, "%.*s has offset %" PRId64 " in queue %" PRId32 " of %.*s, which is gone",
                  SPAN_ARG(group), offset, queue_id, SPAN_ARG(topic));
  else if (offset > limit)
    verify_report(v, PROBLEM, file, -1,
                  "%.*s has offset %" PRId64 " in queue %" PRId32 " of %.*s, which ends at %" PRId64, SPAN_ARG(group),
                  offset, queue_id, SPAN_ARG(topic), limit);
  else if (q != NULL && offset < queue_min(q, v->log_first) && offset > 0)
    verify_report(v, NOTE, file, -1,
                  "%.*s has offset %" PRId64 " in queue %" PRId32 " of %.*s, which begins at %" PRId64, SPAN_ARG(group),
                  offset, queue_id, SPAN_ARG(topic), queue_min(q, v->log_first));
}

static void check_consumer_offset(void *context, struct span topic, struct span group, int32_t queue_id,
                                  int64_t offset) {
  check_offset(context, "config/consumerOffset.json", topic, group, queue_id, offset);
}

static void check_delay_offsets(struct verify *v, const struct config_file *c) {
  const struct json *table = json_member(c->tree, "offsetTable");
  if (table == NULL || table->kind != JSON_OBJECT) return;
  for (const struct json *o = table->children; o != NULL; o = o->next)
    check_offset(v, "config/delayOffset.json", SPAN_LITERAL("SCHEDULE_TOPIC_XXXX"), SPAN_LITERAL("delivery"),
                 json_i32(o->key, 0) - 1, json_i64(o, -1));
}

static void check_config_file(struct verify *v, const struct config_file *c) {
  char name[FILE_LABEL_MAX];
  snprintf(name, sizeof name, "config/%s", c->name);
  switch (c->state) {
  case CONFIG_BAD:
  case CONFIG_EMPTY:
    verify_report(v, PROBLEM, name, c->state == CONFIG_BAD ? (int64_t)c->at : -1, "cannot be read: %s", c->why);
    break;
  case CONFIG_FROM_BACKUP:
    verify_report(v, strcmp(c->why, status_text(STATUS_NOT_FOUND)) == 0 ? NOTE : PROBLEM, name, (int64_t)c->at,
                  "%s; its .bak is used", c->why);
    break;
  case CONFIG_MISSING:
  case CONFIG_GOOD:
    break;
  }
}

void verify_config(struct verify *v) {
  for (size_t i = 0; i < CONFIG_FILES; i++) {
    struct config_file c;
    enum status status = config_load(v->store, config_names[i], &c);
    if (status != STATUS_OK) {
      verify_report(v, PROBLEM, config_names[i], -1, "%s", status_text(status));
      continue;
    }
    check_config_file(v, &c);
    if (strcmp(c.name, "consumerOffset.json") == 0) config_offsets(&c, check_consumer_offset, v);
    if (strcmp(c.name, "delayOffset.json") == 0) check_delay_offsets(v, &c);
  }
}

void verify_ledger(struct verify *v) {
  const struct ledger_facts *l = &v->store->ledger;
  char name[FILE_LABEL_MAX];
  if (l->name == NULL) return;
  verify_files(v, &l->index, 32);
  snprintf(name, sizeof name, "%s/repair", l->name);
  if (l->has_repair)
    verify_report(v, PROBLEM, name, -1,
                  "entries up to %" PRId64 " were lost to damage; the member waits for a leader and does not vote",
                  l->damaged_index);
  if (!v->ledger_any) return;
  snprintf(name, sizeof name, "%s/currterm", l->name);
  if (!l->has_term) verify_report(v, PROBLEM, name, -1, "missing or broken; the node would not know what it voted for");
  else if (l->term < v->last_term)
    verify_report(v, PROBLEM, name, -1, "term %" PRId64 ", but the last entry is of term %" PRId64, l->term,
                  v->last_term);
  snprintf(name, sizeof name, "%s/checkpoint", l->name);
  if (!l->has_checkpoint) verify_report(v, NOTE, name, -1, "missing or broken; the committed index is not known");
  else if (l->committed_index > v->last_index)
    verify_report(v, PROBLEM, name, -1, "committed index %" PRId64 ", but the last entry is %" PRId64,
                  l->committed_index, v->last_index);
  else if (l->synced_index > v->last_index)
    verify_report(v, PROBLEM, name, -1, "entry %" PRId64 " was synced, but the last entry is %" PRId64, l->synced_index,
                  v->last_index);
}
