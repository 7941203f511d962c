/* SPDX-License-Identifier: Apache-2.0
 *
 * One thing is broken in a sound store; verify must name it, its file and its
 * place, and nothing else.
 */
#include "libdledger/ledger.h"
#include "tests/unit/mqstore/rig.h"
#include "tests/unit/mqstore/suites.h"
#include "tests/unit/mqstore/verdict.h"

#define LOG0 "commitlog/00000000000000000000"
#define PAY0 "consumequeue/Pay-ments_2zm/0/00000000000000000000"
#define INDEX0 "index/20261123112346352"
enum {
  SECOND = 2158, /* offset of the second record: Log_86xf, queue 2, queue offset 0 */
  QUEUE_OFFSET = 20,
  PHYSICAL_OFFSET = 28,
  BODY = 88,
  FILLER = 64932, /* 604 bytes */
  SLOTS = 64,
  ENTRIES_AT = 40 + 4 * SLOTS
};

static void start(struct rig *r) { rig_init(r, "store/store-a-normal.tar.gz", "store"); }

void test_damage_log(void) {
  struct rig r;
  uint8_t old[8];
  start(&r);
  rig_flip(&r, LOG0, SECOND + BODY + 100);
  VERDICT(&r, 1, "problem", LOG0, SECOND, "does not fit its CRC");
  rig_flip(&r, LOG0, SECOND + BODY + 100);

  rig_flip(&r, LOG0, SECOND + 4); /* the magic: the record is lost, its unit and its key point to nothing */
  VERDICT(&r, 4, "problem", LOG0, SECOND, "624 bytes up to the next record at 2782");
  CU_ASSERT(rig_said(&r, "unit 0 points to offset 2158, where no record of this queue is"));
  rig_flip(&r, LOG0, SECOND + 4);

  rig_flip(&r, LOG0, SECOND + 3); /* the size */
  VERDICT(&r, 4, "problem", LOG0, SECOND, "next record at 2782");
  rig_flip(&r, LOG0, SECOND + 3);

  rig_flip(&r, LOG0, SECOND + PHYSICAL_OFFSET + 7);
  VERDICT(&r, 1, "problem", LOG0, SECOND, "says it is at");
  rig_flip(&r, LOG0, SECOND + PHYSICAL_OFFSET + 7);

  rig_read(&r, LOG0, SECOND + QUEUE_OFFSET, old, 8);
  rig_write(&r, LOG0, SECOND + QUEUE_OFFSET, (uint8_t[8]){0, 0, 0, 0, 0, 0, 0, 5}, 8);
  VERDICT(&r, 1, "problem", LOG0, SECOND, "has queue offset 5");
  rig_write(&r, LOG0, SECOND + QUEUE_OFFSET, old, 8);
  rig_flip(&r, LOG0, 34419 + QUEUE_OFFSET + 7);
  VERDICT(&r, 1, "problem", LOG0, 34419, "in consumequeue/Pay-ments_2zm/0, 2 comes next");
  rig_flip(&r, LOG0, 34419 + QUEUE_OFFSET + 7);

  rig_flip(&r, LOG0, FILLER + 3);
  VERDICT(&r, 1, "problem", LOG0, FILLER, "604 are left in the file");
  rig_flip(&r, LOG0, FILLER + 3);
  rig_flip(&r, LOG0, FILLER + 20); /* what a filler is filled with means nothing */
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == EXIT_FINE);
  rig_fini(&r);
}

void test_damage_queue(void) {
  struct rig r;
  uint8_t unit[20], zeros[20] = {0};
  start(&r);
  rig_flip(&r, PAY0, 2 * 20 + 5);
  VERDICT(&r, 1, "problem", PAY0, 40, "its record is at 34419");
  rig_flip(&r, PAY0, 2 * 20 + 5);

  rig_flip(&r, PAY0, 2 * 20 + 11);
  VERDICT(&r, 1, "problem", PAY0, 40, "the record at offset 34419 has 363");
  rig_flip(&r, PAY0, 2 * 20 + 11);

  rig_flip(&r, PAY0, 4 * 20 + 19);
  VERDICT(&r, 1, "problem", PAY0, 80, "has tags code");
  rig_flip(&r, PAY0, 4 * 20 + 19);

  rig_read(&r, PAY0, 3 * 20, unit, 20);
  rig_write(&r, PAY0, 3 * 20, zeros, 20);
  VERDICT(&r, 1, "problem", PAY0, 60, "no unit 3 for the record at offset 39895");
  rig_write(&r, PAY0, 3 * 20, unit, 20);

  /* The last unit; nobody will make it again, as the store was stopped cleanly. */
  rig_write(&r, "consumequeue/Log_86xf/3/00000000000000000000", 36 * 20, zeros, 20);
  VERDICT(&r, 1, "problem", "consumequeue/Log_86xf/3/00000000000000000000", 36 * 20,
          "no unit 36 for the record at offset 459872");
  rig_put(&r, "abort", "");
  VERDICT(&r, 0, "note", "consumequeue/Log_86xf/3", -1, "recovery adds them");
  rig_fini(&r);
}

/* Units taken out of, or put into, the middle of a queue. */
void test_damage_units_off(void) {
  struct rig r;
  uint8_t file[1280], changed[1280] = {0};
  start(&r);
  rig_read(&r, PAY0, 0, file, sizeof file);
  memcpy(changed, file, 5 * 20);
  memcpy(changed + 5 * 20, file + 6 * 20, sizeof file - 6 * 20);
  rig_write(&r, PAY0, 0, changed, sizeof changed);
  VERDICT(&r, 2, "problem", PAY0, 5 * 20, "its record is at 45169");
  CU_ASSERT(rig_said(&r, "from here on units stand -1 off their places"));

  memcpy(changed + 5 * 20, file + 4 * 20, 20); /* one twice */
  memcpy(changed + 6 * 20, file + 5 * 20, sizeof file - 6 * 20);
  rig_write(&r, PAY0, 0, changed, sizeof changed);
  VERDICT(&r, 1, "problem", PAY0, 6 * 20, "from here on units stand +1 off their places");

  /* One too many at the end. */
  int64_t units = 0;
  while (units < 64 && memcmp(file + units * 20, (uint8_t[20]){0}, 20) != 0) units++;
  CU_ASSERT_FATAL(units > 5 && units < 64);
  memcpy(changed, file, sizeof file);
  memcpy(changed + units * 20, file, 20);
  rig_write(&r, PAY0, 0, changed, sizeof changed);
  VERDICT(&r, 1, "problem", PAY0, units * 20, "where no record of this queue is");
  changed[units * 20 + 4] = 1; /* far behind the end of the log */
  rig_write(&r, PAY0, 0, changed, sizeof changed);
  VERDICT(&r, 1, "problem", PAY0, units * 20, "the log ends at 460152");
  rig_put(&r, "abort", "");
  VERDICT(&r, 0, "note", PAY0, units * 20, "the log ends at 460152");
  rig_fini(&r);
}

void test_damage_index(void) {
  struct rig r;
  int64_t entry = ENTRIES_AT + 20 * 10;
  start(&r);
  rig_flip(&r, INDEX0, entry + 3); /* the hash; the chain of its slot does not hold together any more */
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, INDEX0 ":496: entry 10: the record has another key there"));
  rig_flip(&r, INDEX0, entry + 3);

  rig_flip(&r, INDEX0, entry + 4 + 7); /* the offset */
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, INDEX0 ":496: entry 10: points where no such record comes") ||
            rig_said(&r, INDEX0 ":496: 1 keys of the records"));
  rig_flip(&r, INDEX0, entry + 4 + 7);

  rig_flip(&r, INDEX0, entry + 15);
  VERDICT(&r, 1, "problem", INDEX0, entry, "wrong time difference");
  rig_flip(&r, INDEX0, entry + 15);

  rig_flip(&r, INDEX0, entry + 19);
  VERDICT(&r, 1, "problem", INDEX0, entry, "wrong predecessor in its chain");
  rig_flip(&r, INDEX0, entry + 19);

  rig_flip(&r, INDEX0, 40 + 4 * 7 + 3);
  VERDICT(&r, 1, "problem", INDEX0, 40 + 4 * 7, "slot 7 holds");
  rig_flip(&r, INDEX0, 40 + 4 * 7 + 3);

  rig_flip(&r, INDEX0, 31);
  VERDICT(&r, 1, "problem", INDEX0, 24, "header: ends at offset");
  rig_flip(&r, INDEX0, 31);

  rig_shell(&r, "rm store/index/20261123112346610"); /* the second of four */
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "255 keys of the records from offset 69753 to") || rig_said(&r, "are not in the index"));
  rig_fini(&r);
}

/* A store of Java alone, killed three times: what it put into the index once more at each start is told as that. */
void test_damage_index_again(void) {
  static const char in_the_middle[] = "index/20261123201847873", behind_a_rest[] = "index/20261123201912574";
  static const char at_the_begin[] = "index/20261123201933221";
  const int64_t middle = ENTRIES_AT + 20 * 8, begin = ENTRIES_AT + 20;
  struct rig r;
  uint8_t entry[20];
  rig_init(&r, "store/store-i-again.tar.gz", "store");
  VERDICT(&r, 0, "note", in_the_middle, middle, "entry 8: the keys of the record at offset 10841 once more");
  VERDICT(&r, 0, "note", behind_a_rest, ENTRIES_AT + 20 * 2, "entry 2: the keys of the record at offset 23147 once");
  /* The file before has one key of that record, the file with the other one was thrown away. */
  VERDICT(&r, 0, "note", at_the_begin, begin, "entry 1: the keys of the record at offset 29593 once more");

  /* Once more, but another record; one that is gone. */
  rig_flip(&r, in_the_middle, middle + 4 + 7);
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "index/20261123201847873:456: entry 8: points where no such record comes"));
  rig_flip(&r, in_the_middle, middle + 4 + 7);
  /* Not all of its keys. */
  rig_read(&r, in_the_middle, middle + 20, entry, 20);
  rig_flip(&r, in_the_middle, middle + 20 + 3);
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "index/20261123201847873:476: entry 9: the record has another key there"));
  rig_write(&r, in_the_middle, middle + 20, entry, 20);
  /* Other keys than the record's. */
  rig_flip(&r, in_the_middle, middle + 3);
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "index/20261123201847873:456: entry 8: points where no such record comes"));
  rig_flip(&r, in_the_middle, middle + 3);
  /* A first key of another record, where the second one's should be. */
  rig_flip(&r, at_the_begin, begin + 3);
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "index/20261123201933221:316: entry 1: the record has another key there"));
  rig_flip(&r, at_the_begin, begin + 3);
  VERDICT(&r, 0, "note", at_the_begin, begin, "once more, as after a crash in Java");
  rig_fini(&r);
}

void test_damage_files(void) {
  struct rig r;
  start(&r);
  rig_put(&r, "commitlog/notes.txt", "x");
  VERDICT(&r, 1, "problem", "commitlog/notes.txt", -1, "does not belong here");
  rig_shell(&r, "rm store/commitlog/notes.txt");

  rig_write(&r, "checkpoint", 0, (uint8_t[8]){0, 0, 2, 0}, 8);
  VERDICT(&r, 1, "problem", "checkpoint", 0, "log on disk up to");
  rig_write(&r, "checkpoint", 0, (uint8_t[8]){0}, 8);

  rig_put(&r, "config/consumerOffset.json", "{\"offsetTable\":{\"Pay-ments_2zm@CG_one\":{0:5,2:300}}}");
  VERDICT(&r, 1, "problem", "config/consumerOffset.json", -1, "CG_one has offset 300 in queue 2 of Pay-ments_2zm");
  rig_put(&r, "config/consumerOffset.json", "{\"offsetTable\":{\"Pay-ments_2zm@CG_one\":{0:5,2:3");
  VERDICT(&r, 1, "problem", "config/consumerOffset.json", 47, "cannot be read");
  rig_put(&r, "config/consumerOffset.json", "{}");

  rig_put(&r, "config/topics.json", "{\"topicConfigTable\":[}");
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "its .bak is used"));
  rig_shell(&r, "cp store/config/topics.json.bak store/config/topics.json");

  rig_shell(&r, "truncate -s 100 store/consumequeue/wide_bm7q/3/00000000000000001280");
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "consumequeue/wide_bm7q/3/00000000000000001280: 100 bytes long, the others 1280"));
  rig_shell(&r, "truncate -s 1280 store/consumequeue/wide_bm7q/3/00000000000000001280");

  rig_shell(&r, "rm store/commitlog/00000000000000131072");
  rig_run(&r, "verify", "@", "--limit", "5", NULL);
  CU_ASSERT(rig_said(&r, "the next file should be 00000000000000131072, but is 00000000000000196608"));
  CU_ASSERT(rig_said(&r, "more (--limit)"));
  rig_fini(&r);
}

void test_damage_ext(void) {
  static const char queue[] = "consumequeue/Sql_flhd/0/00000000000000000000";
  static const char ext[] = "consumequeue_ext/Sql_flhd/0/00000000000000000000";
  struct rig r;
  rig_init(&r, "store/store-g-ext.tar.gz", "store");
  rig_flip(&r, ext, 9); /* the first ext unit's tags code */
  VERDICT(&r, 1, "problem", ext, 0, "ext unit of unit 0: tags code");
  rig_flip(&r, ext, 9);
  rig_flip(&r, ext, 20 + 17); /* the second one's time */
  VERDICT(&r, 1, "problem", ext, 20, "ext unit of unit 1: store time");
  rig_flip(&r, ext, 20 + 17);
  rig_write(&r, queue, 20 + 19, (uint8_t[1]){40}, 1); /* the second unit has the third one's */
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(!rig_said(&r, "ext unit of unit 1 does not follow")); /* there may be some that nobody points to */
  CU_ASSERT(rig_said(&r, "ext unit of unit 2 does not follow the one before, which ends at 60"));
  rig_flip(&r, ext, 20); /* nobody points to this one, but Java stumbles over it */
  rig_run(&r, "verify", "@", NULL);
  CU_ASSERT(rig_said(&r, "ext unit of unit 1 does not follow the one before, which ends at 20"));
  rig_flip(&r, ext, 20);
  rig_write(&r, queue, 20 + 19, (uint8_t[1]){21}, 1); /* the second unit's address */
  VERDICT(&r, 1, "problem", queue, 20, "no ext unit at address 8000000000000015");
  rig_fini(&r);
}

void test_damage_dledger(void) {
  static const char data[] = "dledger-n1/data/00000000000000000000", index[] = "dledger-n1/index/00000000000000000000";
  struct rig r;
  rig_init(&r, "store/store-e-dledger-bare.tar.gz", "n1");
  rig_flip(&r, data, 151 + 31); /* pos of the second entry */
  VERDICT(&r, 1, "problem", data, 151, "entry 1 at 151 says it is at");
  rig_flip(&r, data, 151 + 31);
  rig_write(&r, data, 151 + 23, (uint8_t[1]){1}, 1); /* its term */
  VERDICT(&r, 2, "problem", data, 314, "entry 2 of term 0 follows term 1");
  rig_write(&r, data, 151 + 23, (uint8_t[1]){0}, 1);
  rig_flip(&r, index, 32 + 11);
  VERDICT(&r, 1, "problem", index, 32, "the index unit of entry 1 does not agree");
  rig_flip(&r, index, 32 + 11);
  rig_flip(&r, data, 151); /* its magic: found again at the next entry */
  VERDICT(&r, 2, "problem", data, 151, "163 bytes up to the next record at 314");
  rig_flip(&r, data, 151);
  rig_put(&r, "dledger-n1/currterm", "voteLeader=n2\ncurrTerm=1\n");
  VERDICT(&r, 1, "problem", "dledger-n1/currterm", -1, "term 1, but the last entry is of term 2");
  rig_put(&r, "dledger-n1/currterm", "voteLeader=n2\ncurrTerm=2\n");
  rig_put(&r, "dledger-n1/checkpoint", "endIndex=20\ncommittedIndex=17\nsyncedIndex=20\n");
  VERDICT(&r, 1, "problem", "dledger-n1/checkpoint", -1, "entry 20 was synced, but the last entry is 17");
  rig_put(&r, "dledger-n1/checkpoint", "endIndex=17\ncommittedIndex=17\nsyncedIndex=17\n");
  rig_put(&r, "dledger-n1/repair", "damagedIndex=30\n");
  VERDICT(&r, 1, "problem", "dledger-n1/repair", -1, "up to 30 were lost to damage");
  rig_fini(&r);
}

/* A directory of ours: everything in it has a checksum. */
void test_damage_dledger_sums(void) {
  static const char data[] = "dledger-n0/data/00000000000000000000";
  struct rig r;
  struct ledger *l;
  struct buf why;
  char dir[512];
  rig_init(&r, NULL, "n0");
  snprintf(dir, sizeof dir, "%s/dledger-n0", r.root);
  struct ledger_options options = {.dir = dir, .data_file_length = 2048, .index_file_length = 512};
  buf_init(&why, 1000);
  CU_ASSERT_FATAL(ledger_open(&l, &options, uv_host_disk(r.host), NULL, (struct moment){1, 1}, &why) == STATUS_OK);
  for (int i = 0; i < 20; i++) {
    int64_t index, pos;
    uint8_t *body;
    CU_ASSERT_FATAL(ledger_stage(l, 100, 3, &index, &pos, &body) == STATUS_OK);
    memset(body, i, 100);
  }
  CU_ASSERT_FATAL(ledger_commit(l) == STATUS_OK && ledger_set_term(l, 3, SPAN_LITERAL("n0")) == STATUS_OK);
  CU_ASSERT_FATAL(ledger_close(l) == STATUS_OK);
  buf_fini(&why);
  CU_ASSERT(rig_run(&r, "verify", "@", NULL) == 0);
  CU_ASSERT(rig_said(&r, "20 records") && rig_said(&r, "OK"));
  rig_flip(&r, data, 148 + 48 + 50);
  VERDICT(&r, 1, "problem", data, 148, "entry 1: the body does not have its checksum");
  rig_flip(&r, data, 148 + 48 + 50);
  rig_flip(&r, data, 148 + 35); /* its channel */
  VERDICT(&r, 1, "problem", data, 148, "entry 1: the header does not have its checksum");
  rig_fini(&r);
}

/* Queues of a topic that topics.json does not know are nobody's; of one it knows they are missed. */
void test_damage_deleted_topic(void) {
  struct rig r;
  start(&r);
  rig_shell(&r, "rm -r store/consumequeue/Orders_g83g");
  VERDICT(&r, 1, "problem", "consumequeue/Orders_g83g/0", -1, "no unit 0");
  rig_shell(&r, "sed -i 's/Orders_g83g/Other/g' store/config/topics.json && rm store/config/consumerOffset.json");
  VERDICT(&r, 0, "note", "consumequeue/Orders_g83g/0", -1, "the topic is not known any more");
  rig_fini(&r);
}
