/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/state/filters.h"

#include "mqbroker/state/config_file.h"
#include "mqbroker/state/filters_table.h"

#include <stdio.h>
#include <stdlib.h>

#define SQL92 "SQL92" /* the one language there is (FilterFactory) */

enum status filters_init(struct filters *fs, const char *root, int32_t error_percent, int32_t expected, size_t limit,
                         uint64_t seed) {
  *fs = (struct filters){.limits = SQL_LIMITS_DEFAULT, .limit = limit, .seed = seed};
  map_init(&fs->topics, seed);
  map_init(&fs->groups, seed);
  sql_cache_init(&fs->cache, seed);
  enum status status = bloom_init(&fs->bloom, error_percent, expected);
  if (status != STATUS_OK) return status;
  int n = snprintf(fs->path, sizeof fs->path, "%s/config/consumerFilter.json", root);
  return n < (int)sizeof fs->path ? STATUS_OK : STATUS_LIMIT;
}

static void filter_free(struct filter *f) {
  if (f == NULL) return;
  free((void *)f->group.ptr);
  sql_free(f->program);
  free(f);
}

static void topic_free(struct topic_filters *t) {
  for (struct map_entry *e = map_first(&t->groups); e != NULL; e = map_next(&t->groups, e)) filter_free(e->value);
  map_fini(&t->groups);
  free(t);
}

void filters_clear(struct filters *fs) {
  for (struct map_entry *e = map_first(&fs->topics); e != NULL; e = map_next(&fs->topics, e)) topic_free(e->value);
  for (struct map_entry *e = map_first(&fs->groups); e != NULL; e = map_next(&fs->groups, e)) free(e->value);
  map_fini(&fs->topics); /* empty, and usable again */
  map_fini(&fs->groups);
  fs->count = 0;
}

void filters_fini(struct filters *fs) {
  filters_clear(fs);
  sql_cache_fini(&fs->cache);
}

/* ---- one filter ---- */

static struct span keep(uint8_t **at, struct span s) {
  struct span kept = span_of(*at, s.len);
  if (s.len > 0) memcpy(*at, s.ptr, s.len);
  *at += s.len;
  return kept;
}

/* Where a (group, topic) has its bits: those of "group#topic". */
static enum status place(const struct filters *fs, struct filter *f) {
  struct buf name;
  buf_init(&name, f->group.len + f->topic.len + 1);
  buf_put(&name, f->group);
  buf_put_u8(&name, '#');
  buf_put(&name, f->topic);
  enum status status = name.failed ? STATUS_NO_MEMORY : STATUS_OK;
  if (status == STATUS_OK) bloom_positions(&fs->bloom, buf_span(&name), f->positions);
  buf_fini(&name);
  return status;
}

/* Copies the texts of `from`, compiles and places. compile_failed says in words why there is no program. */
static struct filter *filter_new(struct filters *fs, const struct filter *from, struct sql_error *compile_failed) {
  struct filter *f = malloc(sizeof *f);
  uint8_t *texts = malloc(from->group.len + from->topic.len + from->expression.len + from->expression_type.len + 1);
  if (f == NULL || texts == NULL) {
    free(f);
    free(texts);
    return NULL;
  }
  uint8_t *at = texts;
  *f = *from;
  f->program = NULL;
  f->group = keep(&at, from->group); /* first: it is what is freed */
  f->topic = keep(&at, from->topic);
  f->expression = keep(&at, from->expression);
  f->expression_type = keep(&at, from->expression_type);
  compile_failed->text[0] = '\0';
  if (place(fs, f) != STATUS_OK) {
    filter_free(f);
    return NULL;
  }
  if (!span_is(f->expression_type, SQL92))
    snprintf(compile_failed->text, sizeof compile_failed->text, "there is no filter language of that name");
  else if (sql_compile(f->expression, &fs->limits, &f->program, compile_failed) == STATUS_NO_MEMORY) {
    filter_free(f);
    return NULL;
  }
  return f;
}

/* ---- the table ---- */

static struct topic_filters *topic_of(const struct filters *fs, struct span topic) {
  return map_get(&fs->topics, topic);
}

static struct filter *find(const struct filters *fs, struct span topic, struct span group) {
  const struct topic_filters *t = topic_of(fs, topic);
  return t == NULL ? NULL : map_get(&t->groups, group);
}
const struct filter *filters_find(const struct filters *fs, struct span topic, struct span group) {
  return find(fs, topic, group);
}

/* The table's entry of that name, made with `size` zeroed bytes when it is not there. */
static void *entry_make(struct map *table, struct span name, size_t size) {
  void *entry = map_get(table, name);
  if (entry != NULL || (entry = calloc(1, size)) == NULL || map_put(table, name, entry, NULL) == STATUS_OK)
    return entry;
  free(entry);
  return NULL;
}

static void drop_empty(struct filters *fs, struct span topic, struct span group) {
  struct topic_filters *t = topic_of(fs, topic);
  if (t != NULL && map_count(&t->groups) == 0) {
    map_remove(&fs->topics, topic);
    topic_free(t);
  }
  struct group_filters *g = map_get(&fs->groups, group);
  if (g != NULL && LIST_EMPTY(&g->filters)) {
    map_remove(&fs->groups, group);
    free(g);
  }
}

/* Into both tables; *old is what it replaces. */
static enum status enter(struct filters *fs, struct filter *f, struct filter **old) {
  struct topic_filters *t = entry_make(&fs->topics, f->topic, sizeof *t);
  struct group_filters *g = entry_make(&fs->groups, f->group, sizeof *g);
  void *replaced = NULL;
  if (t == NULL || g == NULL || map_put(&t->groups, f->group, f, &replaced) != STATUS_OK) {
    drop_empty(fs, f->topic, f->group);
    return STATUS_NO_MEMORY;
  }
  *old = replaced;
  if (*old != NULL) LIST_REMOVE(*old, of_group);
  LIST_INSERT_HEAD(&g->filters, f, of_group);
  return STATUS_OK;
}

enum status filters_put(struct filters *fs, const struct filter *from, bool must_compile, struct sql_error *error) {
  bool is_new = find(fs, from->topic, from->group) == NULL;
  if (is_new && fs->count >= fs->limit) return STATUS_LIMIT;
  struct filter *f = filter_new(fs, from, error), *old = NULL;
  if (f == NULL) return STATUS_NO_MEMORY;
  enum status status = f->program == NULL && must_compile ? STATUS_INVALID : enter(fs, f, &old);
  if (status != STATUS_OK) {
    filter_free(f);
    return status;
  }
  filter_free(old);
  fs->count += is_new;
  fs->dirty = true;
  return STATUS_OK;
}

static void filter_remove(struct filters *fs, struct filter *f) {
  map_remove(&topic_of(fs, f->topic)->groups, f->group);
  LIST_REMOVE(f, of_group);
  drop_empty(fs, f->topic, f->group);
  filter_free(f);
  fs->count--;
  fs->dirty = true;
}

/* ---- heartbeats ---- */

/* ConsumerFilterManager.build and FilterDataMapByTopic.register, for a new or changed expression. */
static void put_expression(struct filters *fs, struct span group, const struct subscription_data *s, struct moment now,
                           struct log *log) {
  const struct filter from = {.group = group,
                              .topic = s->topic,
                              .expression = s->sub_string,
                              .expression_type = s->expression_type,
                              .born_ms = now.wall_ms,
                              .client_version = s->sub_version};
  struct sql_error error = {0, ""};
  enum status status = filters_put(fs, &from, true, &error);
  if (status == STATUS_OK) {
    log_info(log, "group %.*s filters topic %.*s by %.*s", SPAN_ARG(group), SPAN_ARG(s->topic),
             SPAN_ARG(s->sub_string));
    return;
  }
  log_warn(log, "filter of group %.*s for topic %.*s is refused: character %zu: %s: %.*s", SPAN_ARG(group),
           SPAN_ARG(s->topic), error.at, error.text[0] == '\0' ? status_text(status) : error.text,
           SPAN_ARG(s->sub_string));
  struct filter *old = find(fs, s->topic, group);
  if (old != NULL && status == STATUS_INVALID) filter_remove(fs, old);
}

static void revive(struct filters *fs, struct filter *f) {
  f->dead_ms = 0;
  fs->dirty = true;
}

static void register_one(struct filters *fs, struct span group, const struct subscription_data *s, struct moment now,
                         struct log *log) {
  if (s->expression_type.len == 0 || span_is(s->expression_type, "TAG") || s->sub_string.len == 0) return;
  struct filter *f = find(fs, s->topic, group);
  bool same = f != NULL && span_equal(f->expression, s->sub_string) &&
              span_equal(f->expression_type, s->expression_type);
  if (f == NULL || (s->sub_version > f->client_version && !same)) {
    put_expression(fs, group, s, now, log);
    return;
  }
  if (s->sub_version > f->client_version) {
    f->client_version = s->sub_version;
    fs->dirty = true;
  } else {
    if (!same)
      log_info(log, "group %.*s: an older filter of topic %.*s than the present one is passed over: %.*s",
               SPAN_ARG(group), SPAN_ARG(s->topic), SPAN_ARG(s->sub_string));
    if (s->sub_version < f->client_version) return;
  }
  if (filter_is_dead(f)) revive(fs, f);
}

static void die(struct filters *fs, struct filter *f, struct moment now) {
  f->dead_ms = now.wall_ms;
  fs->dirty = true;
}

static bool mentions(const struct consumer_data *c, struct span topic) {
  for (size_t i = 0; i < c->subscription_count; i++)
    if (span_equal(c->subscriptions[i].topic, topic)) return true;
  return false;
}

/* Those of the group's filters die whose topic is not in c (NULL: all). */
static void die_but(struct filters *fs, struct span group, const struct consumer_data *c, struct moment now) {
  const struct group_filters *g = map_get(&fs->groups, group);
  struct filter *f;
  if (g == NULL) return;
  LIST_FOREACH(f, &g->filters, of_group)
  if (!filter_is_dead(f) && (c == NULL || !mentions(c, f->topic))) die(fs, f, now);
}

void filters_register(struct filters *fs, const struct consumer_data *c, struct moment now, struct log *log) {
  for (size_t i = 0; i < c->subscription_count; i++) register_one(fs, c->group, &c->subscriptions[i], now, log);
  die_but(fs, c->group, c, now);
}

void filters_unregister(struct filters *fs, struct span group, struct moment now) { die_but(fs, group, NULL, now); }

void filters_clean(struct filters *fs, int64_t keep_ms, struct moment now, struct log *log) {
  for (struct map_entry *e = map_first(&fs->topics), *next; e != NULL; e = next) {
    next = map_next(&fs->topics, e);
    struct topic_filters *t = e->value;
    for (struct map_entry *g = map_first(&t->groups), *after; g != NULL; g = after) {
      after = map_next(&t->groups, g);
      struct filter *f = g->value;
      if (!filter_is_dead(f) || now.wall_ms - f->dead_ms < keep_ms) continue;
      log_info(log, "filter of group %.*s for topic %.*s is forgotten: nobody used it for %lld ms", SPAN_ARG(f->group),
               SPAN_ARG(f->topic), (long long)(now.wall_ms - f->dead_ms));
      bool last = map_count(&t->groups) == 1;
      filter_remove(fs, f);
      if (last) break;
    }
  }
}

/* ---- bitmaps ---- */

bool filters_bitmap(const struct filters *fs, struct span topic, struct span properties, struct buf *out) {
  const struct topic_filters *t = fs->count == 0 ? NULL : topic_of(fs, topic);
  if (t == NULL) return false;
  uint8_t *bitmap = buf_reserve(out, bloom_bytes(&fs->bloom));
  if (bitmap == NULL) return false;
  memset(bitmap, 0, bloom_bytes(&fs->bloom));
  out->len += bloom_bytes(&fs->bloom);
  for (struct map_entry *e = map_first(&t->groups); e != NULL; e = map_next(&t->groups, e)) {
    const struct filter *f = e->value;
    if (f->program != NULL && sql_evaluate(f->program, properties) == SQL_TRUE)
      bloom_set(&fs->bloom, f->positions, bitmap);
  }
  return true;
}

bool filter_may_pass(const struct filters *fs, const struct filter *f, int64_t store_ms, struct span bitmap) {
  if (f->program == NULL || store_ms <= f->born_ms || bitmap.len != bloom_bytes(&fs->bloom)) return true;
  return bloom_hit(&fs->bloom, f->positions, bitmap.ptr);
}
