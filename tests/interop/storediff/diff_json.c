/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON files of config/: the same values, whatever the order of the
 * members, and the same lines, so that tabs and bare keys are as Java's.
 */
#include "core/wire/json.h"
#include "tests/interop/storediff/storediff.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_ROOM = 512, ARENA_LIMIT = 64 << 20 };
#define HALF_TOPIC "RMQ_SYS_TRANS_HALF_TOPIC"
#define OFFSETS "consumerOffset.json/offsetTable"
#define CHECK_GROUP "CID_RMQ_SYS_TRANS"

static bool is_at(const char *where, const char *tail) {
  size_t n = strlen(where), m = strlen(tail);
  return n >= m && strcmp(where + n - m, tail) == 0;
}

static bool same_key(const struct json *a, const struct json *b) {
  return a->key->kind == b->key->kind && span_equal(a->key->text, b->key->text);
}

static const struct json *member_like(const struct json *object, const struct json *want) {
  for (const struct json *m = object->children; m != NULL; m = m->next)
    if (same_key(m, want)) return m;
  return NULL;
}

static bool only_java_has_half_topic(const struct json *java, const struct json *ours) {
  return json_member(json_member(java, "topicConfigTable"), HALF_TOPIC) != NULL &&
         json_member(json_member(ours, "topicConfigTable"), HALF_TOPIC) == NULL;
}

/* Nothing was consumed of a retry topic. */
static bool by_retry_topic(struct diff *d, const struct json *member) {
  const struct json *offset = member->children;
  if (member->kind != JSON_OBJECT || !span_starts(member->key->text, "%RETRY%")) return false;
  for (; offset != NULL; offset = offset->next)
    if (json_i64(offset, -1) != 0) return false;
  excuse(d, EXCUSE_RETRY_OFFSET);
  return true;
}

/* What Java's check of transactions leaves behind when it has run. */
static bool by_transaction_check(struct diff *d, struct span key) {
  if (span_is(key, HALF_TOPIC)) {
    excuse(d, EXCUSE_HALF_TOPIC);
    return true;
  }
  const size_t tail = sizeof CHECK_GROUP - 1;
  if (key.len < tail || !span_is(span_from(key, key.len - tail), CHECK_GROUP)) return false;
  excuse(d, EXCUSE_CHECK_GROUP);
  return true;
}

static void values_differ(struct diff *d, const char *where, const struct json *java, const struct json *ours);

static void objects_differ(struct diff *d, const char *where, const struct json *java, const struct json *ours) {
  char path[PATH_ROOM];
  const struct json *next = ours->children;
  bool ordered = true;
  for (const struct json *m = java->children; m != NULL; m = m->next) {
    snprintf(path, sizeof path, "%s/%.*s", where, SPAN_ARG(m->key->text));
    const struct json *other = member_like(ours, m);
    ordered &= other == next;
    if (next != NULL) next = next->next;
    if (other != NULL) values_differ(d, path, m, other);
    else if (!by_transaction_check(d, m->key->text) && !(is_at(where, OFFSETS) && by_retry_topic(d, m)))
      differs(d, "%s: only Java has it", path);
  }
  for (const struct json *m = ours->children; m != NULL; m = m->next)
    if (member_like(java, m) == NULL && !(is_at(where, OFFSETS) && by_retry_topic(d, m)))
      differs(d, "%s/%.*s: only ours has it", where, SPAN_ARG(m->key->text));
  if (!ordered) excuse(d, EXCUSE_MEMBER_ORDER);
}

static void arrays_differ(struct diff *d, const char *where, const struct json *java, const struct json *ours) {
  const struct json *a = java->children, *b = ours->children;
  for (; a != NULL && b != NULL; a = a->next, b = b->next) values_differ(d, where, a, b);
  if (a != NULL || b != NULL) differs(d, "%s: another number of elements", where);
}

static bool number_excused(struct diff *d, const char *where, const struct json *java, const struct json *ours) {
  if (is_at(where, "dataVersion/timestamp")) {
    excuse(d, EXCUSE_VERSION_TIME);
    return true;
  }
  /* A topic more is one change more. */
  if (!d->java_has_half_topic || !is_at(where, "topics.json/dataVersion/counter")) return false;
  excuse(d, EXCUSE_HALF_TOPIC);
  return json_i64(java, -1) == json_i64(ours, -1) + 1;
}

static void values_differ(struct diff *d, const char *where, const struct json *java, const struct json *ours) {
  d->json_values++;
  if (java->kind != ours->kind) {
    differs(d, "%s: another kind of value", where);
    return;
  }
  if (java->kind == JSON_OBJECT) objects_differ(d, where, java, ours);
  if (java->kind == JSON_ARRAY) arrays_differ(d, where, java, ours);
  if (java->kind == JSON_BOOL && java->boolean != ours->boolean) differs(d, "%s: true and false", where);
  if ((java->kind != JSON_NUMBER && java->kind != JSON_STRING) || span_equal(java->text, ours->text)) return;
  if (!number_excused(d, where, java, ours))
    differs(d, "%s: java %.*s ours %.*s", where, SPAN_ARG(java->text), SPAN_ARG(ours->text));
}

/* ---- layout ---- */

static int line_order(const void *a, const void *b) {
  return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Its lines, sorted, without the comma that the last member has not. */
static struct span *lines_of(struct span text, size_t *count) {
  size_t room = 1;
  for (size_t i = 0; i < text.len; i++) room += text.ptr[i] == '\n';
  struct span *lines = calloc(room, sizeof *lines);
  if (lines == NULL) abort();
  *count = 0;
  for (size_t at = 0; at < text.len;) {
    size_t end = span_find(text, '\n', at);
    struct span line = span_of(text.ptr + at, end - at);
    if (line.len > 0 && line.ptr[line.len - 1] == ',') line.len--;
    size_t mark = 0;
    while (mark < line.len && line.ptr[mark] == '\t') mark++;
    if (span_starts(span_from(line, mark), "\"timestamp\":")) line.len = mark + sizeof "\"timestamp\":" - 1;
    lines[(*count)++] = line;
    at = end + 1;
  }
  qsort(lines, *count, sizeof *lines, line_order);
  return lines;
}

static void layout_differs(struct diff *d, const struct pair *p) {
  size_t a_count, b_count;
  struct span *a = lines_of(p->java, &a_count), *b = lines_of(p->ours, &b_count);
  differs_number(d, p->name, "number of lines", (int64_t)a_count, (int64_t)b_count);
  for (size_t i = 0; i < a_count && i < b_count; i++) {
    if (span_equal(a[i], b[i])) continue;
    differs(d, "%s: another layout: java '%.*s' ours '%.*s'", p->name, SPAN_ARG(a[i]), SPAN_ARG(b[i]));
    break;
  }
  free(a);
  free(b);
}

/* Grows when one side has a member, and so lines, that the other has not. */
static unsigned long members_missing(const struct diff *d) {
  return d->differences + d->excused[EXCUSE_HALF_TOPIC] + d->excused[EXCUSE_CHECK_GROUP] +
         d->excused[EXCUSE_RETRY_OFFSET];
}

void diff_json_file(struct diff *d, const struct pair *p) {
  struct arena arena;
  struct json *java, *ours;
  const char *why = NULL;
  unsigned long before = members_missing(d);
  arena_init(&arena, ARENA_LIMIT);
  if (json_parse(p->java, &JSON_LIMITS_DEFAULT, &arena, &java, &why, NULL) != STATUS_OK ||
      json_parse(p->ours, &JSON_LIMITS_DEFAULT, &arena, &ours, &why, NULL) != STATUS_OK)
    differs(d, "%s: cannot be parsed: %s", p->name, why == NULL ? "no memory" : why);
  else {
    d->java_has_half_topic = only_java_has_half_topic(java, ours);
    values_differ(d, p->name, java, ours);
  }
  if (before == members_missing(d)) layout_differs(d, p);
  arena_fini(&arena);
}
