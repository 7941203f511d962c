/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "tests/harness.h"
#include "tests/unit/sim/probe.h"

#include <stdlib.h>

enum { SECTORS = 8, LENGTH = SECTORS * SIM_SECTOR, SEEDS = 60 };

struct bench {
  struct sim_world *world;
  struct sim_host *host;
  struct disk *disk;
};

static void bench_start(struct bench *b, uint64_t seed) {
  b->world = sim_world_new(seed);
  b->host = sim_host_new(b->world, "h");
  b->disk = sim_host_disk(b->host);
}

static void crash(struct bench *b, enum sim_stop how) {
  sim_stop(b->host, how);
  sim_boot(b->host);
}

static struct disk_file *open_file(struct bench *b, const char *path, int64_t length) {
  struct disk_file *file = NULL;
  CU_ASSERT_EQUAL_FATAL(b->disk->ops->open(b->disk, path, DISK_CREATE, length, &file), STATUS_OK);
  return file;
}

static bool exists(struct bench *b, const char *path) {
  struct disk_entry entry;
  return b->disk->ops->stat(b->disk, path, &entry) == STATUS_OK;
}

/* Fills [offset, offset + len) with a letter. */
static void fill(struct bench *b, struct disk_file *file, int64_t offset, size_t len, char letter) {
  uint8_t *bytes = malloc(len);
  memset(bytes, letter, len);
  struct span part = span_of(bytes, len);
  CU_ASSERT_EQUAL(b->disk->ops->write(b->disk, file, offset, &part, 1), STATUS_OK);
  free(bytes);
}

static void sync_file(struct bench *b, struct disk_file *file) {
  CU_ASSERT_EQUAL(b->disk->ops->sync(b->disk, file), STATUS_OK);
}

/* The file's bytes, zero behind its end; -1: no such file. */
static int64_t content(struct bench *b, const char *path, uint8_t out[LENGTH]) {
  struct disk_file *file;
  size_t got = 0;
  memset(out, 0, LENGTH);
  if (b->disk->ops->open(b->disk, path, DISK_READ_ONLY, 0, &file) != STATUS_OK) return -1;
  int64_t length = b->disk->ops->length(b->disk, file);
  CU_ASSERT_EQUAL(b->disk->ops->read(b->disk, file, 0, out, LENGTH, &got), STATUS_OK);
  b->disk->ops->close(b->disk, file);
  return length;
}

static bool all(const uint8_t *bytes, size_t len, int value) {
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != value) return false;
  return true;
}

void kill_keeps_everything(void) {
  struct bench b;
  uint8_t now[LENGTH];
  bench_start(&b, 1);
  CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d"), STATUS_OK);
  struct disk_file *file = open_file(&b, "d/f", LENGTH);
  fill(&b, file, 100, 1000, 'a');
  CU_ASSERT(sim_disk_unsynced(b.host) >= 1000);
  crash(&b, SIM_KILL);
  b.disk->ops->close(b.disk, file);
  CU_ASSERT_EQUAL(content(&b, "d/f", now), LENGTH);
  CU_ASSERT_TRUE(all(now + 100, 1000, 'a'));
  sim_world_free(b.world);
}

void power_off_keeps_what_was_synced(void) {
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d/e"), STATUS_OK);
    struct disk_file *file = open_file(&b, "d/e/f", 0);
    fill(&b, file, 0, 700, 'a');
    fill(&b, file, 300, 700, 'b');
    sync_file(&b, file);
    CU_ASSERT_EQUAL(sim_disk_unsynced(b.host), 0);
    fill(&b, file, 2048, 512, 'c'); /* elsewhere */
    crash(&b, SIM_POWER_OFF);
    b.disk->ops->close(b.disk, file);
    CU_ASSERT(content(&b, "d/e/f", now) >= 1000); /* its name is durable, too */
    CU_ASSERT_TRUE(all(now, 300, 'a'));
    CU_ASSERT_TRUE(all(now + 300, 700, 'b'));
    sim_world_free(b.world);
  }
}

void unsynced_write_is_kept_dropped_or_torn(void) {
  int kept = 0, dropped = 0, torn = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    int news = 0;
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", LENGTH);
    fill(&b, file, 0, LENGTH, 'o');
    sync_file(&b, file);
    fill(&b, file, 0, LENGTH, 'n');
    crash(&b, SIM_POWER_OFF);
    b.disk->ops->close(b.disk, file);
    CU_ASSERT_EQUAL(content(&b, "f", now), LENGTH);
    for (int i = 0; i < SECTORS; i++) {
      bool is_new = all(now + i * SIM_SECTOR, SIM_SECTOR, 'n');
      CU_ASSERT(is_new || all(now + i * SIM_SECTOR, SIM_SECTOR, 'o')); /* sectors are whole */
      news += is_new;
    }
    kept += news == SECTORS;
    dropped += news == 0;
    torn += news > 0 && news < SECTORS;
    sim_world_free(b.world);
  }
  CU_ASSERT(kept > 5 && dropped > 5 && torn > 2);
}

/* Random writes and syncs against a list of all versions a sector had since the last sync. */
enum { VERSIONS = 64 };
struct model {
  uint8_t now[LENGTH];
  uint8_t version[SECTORS][VERSIONS][SIM_SECTOR];
  int count[SECTORS];
};

static void model_sync(struct model *m) {
  for (int i = 0; i < SECTORS; i++) {
    memcpy(m->version[i][0], m->now + i * SIM_SECTOR, SIM_SECTOR);
    m->count[i] = 1;
  }
}

static void model_write(struct model *m, int64_t offset, size_t len, char letter) {
  memset(m->now + offset, letter, len);
  for (int i = (int)(offset / SIM_SECTOR); i <= (int)((offset + (int64_t)len - 1) / SIM_SECTOR); i++) {
    CU_ASSERT_FATAL(m->count[i] < VERSIONS);
    memcpy(m->version[i][m->count[i]++], m->now + i * SIM_SECTOR, SIM_SECTOR);
  }
}

static void model_check(const struct model *m, const uint8_t *found) {
  for (int i = 0; i < SECTORS; i++) {
    bool known = false;
    for (int v = 0; v < m->count[i]; v++)
      known = known || memcmp(m->version[i][v], found + i * SIM_SECTOR, SIM_SECTOR) == 0;
    CU_ASSERT_TRUE(known);
  }
}

void sectors_hold_some_version(void) {
  struct model *m = malloc(sizeof *m);
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    struct prng p;
    bench_start(&b, seed);
    prng_init(&p, seed);
    memset(m, 0, sizeof *m);
    for (int round = 0; round < 3; round++) {
      struct disk_file *file = open_file(&b, "f", LENGTH);
      sync_file(&b, file);
      model_sync(m);
      for (int i = 0; i < 20; i++) {
        int64_t offset = (int64_t)prng_below(&p, LENGTH - 1);
        size_t len = 1 + prng_below(&p, (uint64_t)(LENGTH - offset));
        char letter = (char)('a' + i);
        fill(&b, file, offset, len, letter);
        model_write(m, offset, len, letter);
        if (prng_chance(&p, 1, 15)) {
          sync_file(&b, file);
          model_sync(m);
        }
      }
      crash(&b, SIM_POWER_OFF);
      b.disk->ops->close(b.disk, file);
      content(&b, "f", m->now);
      model_check(m, m->now);
    }
    sim_world_free(b.world);
  }
  free(m);
}

void sync_start_covers_what_was_before(void) {
  int lost = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    struct probe p;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    probe_start(&p, b.host);
    sim_disk_sync_delay(b.host, 10, 20);
    struct disk_file *file = open_file(&b, "f", LENGTH);
    fill(&b, file, 0, SIM_SECTOR, 'a');
    CU_ASSERT_EQUAL(b.disk->ops->sync_start(b.disk, file, 77), STATUS_OK);
    fill(&b, file, SIM_SECTOR, SIM_SECTOR, 'b'); /* too late for it */
    sim_run_until(b.world, 9);
    ASSERT_SPAN(buf_span(&p.events), "");
    sim_run_until(b.world, 20);
    ASSERT_SPAN(buf_span(&p.events), "s");
    CU_ASSERT_EQUAL(p.token, 77);
    CU_ASSERT_EQUAL(p.synced, STATUS_OK);
    CU_ASSERT_EQUAL(b.disk->ops->sync_start(b.disk, file, 78), STATUS_OK);
    crash(&b, SIM_POWER_OFF); /* before the second answer */
    b.disk->ops->close(b.disk, file);
    content(&b, "f", now);
    CU_ASSERT_TRUE(all(now, SIM_SECTOR, 'a'));
    lost += all(now + SIM_SECTOR, SIM_SECTOR, 0);
    sim_run_until(b.world, 100);
    ASSERT_SPAN(buf_span(&p.events), "s"); /* an answer to nobody */
    probe_fini(&p);
    sim_world_free(b.world);
  }
  CU_ASSERT(lost > 10 && lost < SEEDS - 10);
}

void closing_leaves_a_sync_to_finish(void) {
  struct bench b;
  struct probe p;
  uint8_t now[LENGTH];
  bench_start(&b, 1);
  probe_start(&p, b.host);
  struct disk_file *file = open_file(&b, "f", LENGTH);
  fill(&b, file, 0, SIM_SECTOR, 'a');
  CU_ASSERT_EQUAL(b.disk->ops->sync_start(b.disk, file, 9), STATUS_OK);
  b.disk->ops->close(b.disk, file);
  sim_run_until(b.world, 100);
  ASSERT_SPAN(buf_span(&p.events), "s");
  CU_ASSERT_EQUAL(p.token, 9);
  CU_ASSERT_EQUAL(sim_disk_unsynced(b.host), 0);
  crash(&b, SIM_POWER_OFF);
  content(&b, "f", now);
  CU_ASSERT_TRUE(all(now, SIM_SECTOR, 'a'));
  probe_fini(&p);
  sim_world_free(b.world);
}

void failed_sync_is_not_made_good(void) {
  int lost = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", LENGTH);
    sync_file(&b, file);
    fill(&b, file, 0, 2 * SIM_SECTOR, 'a');
    sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO});
    CU_ASSERT_FALSE(sim_disk_is_poisoned(b.host));
    CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_IO);
    CU_ASSERT_TRUE(sim_disk_is_poisoned(b.host));
    fill(&b, file, 10, 20, 'b'); /* written again and synced: this part is good */
    sync_file(&b, file);
    crash(&b, SIM_POWER_OFF);
    b.disk->ops->close(b.disk, file);
    content(&b, "f", now);
    CU_ASSERT_TRUE(all(now + 10, 20, 'b'));
    CU_ASSERT_FALSE(sim_disk_is_poisoned(b.host));
    lost += all(now + SIM_SECTOR, SIM_SECTOR, 0);
    sim_world_free(b.world);
  }
  CU_ASSERT(lost > 10);
}

/* Bytes that a later sync made durable lie within the file, even if the change of its length was in the failed one. */
void failed_sync_of_a_new_file(void) {
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", LENGTH);
    CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "."), STATUS_OK);
    sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_SYNC, .status = STATUS_IO});
    CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_IO);
    fill(&b, file, SIM_SECTOR, 20, 'b');
    sync_file(&b, file);
    crash(&b, SIM_POWER_OFF);
    CU_ASSERT(b.disk->ops->length(b.disk, file) >= SIM_SECTOR + 20);
    b.disk->ops->close(b.disk, file);
    content(&b, "f", now);
    CU_ASSERT_TRUE(all(now + SIM_SECTOR, 20, 'b'));
    sim_world_free(b.world);
  }
}

void new_names_need_a_sync(void) {
  int there = 0, deep = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    bench_start(&b, seed);
    CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d"), STATUS_OK);
    CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "."), STATUS_OK);
    CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d/e"), STATUS_OK);
    b.disk->ops->close(b.disk, open_file(&b, "d/e/f", 0));
    b.disk->ops->close(b.disk, open_file(&b, "d/synced", 0));
    CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "d/e/.."), STATUS_INVALID);
    struct disk_file *file = open_file(&b, "d/synced", 0);
    sync_file(&b, file);
    crash(&b, SIM_POWER_OFF);
    b.disk->ops->close(b.disk, file);
    CU_ASSERT_TRUE(exists(&b, "d"));
    CU_ASSERT_TRUE(exists(&b, "d/synced"));
    CU_ASSERT(!exists(&b, "d/e/f") || exists(&b, "d/e")); /* no file without its directory */
    there += exists(&b, "d/e");
    deep += exists(&b, "d/e/f");
    sim_world_free(b.world);
  }
  CU_ASSERT(there > deep && deep > 5 && there < SEEDS - 5);
}

void rename_is_all_or_nothing(void) {
  int renamed = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    static const char *const names[] = {"old", "new"};
    for (int i = 0; i < 2; i++) {
      struct disk_file *file = open_file(&b, names[i], 0);
      fill(&b, file, 0, 10, names[i][0]);
      sync_file(&b, file);
      b.disk->ops->close(b.disk, file);
    }
    CU_ASSERT_EQUAL(b.disk->ops->rename(b.disk, "new", "old"), STATUS_OK);
    bool durable = seed % 2 == 0;
    if (durable) CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "."), STATUS_OK);
    crash(&b, SIM_POWER_OFF);
    CU_ASSERT_EQUAL(content(&b, "old", now), 10);
    bool is_new = all(now, 10, 'n');
    CU_ASSERT(is_new || all(now, 10, 'o'));
    CU_ASSERT_EQUAL(exists(&b, "new"), !is_new);
    CU_ASSERT(is_new || !durable);
    renamed += is_new && !durable;
    sim_world_free(b.world);
  }
  CU_ASSERT(renamed > 5 && renamed < SEEDS / 2 - 5);
}

void removed_file_may_come_back(void) {
  int back = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", 0);
    fill(&b, file, 0, 10, 'a');
    sync_file(&b, file);
    b.disk->ops->close(b.disk, file);
    CU_ASSERT_EQUAL(b.disk->ops->remove(b.disk, "f"), STATUS_OK);
    if (seed % 2 == 0) CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "."), STATUS_OK);
    crash(&b, SIM_POWER_OFF);
    int64_t length = content(&b, "f", now);
    CU_ASSERT(length == -1 || (length == 10 && all(now, 10, 'a') && seed % 2 == 1));
    back += length == 10;
    sim_world_free(b.world);
  }
  CU_ASSERT(back > 5 && back < SEEDS / 2 - 5);
}

void truncation_may_be_taken_back(void) {
  int cut = 0, back = 0;
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    struct bench b;
    uint8_t now[LENGTH];
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", 0);
    fill(&b, file, 0, 1000, 'a');
    sync_file(&b, file);
    CU_ASSERT_EQUAL(b.disk->ops->truncate(b.disk, file, 100), STATUS_OK);
    crash(&b, SIM_POWER_OFF);
    b.disk->ops->close(b.disk, file);
    int64_t length = content(&b, "f", now);
    CU_ASSERT(length == 100 || length == 1000);
    CU_ASSERT_TRUE(all(now, (size_t)length, 'a'));
    cut += length == 100;
    back += length == 1000;
    sim_world_free(b.world);
  }
  CU_ASSERT(cut > 10 && back > 5);
}
