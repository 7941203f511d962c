/* SPDX-License-Identifier: Apache-2.0
 *
 * rig: a store with its replication room, and nothing else, on an imagined
 * machine; and a peer that speaks bytes.
 */
#ifndef TESTS_UNIT_REPL_RIG_H
#define TESTS_UNIT_REPL_RIG_H

#include "host/sim/world.h"
#include "mqbroker/repl/ha_wire.h"
#include "mqbroker/repl/repl.h"
#include "tests/harness.h"

#define SIDE_ROOT "/data/store"
#define SIDE_LOG "/data/store/commitlog"
enum { HA_PORT = 10912, HA_TAG = 3, SEGMENT = 65536 };

enum side_role { SIDE_MASTER, SIDE_SLAVE };

/* A master or slave. */
struct side {
  struct node node;
  enum side_role role;
  struct sim_world *world;
  struct sim_host *host;
  struct store *store;
  struct repl *repl;
  struct repl_config config;
  struct store_config store_config;
  struct log log; /* keeps the newest warning or error */
  char last[LOG_LINE_MAX];
  int64_t put; /* messages so far: each is another one */
};

/* Not yet started: config may be changed. A slave's config.master is the master's port unless changed. */
void side_init(struct side *s, struct sim_world *world, const char *name, enum side_role role);
void side_start(struct side *s);
void side_stop(struct side *s, enum sim_stop how); /* SIM_EXIT closes the store cleanly */
void side_restart(struct side *s, enum sim_stop how);
void side_fini(struct side *s);
/* Puts `count` messages with bodies of up to `body` bytes in topic "t", queues 0 to 2. */
void side_put(struct side *s, int count, int body);
/* Bytes of another log, at offset. */
enum status side_append(struct side *s, int64_t offset, struct span bytes);
void run(struct sim_world *world, int64_t ms);
/* The slave's log is the same as the master's in [from, the slave's end), and ends where it says. */
bool logs_equal(struct side *master, struct side *slave, int64_t from, int64_t end);
/* The log from its beginning; for free(). */
uint8_t *log_copy(struct side *s, int64_t from, size_t *len);

/* Speaks bytes: connects to a master, or takes a slave's connection on HA_PORT. */
struct wire {
  struct node node;
  struct sim_host *host;
  conn_id conn;
  struct buf in;
  bool open, closed, deaf; /* deaf: reads nothing */
  int accepted;
};
void wire_init(struct wire *w, struct sim_world *world, const char *name);
void wire_fini(struct wire *w);
void wire_connect(struct wire *w, struct side *master);
void wire_listen(struct wire *w);
void wire_send(struct wire *w, struct span bytes);
void wire_report(struct wire *w, int64_t offset);
void wire_frame(struct wire *w, int64_t offset, struct span body);
/* The reports or the first frame that came in; taken out of the input. */
int64_t wire_last_report(struct wire *w); /* of all that are there; -1: none */
bool wire_take_frame(struct wire *w, int64_t *offset, struct span *body);
void wire_forget(struct wire *w);

#endif
