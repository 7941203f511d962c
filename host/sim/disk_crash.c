/* SPDX-License-Identifier: Apache-2.0
 *
 * What was not synced when the power went. Every change of a file since its
 * last sync can be taken back. After a crash each sector holds one of the
 * versions it had since then: the page cache writes sectors whole, in any
 * order, whenever it likes.
 */
#include "host/sim/inside.h"

#include <stdlib.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

struct undo *inode_note_change(struct disk_sim *disk, struct inode *inode, enum undo_kind kind, int64_t offset,
                               int64_t len) {
  inode->undos = sim_grow(inode->undos, &inode->undo_cap, inode->undo_count + 1, sizeof *inode->undos);
  struct undo *u = &inode->undos[inode->undo_count++];
  *u = (struct undo){.kind = kind, .stamp = ++disk->stamp, .offset = offset, .len = len, .old_length = inode->length};
  if (len > 0 && offset < inode->high) u->old = memcpy(sim_zalloc((size_t)len), inode->bytes + offset, (size_t)len);
  inode->undo_bytes += len;
  return u;
}

static void undo_fini(struct inode *inode, struct undo *u) {
  inode->undo_bytes -= u->len;
  free(u->old);
}

void inode_forget_changes(struct inode *inode) {
  for (size_t i = 0; i < inode->undo_count; i++) undo_fini(inode, &inode->undos[i]);
  free(inode->undos);
  inode->undos = NULL;
  inode->undo_count = inode->undo_cap = 0;
}

/* A durable change over a poisoned one: taking the poisoned one back must not take the durable one along. */
static void protect(struct inode *inode, struct undo *poisoned, const struct undo *durable) {
  int64_t from = most(poisoned->offset, durable->offset);
  int64_t end = least(poisoned->offset + poisoned->len, durable->offset + durable->len);
  poisoned->old_length = inode->length;
  if (from >= end) return;
  if (poisoned->old == NULL) poisoned->old = sim_zalloc((size_t)poisoned->len);
  memcpy(poisoned->old + (from - poisoned->offset), inode->bytes + from, (size_t)(end - from));
}

void inode_synced(struct inode *inode, uint64_t stamp, bool worked) {
  size_t kept = 0;
  bool poisoned = false;
  for (size_t i = 0; i < inode->undo_count; i++) {
    struct undo u = inode->undos[i];
    if (u.stamp <= stamp && !worked) u.poisoned = true;
    poisoned = poisoned || u.poisoned;
    if (u.stamp <= stamp && !u.poisoned) {
      for (size_t j = 0; j < kept; j++) protect(inode, &inode->undos[j], &u);
      /* Bytes that are durable lie within the file, whatever became of an older change of its length. */
      if (u.kind == UNDO_WRITE && u.len > 0) inode->synced_length = most(inode->synced_length, u.offset + u.len);
      undo_fini(inode, &u);
    } else {
      inode->undos[kept++] = u;
    }
  }
  inode->undo_count = kept;
  if (worked && !poisoned) inode->synced_length = kept > 0 ? inode->undos[0].old_length : inode->length;
}

/* ---- the crash ---- */

struct wreck {
  struct inode *inode;
  struct prng *prng;
  uint8_t *frozen;    /* per sector: its version is decided, older changes do not matter */
  int64_t length;     /* as far as taken back */
  int64_t kept_end;   /* behind the last byte that must stay */
};

static void take_back(struct wreck *w, const struct undo *u, int64_t from, int64_t end) {
  uint8_t *at = w->inode->bytes + from;
  if (u->old == NULL)
    memset(at, 0, (size_t)(end - from));
  else
    memcpy(at, u->old + (from - u->offset), (size_t)(end - from));
}

enum fate { FATE_KEEP, FATE_DROP, FATE_TEAR };

static void crash_change(struct wreck *w, const struct undo *u, enum fate fate) {
  int64_t end = u->offset + u->len;
  for (int64_t from = u->offset; from < end;) {
    int64_t sector = from / SIM_SECTOR;
    int64_t to = least((sector + 1) * SIM_SECTOR, end);
    bool keep = fate == FATE_KEEP || (fate == FATE_TEAR && prng_chance(w->prng, 1, 2));
    if (!w->frozen[sector] && keep) {
      w->frozen[sector] = 1;
      w->kept_end = most(w->kept_end, to);
    } else if (!w->frozen[sector]) {
      take_back(w, u, from, to);
    }
    from = to;
  }
}

/* Newest first. A truncation that reached the disk says that everything older did, too. */
static void crash_changes(struct wreck *w, enum fate whole) {
  for (size_t i = w->inode->undo_count; i-- > 0;) {
    const struct undo *u = &w->inode->undos[i];
    enum fate fate = whole == FATE_TEAR ? (enum fate)prng_below(w->prng, 3) : whole;
    if (u->kind == UNDO_TRUNCATE) {
      if (fate != FATE_DROP) {
        w->kept_end = w->length;
        return;
      }
      w->length = most(w->length, u->old_length);
    }
    crash_change(w, u, fate);
  }
}

void inode_crash(struct inode *inode, enum sim_loss loss, struct prng *prng) {
  if (inode->undo_count == 0) return;
  struct wreck w = {.inode = inode, .prng = prng, .length = inode->length, .kept_end = inode->synced_length};
  w.frozen = sim_zalloc((size_t)(inode->cap / SIM_SECTOR + 1));
  enum fate fate = (enum fate)prng_below(prng, 3);
  if (loss != SIM_LOSS_BY_CHANCE) fate = loss == SIM_LOSS_ALL ? FATE_DROP : FATE_TEAR;
  crash_changes(&w, fate);
  /* Lengths reach the disk separately: the file may have its new length with zeros in it. */
  if (w.kept_end < w.length && (loss == SIM_LOSS_ALL || prng_chance(prng, 1, 2))) w.length = w.kept_end;
  if (w.length < inode->cap) memset(inode->bytes + w.length, 0, (size_t)(inode->cap - w.length));
  free(w.frozen);
  inode_forget_changes(inode);
  inode->length = inode->synced_length = inode->high = w.length;
}

int64_t sim_disk_unsynced(const struct sim_host *host) {
  int64_t sum = 0;
  const struct map *names = &host->disk.names;
  for (struct map_entry *e = map_first(names); e != NULL; e = map_next(names, e))
    sum += ((struct inode *)e->value)->undo_bytes;
  return sum;
}

bool sim_disk_is_poisoned(const struct sim_host *host) {
  const struct map *names = &host->disk.names;
  for (struct map_entry *e = map_first(names); e != NULL; e = map_next(names, e)) {
    const struct inode *inode = e->value;
    for (size_t i = 0; i < inode->undo_count; i++)
      if (inode->undos[i].poisoned) return true;
  }
  return false;
}
