/* SPDX-License-Identifier: Apache-2.0
 *
 * disk: a ledger on a disk with a page cache. What is staged dies with the
 * program; what is written dies with the machine, in whole, in part or not at
 * all; what is synced stays.
 */
#include "tests/sim/raft/group.h"

#include <stdlib.h>

void disk_fini(struct machine_disk *d) {
  free(d->cache.cells);
  free(d->durable.cells);
}

static void image_reserve(struct ledger_image *image, int64_t count) {
  if (count <= image->cap) return;
  image->cap = count < 64 ? 64 : 2 * count;
  image->cells = realloc(image->cells, (size_t)image->cap * sizeof *image->cells);
  if (image->cells == NULL) abort();
}

int64_t disk_end(const struct machine *m) { return m->disk.cache.count - 1; }

bool disk_error(struct machine *m) {
  if (m->disk.errors == 0) return false;
  m->disk.errors--;
  group_say(m->group, m, "a disk call fails");
  return true;
}

bool disk_put(struct machine *m, const struct cell *cell) {
  struct machine_disk *d = &m->disk;
  image_reserve(&d->cache, d->cache.count + 1);
  d->cache.cells[d->cache.count++] = *cell;
  d->staged++;
  d->formatted = false;
  return true;
}

bool disk_write(struct machine *m) {
  if (m->disk.staged > 0 && disk_error(m)) return false;
  m->disk.staged = 0;
  return true;
}

bool disk_truncate(struct machine *m, int64_t from) {
  struct machine_disk *d = &m->disk;
  if (disk_error(m)) return false;
  check_truncate(m, from);
  int64_t written = d->cache.count - d->staged;
  d->cache.count = from;
  d->staged = from > written ? from - written : 0;
  if (d->same > from) d->same = from;
  if (m->sync_upto >= from) m->sync_upto = from - 1;
  return true;
}

bool disk_persist(struct machine *m, const struct raft_hard_state *hard, bool durable) {
  if (disk_error(m)) return false;
  m->disk.hard = *hard;
  m->disk.formatted = false;
  if (durable) m->disk.hard_durable = *hard;
  return true;
}

/* Covers what is written now; a truncation meanwhile lowers sync_upto. */
void disk_sync_start(struct machine *m) {
  if (m->syncing) {
    m->sync_again = true;
    return;
  }
  m->syncing = true;
  m->sync_upto = m->disk.cache.count - m->disk.staged - 1;
  int64_t ms = 1 + (int64_t)group_dice(m->group, (uint64_t)m->disk.sync_ms);
  group_event(m->group, EVENT_SYNCED, m->group->now + ms, m);
}

static void make_durable(struct machine_disk *d, int64_t count) {
  image_reserve(&d->durable, count);
  if (count > d->same) {
    for (int64_t i = d->same; i < count; i++) d->durable.cells[i] = d->cache.cells[i];
    d->same = d->durable.count = count;
  } else if (d->cache.count <= count) {
    d->durable.count = count;
  }
}

/* Whoever starts has all of its ledger synced first (ledger_recover): the step function takes it for durable. */
void disk_sync_all(struct machine *m) { make_durable(&m->disk, m->disk.cache.count); }

void machine_synced(struct machine *m, int64_t upto) {
  (void)upto;
  m->syncing = false;
  if (m->disk.errors > 0 && disk_error(m)) {
    m->ops->synced(m->brain, -2);
  } else {
    make_durable(&m->disk, m->sync_upto + 1);
    m->ops->synced(m->brain, m->sync_upto);
  }
  if (m->sync_again) {
    m->sync_again = false;
    disk_sync_start(m);
  }
}

void disk_kill(struct machine *m) {
  m->disk.cache.count -= m->disk.staged;
  m->disk.staged = 0;
}

/* Of what was not synced: all, nothing, or a part up to a torn entry, which recovery finds by its checksum. The
 * checkpoint vouches for nothing that was not synced (ledger_files.c, checkpoint_now): with a truncation undone, the
 * entries at its indexes could be others. */
void disk_power_off(struct machine *m) {
  struct machine_disk *d = &m->disk;
  disk_kill(m);
  if (d->committed >= d->same) d->committed = d->same - 1;
  uint64_t how = group_dice(m->group, 4);
  if (how == 0) {
    int64_t rest = d->cache.count - d->same;
    d->cache.count = d->same + (rest > 0 ? (int64_t)group_dice(m->group, (uint64_t)rest + 1) : 0);
    if (d->cache.count < d->durable.count && d->same == d->cache.count) d->cache.count = d->same;
  } else if (how < 3) {
    image_reserve(&d->cache, d->durable.count);
    for (int64_t i = d->same; i < d->durable.count; i++) d->cache.cells[i] = d->durable.cells[i];
    d->cache.count = d->durable.count;
  }
  image_reserve(&d->durable, d->cache.count);
  for (int64_t i = 0; i < d->cache.count; i++) d->durable.cells[i] = d->cache.cells[i];
  d->durable.count = d->same = d->cache.count;
  if (group_dice(m->group, 2) == 0) d->hard = d->hard_durable;
  d->hard_durable = d->hard;
}

void disk_wipe(struct machine *m) {
  struct machine_disk *d = &m->disk;
  d->cache.count = d->durable.count = d->same = d->staged = 0;
  d->hard = d->hard_durable = (struct raft_hard_state){.term = -1, .voted = RAFT_NOBODY};
  d->committed = -1;
  d->formatted = true;
}

/* An entry's bytes rot; the ledger finds it when it is opened or looked through, ends before it and says that it had
 * more. */
bool disk_corrupt(struct machine *m) {
  struct machine_disk *d = &m->disk;
  if (d->same < 2) return false;
  int64_t at = (int64_t)group_dice(m->group, (uint64_t)d->same);
  d->cache.count = d->durable.count = d->same = at;
  d->staged = 0;
  if (m->sync_upto >= at) m->sync_upto = at - 1;
  d->hard.amnesia = d->hard_durable.amnesia = true;
  return true;
}
