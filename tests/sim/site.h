/* SPDX-License-Identifier: Apache-2.0
 *
 * site: imagined machines and the real programs on them: name servers,
 * brokers and clients, started, stopped, killed and started again. The
 * programs are the rooms of the product, unchanged; only the ports are
 * imagined.
 */
#ifndef TESTS_SIM_SITE_H
#define TESTS_SIM_SITE_H

#include "host/sim/world.h"

enum { SITE_MACHINES_MAX = 32, NAMESRV_PORT = 9876, BROKER_PORT = 10911 };

struct machine;

/* A kind of program. */
struct program_ops {
  const char *kind;
  /* Makes m->program; NULL: it could not start (it is tried again). */
  struct node *(*start)(struct machine *m, struct moment now);
  /* Begins an orderly stop; may be NULL. */
  void (*leave)(struct machine *m, struct moment now);
  /* Frees m->program. clean: it may still write and send; else its host is dead already. */
  void (*stop)(struct machine *m, bool clean, struct moment now);
};

enum machine_state { MACHINE_DOWN, MACHINE_UP, MACHINE_LEAVING };

struct machine {
  struct site *site;
  const struct program_ops *ops;
  struct sim_host *host;
  void *config;  /* of the kind of program; outlives it */
  void *program; /* NULL: not running */
  enum machine_state state;
  bool wanted;   /* should run: a failed start is tried again */
  bool arranged; /* a start is on its way */
  unsigned starts, failed_starts;
};

struct site {
  struct sim_world *world;
  struct machine machines[SITE_MACHINES_MAX];
  unsigned count;
};

void site_init(struct site *s, struct sim_world *world);
/* Kills what runs. The world is the caller's. */
void site_fini(struct site *s);
/* A machine with a program that does not run yet. */
struct machine *site_add(struct site *s, const char *name, const struct program_ops *ops, void *config);

/* For a program that starts now. */
uint64_t machine_seed(struct machine *m);
void machine_start(struct machine *m);
void machine_start_at(struct machine *m, int64_t ms);
/* SIM_EXIT takes a moment: ask m->state. */
void machine_stop(struct machine *m, enum sim_stop how);

/* ---- name servers and brokers ---- */

extern const struct program_ops namesrv_ops; /* config: unused */

struct broker_config {
  const char *name;         /* brokerName */
  const char *name_servers; /* "ip:port;ip:port" */
  bool sync_flush;
  int segment_bytes, queue_units, queues;
  const char *role;         /* brokerRole; NULL: ASYNC_MASTER */
  int id;                   /* brokerId */
  int in_sync;              /* inSyncReplicas; 0: the default */
  bool ack_flushed;         /* haAckFlushed */
  const char *ha_master;    /* haMasterAddress; NULL: as the name servers say */
};
extern const struct program_ops broker_ops; /* config: struct broker_config */
/* NULL: it does not run. */
struct broker;
struct broker *machine_broker(const struct machine *m);
/* The store of a broker that is switched off, opened with its settings to be looked at. NULL: a violation, it cannot
 * be. Its host runs from then on. */
struct ledger;
struct store;
struct store *machine_store_open(struct machine *m, struct ledger *l);
void machine_store_close(struct machine *m);

#define BROKER_ROOT "/store"
#define BROKER_COMMITLOG "/store/commitlog"

/* "10.0.0.1:9876;10.0.0.2:9876" of all name servers added so far. */
void site_name_servers(const struct site *s, char *out, size_t cap);

#endif
