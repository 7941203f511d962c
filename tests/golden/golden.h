/* SPDX-License-Identifier: Apache-2.0
 *
 * golden: reads the .jsonl files that Java made, with our own json_parse.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include "core/wire/json.h"

struct golden {
  char *text;
  size_t length;
  size_t at;
  int line;
  struct arena arena; /* reset at each record */
};

/* False (with a message) when the file cannot be read. */
bool golden_open(struct golden *g, const char *name);
void golden_close(struct golden *g);
/* The next line as a tree, or NULL at the end. A line that does not parse ends the program. */
const struct json *golden_next(struct golden *g);
/* Bytes of a hex string member; SPAN_NONE when it is absent or null. */
struct span golden_hex(struct golden *g, const struct json *record, const char *member);
struct span golden_text(const struct json *record, const char *member);
/* Says which record fails; returns ok. */
bool golden_check(const struct json *record, bool ok, const char *what);

#endif
