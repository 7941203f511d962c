/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config_value.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
  SHOWN_MAX = 80,       /* of a wrong value in a sentence */
  NAME_MAX_LENGTH = 64, /* longer ones resemble nothing */
  DISTANCE_MAX = 3
};

const struct config_key *config_find(const struct config_table *table, struct span name) {
  for (size_t i = 0; i < table->count; i++)
    if (span_is(name, table->keys[i].name)) return &table->keys[i];
  return NULL;
}

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c; }

static unsigned least(unsigned a, unsigned b, unsigned c) {
  unsigned ab = a < b ? a : b;
  return ab < c ? ab : c;
}

/* Levenshtein distance without regard to case; both at most NAME_MAX_LENGTH long. */
static unsigned distance(struct span a, struct span b) {
  unsigned row[NAME_MAX_LENGTH + 1];
  for (unsigned k = 0; k <= b.len; k++) row[k] = k;
  for (unsigned i = 1; i <= a.len; i++) {
    unsigned diagonal = row[0];
    row[0] = i;
    for (unsigned k = 1; k <= b.len; k++) {
      unsigned above = row[k];
      unsigned change = diagonal + (lower(a.ptr[i - 1]) != lower(b.ptr[k - 1]));
      row[k] = least(change, above + 1, row[k - 1] + 1);
      diagonal = above;
    }
  }
  return row[b.len];
}

const char *config_nearest(const struct config_table *table, struct span name) {
  const char *nearest = NULL;
  unsigned best = DISTANCE_MAX + 1;
  if (name.len > NAME_MAX_LENGTH) return NULL;
  for (size_t i = 0; i < table->count; i++) {
    struct span known = span_text(table->keys[i].name);
    if (known.len > NAME_MAX_LENGTH) continue;
    unsigned d = distance(name, known);
    /* Two short words are always near each other: at most a third may differ. */
    if (d < best && d * 3 <= known.len) {
      best = d;
      nearest = table->keys[i].name;
    }
  }
  return nearest;
}

/* "key 'x': 'y' is not " with the value hidden for a secret; the caller adds what is allowed. */
static void begin_sentence(struct buf *why, const struct config_key *key, struct span text) {
  int shown = text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
  if ((key->flags & CONFIG_SECRET) != 0) buf_printf(why, "key '%s': its value is not ", key->name);
  else buf_printf(why, "key '%s': '%.*s' is not ", key->name, shown, shown > 0 ? (const char *)text.ptr : "");
}

static bool read_number(const struct config_key *key, struct span text, int64_t *out) {
  return span_to_i64(span_trim(text), out) && *out >= key->min && *out <= key->max;
}

/* Java takes everything but "true" for false; a typing error should rather be told. */
static bool read_bool(struct span text, int64_t *out) {
  *out = span_equal_nocase(span_trim(text), SPAN_LITERAL("true"));
  return *out != 0 || span_equal_nocase(span_trim(text), SPAN_LITERAL("false"));
}

static bool read_enum(const struct config_key *key, struct span text, int64_t *out) {
  for (*out = 0; key->enum_names[*out] != NULL; (*out)++)
    if (span_equal_nocase(span_trim(text), span_text(key->enum_names[*out]))) return true;
  return false;
}

static void end_sentence(struct buf *why, const struct config_key *key) {
  switch (key->type) {
  case CONFIG_I32:
  case CONFIG_I64:
    buf_printf(why, "a whole number from %" PRId64 " to %" PRId64, key->min, key->max);
    return;
  case CONFIG_BOOL:
    buf_put_text(why, "true or false");
    return;
  case CONFIG_ENUM:
    buf_put_text(why, "one of ");
    for (size_t i = 0; key->enum_names[i] != NULL; i++) buf_printf(why, i == 0 ? "%s" : ", %s", key->enum_names[i]);
    return;
  case CONFIG_TEXT:
    buf_put_text(why, "a text without NUL characters");
    return;
  }
}

static bool parse(struct config_value *out, const struct config_key *key, struct span text) {
  switch (key->type) {
  case CONFIG_I32:
  case CONFIG_I64:
    return read_number(key, text, &out->number);
  case CONFIG_BOOL:
    return read_bool(text, &out->number);
  case CONFIG_ENUM:
    return read_enum(key, text, &out->number);
  case CONFIG_TEXT:
    return span_find(text, '\0', 0) == text.len;
  }
  return false;
}

enum status config_value_read(struct config_value *out, const struct config_key *key, struct span text,
                              struct buf *why) {
  *out = (struct config_value){.key = key};
  if (!parse(out, key, text)) {
    if (why != NULL) {
      begin_sentence(why, key, text);
      end_sentence(why, key);
    }
    return STATUS_INVALID;
  }
  if (key->type != CONFIG_TEXT) return STATUS_OK;
  out->text = malloc(text.len + 1);
  if (out->text == NULL) return STATUS_NO_MEMORY;
  if (text.len > 0) memcpy(out->text, text.ptr, text.len);
  out->text[text.len] = '\0';
  return STATUS_OK;
}

void config_value_drop(struct config_value *v) {
  free(v->text);
  v->text = NULL;
}

void config_value_store(struct config_value *v, void *settings) {
  void *place = (char *)settings + v->key->offset;
  switch (v->key->type) {
  case CONFIG_I32:
  case CONFIG_ENUM:
    *(int32_t *)place = (int32_t)v->number;
    return;
  case CONFIG_I64:
    *(int64_t *)place = v->number;
    return;
  case CONFIG_BOOL:
    *(bool *)place = v->number != 0;
    return;
  case CONFIG_TEXT:
    free(*(char **)place);
    *(char **)place = v->text;
    v->text = NULL;
    return;
  }
}

bool config_value_text(const struct config_key *key, const void *settings, struct buf *out) {
  const void *place = (const char *)settings + key->offset;
  switch (key->type) {
  case CONFIG_I32:
    buf_put_decimal(out, *(const int32_t *)place);
    return true;
  case CONFIG_I64:
    buf_put_decimal(out, *(const int64_t *)place);
    return true;
  case CONFIG_BOOL:
    buf_put_text(out, *(const bool *)place ? "true" : "false");
    return true;
  case CONFIG_ENUM:
    buf_put_text(out, key->enum_names[*(const int32_t *)place]);
    return true;
  case CONFIG_TEXT:
    if (*(char *const *)place == NULL) return false;
    buf_put_text(out, *(char *const *)place);
    return true;
  }
  return false;
}
