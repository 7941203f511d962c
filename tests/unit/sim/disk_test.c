/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "host/sim/world.h"
#include "tests/harness.h"
#include "tests/unit/sim/probe.h"

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

static struct disk_file *open_file(struct bench *b, const char *path, int flags, int64_t length) {
  struct disk_file *file = NULL;
  CU_ASSERT_EQUAL_FATAL(b->disk->ops->open(b->disk, path, flags, length, &file), STATUS_OK);
  return file;
}

static enum status try_open(struct bench *b, const char *path, int flags) {
  struct disk_file *file = NULL;
  enum status status = b->disk->ops->open(b->disk, path, flags, 0, &file);
  b->disk->ops->close(b->disk, file);
  return status;
}

static enum status write_text(struct bench *b, struct disk_file *file, int64_t offset, const char *text) {
  struct span part = span_text(text);
  return b->disk->ops->write(b->disk, file, offset, &part, 1);
}

void file_reads_what_was_written(void) {
  struct bench b;
  bench_start(&b, 1);
  CU_ASSERT_EQUAL(try_open(&b, "f", 0), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(try_open(&b, "no/such/dir", DISK_CREATE), STATUS_NOT_FOUND);
  struct disk_file *file = open_file(&b, "f", DISK_CREATE | DISK_EXCLUSIVE, 0);
  CU_ASSERT_EQUAL(try_open(&b, "./f", DISK_CREATE | DISK_EXCLUSIVE), STATUS_EXISTS);
  CU_ASSERT_EQUAL(b.disk->ops->length(b.disk, file), 0);
  CU_ASSERT_PTR_NULL(b.disk->ops->view(b.disk, file));
  struct span parts[3] = {SPAN_LITERAL("one "), SPAN_NONE, SPAN_LITERAL("two")};
  CU_ASSERT_EQUAL(b.disk->ops->write(b.disk, file, 5, parts, 3), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->length(b.disk, file), 12);
  char out[20];
  size_t got;
  CU_ASSERT_EQUAL(b.disk->ops->read(b.disk, file, 3, out, sizeof out, &got), STATUS_OK);
  CU_ASSERT_EQUAL(got, 9);
  CU_ASSERT_EQUAL(memcmp(out, "\0\0one two", 9), 0);
  CU_ASSERT_EQUAL(b.disk->ops->read(b.disk, file, 12, out, sizeof out, &got), STATUS_OK);
  CU_ASSERT_EQUAL(got, 0);
  CU_ASSERT_EQUAL(b.disk->ops->truncate(b.disk, file, 6), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->truncate(b.disk, file, 8), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->read(b.disk, file, 0, out, sizeof out, &got), STATUS_OK);
  CU_ASSERT_EQUAL(got, 8);
  CU_ASSERT_EQUAL(memcmp(out, "\0\0\0\0\0o\0\0", 8), 0); /* what was cut does not come back */
  struct disk_file *reader = open_file(&b, "f", DISK_READ_ONLY, 0);
  CU_ASSERT_EQUAL(write_text(&b, reader, 0, "x"), STATUS_INVALID);
  b.disk->ops->close(b.disk, reader);
  b.disk->ops->close(b.disk, file);
  b.disk->ops->close(b.disk, NULL);
  sim_world_free(b.world);
}

void view_is_coherent(void) {
  struct bench b;
  bench_start(&b, 2);
  struct disk_file *file = open_file(&b, "f", DISK_CREATE | DISK_ALLOCATE, 4096);
  const uint8_t *view = b.disk->ops->view(b.disk, file);
  CU_ASSERT_PTR_NOT_NULL_FATAL(view);
  CU_ASSERT_EQUAL(b.disk->ops->length(b.disk, file), 4096);
  CU_ASSERT_EQUAL(view[0] | view[4095], 0);
  CU_ASSERT_EQUAL(write_text(&b, file, 4090, "tail"), STATUS_OK);
  CU_ASSERT_EQUAL(memcmp(view + 4090, "tail", 4), 0);
  struct disk_file *other = open_file(&b, "f", 0, 1000);
  CU_ASSERT_EQUAL(write_text(&b, other, 0, "head"), STATUS_OK);
  CU_ASSERT_EQUAL(memcmp(view, "head", 4), 0);
  b.disk->ops->close(b.disk, other);
  /* Renamed or removed, an open file stays what it is. */
  CU_ASSERT_EQUAL(b.disk->ops->rename(b.disk, "f", "g"), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->remove(b.disk, "g"), STATUS_OK);
  CU_ASSERT_EQUAL(write_text(&b, file, 0, "HEAD"), STATUS_OK);
  CU_ASSERT_EQUAL(memcmp(view, "HEAD", 4), 0);
  b.disk->ops->close(b.disk, file);
  CU_ASSERT_EQUAL(try_open(&b, "g", 0), STATUS_NOT_FOUND);
  sim_world_free(b.world);
}

void names_behave(void) {
  struct bench b;
  bench_start(&b, 3);
  struct disk *disk = b.disk;
  struct disk_entry entry;
  CU_ASSERT_EQUAL(disk->ops->make_dirs(disk, "store//commitlog/"), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->make_dirs(disk, "store/commitlog"), STATUS_OK); /* again */
  CU_ASSERT_EQUAL(try_open(&b, "store/commitlog/1", DISK_CREATE), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->make_dirs(disk, "store/commitlog/1/x"), STATUS_EXISTS);
  CU_ASSERT_EQUAL(try_open(&b, "store/../etc", DISK_CREATE), STATUS_INVALID);
  CU_ASSERT_EQUAL(disk->ops->stat(disk, "store/commitlog", &entry), STATUS_OK);
  CU_ASSERT_TRUE(entry.directory);
  sim_run_until(b.world, 500);
  struct disk_file *file = open_file(&b, "store/commitlog/1", 0, 0);
  CU_ASSERT_EQUAL(write_text(&b, file, 0, "12345"), STATUS_OK);
  disk->ops->close(disk, file);
  CU_ASSERT_EQUAL(disk->ops->stat(disk, "store/commitlog/1", &entry), STATUS_OK);
  CU_ASSERT_FALSE(entry.directory);
  CU_ASSERT_EQUAL(entry.length, 5);
  CU_ASSERT_EQUAL(entry.modified_ms, SIM_EPOCH_MS + 500);
  CU_ASSERT_EQUAL(disk->ops->stat(disk, "store/consumequeue", &entry), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(disk->ops->remove(disk, "store/commitlog"), STATUS_INVALID); /* not empty */
  CU_ASSERT_EQUAL(disk->ops->rename(disk, "store/commitlog/1", "nowhere/1"), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(disk->ops->rename(disk, "store/commitlog/1", "store/2"), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->rename(disk, "store/2", "store/2"), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->remove(disk, "store/commitlog"), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->remove(disk, "store/commitlog"), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(disk->ops->sync_dir(disk, "store"), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->sync_dir(disk, "."), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->sync_dir(disk, "store/commitlog"), STATUS_NOT_FOUND);
  sim_world_free(b.world);
}

void list_is_sorted(void) {
  struct bench b;
  struct arena arena;
  struct disk_entry *entries;
  size_t count = 7;
  bench_start(&b, 4);
  arena_init(&arena, 1 << 20);
  CU_ASSERT_EQUAL(b.disk->ops->list(b.disk, "/q", &arena, &entries, &count), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "/q/b/deep"), STATUS_OK);
  static const char *const names[] = {"/q/c", "/q/a", "/q/b/x", "/q/aa", "/qq"};
  for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(try_open(&b, names[i], DISK_CREATE), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->list(b.disk, "/q/", &arena, &entries, &count), STATUS_OK);
  CU_ASSERT_EQUAL_FATAL(count, 4);
  static const char *const want[] = {"a", "aa", "b", "c"};
  for (int i = 0; i < 4; i++) {
    ASSERT_SPAN(entries[i].name, want[i]);
    CU_ASSERT_EQUAL(entries[i].name.ptr[entries[i].name.len], 0);
    CU_ASSERT_EQUAL(entries[i].directory, i == 2);
  }
  CU_ASSERT_EQUAL(b.disk->ops->list(b.disk, "/", &arena, &entries, &count), STATUS_OK);
  CU_ASSERT_EQUAL(count, 2);
  arena_fini(&arena);
  sim_world_free(b.world);
}

void lock_is_held_by_one(void) {
  struct bench b;
  struct disk_file *first, *second;
  bench_start(&b, 5);
  CU_ASSERT_EQUAL(b.disk->ops->lock(b.disk, "lock", &first), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->lock(b.disk, "lock", &second), STATUS_BUSY);
  CU_ASSERT_PTR_NULL(second);
  CU_ASSERT_EQUAL(b.disk->ops->lock(b.disk, "other", &second), STATUS_OK);
  b.disk->ops->close(b.disk, first);
  CU_ASSERT_EQUAL(b.disk->ops->lock(b.disk, "lock", &first), STATUS_OK);
  sim_stop(b.host, SIM_KILL); /* the kernel lets go of it */
  sim_boot(b.host);
  struct disk_file *third;
  CU_ASSERT_EQUAL(b.disk->ops->lock(b.disk, "lock", &third), STATUS_OK);
  b.disk->ops->close(b.disk, first);
  b.disk->ops->close(b.disk, second);
  b.disk->ops->close(b.disk, third);
  sim_world_free(b.world);
}

void full_disk_says_so(void) {
  struct bench b;
  int64_t total, left;
  bench_start(&b, 6);
  sim_disk_space(b.host, 1000);
  struct disk_file *file = open_file(&b, "f", DISK_CREATE, 0);
  CU_ASSERT_EQUAL(b.disk->ops->truncate(b.disk, file, 900), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->space(b.disk, "/", &total, &left), STATUS_OK);
  CU_ASSERT_EQUAL(total, 1000);
  CU_ASSERT_EQUAL(left, 100);
  CU_ASSERT_EQUAL(write_text(&b, file, 995, "123456"), STATUS_NO_SPACE);
  CU_ASSERT_EQUAL(b.disk->ops->length(b.disk, file), 900);
  CU_ASSERT_EQUAL(write_text(&b, file, 995, "12345"), STATUS_OK);
  CU_ASSERT_EQUAL(write_text(&b, file, 0, "inside"), STATUS_OK); /* needs no room */
  struct disk_file *other;
  CU_ASSERT_EQUAL(b.disk->ops->open(b.disk, "g", DISK_CREATE | DISK_ALLOCATE, 1, &other), STATUS_NO_SPACE);
  CU_ASSERT_PTR_NULL(other);
  b.disk->ops->close(b.disk, file);
  sim_world_free(b.world);
}

void nth_call_fails(void) {
  struct bench b;
  bench_start(&b, 7);
  struct disk_file *file = open_file(&b, "f", DISK_CREATE, 0);
  sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_WRITE, .after = 2, .status = STATUS_NO_SPACE});
  CU_ASSERT_EQUAL(write_text(&b, file, 0, "1"), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_OK); /* does not count */
  CU_ASSERT_EQUAL(write_text(&b, file, 1, "2"), STATUS_OK);
  CU_ASSERT_EQUAL(write_text(&b, file, 2, "3"), STATUS_NO_SPACE);
  CU_ASSERT_EQUAL(b.disk->ops->length(b.disk, file), 2);
  CU_ASSERT_EQUAL(write_text(&b, file, 2, "3"), STATUS_OK); /* once only */
  sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_SYNC | SIM_OPEN | SIM_NAMES | SIM_READ,
                                                 .status = STATUS_IO, .lasting = true});
  char byte;
  size_t got;
  CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_IO);
  CU_ASSERT_EQUAL(b.disk->ops->sync_dir(b.disk, "."), STATUS_IO);
  CU_ASSERT_EQUAL(try_open(&b, "f", 0), STATUS_IO);
  CU_ASSERT_EQUAL(b.disk->ops->rename(b.disk, "f", "g"), STATUS_IO);
  CU_ASSERT_EQUAL(b.disk->ops->remove(b.disk, "f"), STATUS_IO);
  CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d"), STATUS_IO);
  CU_ASSERT_EQUAL(b.disk->ops->read(b.disk, file, 0, &byte, 1, &got), STATUS_IO);
  CU_ASSERT_EQUAL(write_text(&b, file, 3, "4"), STATUS_OK);
  sim_disk_fail(b.host, NULL);
  CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_OK);
  CU_ASSERT_EQUAL(sim_disk_calls(b.host, SIM_WRITE), 5);
  CU_ASSERT_EQUAL(sim_disk_calls(b.host, SIM_SYNC), 4);
  b.disk->ops->close(b.disk, file);
  sim_world_free(b.world);
}

void failing_write_may_tear(void) {
  int torn = 0;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct bench b;
    bench_start(&b, seed);
    struct disk_file *file = open_file(&b, "f", DISK_CREATE, 0);
    sim_disk_fail(b.host, &(struct sim_disk_fault){.ops = SIM_WRITE, .status = STATUS_IO, .torn = true});
    CU_ASSERT_EQUAL(write_text(&b, file, 0, "0123456789"), STATUS_IO);
    int64_t length = b.disk->ops->length(b.disk, file);
    char out[10];
    size_t got;
    CU_ASSERT_EQUAL(b.disk->ops->read(b.disk, file, 0, out, sizeof out, &got), STATUS_OK);
    CU_ASSERT_EQUAL(got, (size_t)length);
    CU_ASSERT(length < 10);
    CU_ASSERT_EQUAL(memcmp(out, "0123456789", got), 0);
    torn += length > 0;
    b.disk->ops->close(b.disk, file);
    sim_world_free(b.world);
  }
  CU_ASSERT(torn > 10);
}

/* ---- syncs of more than one file ---- */

static void crash(struct bench *b) {
  sim_stop(b->host, SIM_POWER_OFF);
  sim_boot(b->host);
}

static bool content_is(struct bench *b, const char *path, const char *text) {
  struct buf content;
  buf_init(&content, 1000);
  bool same = disk_read_whole(b->disk, path, &content) == STATUS_OK && span_is(buf_span(&content), text);
  buf_fini(&content);
  return same;
}

static void must_write(struct bench *b, struct disk_file *file, int64_t offset, const char *text) {
  CU_ASSERT_EQUAL(write_text(b, file, offset, text), STATUS_OK);
}

/* One sync_all covers every file and name that was there when it began, nothing later. */
void sync_of_everything_covers_what_came_before(void) {
  int early_lost = 0, late_lost = 0;
  for (uint64_t seed = 0; seed < 40; seed++) {
    struct bench b;
    struct probe p;
    bench_start(&b, seed);
    probe_start(&p, b.host);
    CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d/e"), STATUS_OK);
    struct disk_file *all = open_file(&b, "d", DISK_DIRECTORY | DISK_EVERYTHING, 0);
    struct disk_file *one = open_file(&b, "d/one", DISK_CREATE, 0), *two = open_file(&b, "d/e/two", DISK_CREATE, 0);
    must_write(&b, one, 0, "one");
    must_write(&b, two, 0, "two");
    if (seed % 2 == 0) {
      CU_ASSERT_EQUAL(b.disk->ops->sync_all(b.disk, all), STATUS_OK);
    } else {
      CU_ASSERT_EQUAL(b.disk->ops->sync_all_start(b.disk, all, 1), STATUS_OK);
    }
    struct disk_file *late = open_file(&b, "d/late", DISK_CREATE, 0);
    must_write(&b, late, 0, "late");
    sim_run_until(b.world, 100);
    crash(&b);
    early_lost += !content_is(&b, "d/one", "one") || !content_is(&b, "d/e/two", "two");
    late_lost += !content_is(&b, "d/late", "late");
    probe_fini(&p);
    sim_world_free(b.world);
  }
  CU_ASSERT_EQUAL(early_lost, 0);
  CU_ASSERT(late_lost > 5);
}

/* A handle of a directory makes its names durable. */
void sync_of_a_directory_covers_its_names(void) {
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct bench b;
    struct probe p;
    bench_start(&b, seed);
    probe_start(&p, b.host);
    CU_ASSERT_EQUAL(b.disk->ops->make_dirs(b.disk, "d"), STATUS_OK);
    struct disk_file *file = open_file(&b, "d/tmp", DISK_CREATE, 0), *dir = open_file(&b, "d", DISK_DIRECTORY, 0);
    must_write(&b, file, 0, "text");
    CU_ASSERT_EQUAL(b.disk->ops->sync(b.disk, file), STATUS_OK);
    CU_ASSERT_EQUAL(b.disk->ops->rename(b.disk, "d/tmp", "d/name"), STATUS_OK);
    CU_ASSERT_EQUAL(b.disk->ops->sync_start(b.disk, dir, 1), STATUS_OK);
    sim_run_until(b.world, 100);
    crash(&b);
    CU_ASSERT(content_is(&b, "d/name", "text"));
    probe_fini(&p);
    sim_world_free(b.world);
  }
}

void data_ends_behind_the_last_byte_written(void) {
  struct bench b;
  bench_start(&b, 1);
  struct disk_file *file = open_file(&b, "f", DISK_CREATE, 100000);
  CU_ASSERT_EQUAL(b.disk->ops->data_end(b.disk, file), 0);
  must_write(&b, file, 5000, "x");
  CU_ASSERT_EQUAL(b.disk->ops->data_end(b.disk, file), 5001);
  CU_ASSERT_EQUAL(b.disk->ops->truncate(b.disk, file, 4000), STATUS_OK);
  CU_ASSERT_EQUAL(b.disk->ops->data_end(b.disk, file), 4000);
  sim_world_free(b.world);
}
