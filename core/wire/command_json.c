/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON header. Two readers: a direct one for the form that every known
 * client writes (one pass, no tree), and a lenient one through json_parse for
 * whatever else fastjson would take. The direct one never refuses: where it is
 * not sure it steps back, and the lenient one decides.
 */
#include "core/wire/command_forms.h"
#include "core/wire/json.h"
#include "core/wire/json_scan.h"

struct walk {
  const uint8_t *p;
  const uint8_t *end;
  struct command *out;
  struct ext_list *list;
};

/* AGAIN: not the usual form. */
#define UNUSUAL STATUS_AGAIN

static void skip_blanks(struct walk *w) {
  while (w->p < w->end && (*w->p == ' ' || *w->p == '\n' || *w->p == '\t' || *w->p == '\r')) w->p++;
}

static bool skip_behind_blanks(struct walk *w, uint8_t c) {
  skip_blanks(w);
  if (w->p == w->end || *w->p != c) return false;
  w->p++;
  return true;
}

/* Java writes no blanks. */
static inline bool skip(struct walk *w, uint8_t c) {
  if (w->p == w->end || *w->p != c) return skip_behind_blanks(w, c);
  w->p++;
  return true;
}

static enum status walk_string(struct walk *w, struct span *out) {
  const char *why;
  if (!skip(w, '"')) return UNUSUAL;
  const uint8_t *start = w->p, *p = json_scan_plain(start, w->end, '"');
  if (p < w->end && *p == '"') {
    *out = span_of(start, (size_t)(p - start));
    w->p = p + 1;
    return STATUS_OK;
  }
  enum status status = json_read_string(&w->p, w->end, '"', w->list->arena, out, &why);
  return status == STATUS_INVALID ? UNUSUAL : status;
}

static enum status walk_int(struct walk *w, int32_t *out) {
  enum { DIGITS_MAX = 10 };
  skip_blanks(w);
  const uint8_t *p = w->p;
  bool negative = p < w->end && *p == '-';
  if (negative) p++;
  const uint8_t *digits = p;
  int64_t v = 0;
  while (p < w->end && p - digits <= DIGITS_MAX && *p >= '0' && *p <= '9') v = v * 10 + (*p++ - '0');
  if (p == digits || p - digits > DIGITS_MAX || p == w->end) return UNUSUAL;
  if (*p != ',' && *p != '}' && *p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') return UNUSUAL;
  if (negative) v = -v;
  if (v < INT32_MIN || v > INT32_MAX) return UNUSUAL;
  *out = (int32_t)v;
  w->p = p;
  return STATUS_OK;
}

/* Behind a value: true when another one follows, false at the closing brace; *status UNUSUAL for the rest. */
static bool walk_more(struct walk *w, enum status *status) {
  if (skip(w, ',')) return true;
  if (!skip(w, '}')) *status = UNUSUAL;
  return false;
}

static enum status walk_ext(struct walk *w) {
  const char *why;
  if (!skip(w, '{')) return UNUSUAL;
  if (skip(w, '}')) return STATUS_OK;
  enum status status;
  do {
    struct span key, value;
    status = walk_string(w, &key);
    if (status != STATUS_OK) return status;
    if (!skip(w, ':')) return UNUSUAL;
    status = walk_string(w, &value);
    if (status != STATUS_OK) return status;
    status = ext_list_put(w->list, key, value, &why);
    if (status == STATUS_LIMIT) return UNUSUAL; /* the lenient reader says so, with the reason */
  } while (status == STATUS_OK && walk_more(w, &status));
  return status;
}

static enum status walk_member(struct walk *w, struct span key) {
  struct command *c = w->out;
  enum status status;
  struct span text;
  switch (key.len) {
  case 4:
    if (span_is(key, "code")) return walk_int(w, &c->code);
    return span_is(key, "flag") ? walk_int(w, &c->flag) : UNUSUAL;
  case 6:
    if (span_is(key, "remark")) return walk_string(w, &c->remark);
    c->has_opaque = true;
    return span_is(key, "opaque") ? walk_int(w, &c->opaque) : UNUSUAL;
  case 7:
    return span_is(key, "version") ? walk_int(w, &c->version) : UNUSUAL;
  case 8:
    status = span_is(key, "language") ? walk_string(w, &text) : UNUSUAL;
    if (status == STATUS_OK) c->language = language_from_name(text);
    return status;
  case 9:
    ext_list_clear(w->list); /* a second extFields replaces the first */
    return span_is(key, "extFields") ? walk_ext(w) : UNUSUAL;
  case 23:
    return span_is(key, "serializeTypeCurrentRPC") ? walk_string(w, &text) : UNUSUAL;
  default:
    return UNUSUAL;
  }
}

static enum status walk_header(struct command *out, struct span header, struct ext_list *list) {
  struct walk w = {header.ptr, header.ptr + header.len, out, list};
  if (!skip(&w, '{')) return UNUSUAL;
  enum status status;
  do {
    struct span key;
    status = walk_string(&w, &key);
    if (status != STATUS_OK) return status;
    if (!skip(&w, ':')) return UNUSUAL;
    status = walk_member(&w, key);
  } while (status == STATUS_OK && walk_more(&w, &status));
  if (status != STATUS_OK) return status;
  skip_blanks(&w);
  return w.p == w.end ? STATUS_OK : UNUSUAL;
}

/* --- lenient --- */

static enum status refuse(const char **why, const char *text) {
  *why = text;
  return STATUS_INVALID;
}

/* Absent and null leave *out alone (fastjson does not call the setter of a primitive with null). */
static enum status lenient_int(const struct json *value, int32_t *out, const char **why) {
  if (value == NULL) return STATUS_OK;
  int64_t low = json_i64(value, INT64_MIN), high = json_i64(value, INT64_MAX);
  if (low != high || low < INT32_MIN || low > INT32_MAX) return refuse(why, "header has an integer that is none");
  *out = (int32_t)low;
  return STATUS_OK;
}

/* Ext values that are not strings become text, as with a Java Map<String, String>: a structure its own JSON. */
static enum status lenient_text(struct arena *arena, const struct json *value, size_t limit, struct span *out) {
  *out = json_text(value);
  if (value->kind != JSON_OBJECT && value->kind != JSON_ARRAY) return STATUS_OK;
  struct buf text;
  buf_init(&text, limit);
  json_put_tree(&text, value);
  *out = text.failed ? SPAN_NONE : arena_copy(arena, buf_span(&text));
  buf_fini(&text);
  return out->ptr == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum { EXPANSION_MAX = 6 }; /* a control character is written as \u0000 */

static enum status lenient_ext(const struct json *fields, size_t header_length, struct ext_list *list,
                               const char **why) {
  ext_list_clear(list);
  if (fields == NULL) return STATUS_OK;
  if (fields->kind != JSON_OBJECT) return refuse(why, "extFields is not an object");
  for (const struct json *m = fields->children; m != NULL; m = m->next) {
    struct span key, value;
    enum status status = lenient_text(list->arena, m->key, header_length * EXPANSION_MAX, &key);
    if (status == STATUS_OK) status = lenient_text(list->arena, m, header_length * EXPANSION_MAX, &value);
    if (status == STATUS_OK) status = ext_list_put(list, key, value, why);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/* Absent: JAVA. Unknown or null: Java null. Names in any case, ordinals too. */
static int lenient_language(const struct json *root) {
  static const char *const names[] = {
#define X(name) #name,
      LANGUAGES(X)
#undef X
  };
  const struct json *value = json_member(root, "language");
  if (value != NULL) return json_enum(value, names, LANGUAGE_COUNT);
  for (const struct json *m = root->children; m != NULL; m = m->next)
    if (m->key->kind == JSON_STRING && span_is(m->key->text, "language")) return LANGUAGE_NONE;
  return LANGUAGE_JAVA;
}

static enum status lenient_header(struct command *out, struct span header, const struct command_limits *limits,
                                  struct ext_list *list, const char **why) {
  /* Every value needs at least two bytes with its separator, so this count stops nothing that fits the header. */
  struct json_limits json_limits = {limits->depth, header.len + 2};
  struct json *root = NULL;
  enum status status = json_parse(header, &json_limits, list->arena, &root, why, NULL);
  if (status != STATUS_OK) return status;
  if (root->kind != JSON_OBJECT) return refuse(why, "header is not a JSON object");
  const struct json *opaque = json_member(root, "opaque");
  out->has_opaque = opaque != NULL;
  out->remark = json_text(json_member(root, "remark"));
  out->language = lenient_language(root);
  status = lenient_int(opaque, &out->opaque, why);
  if (status == STATUS_OK) status = lenient_int(json_member(root, "code"), &out->code, why);
  if (status == STATUS_OK) status = lenient_int(json_member(root, "flag"), &out->flag, why);
  if (status == STATUS_OK) status = lenient_int(json_member(root, "version"), &out->version, why);
  if (status == STATUS_OK) status = lenient_ext(json_member(root, "extFields"), header.len, list, why);
  return status;
}

enum status command_from_json(struct command *out, struct span header, const struct command_limits *limits,
                              struct ext_list *list, const char **why) {
  struct command fresh = *out;
  fresh.language = LANGUAGE_JAVA;
  *out = fresh;
  enum status status = walk_header(out, header, list);
  if (status != UNUSUAL) return status;
  *out = fresh;
  return lenient_header(out, header, limits, list, why);
}
