/* SPDX-License-Identifier: Apache-2.0
 *
 * json: fastjson 1.2.62's dialect, read and written. It reads what fastjson
 * reads (unquoted and number keys, whole objects as keys, single quotes,
 * comments, surplus commas) into a tree in an arena, and writes what fastjson
 * writes (bare integer keys, object keys, its escapes, its pretty form).
 *
 * No other library does: see docs/ and ARCHITECTURE.md.
 */
#ifndef MQ_WIRE_JSON_H
#define MQ_WIRE_JSON_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/status.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
  enum json_kind kind;
  bool boolean;
  struct span text;       /* JSON_STRING: unescaped; JSON_NUMBER: as written. Borrows the input or the arena */
  struct json *key;       /* member of an object: its key (string, number or object); else NULL */
  struct json *children;  /* first element or member */
  struct json *next;      /* next sibling */
  size_t child_count;
};

struct json_limits {
  int depth;       /* nesting; default 64 */
  size_t elements; /* values in the whole tree */
};
#define JSON_LIMITS_DEFAULT ((struct json_limits){64, 4u << 20})

/* Whole input. INVALID with *why (static text) and *at (byte offset) on a syntax error; empty input or
 * "null" gives OK and a JSON_NULL value. why and at may be NULL. */
enum status json_parse(struct span input, const struct json_limits *limits, struct arena *arena,
                       struct json **out, const char **why, size_t *at) MUST_USE;

/* Member of an object by name, matched as fastjson does: exact first, then without regard to case and
 * underscores. The last duplicate wins. NULL if absent, null, or object is NULL / not an object. */
const struct json *json_member(const struct json *object, const char *name);
/* Scalars with fastjson's conversions ("5" -> 5, 1 -> true, 5 -> "5"); fallback when absent or null. */
int64_t json_i64(const struct json *value, int64_t fallback);
int32_t json_i32(const struct json *value, int32_t fallback);
double json_double(const struct json *value, double fallback);
bool json_bool(const struct json *value, bool fallback);
/* Strings as they are; numbers and booleans as their text; others absent (SPAN_NONE). */
struct span json_text(const struct json *value);
/* Index into names[0..n): by name in any case, or by ordinal number; -1 when absent or unknown. */
int json_enum(const struct json *value, const char *const *names, size_t n);

/* Writing. The writer puts commas, and in pretty mode tabs and newlines as fastjson's PrettyFormat:
 * "key":value, LF, tab indent; a map opened with json_open_inline_map has bare keys on one line and only
 * its closing brace on a line of its own. */
#define JSON_WRITE_DEPTH_MAX 64
struct json_writer {
  struct buf *out;
  bool pretty;
  int depth;           /* open objects and arrays */
  int indent;          /* tabs; inline arrays add none */
  bool need_comma;
  bool after_key;
  uint64_t inline_map; /* bit per depth: opened inline */
};
void json_writer_init(struct json_writer *w, struct buf *out, bool pretty);
void json_open_object(struct json_writer *w);
void json_close_object(struct json_writer *w);
void json_open_array(struct json_writer *w);
void json_close_array(struct json_writer *w);
/* Java sets and primitive arrays: in pretty form their elements follow each other on the same line. */
void json_open_inline_array(struct json_writer *w);
void json_open_inline_map(struct json_writer *w); /* for integer or object keys; closed by json_close_object */
void json_key(struct json_writer *w, const char *name);
void json_key_span(struct json_writer *w, struct span name); /* escaped, quoted */
void json_key_int(struct json_writer *w, int64_t key);       /* bare */
void json_key_value(struct json_writer *w); /* after a complete value was written as a key: puts the ':' */
void json_put_int(struct json_writer *w, int64_t v);
void json_put_bool(struct json_writer *w, bool v);
void json_put_span(struct json_writer *w, struct span text); /* SPAN_NONE -> null */
void json_put_text(struct json_writer *w, const char *text);
void json_put_double(struct json_writer *w, double v); /* Java Double.toString; NaN, Infinity -> null */
/* Raw, already valid JSON. */
void json_put_raw(struct json_writer *w, struct span raw);
/* A whole tree, compact, members in their order. */
void json_put_tree(struct buf *out, const struct json *value);
/* Quoted and escaped as fastjson does, without the writer's state. */
void json_escape(struct buf *out, struct span text);

#endif
