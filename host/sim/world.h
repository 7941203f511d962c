/* SPDX-License-Identifier: Apache-2.0
 *
 * world: the imagined world. Machines with a clock, a disk and a network
 * card, all in one thread and all from one seed: the same seed and the same
 * calls give the same history, event for event (sim_hash proves it). Nodes
 * (core/port/node.h) live on it exactly as they live on host/uv.
 *
 * Time is virtual: nothing happens between two events, so an hour costs
 * microseconds. What the world does to its inhabitants on purpose: it splits
 * and merges what they send, delays it, cuts machines off, resets
 * connections, kills programs, pulls plugs, tears unsynced writes and moves
 * clocks. What it never does: reorder or invent bytes of a connection, or
 * lose a byte that was synced.
 *
 * Functions that change the world (sim_stop, sim_cut, …) are called between
 * events or from a sim_at callback, never from inside a node.
 */
#ifndef MQ_SIM_WORLD_H
#define MQ_SIM_WORLD_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/base/prng.h"
#include "core/port/disk.h"
#include "core/port/net.h"
#include "core/port/node.h"

struct sim_world;
struct sim_host; /* one imagined machine: name, IP 10.0.0.N, net, disk, log, clock; runs at most one node */

/* How the network behaves; may be changed at any time. Chances are per 10 000. */
struct sim_conditions {
  int latency_min_ms; /* of each segment, one way */
  int latency_max_ms; /* at least 1, or two nodes could talk for ever in one instant */
  int spike_ms;       /* longest extra delay … */
  int spike_chance;   /* … which so many segments get */
  int split_chance;   /* a write arrives in several pieces; a read shows a part first */
  int reset_chance;   /* a segment kills its connection instead of arriving */
  size_t window;      /* bytes on their way or unread in one direction; more waits in the outbox (backlog) */
  int64_t give_up_ms; /* unacknowledged so long, a connection is closed (Linux tcp_retries2: about 15 minutes) */
  int turn_ms;        /* what a turn costs: it runs so much after the event that caused it */
};

#define SIM_EPOCH_MS 1600000000000 /* wall clock at virtual time 0 */
#define SIM_HOSTS_MAX 254
#define SIM_SECTOR 512 /* a crash tears writes at multiples of this */

struct sim_world *sim_world_new(uint64_t seed);
/* Hosts and their disks go too. Nodes still attached must have been stopped (sim_stop) by their owner. */
void sim_world_free(struct sim_world *world);
struct sim_conditions *sim_conditions(struct sim_world *world);

/* Runs one event; false: nothing will ever happen again by itself. */
bool sim_step(struct sim_world *world);
/* Everything due up to and including `ms`; then it is `ms`. */
void sim_run_until(struct sim_world *world, int64_t ms);
int64_t sim_now(const struct sim_world *world); /* virtual ms since the world began */
uint64_t sim_event_count(const struct sim_world *world);
/* Runs f(context) at the given time; the past means now. Aborts when out of memory, as all of sim does. */
void sim_at(struct sim_world *world, int64_t ms, void (*f)(void *context), void *context);
/* Chance for the author of a scenario; independent of the chance inside net and disk. */
struct prng *sim_chance(struct sim_world *world);

/* Machines. */
struct sim_host *sim_host_new(struct sim_world *world, const char *name); /* switched on */
const char *sim_host_name(const struct sim_host *host);
const char *sim_host_ip(const struct sim_host *host); /* "10.0.0.N", N from 1 in order of creation */
struct net *sim_host_net(struct sim_host *host);
struct disk *sim_host_disk(struct sim_host *host);
struct log *sim_host_log(struct sim_host *host);
struct moment sim_host_now(const struct sim_host *host);

/* Programs. A program is made with the host's net, disk, log and now, then attached: its first turn comes
 * at once. After sim_stop the host ignores all calls (so the program can be freed) until sim_boot. */
enum sim_stop {
  SIM_EXIT,     /* exit(): connections end politely, what was sent still arrives */
  SIM_KILL,     /* kill -9: the kernel ends the connections, the page cache survives */
  SIM_POWER_OFF /* plug pulled: peers hear nothing, unsynced writes are kept, dropped or torn */
};
void sim_attach(struct sim_host *host, struct node *node);
void sim_stop(struct sim_host *host, enum sim_stop how);
void sim_boot(struct sim_host *host);
bool sim_is_up(const struct sim_host *host); /* between sim_boot and sim_stop */
/* A turn soon, as if something had arrived: for calls into a program from outside (host/uv: its post). */
void sim_poke(struct sim_host *host);
/* The program does not run for so long (SIGSTOP, swapping); its kernel goes on. */
void sim_stall(struct sim_host *host, int64_t ms);

/* Clocks. */
void sim_clock_jump(struct sim_host *host, int64_t ms); /* of the wall clock */
void sim_clock_drift(struct sim_host *host, int ppm);   /* of both clocks from now on; |ppm| < 500 000 */

/* Network faults. What is under way on a cut path waits and goes on after the heal (TCP sends again); a
 * connection closed meanwhile may stay half-open for ever, as in life. */
void sim_cut(struct sim_host *from, struct sim_host *to); /* one way; nobody is told */
void sim_cut_both(struct sim_host *a, struct sim_host *b);
void sim_heal(struct sim_host *a, struct sim_host *b); /* both ways */
void sim_heal_all(struct sim_world *world);
/* Resets connections between two machines (b NULL: all of a's). Returns how many. */
int sim_reset_connections(struct sim_host *a, struct sim_host *b);
size_t sim_connection_count(const struct sim_world *world); /* not yet forgotten by both ends */

/* Disk faults. */
enum sim_disk_op { SIM_OPEN = 1, SIM_WRITE = 2, SIM_SYNC = 4, SIM_NAMES = 8, SIM_READ = 16 };
struct sim_disk_fault {
  int ops;            /* which calls count, enum sim_disk_op */
  uint64_t after;     /* so many of them succeed first */
  enum status status; /* what the next one returns: IO, NO_SPACE, … */
  bool torn;          /* a failing write leaves a part of its bytes behind */
  bool lasting;       /* all later ones fail too, until the fault is cleared */
};
void sim_disk_fail(struct sim_host *host, const struct sim_disk_fault *fault); /* NULL: clears */
void sim_disk_sync_delay(struct sim_host *host, int min_ms, int max_ms); /* of sync_start */
void sim_disk_space(struct sim_host *host, int64_t total); /* bytes; 0: endless */
uint64_t sim_disk_calls(const struct sim_host *host, int ops);
/* Bytes written but not yet durable. */
int64_t sim_disk_unsynced(const struct sim_host *host);
/* Does the page cache hold bytes whose sync failed? No later sync makes them durable, and until the machine is
 * switched off everybody reads them as if they were. */
bool sim_disk_is_poisoned(const struct sim_host *host);

/* What power cuts take of what was not synced. */
enum sim_loss {
  SIM_LOSS_BY_CHANCE, /* of each file all, nothing, or some sectors; of the changes of names the last ones */
  SIM_LOSS_ALL,
  SIM_LOSS_TORN /* as by chance, but of each file some sectors */
};
void sim_disk_loss(struct sim_host *host, enum sim_loss loss);
/* The disk of a machine that has none yet becomes as another one's is now, page cache included. */
void sim_disk_copy(struct sim_host *to, const struct sim_host *from);

/* Trace: lines "[ms] host > text". Off: nothing is formatted, only the hash goes on. */
void sim_trace_on(struct sim_world *world, enum log_level level);
struct span sim_trace(const struct sim_world *world);
/* Adds a line; host may be NULL. */
void sim_say(struct sim_world *world, const struct sim_host *host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Over every event and every byte delivered so far; the same with and without trace. */
uint64_t sim_hash(const struct sim_world *world);

#endif
