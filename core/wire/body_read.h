/* SPDX-License-Identifier: Apache-2.0
 *
 * body_read: steps that all body readers share. Private to core/wire.
 */
#ifndef MQ_WIRE_BODY_READ_H
#define MQ_WIRE_BODY_READ_H

#include "core/wire/bodies.h"

/* Parses a body that must be an object; an empty body and "null" are INVALID too (Java gets a null object there
 * and fails a moment later). */
enum status body_parse(struct span body, struct arena *arena, const struct json **root, const char **why) MUST_USE;

/* Zeroed array with a place for each child of `list`, which may be NULL; INVALID when it is not of `kind`. */
enum status body_places(const struct json *list, enum json_kind kind, struct arena *arena, size_t size,
                        void **places) MUST_USE;

/* An array of texts; what is none is left out. */
enum status body_names(const struct json *list, struct arena *arena, struct span **names, size_t *count) MUST_USE;

/* "name":"text", left out when absent, as Java leaves out nulls. */
void body_put_text(struct json_writer *w, const char *name, struct span text);
/* "name":[...]: a list, or with `set` a Java set (another pretty form). */
void body_put_names(struct json_writer *w, const char *name, const struct span *names, size_t count, bool set);

#endif
