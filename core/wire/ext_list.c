/* SPDX-License-Identifier: Apache-2.0 */
#include "core/wire/command_forms.h"

enum { FIRST_CAP = 16 };

static uint64_t key_bit(struct span key) {
  unsigned h = (unsigned)key.len * 13;
  if (key.len > 0) h += key.ptr[0] + 7u * key.ptr[key.len - 1] + 3u * key.ptr[key.len / 2];
  return UINT64_C(1) << (h & 63);
}

static enum status grow(struct ext_list *list, const char **why) {
  if (list->count >= list->limit) {
    *why = "header has too many ext fields";
    return STATUS_LIMIT;
  }
  size_t cap = list->cap == 0 ? FIRST_CAP : list->cap * 2;
  struct ext *ext = arena_alloc(list->arena, cap * sizeof *ext);
  if (ext == NULL) return STATUS_NO_MEMORY;
  if (list->count > 0) memcpy(ext, list->ext, list->count * sizeof *ext);
  list->ext = ext;
  list->cap = cap;
  return STATUS_OK;
}

enum status ext_list_put(struct ext_list *list, struct span key, struct span value, const char **why) {
  uint64_t bit = key_bit(key);
  if ((list->seen & bit) != 0)
    for (size_t i = 0; i < list->count; i++)
      if (span_equal(list->ext[i].key, key)) {
        list->ext[i].value = value;
        return STATUS_OK;
      }
  list->seen |= bit;
  if (list->count == list->cap || list->count >= list->limit) {
    enum status status = grow(list, why);
    if (status != STATUS_OK) return status;
  }
  list->ext[list->count++] = (struct ext){key, value};
  return STATUS_OK;
}

void ext_list_clear(struct ext_list *list) {
  list->count = 0;
  list->seen = 0;
}

struct span command_ext(const struct command *c, const char *key) {
  struct span k = span_text(key);
  for (size_t i = 0; i < c->ext_count; i++)
    if (span_equal(c->ext[i].key, k)) return c->ext[i].value;
  return SPAN_NONE;
}
