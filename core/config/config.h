/* SPDX-License-Identifier: Apache-2.0
 *
 * config: java.util.Properties text and tables of configuration keys. A
 * program lists its keys once (name, type, default, range, what it does); the
 * parser, the defaults, --help, -p and the remote get/update come from it.
 */
#ifndef MQ_CONFIG_CONFIG_H
#define MQ_CONFIG_CONFIG_H

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/status.h"

/* One key=value of a properties text (java.util.Properties.load): unescaped, in the text's order. */
typedef enum status (*properties_each)(void *context, struct span key, struct span value, int line);
/* Stops at the first status other than OK and returns it. INVALID: malformed \u escape, *line says where. */
enum status properties_parse(struct span text, properties_each each, void *context, int *line) MUST_USE;
/* KEY=VALUE\n with those of java.util.Properties' escapes that its reader needs, and \uXXXX beyond ASCII. */
void properties_put(struct buf *out, struct span key, struct span value);

enum config_type { CONFIG_I32, CONFIG_I64, CONFIG_BOOL, CONFIG_TEXT, CONFIG_ENUM };

enum config_flags {
  CONFIG_IMPORTANT = 1, /* @ImportantField: printed by -m */
  CONFIG_LIVE = 2,      /* may be changed remotely while running */
  CONFIG_SECRET = 4,    /* never sent back, never logged */
  CONFIG_IGNORED = 8    /* accepted without effect; `doc` says why, and a start with it set says so */
};

struct config_key {
  const char *name;
  enum config_type type;
  size_t offset; /* in the settings structure: int32_t, int64_t, bool, char * (heap, owned), int32_t (enum) */
  const char *default_text;      /* NULL: text key without value */
  int64_t min, max;              /* I32, I64 */
  const char *const *enum_names; /* CONFIG_ENUM; NULL-terminated */
  int flags;
  const char *doc; /* one line: what it does and its unit */
};

struct config_table {
  const struct config_key *keys;
  size_t count;
};

struct config_unknown; /* kept unknown key=value, in order */

/* A settings structure begins with this. */
struct config_base {
  const struct config_table *table;
  struct config_unknown *unknown; /* Java keeps and returns unknown keys */
  char *path;                     /* file it came from, or NULL */
};

/* Fills in the defaults. settings points to a structure that begins with struct config_base. */
enum status config_init(void *settings, const struct config_table *table) MUST_USE;
void config_fini(void *settings);
/* Sets one key from text. NOT_FOUND: unknown (kept; LIMIT when there are too many); INVALID: not a number, out of
 * range...: settings unchanged. why gets a sentence naming key, value and what is allowed. */
enum status config_set(void *settings, struct span key, struct span value, struct buf *why) MUST_USE;
/* Text value of a key (a kept unknown one too) appended to out; NOT_FOUND when unknown, without value, or
 * secret. */
enum status config_get(const void *settings, const char *key, struct buf *out) MUST_USE;
/* Applies a properties text; name (a file's path) stands before line numbers in warnings. A bad value is an
 * error with FILE:LINE (INVALID, after all lines were looked at); an unknown key is a warning. */
enum status config_apply(void *settings, struct span text, const char *name, struct log *log) MUST_USE;
/* Remote update (codes 25, 318): all lines are checked first, then all applied, or none. Only CONFIG_LIVE
 * keys; another may come with the value it has. INVALID, NOT_FOUND (unknown key), LIMIT with a sentence in
 * why. */
enum status config_update(void *settings, struct span text, struct buf *why) MUST_USE;
/* Every key as KEY=VALUE\n, secrets left out; important_only: the CONFIG_IMPORTANT ones. */
void config_write(const void *settings, bool important_only, struct buf *out);

#endif
