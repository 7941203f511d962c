/* SPDX-License-Identifier: Apache-2.0
 *
 * rig: a store on an imagined machine (host/sim), with small files, that can be
 * killed, cut off from power and opened again.
 */
#ifndef TESTS_UNIT_STORE_RIG_H
#define TESTS_UNIT_STORE_RIG_H

#include "host/sim/world.h"
#include "mqbroker/store/store.h"
#include "tests/harness.h"

#define RIG_ROOT "/data/store"
#define RIG_LOG "/data/store/commitlog"

struct rig {
  struct node node;
  struct sim_world *world;
  struct sim_host *host;
  struct disk *disk;
  struct store *store;
  struct store_config config;
  struct buf why;
  struct store_listener listener;
  struct log log; /* to stdout if RIG_LOG is set in the environment */
  uint64_t arrived;
};

/* Not yet open; config may be changed before rig_open. */
void rig_init(struct rig *r, uint64_t seed);
void rig_fini(struct rig *r); /* abandons */
enum status rig_open(struct rig *r);
void rig_close(struct rig *r);  /* cleanly */
void rig_crash(struct rig *r, enum sim_stop how); /* and switches the machine on again */
void rig_run(struct rig *r, int64_t ms);
struct moment rig_now(const struct rig *r);

/* A message from 10.1.2.3:54321 stored by 127.0.0.1:10911; texts may be NULL. */
struct message rig_message(const char *topic, int32_t queue_id, const char *body, const char *tags);
enum put_status rig_put(struct rig *r, const char *topic, int32_t queue_id, const char *body, struct put_result *out);
/* Puts and commits; fails the test otherwise. Returns the physical offset. */
int64_t rig_send(struct rig *r, const char *topic, int32_t queue_id, const char *body);
/* The body of message number `offset`, "-" if there is none. Static buffer. */
const char *rig_body(struct rig *r, const char *topic, int32_t queue_id, int64_t offset);
int64_t rig_max(struct rig *r, const char *topic, int32_t queue_id);
/* Whole content of a file; absent if it cannot be read. Free with buf_fini. */
struct buf rig_file(struct rig *r, const char *path);
bool rig_exists(struct rig *r, const char *path);
void rig_write(struct rig *r, const char *path, int64_t offset, struct span bytes);
/* Fills the disk with a golden store (test_golden.c). */
void rig_unpack(struct rig *r, const char *archive);

#endif
