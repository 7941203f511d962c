/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/acl/yaml.h"

#include <yaml.h>

/* ---- reading ---- */

struct reading {
  yaml_parser_t parser;
  struct arena *arena;
  struct buf *why;
  size_t nodes;
  int depth;
};

static enum status complain(struct reading *r, enum status status, size_t line, const char *text) {
  buf_printf(r->why, "line %zu: %s", line, text);
  return status;
}

static enum status next_event(struct reading *r, yaml_event_t *event) {
  if (yaml_parser_parse(&r->parser, event)) return STATUS_OK;
  if (r->parser.error == YAML_MEMORY_ERROR) return STATUS_NO_MEMORY;
  size_t line = r->parser.problem_mark.line + 1; /* counted from 0 */
  return complain(r, STATUS_INVALID, line, r->parser.problem == NULL ? "not YAML" : r->parser.problem);
}

static bool has_anchor(const yaml_event_t *e) {
  return e->type == YAML_ALIAS_EVENT || (e->type == YAML_SCALAR_EVENT && e->data.scalar.anchor != NULL) ||
         (e->type == YAML_SEQUENCE_START_EVENT && e->data.sequence_start.anchor != NULL) ||
         (e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.anchor != NULL);
}

static enum status make_node(struct reading *r, const yaml_event_t *e, struct yaml **out) {
  size_t line = e->start_mark.line + 1;
  if (has_anchor(e)) return complain(r, STATUS_INVALID, line, "anchors and aliases are not taken here");
  if (++r->nodes > YAML_NODES_MAX) return complain(r, STATUS_LIMIT, line, "the file is too large");
  enum yaml_kind kind = e->type == YAML_SCALAR_EVENT           ? YAML_TEXT
                        : e->type == YAML_SEQUENCE_START_EVENT ? YAML_LIST
                                                               : YAML_MAP;
  struct yaml *node = arena_zalloc(r->arena, 1, sizeof *node);
  if (node == NULL) return STATUS_NO_MEMORY;
  node->kind = kind;
  node->line = line;
  if (kind == YAML_TEXT) {
    node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && e->data.scalar.plain_implicit;
    node->text = arena_copy(r->arena, span_of(e->data.scalar.value, e->data.scalar.length));
    if (node->text.ptr == NULL) return STATUS_NO_MEMORY;
  }
  *out = node;
  return STATUS_OK;
}

static enum status read_node(struct reading *r, yaml_event_t *event, struct yaml **out);

static enum status read_children(struct reading *r, struct yaml *parent) {
  for (;;) {
    yaml_event_t event;
    struct yaml *key = NULL, *child = NULL;
    enum status status = next_event(r, &event);
    if (status != STATUS_OK) return status;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
      yaml_event_delete(&event);
      return STATUS_OK;
    }
    status = read_node(r, &event, &child);
    if (status == STATUS_OK && parent->kind == YAML_MAP) {
      key = child;
      if (key->kind != YAML_TEXT) return complain(r, STATUS_INVALID, key->line, "a key must be a text");
      status = next_event(r, &event);
      if (status == STATUS_OK) status = read_node(r, &event, &child);
    }
    if (status != STATUS_OK) return status;
    yaml_append(parent, key == NULL ? SPAN_NONE : key->text, child);
  }
}

/* Takes the event. */
static enum status read_node(struct reading *r, yaml_event_t *event, struct yaml **out) {
  size_t line = event->start_mark.line + 1;
  enum status status = make_node(r, event, out);
  yaml_event_delete(event);
  if (status != STATUS_OK || (*out)->kind == YAML_TEXT) return status;
  if (r->depth == YAML_DEPTH_MAX) return complain(r, STATUS_LIMIT, line, "lists and maps within each other too deep");
  r->depth++;
  status = read_children(r, *out);
  r->depth--;
  return status;
}

static bool begins_node(yaml_event_type_t type) {
  return type == YAML_SCALAR_EVENT || type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT ||
         type == YAML_ALIAS_EVENT;
}

enum status yaml_read(struct span text, struct arena *arena, struct yaml **out, struct buf *why) {
  struct reading r = {.arena = arena, .why = why};
  *out = NULL;
  if (!yaml_parser_initialize(&r.parser)) return STATUS_NO_MEMORY;
  yaml_parser_set_input_string(&r.parser, text.ptr, text.len);
  enum status status = STATUS_OK;
  for (bool end = false; status == STATUS_OK && !end;) {
    yaml_event_t event;
    status = next_event(&r, &event);
    if (status != STATUS_OK) break;
    if (begins_node(event.type) && *out != NULL) {
      status = complain(&r, STATUS_INVALID, event.start_mark.line + 1, "a second document begins here");
      yaml_event_delete(&event);
    } else if (begins_node(event.type)) {
      status = read_node(&r, &event, out);
    } else {
      end = event.type == YAML_STREAM_END_EVENT;
      yaml_event_delete(&event);
    }
  }
  yaml_parser_delete(&r.parser);
  return status;
}

/* ---- writing ---- */

static int append_bytes(void *out, unsigned char *bytes, size_t n) {
  buf_put(out, span_of(bytes, n));
  return !((struct buf *)out)->failed;
}

static bool emit_text(yaml_emitter_t *emitter, struct span text, bool plain) {
  yaml_event_t event;
  yaml_scalar_style_t style = plain ? YAML_PLAIN_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE;
  return yaml_scalar_event_initialize(&event, NULL, NULL, text.ptr, (int)text.len, 1, 1, style) &&
         yaml_emitter_emit(emitter, &event);
}

static bool emit_node(yaml_emitter_t *emitter, const struct yaml *node) {
  yaml_event_t event;
  bool list = node->kind == YAML_LIST;
  if (node->kind == YAML_TEXT) return emit_text(emitter, node->text, node->plain);
  bool good = list ? yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE)
                   : yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
  if (!good || !yaml_emitter_emit(emitter, &event)) return false;
  for (const struct yaml *child = node->first; child != NULL; child = child->next)
    if ((!list && !emit_text(emitter, child->key, yaml_meaning(child->key) == YAML_IS_TEXT)) ||
        !emit_node(emitter, child))
      return false;
  good = list ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event);
  return good && yaml_emitter_emit(emitter, &event);
}

static bool emit_document(yaml_emitter_t *emitter, const struct yaml *root) {
  yaml_event_t event;
  return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) && yaml_emitter_emit(emitter, &event) &&
         yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) && yaml_emitter_emit(emitter, &event) &&
         emit_node(emitter, root) && yaml_document_end_event_initialize(&event, 1) &&
         yaml_emitter_emit(emitter, &event) && yaml_stream_end_event_initialize(&event) &&
         yaml_emitter_emit(emitter, &event);
}

enum status yaml_write(const struct yaml *root, struct buf *out) {
  yaml_emitter_t emitter;
  if (!yaml_emitter_initialize(&emitter)) return STATUS_NO_MEMORY;
  yaml_emitter_set_output(&emitter, append_bytes, out);
  yaml_emitter_set_unicode(&emitter, 1);
  yaml_emitter_set_width(&emitter, -1);
  bool good = emit_document(&emitter, root);
  yaml_emitter_delete(&emitter);
  return good ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- the tree ---- */

struct yaml *yaml_member(const struct yaml *map, const char *key) {
  struct yaml *found = NULL;
  if (map == NULL || map->kind != YAML_MAP) return NULL;
  for (struct yaml *m = map->first; m != NULL; m = m->next)
    if (span_is(m->key, key)) found = m;
  return found;
}

bool yaml_is_null(const struct yaml *node) {
  return node == NULL || (node->kind == YAML_TEXT && node->plain && yaml_meaning(node->text) == YAML_IS_NULL);
}

struct yaml *yaml_new(struct arena *arena, enum yaml_kind kind, struct span text) {
  struct yaml *node = arena_zalloc(arena, 1, sizeof *node);
  if (node == NULL) return NULL;
  node->kind = kind;
  if (kind != YAML_TEXT) return node;
  node->plain = yaml_meaning(text) == YAML_IS_TEXT;
  node->text = arena_copy(arena, text);
  return node->text.ptr == NULL ? NULL : node;
}

void yaml_append(struct yaml *parent, struct span key, struct yaml *child) {
  child->key = key;
  child->next = NULL;
  if (parent->last == NULL) parent->first = child;
  else parent->last->next = child;
  parent->last = child;
}

static void rebuild(struct yaml *parent, const char *without) {
  struct yaml *next, *child = parent->first;
  parent->first = parent->last = NULL;
  for (; child != NULL; child = next) {
    next = child->next;
    if (!span_is(child->key, without)) yaml_append(parent, child->key, child);
  }
}

void yaml_remove_member(struct yaml *map, const char *key) { rebuild(map, key); }

void yaml_put_member(struct yaml *map, const char *key, struct yaml *child) {
  struct yaml *next, *old = map->first;
  bool placed = false;
  map->first = map->last = NULL;
  for (; old != NULL; old = next) {
    next = old->next;
    if (!span_is(old->key, key)) yaml_append(map, old->key, old);
    else if (!placed) yaml_append(map, span_text(key), child);
    placed = placed || span_is(old->key, key);
  }
  if (!placed) yaml_append(map, span_text(key), child);
}
