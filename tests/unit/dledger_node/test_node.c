/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/harness.h"
#include "tests/unit/dledger_node/cluster.h"

#include <stdio.h>

static void appends_reach_all(void) {
  struct cluster *c = cluster_new(1, RAFT_FSYNC_NONE);
  CU_ASSERT_PTR_NOT_NULL_FATAL(cluster_leader(c, 3000));
  for (int i = 0; i < 20; i++) {
    CU_ASSERT_EQUAL(cluster_append(c, 50, 1000), 50); /* rolls files of 64 KiB */
    CU_ASSERT(cluster_settle(c, 1000));
  }
  CU_ASSERT_EQUAL(c->acked, 1000);
  cluster_run(c, 500);
  for (int i = 0; i < MEMBERS; i++) {
    CU_ASSERT(cluster_has_all_acked(c, i));
    CU_ASSERT_EQUAL(c->members[i].committed, 999);
    CU_ASSERT(cluster_same_bytes(c, 0, i));
  }
  cluster_free(c);
}

static void another_leads_when_the_leader_is_killed(void) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct cluster *c = cluster_new(seed, RAFT_FSYNC_NONE);
    CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
    CU_ASSERT(cluster_settle(c, 1000));
    struct member *old = cluster_leader(c, 1000);
    CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
    cluster_run(c, 1);
    cluster_stop(c, old->id, SIM_KILL);
    int64_t died = sim_now(c->world);
    struct member *leader = cluster_leader(c, 3000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(leader);
    CU_ASSERT(sim_now(c->world) - died < 1500);
    CU_ASSERT(cluster_has_all_acked(c, leader->id));
    CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
    cluster_run(c, 1000);
    cluster_start(c, old->id);
    cluster_run(c, 2000);
    CU_ASSERT(c->acked >= 200);
    for (int i = 0; i < MEMBERS; i++) {
      CU_ASSERT(cluster_has_all_acked(c, i));
      CU_ASSERT(cluster_same_bytes(c, leader->id, i));
      CU_ASSERT_EQUAL(c->members[i].committed, c->members[leader->id].committed);
    }
    cluster_free(c);
  }
}

/* All three lose power at once, unsynced bytes with it. */
static void what_was_acked_survives_a_power_cut_of_all(void) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct cluster *c = cluster_new(seed, RAFT_FSYNC_MAJORITY);
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 10; i++) {
        CU_ASSERT_EQUAL(cluster_append(c, 20, 200), 20);
        cluster_run(c, 3);
      }
      for (int i = 0; i < MEMBERS; i++) cluster_stop(c, i, SIM_POWER_OFF);
      for (int i = 0; i < MEMBERS; i++) cluster_start(c, i);
      struct member *leader = cluster_leader(c, 5000);
      CU_ASSERT_PTR_NOT_NULL_FATAL(leader);
      cluster_run(c, 1000);
      for (int i = 0; i < MEMBERS; i++) CU_ASSERT(cluster_has_all_acked(c, i));
    }
    CU_ASSERT(c->acked > 0);
    cluster_free(c);
  }
}

static void wipe(struct cluster *c, int id) {
  struct disk *disk = sim_host_disk(c->members[id].host);
  static const char *const dirs[] = {"/store/dledger-n%d/data", "/store/dledger-n%d/index", "/store/dledger-n%d"};
  struct arena arena;
  arena_init(&arena, 1 << 20);
  for (size_t d = 0; d < 3; d++) {
    char dir[64], path[400];
    struct disk_entry *entries;
    size_t count;
    snprintf(dir, sizeof dir, dirs[d], id);
    if (disk->ops->list(disk, dir, &arena, &entries, &count) != STATUS_OK) continue;
    for (size_t i = 0; i < count; i++) {
      snprintf(path, sizeof path, "%s/%.*s", dir, SPAN_ARG(entries[i].name));
      CU_ASSERT_EQUAL(disk->ops->remove(disk, path), STATUS_OK);
    }
  }
  arena_fini(&arena);
}

/* A member that comes back with an empty disk gets everything, and until then elects nobody. */
static void an_empty_member_is_filled_and_does_not_vote_before(void) {
  struct cluster *c = cluster_new(3, RAFT_FSYNC_NONE);
  CU_ASSERT_EQUAL(cluster_append(c, 500, 500), 500);
  CU_ASSERT(cluster_settle(c, 2000));
  struct member *leader = cluster_leader(c, 1000);
  int wiped = (leader->id + 1) % MEMBERS, behind = (leader->id + 2) % MEMBERS;
  cluster_stop(c, behind, SIM_KILL);
  CU_ASSERT_EQUAL(cluster_append(c, 100, 500), 100); /* on the leader and the one that will be wiped */
  CU_ASSERT(cluster_settle(c, 2000));
  int holder = leader->id;
  cluster_stop(c, wiped, SIM_KILL);
  cluster_stop(c, holder, SIM_KILL);
  sim_boot(c->members[wiped].host);
  wipe(c, wiped);
  cluster_start(c, wiped);
  cluster_start(c, behind);
  cluster_run(c, 5000);
  CU_ASSERT(c->members[wiped].role != RAFT_LEADER && c->members[behind].role != RAFT_LEADER);
  CU_ASSERT(raft_has_amnesia(dl_node_raft(c->members[wiped].dl)));
  cluster_start(c, holder);
  CU_ASSERT_PTR_NOT_NULL_FATAL(cluster_leader(c, 5000));
  cluster_run(c, 5000);
  for (int i = 0; i < MEMBERS; i++) CU_ASSERT(cluster_has_all_acked(c, i));
  CU_ASSERT(!raft_has_amnesia(dl_node_raft(c->members[wiped].dl)));
  cluster_free(c);
}

static void spoil(struct cluster *c, int id, int64_t pos) {
  struct disk *disk = sim_host_disk(c->members[id].host);
  struct disk_file *file;
  char path[96];
  struct span byte = SPAN_LITERAL("!");
  snprintf(path, sizeof path, "/store/dledger-n%d/data/%020lld", id, (long long)(pos - pos % c->data_file_length));
  CU_ASSERT_EQUAL_FATAL(disk->ops->open(disk, path, 0, 0, &file), STATUS_OK);
  CU_ASSERT_EQUAL(disk->ops->write(disk, file, pos % c->data_file_length, &byte, 1), STATUS_OK);
  disk->ops->close(disk, file);
}

/* A byte rots in a committed entry: found by looking, fetched again, and nobody elects with what is left meanwhile. */
static void a_damaged_entry_is_repaired(void) {
  for (int who = 0; who < MEMBERS; who++) { /* the leader is among them */
    struct cluster *c = cluster_new(6, RAFT_FSYNC_MAJORITY);
    for (int i = 0; i < 4; i++) {
      CU_ASSERT_EQUAL(cluster_append(c, 50, 1000), 50);
      CU_ASSERT(cluster_settle(c, 2000));
    }
    cluster_run(c, 500);
    spoil(c, who, c->requests[77].append.pos + ENTRY_HEADER + 500);
    CU_ASSERT(cluster_append(c, 50, 1000) == 50);
    bool seen = false;
    for (int64_t end = sim_now(c->world) + 10000; sim_now(c->world) < end; cluster_run(c, 1))
      seen = seen || raft_has_amnesia(dl_node_raft(c->members[who].dl));
    CU_ASSERT(seen);
    CU_ASSERT(c->acked >= 200);
    for (int i = 0; i < MEMBERS; i++) {
      CU_ASSERT(cluster_has_all_acked(c, i));
      CU_ASSERT(cluster_same_bytes(c, who, i));
      CU_ASSERT(!raft_has_amnesia(dl_node_raft(c->members[i].dl)));
    }
    cluster_free(c);
  }
}

static void a_leader_hands_over_before_it_stops(void) {
  struct cluster *c = cluster_new(4, RAFT_FSYNC_NONE);
  CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
  CU_ASSERT(cluster_settle(c, 1000));
  struct member *old = cluster_leader(c, 1000);
  int64_t began = sim_now(c->world);
  CU_ASSERT(dl_node_hand_over(old->dl, sim_host_now(old->host)));
  sim_poke(old->host);
  while (old->role == RAFT_LEADER && sim_now(c->world) < began + 1000) cluster_run(c, 1);
  struct member *leader = cluster_leader(c, 1000);
  CU_ASSERT(leader != NULL && leader != old);
  CU_ASSERT(sim_now(c->world) - began < 100);
  cluster_stop(c, old->id, SIM_EXIT);
  CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
  CU_ASSERT(cluster_settle(c, 1000));
  CU_ASSERT_EQUAL(c->acked, 200);
  cluster_free(c);
}

/* A whole group stopped and started goes on where it was. */
static void a_group_starts_again(void) {
  struct cluster *c = cluster_new(5, RAFT_FSYNC_LEADER);
  CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
  CU_ASSERT(cluster_settle(c, 1000));
  for (int i = 0; i < MEMBERS; i++) cluster_stop(c, i, SIM_EXIT);
  for (int i = 0; i < 2; i++) cluster_start(c, i); /* two are enough: they remember */
  CU_ASSERT_EQUAL(cluster_append(c, 100, 100), 100);
  CU_ASSERT(cluster_settle(c, 1000));
  for (int i = 0; i < 2; i++) CU_ASSERT(cluster_has_all_acked(c, i));
  cluster_free(c);
}

static const struct test tests[] = {
    {"appends reach all", appends_reach_all},
    {"another leads when the leader is killed", another_leads_when_the_leader_is_killed},
    {"what was acked survives a power cut of all", what_was_acked_survives_a_power_cut_of_all},
    {"an empty member is filled and does not vote before", an_empty_member_is_filled_and_does_not_vote_before},
    {"a damaged entry is repaired", a_damaged_entry_is_repaired},
    {"a leader hands over before it stops", a_leader_hands_over_before_it_stops},
    {"a group starts again", a_group_starts_again},
    {NULL, NULL}};

int main(int argc, char **argv) { return run_tests("dledger_node", tests, argc, argv); }
