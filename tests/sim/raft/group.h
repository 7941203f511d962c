/* SPDX-License-Identifier: Apache-2.0
 *
 * group: whole Raft groups in an imagined world: 3 or 5 machines with a clock,
 * a ledger on a disk that crashes, and a network that loses, delays, doubles
 * and reorders. One seed, one history. Machines run a brain: the real step
 * function, or a model of DLedger 0.1's rules. Checkers look at every step.
 */
#ifndef TESTS_SIM_RAFT_GROUP_H
#define TESTS_SIM_RAFT_GROUP_H

#include "core/base/buf.h"
#include "core/base/prng.h"
#include "core/base/timers.h"
#include "libdledger/raft/raft.h"

enum { MACHINES_MAX = 5, BATCH_MAX = 8, ENTRY_BYTES = 56 };
#define VALUE_OPENING UINT64_MAX /* body of the record that opens a term */

/* ---- a disk with a ledger ---- */

struct cell {
  int64_t term;
  uint64_t value;
};

struct ledger_image {
  struct cell *cells;
  int64_t count, cap;
};

struct machine_disk {
  struct ledger_image cache, durable; /* what programs see, what a power cut leaves */
  int64_t same;                       /* so many first cells are equal in both */
  int64_t staged;                     /* cells of cache that a kill loses: not written yet */
  struct raft_hard_state hard, hard_durable;
  int64_t committed; /* of the checkpoint */
  bool formatted;    /* nothing was ever stored */
  int errors;        /* so many next calls fail */
  int sync_ms;       /* how long a sync takes at most */
};

/* ---- machines ---- */

struct group;
struct machine;

struct brain_ops {
  const char *name;
  void *(*boot)(struct machine *m);
  void (*halt)(void *brain);
  void (*receive)(void *brain, const struct raft_message *message, struct moment now);
  int64_t (*turn)(void *brain, struct moment now);
  bool (*append)(void *brain, uint64_t value, int64_t *index);
  void (*synced)(void *brain, int64_t index);
  enum raft_role (*role)(const void *brain);
  int64_t (*term)(const void *brain);
  int64_t (*committed)(const void *brain);
  bool (*amnesia)(const void *brain);
  bool (*broken)(const void *brain);
  void (*hand_over)(void *brain, struct moment now);
  void (*lost)(void *brain, int64_t from); /* NULL: it does not look */
};
extern const struct brain_ops brain_raft, brain_01;

struct wish { /* an append that waits for its commit */
  int64_t index, term;
  uint64_t value;
};

struct machine {
  struct group *group;
  int id;
  const struct brain_ops *ops;
  void *brain; /* NULL: switched off */
  struct machine_disk disk;
  uint32_t life; /* grows with each boot: what was on its way to an earlier one is lost */
  int64_t clock_base, clock_from, stalled_until; /* its monotonic clock: base + (now - from) * rate */
  int clock_ppm;
  int64_t turn_at; /* of the next turn event; TIME_NEVER: none */
  bool syncing, sync_again;
  int64_t sync_upto;
  int64_t boot_at; /* when it is off */
  enum raft_role seen_role;
  int64_t seen_term, seen_committed;
  struct wish *wishes;
  size_t wish_count, wish_cap;
};

/* ---- the world ---- */

enum event_kind { EVENT_MESSAGE, EVENT_TURN, EVENT_SYNCED, EVENT_BOOT, EVENT_CLIENT, EVENT_FAULT };
struct event {
  int64_t at;
  uint64_t order;
  enum event_kind kind;
  int machine;
  uint32_t life;
  int64_t number;
  struct raft_message message;
  struct raft_entry entries[BATCH_MAX];
  uint64_t values[BATCH_MAX];
};

enum fault_kind {
  FAULT_KILL,
  FAULT_POWER,
  FAULT_POWER_ALL,
  FAULT_WIPE,
  FAULT_CORRUPT,
  FAULT_DISK_ERROR,
  FAULT_SLOW_DISK,
  FAULT_CUT,
  FAULT_CUT_ONE_WAY,
  FAULT_HEAL,
  FAULT_LOSS,
  FAULT_DOUBLE,
  FAULT_REORDER,
  FAULT_SLOW_NET,
  FAULT_STALL,
  FAULT_CLOCK_JUMP,
  FAULT_CLOCK_DRIFT,
  FAULT_HAND_OVER,
  FAULT_KILL_LEADER,
  FAULT_CUT_LEADER,
  FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

/* What 0.1 does wrong (reference: docs/dledger-safety.md); a model can do without. */
enum weakness {
  WEAK_W2 = 1, /* a follower takes the leader's term for that of the entry */
  WEAK_W3 = 8, /* a leader truncates what it has put there itself, and a follower what is committed */
  WEAK_W4 = 2, /* entries of older terms are committed by counting */
  WEAK_W6 = 4, /* the file with term and vote can be lost in a crash, and it goes on without */
  WEAK_ALL = 15
};

struct truth { /* a committed entry */
  struct cell cell;
  int64_t commit_term;
};

struct group_plan {
  int machines;
  int models; /* the first so many machines run the model of 0.1 */
  int weak;   /* enum weakness of those */
  enum raft_fsync fsync;
  int64_t faults_ms; /* length of the troubled part */
  int64_t fault_gap_ms;
  int64_t client_gap_ms;
  int64_t heal_ms; /* progress is due so long after the end of it */
  bool quiet;      /* after the trouble the clients stop as soon as one entry is committed */
  bool calm;       /* no trouble but what a story makes */
  bool narrow;     /* one entry a batch: what a crash finds half done */
};

struct group {
  uint64_t seed;
  struct group_plan plan;
  struct prng chance;
  int64_t now;
  uint64_t order, hash, events, acked, elections, refusals;
  unsigned happened[FAULT_COUNT];
  struct event **heap;
  size_t heap_count, heap_cap;
  struct event *spare;
  struct machine machines[MACHINES_MAX];
  bool cut[MACHINES_MAX][MACHINES_MAX];
  int loss, doubled, reorder; /* per 1000 */
  int latency_ms;
  int64_t last_arrival[MACHINES_MAX][MACHINES_MAX];
  struct truth *truth;
  int64_t truth_count, truth_cap;
  int *leader_of; /* by term + 1 */
  int64_t leader_cap;
  uint64_t next_value;
  uint64_t final_value;
  bool healing, done;
  bool trace;
  struct log log;
  char violation[256]; /* "": none */
};

/* group.c */
void group_init(struct group *g, uint64_t seed, const struct group_plan *plan, bool trace);
void group_fini(struct group *g);
void group_run(struct group *g);
void group_plan_of(uint64_t seed, struct group_plan *plan);
bool group_step(struct group *g); /* one event; false: over */
struct event *group_event(struct group *g, enum event_kind kind, int64_t at, struct machine *m);
void group_say(struct group *g, const struct machine *m, const char *format, ...) __attribute__((format(printf, 3, 4)));
void group_fail(struct group *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t group_dice(struct group *g, uint64_t bound);

/* network.c */
void network_send(struct machine *from, const struct raft_message *message);
void network_arrive(struct group *g, struct event *e);
void network_heal(struct group *g);

/* machine.c */
void machine_init(struct machine *m, struct group *g, int id, const struct brain_ops *ops);
void machine_fini(struct machine *m);
void machine_boot(struct machine *m);
void machine_kill(struct machine *m, int64_t off_ms);
void machine_power_off(struct machine *m, int64_t off_ms);
void machine_turn_soon(struct machine *m, int64_t delay);
void machine_turn(struct machine *m);
void machine_synced(struct machine *m, int64_t upto);
void machine_append(struct machine *m, uint64_t value);
struct moment machine_now(const struct machine *m);
int64_t machine_wake(const struct machine *m, int64_t mono_ms); /* its clock -> world's */
void machine_set_clock(struct machine *m, int64_t jump_ms, int ppm);
bool machine_is_up(const struct machine *m);

/* disk.c */
void disk_fini(struct machine_disk *d);
bool disk_put(struct machine *m, const struct cell *cell);
bool disk_truncate(struct machine *m, int64_t from);
bool disk_write(struct machine *m); /* staged -> cache */
bool disk_persist(struct machine *m, const struct raft_hard_state *hard, bool durable);
bool disk_error(struct machine *m);
void disk_sync_start(struct machine *m);
void disk_sync_all(struct machine *m);
void disk_kill(struct machine *m);
void disk_power_off(struct machine *m);
void disk_wipe(struct machine *m);
bool disk_corrupt(struct machine *m);
int64_t disk_end(const struct machine *m);

/* check.c */
void check_step(struct machine *m);
void check_truncate(struct machine *m, int64_t from);
bool check_progress(struct group *g);
int64_t check_new_entry(const struct group *g); /* committed after the trouble; -1: none */

/* faults.c */
void fault_happen(struct group *g);
void fault_end(struct group *g);

/* behind.c */
void behind_run(struct group *g); /* a story for a calm plan */

#endif
