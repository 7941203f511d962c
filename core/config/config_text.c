/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole properties texts: a file at the start, an update over the wire.
 */
#include "core/config/config.h"

#include "core/config/config_value.h"

#include <stdlib.h>

enum { SENTENCE_MAX = 4096, UPDATE_KEYS_MAX = 512 };

struct apply {
  void *settings;
  const char *name;
  struct log *log;
  struct buf why;
  bool failed;
};

static const char *sentence(struct buf *why) {
  buf_put_u8(why, '\0');
  return why->failed ? "value not understood" : (const char *)why->ptr;
}

static enum status apply_line(void *context, struct span key, struct span value, int line) {
  struct apply *a = context;
  const struct config_base *base = a->settings;
  buf_clear(&a->why);
  enum status status = config_set(a->settings, key, value, &a->why);
  if (status == STATUS_OK) {
    const struct config_key *row = config_find(base->table, key);
    /* At its default nobody relies on it: a file that was rewritten whole names every key. */
    if ((row->flags & CONFIG_IGNORED) != 0 && !span_equal(value, span_text(row->default_text)))
      log_warn(a->log, "%s:%d: key '%s' has no effect: %s", a->name, line, row->name, row->doc);
    return STATUS_OK;
  }
  if (status == STATUS_NOT_FOUND) {
    log_warn(a->log, "%s:%d: %s; it is kept without effect", a->name, line, sentence(&a->why));
    return STATUS_OK;
  }
  if (status != STATUS_INVALID) {
    log_error(a->log, "%s:%d: %s", a->name, line, status_text(status));
    return status;
  }
  log_error(a->log, "%s:%d: %s", a->name, line, sentence(&a->why));
  a->failed = true;
  return STATUS_OK;
}

enum status config_apply(void *settings, struct span text, const char *name, struct log *log) {
  struct apply a = {.settings = settings, .name = name, .log = log};
  int line = 0;
  buf_init(&a.why, SENTENCE_MAX);
  enum status status = properties_parse(text, apply_line, &a, &line);
  if (status == STATUS_INVALID)
    log_error(log, "%s:%d: malformed \\u escape: four hexadecimal digits must follow", name, line);
  if (status == STATUS_OK && a.failed) status = STATUS_INVALID;
  buf_fini(&a.why);
  return status;
}

struct update {
  void *settings;
  struct buf *why;
  struct config_value *values;
  size_t count;
};

/* A key that may only be set at the start may still be sent with the value it has: tools send whole files. */
static bool is_unchanged(const void *settings, const struct config_key *key, struct span value) {
  struct buf now;
  buf_init(&now, value.len + SENTENCE_MAX);
  bool same = config_value_text(key, settings, &now) && !now.failed &&
              span_equal(buf_span(&now), key->type == CONFIG_TEXT ? value : span_trim(value));
  buf_fini(&now);
  return same;
}

static enum status check_line(void *context, struct span key, struct span value, int line) {
  struct update *u = context;
  const struct config_base *base = u->settings;
  (void)line;
  const struct config_key *row = config_find(base->table, key);
  if (row == NULL) {
    const char *nearest = config_nearest(base->table, key);
    buf_printf(u->why, "unknown key '%.*s'", SPAN_ARG(key));
    if (nearest != NULL) buf_printf(u->why, " (did you mean '%s'?)", nearest);
    return STATUS_NOT_FOUND;
  }
  if ((row->flags & CONFIG_LIVE) == 0) {
    if ((row->flags & CONFIG_SECRET) == 0 && is_unchanged(u->settings, row, value)) return STATUS_OK;
    buf_printf(u->why, "key '%s' cannot be changed while running", row->name);
    return STATUS_INVALID;
  }
  if (u->count == UPDATE_KEYS_MAX) {
    buf_printf(u->why, "more than %d keys in one update", UPDATE_KEYS_MAX);
    return STATUS_LIMIT;
  }
  enum status status = config_value_read(&u->values[u->count], row, value, u->why);
  if (status == STATUS_OK) u->count++;
  return status;
}

enum status config_update(void *settings, struct span text, struct buf *why) {
  struct update u = {.settings = settings, .why = why};
  int line = 0;
  size_t said = why->len;
  u.values = calloc(UPDATE_KEYS_MAX, sizeof *u.values);
  if (u.values == NULL) return STATUS_NO_MEMORY;
  enum status status = properties_parse(text, check_line, &u, &line);
  if (status == STATUS_INVALID && why->len == said)
    buf_printf(why, "line %d: malformed \\u escape: four hexadecimal digits must follow", line);
  for (size_t i = 0; i < u.count; i++) {
    if (status == STATUS_OK) config_value_store(&u.values[i], settings);
    config_value_drop(&u.values[i]);
  }
  free(u.values);
  return status;
}
