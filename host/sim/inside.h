/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of host/sim know of each other.
 */
#ifndef MQ_SIM_INSIDE_H
#define MQ_SIM_INSIDE_H

#include "core/base/map.h"
#include "host/sim/world.h"

enum event_kind {
  EVENT_TURN,
  EVENT_WAKE,
  EVENT_SYN,
  EVENT_SYN_ANSWER,
  EVENT_CONNECT_FAILED,
  EVENT_SEGMENT,
  EVENT_FIN,
  EVENT_RESET,
  EVENT_GIVE_UP,
  EVENT_SYNCED,
  EVENT_CALL
};

struct event {
  int64_t at_ms;
  uint64_t order; /* equal times: first pushed, first run */
  enum event_kind kind;
  uint32_t side; /* of conn: the end that receives */
  uint64_t value; /* bytes, token or stamp */
  const char *why;
  struct sim_host *host;
  struct sim_conn *conn;
  struct sync *sync;
  void (*call)(void *context);
  void *context;
};

struct events {
  struct event *heap;
  size_t count, cap;
  uint64_t order;
};

void events_push(struct events *es, const struct event *e);
bool events_pop(struct events *es, int64_t until_ms, struct event *out);
void events_fini(struct events *es);

/* ---- network ---- */

/* The bytes of one direction, all in one buffer:
 * head <= read <= arrived <= sent <= bytes.len: used by the node, shown to it, in the receiver's kernel,
 * on their way, in the sender's outbox. */
struct stream {
  struct buf bytes;
  uint64_t base; /* stream position of bytes.ptr[0] */
  size_t head, read, arrived, sent;
  size_t stuck;          /* bytes whose segments met a cut path */
  uint64_t stuck_stamp;  /* counts the times the stream got stuck, for EVENT_GIVE_UP */
  int64_t last_arrival_ms;
  bool fin_wanted, fin_sent, fin_here, fin_stuck;
};

enum end_state {
  END_NONE,       /* the acceptor before the SYN came */
  END_CONNECTING,
  END_OPEN,
  END_ENDED,      /* the kernel knows it is over, the node has not been told yet */
  END_CLOSED      /* by the node, or it has been told */
};

struct end {
  struct sim_host *host;
  enum end_state state;
  uint16_t port;
  bool paused, readable, dirty;
  const char *why; /* END_ENDED */
};

struct sim_conn {
  uint64_t number;
  struct end ends[2];       /* 0 connected, 1 accepted */
  struct stream streams[2]; /* [i]: sent by ends[i] */
  int64_t timeout_at_ms;
  unsigned holds; /* events and notes that point here */
};

struct listener {
  int tag;
  uint16_t port;
  bool loopback_only;
};

/* What the kernel has for the program, in order of arrival. */
enum note_kind { NOTE_ACCEPTED, NOTE_CONNECTED, NOTE_READABLE, NOTE_ENDED, NOTE_SYNCED };
struct note {
  enum note_kind kind;
  struct sim_conn *conn;
  uint32_t side;
  int listener;
  uint64_t token;
  enum status status;
};

struct borrow { /* of net_ops.send_borrowed: copied at the flush */
  struct sim_conn *conn;
  uint32_t side;
  uint64_t position;
  struct span bytes;
};

struct net_sim {
  struct net net; /* first */
  struct sim_host *host;
  struct listener *listeners;
  size_t listener_count, listener_cap;
  uint16_t next_port;
  struct note *notes;
  size_t note_count, note_cap;
  struct borrow *borrows;
  size_t borrow_count, borrow_cap;
  struct dirty { struct sim_conn *conn; uint32_t side; } *dirty; /* ends with something to flush */
  size_t dirty_count, dirty_cap;
};

void net_sim_init(struct net_sim *net, struct sim_host *host);
void net_sim_fini(struct net_sim *net);
void net_sim_event(struct sim_world *world, const struct event *e);
void net_sim_drain(struct net_sim *net, struct node *node, struct moment now); /* notes -> node */
void net_sim_flush(struct net_sim *net);
void net_sim_stop(struct net_sim *net, enum sim_stop how);
void net_sim_retry(struct sim_world *world); /* after a heal or a boot: what was stuck goes on */
void net_sim_note(struct net_sim *net, const struct note *note);
void net_sim_free_conns(struct sim_world *world);

/* net_stream.c */
void stream_transmit(struct sim_world *world, struct sim_conn *conn, uint32_t side);
void stream_segment(struct sim_world *world, struct sim_conn *conn, uint32_t side, size_t len);
void stream_fin(struct sim_world *world, struct sim_conn *conn, uint32_t side);
void stream_show(struct sim_world *world, struct sim_conn *conn, uint32_t side, struct node *node, struct moment now);
void stream_unstick(struct sim_world *world, struct sim_conn *conn, uint32_t side);
/* net_sim.c */
int64_t net_latency(struct sim_world *world);
bool net_path_open(const struct sim_host *from, const struct sim_host *to);
void net_end_over(struct sim_world *world, struct sim_conn *conn, uint32_t side, const char *why);
enum reset_kind {
  RESET_INJECTED, /* by a box in between: always arrives */
  RESET_ANSWER,   /* to a segment nobody wants; the segment is sent again until the answer arrives */
  RESET_KILLED    /* sent once; lost on a cut path: the peer stays half-open */
};
void net_push_reset(struct sim_world *world, struct sim_conn *conn, uint32_t side, enum reset_kind kind);
void conn_hold(struct sim_conn *conn);
void conn_drop(struct sim_world *world, struct sim_conn *conn);
static inline conn_id conn_id_of(const struct sim_conn *conn, uint32_t side) { return conn->number * 2 + 2 + side; }

/* ---- disk ---- */

/* One change since the last sync, with what it takes to take it back. */
enum undo_kind { UNDO_WRITE, UNDO_TRUNCATE };
struct undo {
  enum undo_kind kind;
  bool poisoned; /* a sync failed over it: no later sync makes it durable (Linux drops such pages) */
  uint64_t stamp;
  int64_t offset, len;
  int64_t old_length;
  uint8_t *old; /* NULL: the bytes were zero */
};

struct inode {
  unsigned refs;
  bool directory;
  uint8_t *bytes;
  int64_t cap;
  int64_t length, synced_length;
  int64_t high; /* nothing at or behind it was ever written */
  int64_t modified_ms;
  unsigned views;
  struct undo *undos;
  size_t undo_count, undo_cap;
  int64_t undo_bytes;
  struct inode *twin; /* while a disk is copied */
};

/* One change of names not yet made durable by sync_dir or a sync of the file. */
enum rename_kind { NAME_CREATE, NAME_REMOVE, NAME_RENAME };
struct name_change {
  enum rename_kind kind;
  char *path, *to;         /* to: NAME_RENAME */
  struct inode *inode;     /* held */
  struct inode *replaced;  /* NAME_RENAME: what `to` was; held */
  uint64_t stamp;
};

struct disk_file {
  struct disk_file *next, **place; /* of the disk's open files */
  struct inode *inode;
  bool view, read_only, lock;
  bool dead; /* its process is gone; only close() is left to it */
};

struct sync {
  struct sync *next;
  struct inode *inode; /* NULL: everything, names included */
  uint64_t stamp, token;
  uint64_t life;
  enum status status;
};

struct disk_sim {
  struct disk disk; /* first */
  struct sim_host *host;
  struct prng prng;
  struct map names; /* path -> struct inode */
  struct disk_file *files;
  struct name_change *changes;
  size_t change_count, change_cap;
  struct sync *syncs; /* under way */
  uint64_t stamp;
  int sync_min_ms, sync_max_ms;
  int64_t space;
  enum sim_loss loss;
  bool faulty;
  struct sim_disk_fault fault;
  uint64_t calls[5]; /* by bit of enum sim_disk_op */
};

void disk_sim_init(struct disk_sim *disk, struct sim_host *host, uint64_t seed);
void disk_sim_fini(struct disk_sim *disk);
void disk_sim_synced(struct disk_sim *disk, struct sync *sync);
void disk_sim_stop(struct disk_sim *disk, enum sim_stop how);
/* disk_names.c */
bool disk_path_clean(const char *path, char out[DISK_PATH_MAX]);
struct inode *disk_lookup(struct disk_sim *disk, const char *clean);
enum status disk_add_name(struct disk_sim *disk, const char *clean, bool directory, struct inode **out);
void disk_name_durable(struct disk_sim *disk, const struct inode *inode, uint64_t stamp);
void disk_names_durable(struct disk_sim *disk, uint64_t stamp); /* all changes up to it */
void disk_names_crash(struct disk_sim *disk);
void disk_names_fini(struct disk_sim *disk);
enum status disk_sim_make_dirs(struct disk *disk, const char *path);
enum status disk_sim_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **out,
                          size_t *count);
enum status disk_sim_stat(struct disk *disk, const char *path, struct disk_entry *out);
enum status disk_sim_remove(struct disk *disk, const char *path);
enum status disk_sim_rename(struct disk *disk, const char *from, const char *to);
enum status disk_sim_sync_dir(struct disk *disk, const char *path);
/* disk_sim.c */
void inode_unref(struct inode *inode);
/* Counts a call; a fault or a stopped host answers. */
enum status disk_gate(struct disk_sim *disk, enum sim_disk_op op);
/* disk_crash.c: what was not synced */
struct undo *inode_note_change(struct disk_sim *disk, struct inode *inode, enum undo_kind kind, int64_t offset,
                               int64_t len);
void inode_synced(struct inode *inode, uint64_t stamp, bool worked);
void inode_crash(struct inode *inode, enum sim_loss loss, struct prng *prng);
void inode_forget_changes(struct inode *inode);

/* ---- world ---- */

struct sim_host {
  struct sim_world *world;
  unsigned index;
  char *name;
  char ip[16];
  struct net_sim net;
  struct disk_sim disk;
  struct log log;
  struct node *node;
  uint64_t life; /* counts boots: what belongs to an earlier life is ignored */
  bool up, power;
  bool turn_pending;
  int64_t wake_at_ms; /* the earliest EVENT_WAKE on the heap, virtual time */
  int64_t want_ms;    /* what the node asked for, its monotonic time */
  int64_t stalled_until_ms;
  int64_t clock_since_ms, clock_base_ms; /* monotonic was base at virtual time since */
  int64_t wall_offset_ms;                /* wall - monotonic */
  int clock_ppm;
};

struct sim_world {
  int64_t now_ms;
  uint64_t event_count;
  uint64_t hash;
  struct events events;
  struct sim_conditions conditions;
  struct prng chance, net_chance;
  struct sim_host *hosts[SIM_HOSTS_MAX];
  unsigned host_count;
  bool cut[SIM_HOSTS_MAX][SIM_HOSTS_MAX]; /* [from][to] */
  struct sim_conn **conns; /* by number; NULL: forgotten */
  size_t conn_count, conn_cap, conn_live;
  bool tracing;
  struct buf trace;
  enum log_level trace_level;
};

void world_push(struct sim_world *world, int64_t at_ms, struct event e);
void world_want_turn(struct sim_host *host);
void world_mix(struct sim_world *world, uint64_t value);
void world_mix_bytes(struct sim_world *world, struct span bytes);
/* Aborts instead of returning NULL: an imagined world without memory proves nothing. */
void *sim_grow(void *array, size_t *cap, size_t need, size_t size);
void *sim_zalloc(size_t size);
void trace_log_init(struct sim_host *host);

#define world_trace(world, host, ...)                       \
  do {                                                      \
    if ((world)->tracing) sim_say(world, host, __VA_ARGS__); \
  } while (0)

#endif
