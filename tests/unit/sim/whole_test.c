/* SPDX-License-Identifier: Apache-2.0
 *
 * core/port/disk_whole.c, here because it needs a disk that crashes.
 */
#include "tests/unit/sim/test_sim.h"

#include "host/sim/world.h"
#include "tests/harness.h"

struct bench {
  struct sim_world *world;
  struct sim_host *host;
  struct disk *disk;
};

static void bench_start(struct bench *b, uint64_t seed) {
  b->world = sim_world_new(seed);
  b->host = sim_host_new(b->world, "h");
  b->disk = sim_host_disk(b->host);
  CU_ASSERT_EQUAL(b->disk->ops->make_dirs(b->disk, "/config"), STATUS_OK);
  CU_ASSERT_EQUAL(b->disk->ops->sync_dir(b->disk, "/"), STATUS_OK);
}

static enum status read_into(struct bench *b, const char *path, struct buf *out) {
  buf_clear(out);
  return disk_read_whole(b->disk, path, out);
}

void whole_file_is_read_and_replaced(void) {
  struct bench b;
  struct buf text;
  bench_start(&b, 1);
  buf_init(&text, 100);
  CU_ASSERT_EQUAL(read_into(&b, "/config/t", &text), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL("a longer first"), true), STATUS_OK);
  CU_ASSERT_EQUAL(read_into(&b, "/config/t.bak", &text), STATUS_NOT_FOUND); /* there was nothing to keep */
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL("second"), true), STATUS_OK);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL("x"), false), STATUS_OK);
  CU_ASSERT_EQUAL(read_into(&b, "/config/t", &text), STATUS_OK);
  ASSERT_SPAN(buf_span(&text), "x");
  CU_ASSERT_EQUAL(read_into(&b, "/config/t.bak", &text), STATUS_OK);
  ASSERT_SPAN(buf_span(&text), "a longer first");
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL(""), false), STATUS_OK);
  CU_ASSERT_EQUAL(read_into(&b, "/config/t", &text), STATUS_OK);
  CU_ASSERT_EQUAL(text.len, 0);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "relative", SPAN_LITERAL("r"), false), STATUS_OK);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/no/dir", SPAN_LITERAL("r"), false), STATUS_NOT_FOUND);
  char huge[101];
  memset(huge, 'h', sizeof huge);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/h", span_of(huge, sizeof huge), false), STATUS_OK);
  CU_ASSERT_EQUAL(read_into(&b, "/config/h", &text), STATUS_LIMIT);
  buf_fini(&text);
  sim_world_free(b.world);
}

static void fill(char *out, size_t n, char letter) { memset(out, letter, n); }

/* The power goes at the n-th disk call of a replacement: as if all later calls had failed. */
static int replace_and_crash(uint64_t seed, uint64_t calls, int *outcome) {
  struct bench b;
  struct buf text;
  char old[1500], fresh[2000];
  fill(old, sizeof old, 'o');
  fill(fresh, sizeof fresh, 'n');
  bench_start(&b, seed);
  buf_init(&text, 10000);
  CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", span_of(old, sizeof old), false), STATUS_OK);
  sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ,
                                                 .after = calls, .status = STATUS_IO, .lasting = true});
  enum status replaced = disk_replace_whole(b.disk, "/config/t", span_of(fresh, sizeof fresh), true);
  sim_stop(b.host, SIM_POWER_OFF);
  sim_boot(b.host);
  sim_disk_fail(b.host, NULL);
  CU_ASSERT_EQUAL(read_into(&b, "/config/t", &text), STATUS_OK);
  bool is_new = span_equal(buf_span(&text), span_of(fresh, sizeof fresh));
  CU_ASSERT(is_new || span_equal(buf_span(&text), span_of(old, sizeof old)));
  CU_ASSERT(is_new || replaced != STATUS_OK); /* OK means durable */
  outcome[is_new]++;
  buf_fini(&text);
  sim_world_free(b.world);
  return replaced == STATUS_OK;
}

void replaced_file_is_old_or_new_after_a_crash(void) {
  int outcome[2] = {0}, done = 0;
  for (uint64_t seed = 0; seed < 10; seed++)
    for (uint64_t calls = 0; calls < 16; calls++) done += replace_and_crash(seed, calls, outcome);
  CU_ASSERT(outcome[0] > 10 && outcome[1] > 10);
  CU_ASSERT(done >= 10); /* enough calls for a whole replacement */
}

void replace_reports_every_failure(void) {
  for (uint64_t calls = 0; calls < 30; calls++) {
    struct bench b;
    struct buf text;
    bench_start(&b, calls);
    buf_init(&text, 100);
    CU_ASSERT_EQUAL(disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL("old"), false), STATUS_OK);
    struct sim_disk_fault fault = {.ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ, .after = calls,
                                   .status = STATUS_IO, .torn = true};
    sim_disk_fail(b.host, &fault);
    enum status status = disk_replace_whole(b.disk, "/config/t", SPAN_LITERAL("new"), true);
    sim_disk_fail(b.host, NULL);
    CU_ASSERT_EQUAL(status, calls < 12 ? STATUS_IO : STATUS_OK);
    CU_ASSERT_EQUAL(read_into(&b, "/config/t", &text), STATUS_OK);
    CU_ASSERT(span_is(buf_span(&text), "new") || (status != STATUS_OK && span_is(buf_span(&text), "old")));
    buf_fini(&text);
    sim_world_free(b.world);
  }
}

static bool whole_is(struct bench *b, const char *path, struct span want) {
  struct buf text;
  buf_init(&text, 10000);
  bool same = read_into(b, path, &text) == STATUS_OK && span_equal(buf_span(&text), want);
  buf_fini(&text);
  return same;
}

/* After a crash the main file is the old or the new one, or .bak is the old one and there is no main file. */
void shifted_file_is_old_or_new_after_a_crash(void) {
  int fresh = 0, alone = 0;
  for (uint64_t seed = 0; seed < 160; seed++) {
    struct bench b;
    bench_start(&b, seed);
    CU_ASSERT_EQUAL(disk_replace_shifting(b.disk, "/config/t", SPAN_LITERAL("older")), STATUS_OK);
    CU_ASSERT_EQUAL(disk_replace_shifting(b.disk, "/config/t", SPAN_LITERAL("old")), STATUS_OK);
    CU_ASSERT(whole_is(&b, "/config/t.bak", SPAN_LITERAL("older")));
    sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_OPEN | SIM_WRITE | SIM_SYNC | SIM_NAMES | SIM_READ,
                                                   .after = seed % 10, .status = STATUS_IO, .lasting = true});
    enum status status = disk_replace_shifting(b.disk, "/config/t", SPAN_LITERAL("new"));
    sim_stop(b.host, SIM_POWER_OFF);
    sim_boot(b.host);
    sim_disk_fail(b.host, NULL);
    bool is_new = whole_is(&b, "/config/t", SPAN_LITERAL("new")), is_old = whole_is(&b, "/config/t", SPAN_LITERAL("old"));
    struct disk_entry entry;
    bool none = b.disk->ops->stat(b.disk, "/config/t", &entry) == STATUS_NOT_FOUND;
    CU_ASSERT(is_new || is_old || (none && whole_is(&b, "/config/t.bak", SPAN_LITERAL("old"))));
    CU_ASSERT(is_new || status != STATUS_OK); /* OK means durable */
    fresh += is_new;
    alone += none;
    /* The next replacement works, whatever is there. */
    CU_ASSERT_EQUAL(disk_replace_shifting(b.disk, "/config/t", SPAN_LITERAL("newest")), STATUS_OK);
    CU_ASSERT(whole_is(&b, "/config/t", SPAN_LITERAL("newest")));
    sim_world_free(b.world);
  }
  CU_ASSERT(fresh > 10 && alone > 5);
}
