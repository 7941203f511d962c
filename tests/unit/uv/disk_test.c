/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/uv/uv_test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct disk_ops *ops;

static void disk_init(struct world *w) {
  world_init(w, NULL, NULL);
  ops = w->disk->ops;
  temp_dir();
}
static void disk_done(struct world *w) {
  world_fini(w);
  temp_dir_remove();
}

static struct disk_file *must_open(struct world *w, const char *name, int flags, int64_t length) {
  struct disk_file *file = NULL;
  CU_ASSERT_FATAL(ops->open(w->disk, temp_path(name), flags, length, &file) == STATUS_OK && file != NULL);
  return file;
}

static void test_write_read_view(void) {
  struct world w;
  disk_init(&w);
  struct disk_file *file = must_open(&w, "log", DISK_CREATE, 65536);
  CU_ASSERT(ops->length(w.disk, file) == 65536);
  const uint8_t *view = ops->view(w.disk, file);
  CU_ASSERT_FATAL(view != NULL);
  CU_ASSERT(view[0] == 0 && view[65535] == 0);
  struct span parts[300];
  char text[300];
  for (int i = 0; i < 300; i++) {
    text[i] = (char)('a' + i % 26);
    parts[i] = i % 7 == 3 ? span_of(text + i, 0) : span_of(text + i, 1);
  }
  CU_ASSERT(ops->write(w.disk, file, 1000, parts, 300) == STATUS_OK);
  size_t at = 1000;
  for (int i = 0; i < 300; i++)
    if (i % 7 != 3) CU_ASSERT(view[at++] == (uint8_t)text[i]);
  CU_ASSERT(view[at] == 0 && view[999] == 0);
  uint8_t back[64];
  size_t got;
  CU_ASSERT(ops->read(w.disk, file, 1000, back, 3, &got) == STATUS_OK && got == 3 && memcmp(back, "abc", 3) == 0);
  CU_ASSERT(ops->read(w.disk, file, 65536 - 10, back, sizeof back, &got) == STATUS_OK && got == 10);
  CU_ASSERT(ops->read(w.disk, file, 70000, back, sizeof back, &got) == STATUS_OK && got == 0);
  CU_ASSERT(ops->write(w.disk, file, -1, parts, 1) == STATUS_INVALID);
  CU_ASSERT(ops->sync(w.disk, file) == STATUS_OK);
  ops->close(w.disk, file);
  ops->close(w.disk, NULL);
  file = must_open(&w, "log", DISK_READ_ONLY, 0);
  CU_ASSERT(ops->view(w.disk, file) == NULL && ops->length(w.disk, file) == 65536);
  CU_ASSERT(ops->write(w.disk, file, 0, parts, 1) != STATUS_OK);
  ops->close(w.disk, file);
  disk_done(&w);
}

static void test_open_errors(void) {
  struct world w;
  struct disk_file *file;
  disk_init(&w);
  CU_ASSERT(ops->open(w.disk, temp_path("none"), 0, 0, &file) == STATUS_NOT_FOUND && file == NULL);
  CU_ASSERT(ops->open(w.disk, temp_path("no/where"), DISK_CREATE, 0, &file) == STATUS_NOT_FOUND);
  ops->close(w.disk, must_open(&w, "there", DISK_CREATE | DISK_EXCLUSIVE, 100));
  CU_ASSERT(ops->open(w.disk, temp_path("there"), DISK_CREATE | DISK_EXCLUSIVE, 0, &file) == STATUS_EXISTS);
  CU_ASSERT(ops->open(w.disk, temp_path("there"), DISK_READ_ONLY, 101, &file) == STATUS_INVALID);
  CU_ASSERT(ops->open(w.disk, temp_path("there"), 0, -1, &file) == STATUS_INVALID);
  CU_ASSERT(ops->open(w.disk, temp_path("there"), DISK_ALLOCATE, INT64_MAX / 2, &file) == STATUS_NO_SPACE);
  struct disk_entry entry;
  CU_ASSERT(ops->stat(w.disk, temp_path("there"), &entry) == STATUS_OK && entry.length == 100);
  disk_done(&w);
}

static void test_allocate_and_truncate(void) {
  struct world w;
  struct stat st;
  disk_init(&w);
  struct disk_file *file = must_open(&w, "full", DISK_CREATE | DISK_ALLOCATE, 1 << 20);
  CU_ASSERT(ops->length(w.disk, file) == 1 << 20);
  CU_ASSERT(stat(temp_path("full"), &st) == 0);
  CU_ASSERT(ops->truncate(w.disk, file, 4096) == STATUS_OK && ops->length(w.disk, file) == 4096);
  ops->close(w.disk, file);
  file = must_open(&w, "full", 0, 8192); /* an existing shorter file grows */
  CU_ASSERT(ops->length(w.disk, file) == 8192 && ops->view(w.disk, file)[8191] == 0);
  ops->close(w.disk, file);
  disk_done(&w);
}

/* The file size limit of the process is a disk that is full. */
static void test_no_space(void) {
  struct world w;
  struct rlimit before, tight;
  uint8_t bytes[10000] = {1};
  struct span part = span_of(bytes, sizeof bytes);
  disk_init(&w);
  struct disk_file *file = must_open(&w, "small", DISK_CREATE, 0);
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  tight = before;
  tight.rlim_cur = 15000;
  setrlimit(RLIMIT_FSIZE, &tight);
  CU_ASSERT(ops->write(w.disk, file, 0, &part, 1) == STATUS_OK);
  CU_ASSERT(ops->write(w.disk, file, 10000, &part, 1) == STATUS_NO_SPACE);
  setrlimit(RLIMIT_FSIZE, &before);
  CU_ASSERT(ops->write(w.disk, file, 10000, &part, 1) == STATUS_OK);
  ops->close(w.disk, file);
  disk_done(&w);
}

static void test_names(void) {
  struct world w;
  struct arena arena;
  struct disk_entry *entries, entry;
  size_t count;
  disk_init(&w);
  arena_init(&arena, 1 << 20);
  CU_ASSERT(ops->make_dirs(w.disk, temp_path("a/b/c")) == STATUS_OK);
  CU_ASSERT(ops->make_dirs(w.disk, temp_path("a/b/c/")) == STATUS_OK);
  CU_ASSERT(ops->make_dirs(w.disk, "") == STATUS_INVALID);
  ops->close(w.disk, must_open(&w, "a/file", DISK_CREATE, 10));
  CU_ASSERT(ops->make_dirs(w.disk, temp_path("a/file")) == STATUS_EXISTS);
  CU_ASSERT(ops->make_dirs(w.disk, temp_path("a/file/b")) != STATUS_OK);
  char name[32];
  for (int i = 99; i >= 0; i--) {
    snprintf(name, sizeof name, "a/b/%03d", i);
    ops->close(w.disk, must_open(&w, name, DISK_CREATE, i));
  }
  CU_ASSERT_FATAL(ops->list(w.disk, temp_path("a/b"), &arena, &entries, &count) == STATUS_OK);
  CU_ASSERT_FATAL(count == 101);
  ASSERT_SPAN(entries[0].name, "000");
  ASSERT_SPAN(entries[99].name, "099");
  CU_ASSERT(entries[99].length == 99 && !entries[99].directory && entries[99].modified_ms > 1500000000000);
  ASSERT_SPAN(entries[100].name, "c");
  CU_ASSERT(entries[100].directory);
  CU_ASSERT(ops->list(w.disk, temp_path("none"), &arena, &entries, &count) == STATUS_NOT_FOUND);
  CU_ASSERT(ops->list(w.disk, temp_path("a/b/c"), &arena, &entries, &count) == STATUS_OK && count == 0);
  CU_ASSERT(ops->remove(w.disk, temp_path("a/b")) == STATUS_EXISTS); /* not empty */
  CU_ASSERT(ops->remove(w.disk, temp_path("a/b/c")) == STATUS_OK);
  CU_ASSERT(ops->remove(w.disk, temp_path("a/b/c")) == STATUS_NOT_FOUND);
  CU_ASSERT(ops->rename(w.disk, temp_path("a/file"), temp_path("a/other")) == STATUS_OK);
  CU_ASSERT(ops->stat(w.disk, temp_path("a/file"), &entry) == STATUS_NOT_FOUND);
  CU_ASSERT(ops->stat(w.disk, temp_path("a/other"), &entry) == STATUS_OK && entry.length == 10);
  CU_ASSERT(ops->sync_dir(w.disk, temp_path("a")) == STATUS_OK);
  CU_ASSERT(ops->sync_dir(w.disk, temp_path("none")) == STATUS_NOT_FOUND);
  int64_t total = 0, available = 0;
  CU_ASSERT(ops->space(w.disk, temp_path("a"), &total, &available) == STATUS_OK && total > 0 && available <= total);
  arena_fini(&arena);
  disk_done(&w);
}

static void test_replace_whole(void) {
  struct world w;
  struct buf buf;
  disk_init(&w);
  buf_init(&buf, 1000);
  const char *path = temp_path("topics.json");
  CU_ASSERT(disk_read_whole(w.disk, path, &buf) == STATUS_NOT_FOUND);
  CU_ASSERT(disk_replace_whole(w.disk, path, SPAN_LITERAL("one"), true) == STATUS_OK);
  CU_ASSERT(disk_replace_whole(w.disk, path, SPAN_LITERAL("two!"), true) == STATUS_OK);
  CU_ASSERT(disk_read_whole(w.disk, path, &buf) == STATUS_OK);
  ASSERT_SPAN(buf_span(&buf), "two!");
  buf_clear(&buf);
  CU_ASSERT(disk_read_whole(w.disk, temp_path("topics.json.bak"), &buf) == STATUS_OK);
  ASSERT_SPAN(buf_span(&buf), "one");
  buf_fini(&buf);
  disk_done(&w);
}

/* ---- sync_start ---- */

static bool all_synced(struct world *w) { return w->synced == w->step; }

static void test_sync_start(void) {
  struct world w;
  disk_init(&w);
  struct disk_file *file = must_open(&w, "log", DISK_CREATE, 65536);
  struct span part = SPAN_LITERAL("durable");
  for (int round = 0; round < 20; round++) {
    CU_ASSERT(ops->write(w.disk, file, round * 7, &part, 1) == STATUS_OK);
    CU_ASSERT(ops->sync_start(w.disk, file, 1000 + (uint64_t)round) == STATUS_OK);
    w.step++;
    w.done = all_synced;
    world_run(&w);
    CU_ASSERT(w.token == 1000 + (uint64_t)round && w.sync_status == STATUS_OK);
  }
  for (uint64_t i = 0; i < 16; i++, w.step++) CU_ASSERT(ops->sync_start(w.disk, file, i) == STATUS_OK);
  world_run(&w);
  ops->close(w.disk, file);
  CU_ASSERT(ops->lock(w.disk, temp_path("lock"), &file) == STATUS_OK);
  CU_ASSERT(ops->sync_start(w.disk, file, 1) == STATUS_OK); /* the host waits, drops the answer, closes */
  disk_done(&w);
  CU_ASSERT(w.synced == w.step);
}

/* ---- lock ---- */

/* In a child process: may the first byte be locked? 0: yes, 1: somebody has it. */
static int lock_from_child(const char *path) {
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(path, O_RDWR);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    _exit(fd < 0 ? 2 : fcntl(fd, F_SETLK, &range) != 0);
  }
  int status = 0;
  return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lock(void) {
  struct world w;
  struct disk_file *lock, *second;
  disk_init(&w);
  const char *path = temp_path("lock");
  CU_ASSERT_FATAL(ops->lock(w.disk, path, &lock) == STATUS_OK);
  CU_ASSERT(lock_from_child(path) == 1);
  /* Neither a second lock nor a look at the file may lose the first. */
  CU_ASSERT(ops->lock(w.disk, path, &second) == STATUS_BUSY && second == NULL);
  CU_ASSERT(ops->open(w.disk, path, DISK_READ_ONLY, 0, &second) == STATUS_BUSY);
  CU_ASSERT(lock_from_child(path) == 1);
  struct span part = SPAN_LITERAL("lock\n");
  CU_ASSERT(ops->write(w.disk, lock, 0, &part, 1) == STATUS_OK);
  ops->close(w.disk, lock);
  CU_ASSERT(lock_from_child(path) == 0);
  CU_ASSERT(ops->lock(w.disk, path, &lock) == STATUS_OK); /* stays: the host gives it back */
  disk_done(&w);
}

static void test_lock_busy(void) {
  struct world w;
  struct disk_file *lock = NULL;
  disk_init(&w);
  const char *path = temp_path("lock");
  int up[2], down[2];
  char byte = 0;
  CU_ASSERT_FATAL(pipe(up) == 0 && pipe(down) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    byte = fcntl(fd, F_SETLK, &range) == 0 ? 'y' : 'n';
    (void)!write(up[1], &byte, 1);
    close(down[1]);
    (void)!read(down[0], &byte, 1); /* until the parent is done, or gone */
    _exit(0);
  }
  CU_ASSERT(read(up[0], &byte, 1) == 1 && byte == 'y');
  CU_ASSERT(ops->lock(w.disk, path, &lock) == STATUS_BUSY && lock == NULL);
  for (int i = 0; i < 2; i++) {
    close(up[i]);
    close(down[i]);
  }
  CU_ASSERT(waitpid(pid, NULL, 0) == pid);
  CU_ASSERT(ops->lock(w.disk, path, &lock) == STATUS_OK);
  disk_done(&w);
}

/* Where the data of a file of holes ends. */
static void test_data_end(void) {
  struct world w;
  disk_init(&w);
  struct span part = SPAN_LITERAL("x");
  struct disk_file *file = must_open(&w, "holes", DISK_CREATE | DISK_RANDOM, 6000000);
  CU_ASSERT(ops->data_end(w.disk, file) == 0 ||
            ops->data_end(w.disk, file) == 6000000); /* a file system may not know */
  CU_ASSERT(ops->write(w.disk, file, 5000, &part, 1) == STATUS_OK);
  CU_ASSERT(ops->data_end(w.disk, file) > 5000);
  CU_ASSERT(ops->write(w.disk, file, 1000000, &part, 1) == STATUS_OK);
  int64_t end = ops->data_end(w.disk, file);
  CU_ASSERT(end > 1000000 && end <= 6000000);
  CU_ASSERT(ops->write(w.disk, file, 5999999, &part, 1) == STATUS_OK);
  CU_ASSERT(ops->data_end(w.disk, file) == 6000000);
  CU_ASSERT(ops->view(w.disk, file)[5000] == 'x' && ops->view(w.disk, file)[5999999] == 'x');
  ops->close(w.disk, file);
  disk_done(&w);
}

/* Pages of the view that are in memory. */
static size_t pages_cached(const uint8_t *view, size_t len) {
  enum { PAGES = 16384 };
  static unsigned char cached[PAGES];
  size_t n = 0, page = (size_t)sysconf(_SC_PAGESIZE);
  CU_ASSERT_FATAL(len / page <= PAGES);
  CU_ASSERT_FATAL(mincore((void *)(uintptr_t)view, len, cached) == 0);
  for (size_t i = 0; i < len / page; i++) n += cached[i] & 1;
  return n;
}

/* A reader that follows the writer has no pages made of what is not written yet. */
static void test_holes_are_not_read_ahead(void) {
  enum { LENGTH = 64 << 20, BLOCK = 1 << 16, WRITTEN = 8 << 20 };
  static uint8_t block[BLOCK];
  struct world w;
  disk_init(&w);
  memset(block, 'x', sizeof block);
  struct span part = span_of(block, sizeof block);
  struct disk_file *file = must_open(&w, "log", DISK_CREATE | DISK_ALLOCATE, LENGTH);
  const uint8_t *view = ops->view(w.disk, file);
  size_t sum = view[0]; /* whoever opens a log looks where it ends; that began it */
  for (int64_t at = 0; at < WRITTEN; at += BLOCK) {
    CU_ASSERT_FATAL(ops->write(w.disk, file, at, &part, 1) == STATUS_OK);
    for (size_t i = 0; i < BLOCK; i += 512) sum += view[(size_t)at + i];
  }
  CU_ASSERT(sum == (size_t)'x' * (WRITTEN / 512));
  CU_ASSERT_EQUAL(pages_cached(view + WRITTEN, LENGTH - WRITTEN), 0);
  ops->close(w.disk, file);
  disk_done(&w);
}

static void test_directory_and_everything(void) {
  struct world w;
  disk_init(&w);
  struct disk_file *file = must_open(&w, "f", DISK_CREATE, 0), *dir = must_open(&w, ".", DISK_DIRECTORY, 0),
                   *all = NULL;
  struct span part = SPAN_LITERAL("x");
  CU_ASSERT(ops->write(w.disk, file, 0, &part, 1) == STATUS_OK);
  CU_ASSERT(ops->sync(w.disk, dir) == STATUS_OK);
  CU_ASSERT(ops->open(w.disk, temp_path("f"), DISK_DIRECTORY, 0, &all) == STATUS_NOT_FOUND && all == NULL);
  enum status status = ops->open(w.disk, temp_path("."), DISK_DIRECTORY | DISK_EVERYTHING, 0, &all);
  CU_ASSERT(status == STATUS_OK || status == STATUS_INVALID);
  if (status == STATUS_OK) CU_ASSERT(ops->sync_all(w.disk, all) == STATUS_OK);
  ops->close(w.disk, all);
  ops->close(w.disk, dir);
  ops->close(w.disk, file);
  disk_done(&w);
}

const struct test disk_tests[] = {
    {"write_read_view", test_write_read_view},
    {"open_errors", test_open_errors},
    {"allocate_and_truncate", test_allocate_and_truncate},
    {"no_space", test_no_space},
    {"names", test_names},
    {"replace_whole", test_replace_whole},
    {"sync_start", test_sync_start},
    {"data_end", test_data_end},
    {"holes_are_not_read_ahead", test_holes_are_not_read_ahead},
    {"directory_and_everything", test_directory_and_everything},
    {"lock", test_lock},
    {"lock_busy", test_lock_busy},
    {NULL, NULL},
};
