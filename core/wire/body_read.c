/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/body_read.h"

enum status body_parse(struct span body, struct arena *arena, const struct json **root, const char **why) {
  struct json *tree = NULL;
  const char *reason = NULL;
  enum status status = json_parse(body, &JSON_LIMITS_DEFAULT, arena, &tree, &reason, NULL);
  if (status == STATUS_OK && tree->kind != JSON_OBJECT) {
    reason = "body is not a JSON object";
    status = STATUS_INVALID;
  }
  if (why != NULL) *why = reason;
  *root = tree;
  return status;
}

enum status body_places(const struct json *list, enum json_kind kind, struct arena *arena, size_t size, void **places) {
  *places = NULL;
  if (list == NULL) return STATUS_OK;
  if (list->kind != kind) return STATUS_INVALID;
  if (list->child_count == 0) return STATUS_OK;
  *places = arena_zalloc(arena, list->child_count, size);
  return *places == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status body_names(const struct json *list, struct arena *arena, struct span **names, size_t *count) {
  void *places;
  *names = NULL;
  *count = 0;
  enum status status = body_places(list, JSON_ARRAY, arena, sizeof **names, &places);
  if (status != STATUS_OK || places == NULL) return status;
  *names = places;
  for (const struct json *item = list->children; item != NULL; item = item->next) {
    struct span text = json_text(item);
    if (text.ptr != NULL) (*names)[(*count)++] = text;
  }
  return STATUS_OK;
}

void body_put_text(struct json_writer *w, const char *name, struct span text) {
  if (text.ptr == NULL) return;
  json_key(w, name);
  json_put_span(w, text);
}

void body_put_names(struct json_writer *w, const char *name, const struct span *names, size_t count, bool set) {
  json_key(w, name);
  if (set) json_open_inline_array(w);
  else json_open_array(w);
  for (size_t i = 0; i < count; i++) json_put_span(w, names[i]);
  json_close_array(w);
}
