/* SPDX-License-Identifier: Apache-2.0
 *
 * rebuild makes Java's own bytes again; compare finds the first byte that
 * differs.
 */
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"

/* Queues and index files are the same bytes as the ones moved aside; an index file's name is a time. */
static void rebuild_check(const char *archive) {
  struct rig r;
  rig_init(&r, archive, "store");
  CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", NULL) == EXIT_FINE);
  rig_shell(&r, "diff -r store/consumequeue store/rebuild-*/consumequeue");
  rig_shell(&r, "if test -e store/rebuild-*/consumequeue_ext; "
                "then diff -r store/consumequeue_ext store/rebuild-*/consumequeue_ext; fi");
  rig_shell(&r, "test $(ls store/index | wc -l) = $(ls store/rebuild-*/index | wc -l)");
  rig_shell(&r, "cat store/index/* > new && cat store/rebuild-*/index/* > old && cmp new old");
  rig_shell(&r, "test -f store/rebuild-*/checkpoint && test ! -e store/rebuild-*/new");
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  rig_fini(&r);
}

void test_rebuild(void) {
  rebuild_check("store/store-a-normal.tar.gz");
  rebuild_check("store/store-c-delay.tar.gz");
  rebuild_check("store/store-d-tx.tar.gz");
  rebuild_check("store/store-g-ext.tar.gz");
  rebuild_check("store/store-h-ipv6.tar.gz");
}

/* A queue that is lost gets its ext units again, without bit maps; those of others stay as they were. */
void test_rebuild_ext(void) {
  struct rig r;
  rig_init(&r, "store/store-g-ext.tar.gz", "store");
  rig_shell(&r, "cp -r store/consumequeue_ext/Sql_flhd/1 ext1 && rm -r store/consumequeue/Sql_flhd/0");
  CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", NULL) == EXIT_FINE);
  rig_shell(&r, "diff -r ext1 store/consumequeue_ext/Sql_flhd/1");
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  CU_ASSERT(rig_run(&r, "queue", "@", "Sql_flhd", "0", "--json", NULL) == EXIT_FINE);
  const struct json *ext = json_member(rig_json(&r, 133), "ext");
  CU_ASSERT(json_i64(json_member(ext, "tagsCode"), -1) == 2598919);
  CU_ASSERT(json_text(json_member(ext, "bitMap")).len == 0);
  ASSERT_SPAN(json_text(json_member(ext, "address")), "8000000000000a50"); /* 132 units of 20 bytes */
  rig_fini(&r);
}

void test_rebuild_refusals(void) {
  struct rig r;
  struct disk_file *lock;
  char path[300];
  rig_init(&r, "store/store-h-ipv6.tar.gz", "store");
  struct disk *disk = uv_host_disk(r.host);
  CU_ASSERT(rig_run(&r, "rebuild", "@", NULL) == EXIT_USAGE);
  CU_ASSERT(rig_said(&r, "--yes"));
  snprintf(path, sizeof path, "%s/lock", r.root);
  CU_ASSERT_FATAL(disk->ops->lock(disk, path, &lock) == STATUS_OK);
  CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_said(&r, "a process uses this store"));
  disk->ops->close(disk, lock);
  rig_flip(&r, "commitlog/00000000000000000000", 4); /* in a damaged log, what comes behind would be lost */
  CU_ASSERT(rig_run(&r, "rebuild", "@", "--yes", NULL) == EXIT_CANNOT);
  CU_ASSERT(rig_said(&r, "damaged at offset 0"));
  rig_shell(&r, "test -f store/consumequeue/Six_fugw/0/00000000000000000000");
  rig_fini(&r);
}

void test_compare(void) {
  struct rig r;
  char other[300];
  rig_init(&r, "store/store-a-normal.tar.gz", "store");
  rig_shell(&r, "cp -r store other");
  snprintf(other, sizeof other, "%s/other", r.top);
  CU_ASSERT(rig_run(&r, "compare", "@", other, NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "EQUAL from 0 to 460152"));
  rig_flip(&r, "commitlog/00000000000000065536", 1000);
  CU_ASSERT(rig_run(&r, "compare", "@", other, "--json", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(json_i64(json_member(rig_json(&r, 0), "difference"), -1) == 66536);
  CU_ASSERT(rig_run(&r, "compare", "@", other, NULL) == EXIT_PROBLEMS);
  CU_ASSERT(rig_said(&r, "DIFFERENT at 66536"));
  CU_ASSERT(rig_run(&r, "compare", "@", other, "--to", "66536", NULL) == EXIT_FINE);
  CU_ASSERT(rig_run(&r, "compare", "@", other, "--from", "66537", NULL) == EXIT_FINE);

  /* A slave that is behind, and one that began later. */
  rig_flip(&r, "commitlog/00000000000000065536", 1000);
  rig_shell(&r, "rm other/commitlog/00000000000000000000 && truncate -s 0 other/commitlog/00000000000000458752 && "
                "truncate -s 65536 other/commitlog/00000000000000458752");
  CU_ASSERT(rig_run(&r, "compare", "@", other, NULL) == EXIT_FINE);
  CU_ASSERT(rig_said(&r, "EQUAL from 65536 to 458752"));
  CU_ASSERT(rig_run(&r, "compare", "@", other, "--to", "459000", NULL) == EXIT_PROBLEMS);
  CU_ASSERT(rig_said(&r, "one of them ends before 459000"));
  rig_fini(&r);
}
