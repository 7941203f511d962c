/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of Java DLedger 0.1 groups: taken over here they hold exactly
 * what Java wrote, and a member that lags catches up to the same bytes.
 */
#define _GNU_SOURCE /* nftw */
#include "tests/unit/dledger/suites.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK 65536
#define FACTS_MAX 200

struct facts {
  int64_t data_length, index_length, term, entries, committed;
  char vote[LEDGER_VOTE_MAX];
  char lines[FACTS_MAX][160]; /* filler, entry */
  size_t count;
};

static struct rig *filling;
static size_t filling_prefix;

/* One file onto the imagined disk; holes stay holes. */
static int fill_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
  static uint8_t block[BLOCK];
  static const uint8_t zeros[BLOCK];
  char target[DISK_PATH_MAX];
  struct disk *disk = filling->disk;
  (void)ftw;
  snprintf(target, sizeof target, "%s%s", RIG_DIR, path + filling_prefix);
  if (kind == FTW_D) return disk->ops->make_dirs(disk, target) != STATUS_OK;
  FILE *f = fopen(path, "rb");
  struct disk_file *file;
  if (f == NULL || disk->ops->open(disk, target, DISK_CREATE, 0, &file) != STATUS_OK) return 1;
  int bad = disk->ops->truncate(disk, file, st->st_size) != STATUS_OK;
  int64_t at = 0;
  for (size_t n; !bad && (n = fread(block, 1, sizeof block, f)) > 0; at += (int64_t)n) {
    struct span part = span_of(block, n);
    if (memcmp(block, zeros, n) != 0) bad = disk->ops->write(disk, file, at, &part, 1) != STATUS_OK;
  }
  if (!bad) bad = disk->ops->sync(disk, file) != STATUS_OK;
  disk->ops->close(disk, file);
  fclose(f);
  return bad;
}

static void unpack(struct rig *r, const char *archive, const char *node) {
  char dir[] = "/tmp/dledger-golden-XXXXXX", command[8192], root[64];
  CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
  snprintf(command, sizeof command, "tar -xzf '%s' -C '%s' --wildcards '*%s/dledger-%s*'", golden_path(archive), dir,
           node, node);
  CU_ASSERT_FATAL(system(command) == 0);
  snprintf(root, sizeof root, "%s/%s/dledger-%s", dir, node, node);
  filling = r;
  filling_prefix = strlen(root);
  CU_ASSERT_FATAL(nftw(root, fill_one, 16, FTW_PHYS) == 0);
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  CU_ASSERT_FATAL(system(command) == 0);
}

static void facts_read(struct facts *f, const char *expected, const char *node) {
  char command[8192], line[160], name[32];
  *f = (struct facts){0};
  snprintf(command, sizeof command, "gzip -dc '%s'", golden_path(expected));
  FILE *in = popen(command, "r");
  CU_ASSERT_FATAL(in != NULL);
  while (fgets(line, sizeof line, in) != NULL) {
    if (strncmp(line, "node ", 5) != 0) {
      CU_ASSERT_FATAL(f->count < FACTS_MAX);
      memcpy(f->lines[f->count++], line, sizeof line);
      continue;
    }
    struct facts n = {0};
    CU_ASSERT_FATAL(sscanf(line, "node %31s %" SCNd64 " %" SCNd64 " %" SCNd64 " %63s %" SCNd64 " %" SCNd64, name,
                           &n.data_length, &n.index_length, &n.term, n.vote, &n.entries, &n.committed) == 7);
    if (strcmp(name, node) != 0) continue;
    f->data_length = n.data_length;
    f->index_length = n.index_length;
    f->term = n.term;
    f->entries = n.entries;
    f->committed = n.committed;
    memcpy(f->vote, n.vote, sizeof n.vote);
  }
  CU_ASSERT_FATAL(pclose(in) == 0 && f->entries > 0);
}

static void check_filler(struct rig *r, const char *line) {
  int64_t pos;
  int32_t size;
  struct span bytes;
  CU_ASSERT_FATAL(sscanf(line, "filler %" SCNd64 " %" SCNd32, &pos, &size) == 2);
  if (pos >= r->marks->end_pos) return;
  CU_ASSERT_FATAL(ledger_view(r->ledger, pos, &bytes) == STATUS_OK && bytes.len == (size_t)size);
  CU_ASSERT(get_i32(bytes.ptr) == FILLER_MAGIC && get_i32(bytes.ptr + 4) == size);
}

static int64_t check_entry(struct rig *r, const char *line) {
  struct entry want = {.magic = ENTRY_MAGIC}, e;
  unsigned crc;
  CU_ASSERT_FATAL(sscanf(line,
                         "entry %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %x",
                         &want.index, &want.term, &want.pos, &want.size, &want.channel, &want.chain_crc, &want.body_crc,
                         &crc) == 8);
  if (want.index > r->marks->end_index) return 0;
  CU_ASSERT_FATAL(ledger_get_checked(r->ledger, want.index, &e) == STATUS_OK);
  CU_ASSERT(e.term == want.term && e.pos == want.pos && e.size == want.size && e.channel == want.channel);
  CU_ASSERT(e.chain_crc == want.chain_crc && e.body_crc == want.body_crc);
  CU_ASSERT(crc32(0, e.body.ptr, (uInt)e.body.len) == crc);
  return 1;
}

static void check_facts(struct rig *r, const struct facts *f) {
  int64_t seen = 0;
  CU_ASSERT(r->marks->term == f->term && strcmp(r->marks->vote, f->vote) == 0);
  CU_ASSERT(r->marks->begin_index == 0 && r->marks->begin_pos == 0 && r->marks->damaged_index == -1);
  CU_ASSERT(r->marks->end_index == f->entries - 1 && r->marks->committed_index == f->committed);
  for (size_t i = 0; i < f->count; i++) {
    if (strncmp(f->lines[i], "filler", 6) == 0) check_filler(r, f->lines[i]);
    else seen += check_entry(r, f->lines[i]);
  }
  CU_ASSERT(seen == f->entries);
}

static void take_over(struct rig *r, struct facts *f, const char *archive, const char *node) {
  char path[64];
  rig_init(r, 1);
  snprintf(path, sizeof path, "store/%s.expected.gz", archive);
  facts_read(f, path, node);
  snprintf(path, sizeof path, "store/%s.tar.gz", archive);
  unpack(r, path, node);
  r->options.data_file_length = f->data_length;
  r->options.index_file_length = f->index_length;
}

/* Opened, left cleanly, killed, cut off: always the same; and nothing that Java wrote has changed. */
static void check_member(const char *archive, const char *node) {
  struct rig r;
  static struct facts f;
  take_over(&r, &f, archive, node);
  struct buf data = rig_file(&r, "data/00000000000000000000"), index = rig_file(&r, "index/00000000000000000000");
  rig_must_open(&r);
  check_facts(&r, &f);
  rig_close(&r);
  rig_must_open(&r);
  check_facts(&r, &f);
  rig_crash(&r, SIM_POWER_OFF);
  rig_must_open(&r);
  check_facts(&r, &f);
  struct buf data_now = rig_file(&r, "data/00000000000000000000");
  struct buf index_now = rig_file(&r, "index/00000000000000000000");
  CU_ASSERT(span_equal(buf_span(&data), buf_span(&data_now)) && span_equal(buf_span(&index), buf_span(&index_now)));
  buf_fini(&data);
  buf_fini(&index);
  buf_fini(&data_now);
  buf_fini(&index_now);
  rig_append(&r, 100, f.term + 1);
  CU_ASSERT(r.marks->end_index == f.entries);
  rig_crash(&r, SIM_KILL);
  rig_must_open(&r);
  CU_ASSERT(r.marks->end_index == f.entries);
  rig_fini(&r);
}

void test_golden_brokers(void) {
  check_member("store-e-dledger", "n0");
  check_member("store-e-dledger", "n1");
}

void test_golden_bare(void) {
  check_member("store-e-dledger-bare", "n0");
  check_member("store-e-dledger-bare", "n1");
  check_member("store-e-dledger-bare", "n2");
}

static void catch_up(const char *archive, const char *behind, const char *ahead) {
  struct rig a, b;
  static struct facts fa, fb;
  take_over(&a, &fa, archive, ahead);
  take_over(&b, &fb, archive, behind);
  rig_must_open(&a);
  rig_must_open(&b);
  CU_ASSERT_FATAL(fb.entries < fa.entries);
  rig_copy(&b, &a, fb.entries);
  CU_ASSERT(b.marks->end_index == fa.entries - 1);
  rig_same_data(&a, &b);
  rig_fini(&a);
  rig_fini(&b);
}

void test_golden_catch_up(void) {
  catch_up("store-e-dledger", "n0", "n2");
  catch_up("store-e-dledger-bare", "n0", "n2");
}
