/* SPDX-License-Identifier: Apache-2.0
 *
 * A second machine with the same disk: what is on it, what is only in its page
 * cache, and what a crash could take back. So one life can be cut off at every
 * moment without being lived again.
 */
#include "host/sim/inside.h"

#include <assert.h>
#include <stdlib.h>

static void undo_copy(struct undo *to, const struct undo *from) {
  *to = *from;
  if (from->old != NULL) to->old = memcpy(sim_zalloc((size_t)from->len), from->old, (size_t)from->len);
}

/* The copy has one reference more for each call. */
static struct inode *twin_of(struct inode *from) {
  if (from == NULL) return NULL;
  if (from->twin != NULL) {
    from->twin->refs++;
    return from->twin;
  }
  struct inode *to = sim_zalloc(sizeof *to);
  *to = *from;
  to->refs = 1;
  to->views = 0;
  to->bytes = from->bytes == NULL ? NULL : sim_zalloc((size_t)from->cap);
  if (from->high > 0) memcpy(to->bytes, from->bytes, (size_t)from->high);
  to->undo_cap = from->undo_count;
  to->undos = from->undo_count == 0 ? NULL : sim_zalloc(from->undo_count * sizeof *to->undos);
  for (size_t i = 0; i < from->undo_count; i++) undo_copy(&to->undos[i], &from->undos[i]);
  from->twin = to;
  return to;
}

static char *copy_text(const char *text) {
  if (text == NULL) return NULL;
  size_t size = strlen(text) + 1;
  return memcpy(sim_zalloc(size), text, size);
}

static void twins_forget(const struct disk_sim *from) {
  for (struct map_entry *e = map_first(&from->names); e != NULL; e = map_next(&from->names, e))
    ((struct inode *)e->value)->twin = NULL;
  for (size_t i = 0; i < from->change_count; i++) {
    from->changes[i].inode->twin = NULL;
    if (from->changes[i].replaced != NULL) from->changes[i].replaced->twin = NULL;
  }
}

void sim_disk_copy(struct sim_host *to_host, const struct sim_host *from_host) {
  struct disk_sim *to = &to_host->disk;
  const struct disk_sim *from = &from_host->disk;
  assert(map_count(&to->names) == 0 && to->change_count == 0 && to->files == NULL);
  for (struct map_entry *e = map_first(&from->names); e != NULL; e = map_next(&from->names, e))
    if (map_put(&to->names, e->key, twin_of(e->value), NULL) != STATUS_OK) abort();
  to->changes = sim_grow(to->changes, &to->change_cap, from->change_count + 1, sizeof *to->changes);
  for (size_t i = 0; i < from->change_count; i++) {
    const struct name_change *c = &from->changes[i];
    to->changes[to->change_count++] = (struct name_change){.kind = c->kind,
                                                           .path = copy_text(c->path),
                                                           .to = copy_text(c->to),
                                                           .inode = twin_of(c->inode),
                                                           .replaced = twin_of(c->replaced)};
  }
  twins_forget(from);
  to->stamp = from->stamp;
  to->space = from->space;
}
