/* SPDX-License-Identifier: Apache-2.0
 *
 * rig: a ledger on an imagined machine (host/sim), with small files, that can be
 * killed, cut off from power and opened again.
 */
#ifndef TESTS_UNIT_DLEDGER_RIG_H
#define TESTS_UNIT_DLEDGER_RIG_H

#include "host/sim/world.h"
#include "libdledger/ledger.h"
#include "tests/harness.h"

#define RIG_DIR "/data/dledger-n0"
#define RIG_DATA_LENGTH 1024
#define RIG_INDEX_LENGTH 256

struct rig {
  struct node node;
  struct sim_world *world;
  struct sim_host *host;
  struct disk *disk;
  struct ledger *ledger;
  const struct ledger_marks *marks;
  struct ledger_options options;
  struct buf why;
  struct log log; /* to stdout if RIG_LOG is set in the environment */
};

/* Not yet open; options may be changed before rig_open. */
void rig_init(struct rig *r, uint64_t seed);
void rig_fini(struct rig *r); /* abandons */
enum status rig_open(struct rig *r);
void rig_must_open(struct rig *r);
void rig_close(struct rig *r);
void rig_crash(struct rig *r, enum sim_stop how); /* and switches the machine on again; not open then */
void rig_run(struct rig *r, int64_t ms);

/* Stages an entry whose body says its index and has `len` bytes. */
enum status rig_stage(struct rig *r, size_t len, int64_t term);
/* Stages and commits. */
void rig_append(struct rig *r, size_t len, int64_t term);
/* The bytes rig_stage writes. */
void rig_body(uint8_t *out, size_t len, int64_t index, int64_t term);
/* Every entry from begin to end is there, in sequence, sound, with rig_stage's body; so are units, positions, runs. */
void rig_check(struct rig *r);
/* Copies entries [from, end] of another ledger with ledger_append, and commits. */
void rig_copy(struct rig *to, struct rig *from, int64_t index);
/* The data files of both hold the same bytes. */
void rig_same_data(struct rig *a, struct rig *b);

struct buf rig_file(struct rig *r, const char *name); /* below RIG_DIR; free with buf_fini */
bool rig_exists(struct rig *r, const char *name);
void rig_write(struct rig *r, const char *name, int64_t offset, struct span bytes); /* and syncs */
void rig_put(struct rig *r, const char *name, const char *text);                    /* the whole file */
void rig_flip(struct rig *r, int64_t pos);                                          /* a bit of the data */

#endif
