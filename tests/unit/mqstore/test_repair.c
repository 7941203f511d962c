/* SPDX-License-Identifier: Apache-2.0
 *
 * repair: what is said, what is kept, and that the result is sound.
 */
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"

#include "core/base/bytes.h"

#define STORE "store/store-a-normal.tar.gz"
#define LOG_0 "commitlog/00000000000000000000"
#define LOG_1 "commitlog/00000000000000065536"

/* Offset in LOG_0 of its record number n. */
static int64_t record_at(struct rig *r, int n) {
  int64_t at = 0;
  while (n-- > 0) {
    uint8_t size[4];
    rig_read(r, LOG_0, at, size, 4);
    at += get_i32(size);
  }
  return at;
}

static int32_t size_at(struct rig *r, int64_t at) {
  uint8_t size[4];
  rig_read(r, LOG_0, at, size, 4);
  return get_i32(size);
}

/* Without --yes it only speaks. */
void test_repair_speaks(void) {
  struct rig r;
  rig_init(&r, STORE, "store");
  CU_ASSERT(rig_run(&r, "repair", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "nothing to repair"));
  int64_t at = record_at(&r, 3);
  rig_flip(&r, LOG_0, at + 90); /* in a body */
  rig_shell(&r, "cp -a store before");
  CU_ASSERT(rig_run(&r, "repair", "@", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(rig_said(&r, "a body that does not fit its CRC") && rig_said(&r, "lost: topic") && rig_said(&r, "--skip"));
  CU_ASSERT(rig_run(&r, "repair", "@", "--skip", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(rig_run(&r, "repair", "@", "--cut", "--json", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(json_i64(json_member(rig_json(&r, 0), "damage"), -1) == at);
  CU_ASSERT(rig_run(&r, "repair", "@", "--cut", "--skip", "--yes", NULL) == EXIT_USAGE);
  rig_shell(&r, "diff -r store before");
  rig_fini(&r);
}

/* The damaged bytes are one stand-in record; all other records stay, offsets too. */
static void skip_check(int64_t (*damage)(struct rig *r, int64_t at), int count) {
  struct rig r;
  char name[300];
  rig_init(&r, STORE, "store");
  int64_t at = record_at(&r, 3), end = record_at(&r, 3 + count);
  rig_shell(&r, "cp -a store before");
  CU_ASSERT_FATAL(rig_run(&r, "messages", "@", NULL) == EXIT_FINE);
  int64_t seen = damage(&r, at);
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(rig_run(&r, "repair", "@", "--skip", "--yes", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "lost: topic") && size_at(&r, at) == end - at);
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "are lost; their units show the record at offset"));
  CU_ASSERT(rig_run(&r, "repair", "@", NULL) == EXIT_FINE);
  /* Behind it the log is as before; the bytes that were there are kept, and the sentence. */
  rig_shell(&r, "cmp -i %lld store/" LOG_0 " before/" LOG_0 " && cmp store/" LOG_1 " before/" LOG_1, (long long)end);
  snprintf(name, sizeof name, "store/repaired/*/%020lld", (long long)at);
  rig_shell(&r, "test $(stat -c %%s %s) = %lld && grep -q 'lost: topic' store/repaired/*/report.txt", name,
            (long long)(end - at));
  rig_shell(&r,
            "cat %s >back && dd if=before/" LOG_0 " of=was bs=1 skip=%lld count=%lld 2>/dev/null && "
            "test $(cmp -l back was | wc -l) = %lld",
            name, (long long)at, (long long)(end - at), (long long)seen);
  rig_shell(&r, "test ! -e store/marks && test ! -e store/flushed");
  rig_fini(&r);
}

static int64_t damage_body(struct rig *r, int64_t at) {
  rig_flip(r, LOG_0, at + 90);
  return 1;
}

static int64_t damage_two(struct rig *r, int64_t at) {
  rig_flip(r, LOG_0, at + 4);
  rig_flip(r, LOG_0, at + size_at(r, at) + 5);
  return 2;
}

void test_repair_skip(void) {
  skip_check(damage_body, 1);
  skip_check(damage_two, 2);
}

/* From the middle of one file into the next: a filler, then a record. */
void test_repair_skip_over_files(void) {
  struct rig r;
  static const uint8_t zeros[70000];
  rig_init(&r, STORE, "store");
  int64_t at = record_at(&r, 5);
  rig_write(&r, LOG_0, at, zeros, (size_t)(65536 - at));
  rig_write(&r, LOG_1, 0, zeros, 300);
  CU_ASSERT(rig_run(&r, "repair", "@", "--skip", "--yes", NULL) == EXIT_FINE);
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  uint8_t head[8];
  rig_read(&r, LOG_0, at, head, 8);
  CU_ASSERT(get_i32(head) == 65536 - at && get_u32(head + 4) == BLANK_MAGIC);
  rig_read(&r, LOG_1, 0, head, 8);
  CU_ASSERT(get_u32(head + 4) == MESSAGE_MAGIC);
  rig_fini(&r);
}

/* The log ends at the damage; what was behind it lies beside. */
void test_repair_cut(void) {
  struct rig r;
  rig_init(&r, STORE, "store");
  int64_t at = record_at(&r, 7);
  rig_flip(&r, LOG_0, at + 90);
  rig_shell(&r, "cp -a store before");
  CU_ASSERT(rig_run(&r, "repair", "@", "--cut", "--yes", NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "lost: topic"));
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE || rig_said(&r, "consumerOffset"));
  CU_ASSERT(rig_length(&r, LOG_0) == 65536);
  rig_shell(&r, "test $(ls store/commitlog | wc -l) = 1 && cmp store/repaired/*/00000000000000065536 before/" LOG_1);
  rig_shell(&r, "cmp -n %lld store/" LOG_0 " before/" LOG_0, (long long)at);
  rig_shell(&r, "test $(tail -c +%lld store/" LOG_0 " | tr -d '\\0' | wc -c) = 0", (long long)at + 1);
  rig_shell(&r, "f=store/repaired/*/%020lld && cmp -n $(stat -c %%s $f) -i 0:%lld $f before/" LOG_0, (long long)at,
            (long long)at);
  CU_ASSERT(rig_run(&r, "repair", "@", NULL) == EXIT_FINE);
  rig_fini(&r);
}

/* Never while somebody runs there; never for DLedger. */
void test_repair_refusals(void) {
  struct rig r;
  struct disk_file *lock;
  char path[300];
  rig_init(&r, STORE, "store");
  rig_flip(&r, LOG_0, record_at(&r, 3) + 90);
  snprintf(path, sizeof path, "%s/lock", r.root);
  struct disk *disk = uv_host_disk(r.host);
  CU_ASSERT_FATAL(disk->ops->lock(disk, path, &lock) == STATUS_OK);
  CU_ASSERT(rig_run(&r, "repair", "@", "--skip", "--yes", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_said(&r, "a process uses this store"));
  disk->ops->close(disk, lock);
  rig_shell(&r, "test ! -e store/repaired");
  CU_ASSERT(rig_run(&r, "repair", "nowhere", "--skip", "--yes", NULL) == EXIT_CANNOT);
  rig_fini(&r);
}
