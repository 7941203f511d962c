/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml: a small YAML document as a tree in an arena, every node with its line,
 * and back to text. libyaml reads and writes; nobody else has to know it.
 * Anchors and aliases are refused: a few lines of them can stand for gigabytes.
 */
#ifndef MQBROKER_ACL_YAML_H
#define MQBROKER_ACL_YAML_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/status.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
  enum yaml_kind kind;
  bool plain; /* a text without quotes: YAML 1.1 may take it for a number, a boolean or null */
  size_t line;
  struct span text;
  struct span key;    /* of a member of a map */
  struct yaml *first; /* element or member */
  struct yaml *last;
  struct yaml *next;
};

enum { YAML_DEPTH_MAX = 16, YAML_NODES_MAX = 1 << 18 };

/* INVALID, LIMIT: `why` gets a sentence that begins with the line. An empty document gives NULL. */
enum status yaml_read(struct span text, struct arena *arena, struct yaml **out, struct buf *why) MUST_USE;
/* Block style, as SnakeYAML's dumpAsMap. */
enum status yaml_write(const struct yaml *root, struct buf *out) MUST_USE;

/* Member of a map; the last duplicate wins, as in SnakeYAML. NULL: absent, or not a map. */
struct yaml *yaml_member(const struct yaml *map, const char *key);
/* Absent, empty, ~ or null. */
bool yaml_is_null(const struct yaml *node);

/* What a plain text is to YAML 1.1 (SnakeYAML's Resolver). */
enum yaml_meaning {
  YAML_IS_TEXT,
  YAML_IS_NULL,
  YAML_IS_TRUE,
  YAML_IS_FALSE,
  YAML_IS_INTEGER,
  YAML_IS_NUMBER,
  YAML_IS_DATE
};
enum yaml_meaning yaml_meaning(struct span text);

/* For changes. NULL: out of memory. A text is quoted where it would mean something else. */
struct yaml *yaml_new(struct arena *arena, enum yaml_kind kind, struct span text);
void yaml_append(struct yaml *parent, struct span key, struct yaml *child);
/* Takes all members of that name away, or all elements for which it is asked to. */
void yaml_remove_member(struct yaml *map, const char *key);
/* In the place of the member of that name; behind all if there is none. */
void yaml_put_member(struct yaml *map, const char *key, struct yaml *child);

#endif
