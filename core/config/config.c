/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"

#include "core/config/config_value.h"

#include <assert.h>
#include <stdlib.h>

enum { UNKNOWN_MAX = 1024 }; /* kept keys that no table has */

static bool is_text(const struct config_key *key) { return key->type == CONFIG_TEXT; }

enum status config_init(void *settings, const struct config_table *table) {
  struct config_base *base = settings;
  *base = (struct config_base){.table = table};
  for (size_t i = 0; i < table->count; i++)
    if (is_text(&table->keys[i])) *(char **)((char *)settings + table->keys[i].offset) = NULL;
  for (size_t i = 0; i < table->count; i++) {
    const struct config_key *key = &table->keys[i];
    struct config_value value;
    if (key->default_text == NULL) {
      assert(is_text(key));
      continue;
    }
    enum status status = config_value_read(&value, key, span_text(key->default_text), NULL);
    assert(status != STATUS_INVALID); /* the table itself would be wrong */
    if (status != STATUS_OK) {
      config_fini(settings);
      return status;
    }
    config_value_store(&value, settings);
  }
  return STATUS_OK;
}

static void free_unknown(struct config_unknown *u) {
  free(u->key);
  free(u->value);
  free(u);
}

void config_fini(void *settings) {
  struct config_base *base = settings;
  for (size_t i = 0; i < base->table->count; i++) {
    const struct config_key *key = &base->table->keys[i];
    if (!is_text(key)) continue;
    char **text = (char **)((char *)settings + key->offset);
    free(*text);
    *text = NULL;
  }
  while (base->unknown != NULL) {
    struct config_unknown *u = base->unknown;
    base->unknown = u->next;
    free_unknown(u);
  }
  free(base->path);
  base->path = NULL;
}

static char *copy_text(struct span s) {
  char *copy = malloc(s.len + 1);
  if (copy == NULL) return NULL;
  if (s.len > 0) memcpy(copy, s.ptr, s.len);
  copy[s.len] = '\0';
  return copy;
}

/* Java keeps what it does not know and shows it in GET_BROKER_CONFIG. */
static enum status keep_unknown(struct config_base *base, struct span key, struct span value) {
  struct config_unknown **link = &base->unknown;
  size_t count = 0;
  if (span_find(key, '\0', 0) < key.len || span_find(value, '\0', 0) < value.len) return STATUS_INVALID;
  for (; *link != NULL; link = &(*link)->next, count++)
    if (span_is(key, (*link)->key)) break;
  if (*link == NULL && count >= UNKNOWN_MAX) return STATUS_LIMIT;
  struct config_unknown *u = calloc(1, sizeof *u);
  if (u == NULL) return STATUS_NO_MEMORY;
  u->key = copy_text(key);
  u->value = copy_text(value);
  if (u->key == NULL || u->value == NULL) {
    free_unknown(u);
    return STATUS_NO_MEMORY;
  }
  if (*link != NULL) {
    struct config_unknown *old = *link;
    u->next = old->next;
    free_unknown(old);
  }
  *link = u;
  return STATUS_NOT_FOUND;
}

enum status config_set(void *settings, struct span key, struct span value, struct buf *why) {
  struct config_base *base = settings;
  const struct config_key *row = config_find(base->table, key);
  if (row == NULL) {
    const char *nearest = config_nearest(base->table, key);
    enum status status = keep_unknown(base, key, value);
    if (why == NULL) return status;
    buf_printf(why, "unknown key '%.*s'", SPAN_ARG(key));
    if (status == STATUS_INVALID) buf_put_text(why, " with a NUL character in it or in its value");
    if (nearest != NULL) buf_printf(why, " (did you mean '%s'?)", nearest);
    return status;
  }
  struct config_value v;
  enum status status = config_value_read(&v, row, value, why);
  if (status != STATUS_OK) return status;
  config_value_store(&v, settings);
  return STATUS_OK;
}

enum status config_get(const void *settings, const char *key, struct buf *out) {
  const struct config_base *base = settings;
  const struct config_key *row = config_find(base->table, span_text(key));
  if (row != NULL) {
    if ((row->flags & CONFIG_SECRET) != 0) return STATUS_NOT_FOUND;
    return config_value_text(row, settings, out) ? STATUS_OK : STATUS_NOT_FOUND;
  }
  for (const struct config_unknown *u = base->unknown; u != NULL; u = u->next)
    if (strcmp(u->key, key) == 0) {
      buf_put_text(out, u->value);
      return STATUS_OK;
    }
  return STATUS_NOT_FOUND;
}

void config_write(const void *settings, bool important_only, struct buf *out) {
  const struct config_base *base = settings;
  struct buf value;
  buf_init(&value, out->limit);
  for (size_t i = 0; i < base->table->count; i++) {
    const struct config_key *key = &base->table->keys[i];
    if ((key->flags & CONFIG_SECRET) != 0) continue;
    if (important_only && (key->flags & CONFIG_IMPORTANT) == 0) continue;
    buf_clear(&value);
    if (config_value_text(key, settings, &value)) properties_put(out, span_text(key->name), buf_span(&value));
  }
  if (value.failed) out->failed = true;
  for (const struct config_unknown *u = base->unknown; u != NULL && !important_only; u = u->next)
    properties_put(out, span_text(u->key), span_text(u->value));
  buf_fini(&value);
}
