/* SPDX-License-Identifier: Apache-2.0
 *
 * cluster: three members of a group on imagined machines, and a client that
 * appends numbered entries to whoever leads.
 */
#ifndef TESTS_UNIT_DLEDGER_NODE_CLUSTER_H
#define TESTS_UNIT_DLEDGER_NODE_CLUSTER_H

#include "host/sim/world.h"
#include "libdledger/node.h"

enum { MEMBERS = 3, APPENDS_MAX = 4096 };

struct cluster;

struct member {
  struct node node; /* first */
  struct cluster *cluster;
  struct sim_host *host;
  int id;
  struct dl_node *dl; /* NULL: not running */
  enum raft_role role;
  int64_t term;
  int64_t committed;
};

struct request {
  struct dl_append append;
  struct cluster *cluster;
  uint32_t number;
  bool used, done;
  enum dl_code code;
};

struct cluster {
  struct sim_world *world;
  struct member members[MEMBERS];
  enum raft_fsync fsync;
  int64_t data_file_length;
  struct request requests[APPENDS_MAX];
  size_t request_count;
  size_t acked;
};

struct cluster *cluster_new(uint64_t seed, enum raft_fsync fsync);
void cluster_free(struct cluster *c);
void cluster_start(struct cluster *c, int id);
void cluster_stop(struct cluster *c, int id, enum sim_stop how);
void cluster_run(struct cluster *c, int64_t ms);
/* Runs until somebody leads, has told so, and the majority follows; NULL after ms. */
struct member *cluster_leader(struct cluster *c, int64_t ms);
/* Appends so many entries at the leader in one turn. Returns how many were taken. */
size_t cluster_append(struct cluster *c, size_t count, size_t body_len);
/* Runs until all that were appended are answered; false after ms. */
bool cluster_settle(struct cluster *c, int64_t ms);
/* Every acknowledged entry can be read at this member, as it was written. */
bool cluster_has_all_acked(struct cluster *c, int id);
/* The data of two members are the same bytes up to what both have committed. */
bool cluster_same_bytes(struct cluster *c, int a, int b);

#endif
