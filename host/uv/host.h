/* SPDX-License-Identifier: Apache-2.0
 *
 * host: what the files of this folder share. Not a door: others include
 * loop.h.
 */
#ifndef MQ_UV_HOST_H
#define MQ_UV_HOST_H

#include "core/base/timers.h"
#include "host/uv/block.h"
#include "host/uv/loop.h"
#include "host/uv/outbox.h"

#include <assert.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <uv.h>

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define HOST_SIGNALS_MAX 8
#define LISTEN_BACKLOG 1024
#define ACCEPT_BATCH 128        /* per listener and iteration */
#define ACCEPT_PAUSE_MS 100     /* when descriptors or memory ran out */
#define CONNECT_TIMEOUT_MS 3000 /* when the caller gives none */
#define LINGER_MS 2000          /* how long a closed connection waits for the peer's own end */
#define READ_MAX (128 * 1024)   /* bytes of one receive call; twice as much misses the cache */
/* Unconsumed input up to this is put before the next read in the shared buffer; longer input gets a
 * buffer that grows with the frame. */
#define INPUT_SMALL (32 * 1024)

enum conn_state {
  CONN_CONNECTING, /* name look-up and connect */
  CONN_OPEN,
  CONN_FAILED,  /* NET_CLOSED waits to be told */
  CONN_CLOSING, /* closed by the node: last bytes leave */
  CONN_DRAINING /* our end is said, waiting for the peer's */
};

struct conn {
  conn_id id;
  struct uv_host *host;
  uv_poll_t *poll; /* lives on its own, because libuv frees it later than we forget the connection */
  int fd;          /* -1: none yet */
  uint8_t events;  /* what poll watches */
  uint8_t state;
  bool paused;
  bool blocked;   /* the kernel's buffer is full: wait until writable */
  bool accepted;  /* else connected by us */
  bool in_flush;  /* on host->flush_* */
  bool pending;   /* on host->pending_* */
  bool redeliver; /* resumed with unconsumed input: show it again */
  bool dead;      /* forgotten, but still on a list that will free it */
  struct outbox out;
  struct block in; /* unconsumed input [0, in_len) */
  size_t in_len;
  const char *reason;   /* CONN_FAILED */
  struct timer timer;   /* connect, close and linger deadlines */
  struct dial *dial;    /* CONN_CONNECTING */
  struct conn *next_flush, *next_pending;
};

/* An id is generation << SLOT_BITS | slot: never used again within 2^40 uses of a slot. */
#define SLOT_BITS 24
struct slot {
  struct conn *conn; /* NULL: free */
  uint64_t generation;
  uint32_t next_free; /* index + 1 */
};

struct listener {
  uv_poll_t poll;
  struct uv_host *host;
  struct listener *next;
  struct timer timer; /* set while accepting pauses */
  int tag;
  int fd;
};

enum timer_owner { TIMER_CONN, TIMER_LISTENER };

struct host_signal {
  uv_signal_t handle;
  void (*fn)(void *arg, int signum);
  void *arg;
};

struct uv_host {
  uv_loop_t loop;
  struct uv_host_config config;
  struct log *log;
  struct node *node;
  struct net net;
  struct disk disk;

  /* turn */
  uv_prepare_t prepare;
  uv_timer_t timer;
  int64_t armed_ms; /* TIME_NEVER: not armed */
  bool dirty;       /* something happened since the last turn */
  struct moment now;
  struct timers timers;
  struct uv_host_stats stats;

  /* other threads */
  uv_async_t async;
  uv_mutex_t lock;
  struct uv_post *post_first, **post_last; /* under lock */
  atomic_bool stop;
  atomic_bool running;
  uv_thread_t loop_thread; /* valid while running */
  uv_thread_t own_thread;  /* uv_host_start */

  struct host_signal signals[HOST_SIGNALS_MAX];
  size_t signal_count;

  /* net */
  struct slot *slots;
  size_t slot_count, slot_cap;
  uint32_t slot_free; /* index + 1 */
  struct conn *flush_first, **flush_last;
  struct conn *pending_first, **pending_last;
  struct listener *listeners;
  struct block_pool pool;
  uint8_t *scratch; /* INPUT_SMALL + READ_MAX: every read lands here first */
  int64_t complained_ms;
  uint64_t complaints;

  /* disk */
  struct disk_file *locks;
  struct sync_job *sync_free;
};

/* loop.c: the time of what happens now; the wall clock is read when the monotonic one moved. */
struct moment host_now(struct uv_host *h);

/* net_uv.c */
extern const struct net_ops net_uv_ops;
void net_pending_run(struct uv_host *h); /* tells of failures and shows resumed input again */
void net_timers_run(struct uv_host *h);
void net_fini(struct uv_host *h);
bool conn_limit_reached(struct uv_host *h);
void conn_enqueue_flush(struct conn *c);
/* Ends it before the next turn with NET_CLOSED. */
void conn_fail(struct conn *c, const char *reason);
/* A warning at most once a second; counts those it swallowed. */
void net_complain(struct uv_host *h, const char *what, const char *why);

/* conn_uv.c: one connection's life. */
struct conn *conn_new(struct uv_host *h, enum conn_state state);
struct conn *conn_find(struct uv_host *h, conn_id id);
/* Takes fd (also when it fails). */
enum status conn_adopt(struct conn *c, int fd) MUST_USE;
void conn_watch(struct conn *c);
/* Forgets the socket only. */
void conn_detach(struct conn *c);
void conn_destroy(struct conn *c);

/* flow_uv.c: bytes in and out. */
void conn_read(struct conn *c);
void conn_show_input(struct conn *c);
void conn_drain(struct conn *c);
void conn_flush(struct conn *c);
void net_flush(struct uv_host *h);

/* listen_uv.c */
enum status net_listen(struct net *net, const char *address, uint16_t port, int tag, uint16_t *bound,
                       const char **why) MUST_USE;
void net_unlisten(struct net *net, int tag);
void listener_resume(struct listener *l);
void listeners_close(struct uv_host *h);
/* A sockaddr as the wire wants it; an IPv4 address mapped into IPv6 becomes IPv4. */
struct net_peer net_peer_of(const struct sockaddr_storage *address);

/* dial_uv.c */
conn_id net_connect(struct net *net, const char *host, uint16_t port, int timeout_ms);
void dial_writable(struct conn *c);
void dial_deadline(struct conn *c);
void dial_abandon(struct conn *c);

/* disk_uv.c, disk_path_uv.c, sync_uv.c */
extern const struct disk_ops disk_uv_ops;
struct disk_file {
  int fd;
  uint8_t *view;
  size_t view_len;
  struct disk_file *next_lock; /* files that hold a record lock */
  uint64_t dev, ino;           /* of those */
  bool locked;
  bool directory;
  bool closed;    /* closes for good when the last sync has answered */
  unsigned syncs; /* under way */
};
enum status disk_status_of_errno(int error);
void disk_fini(struct uv_host *h);
void disk_sync_ended(struct disk *disk, struct disk_file *file);
enum status disk_file_sync(struct disk *disk, struct disk_file *file) MUST_USE;
enum status disk_file_sync_all(struct disk *disk, struct disk_file *file) MUST_USE;
enum status disk_sync_start(struct disk *disk, struct disk_file *file, uint64_t token) MUST_USE;
enum status disk_sync_all_start(struct disk *disk, struct disk_file *file, uint64_t token) MUST_USE;
enum status disk_lock(struct disk *disk, const char *path, struct disk_file **out) MUST_USE;
enum status disk_make_dirs(struct disk *disk, const char *path) MUST_USE;
enum status disk_list(struct disk *disk, const char *path, struct arena *arena, struct disk_entry **out,
                      size_t *count) MUST_USE;
enum status disk_stat(struct disk *disk, const char *path, struct disk_entry *out) MUST_USE;
enum status disk_remove(struct disk *disk, const char *path) MUST_USE;
enum status disk_rename(struct disk *disk, const char *from, const char *to) MUST_USE;
enum status disk_sync_dir(struct disk *disk, const char *path) MUST_USE;
enum status disk_space(struct disk *disk, const char *path, int64_t *total, int64_t *free_bytes) MUST_USE;

#endif
