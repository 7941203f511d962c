/* SPDX-License-Identifier: Apache-2.0
 *
 * namesrv: a name server. It owns and wires: remoting (frames in, frames out),
 * routes (who is where), kv (configuration items). A host runs it through its
 * node; several name servers never talk to each other.
 */
#ifndef MQ_NAMESRV_NAMESRV_H
#define MQ_NAMESRV_NAMESRV_H

#include "core/port/node.h"
#include "core/remoting/remoting.h"
#include "mqnamesrv/kv.h"
#include "mqnamesrv/routes.h"
#include "mqnamesrv/settings.h"

#define NAMESRV_LISTENER 1       /* tag of the one listener */
#define NAMESRV_SCAN_FIRST_MS 5000 /* NamesrvController.initialize: leases are looked at after 5 s, */
#define NAMESRV_SCAN_EVERY_MS 10000 /* then each 10 s */
#define NAMESRV_KEPT_MAX (1u << 20) /* bytes a work buffer may keep between requests */

struct namesrv {
  struct node node;
  struct namesrv_settings *settings; /* borrowed; remote updates change the live ones */
  struct net *net;
  struct disk *disk;
  struct log *log;
  struct remoting *remoting;
  struct routes routes;
  struct kv kv;
  struct arena arena; /* of the request at hand */
  struct buf body;    /* of its answer */
  int64_t next_scan_ms;
  uint16_t port; /* 0: not listening */
};

/* Borrows everything until namesrv_free. NULL: out of memory. */
struct namesrv *namesrv_new(struct namesrv_settings *settings, struct net *net, struct disk *disk, struct log *log,
                            uint64_t seed, struct moment now);
void namesrv_free(struct namesrv *ns, struct moment now); /* NULL is allowed */
/* Loads the configuration items and listens. On failure the log says what, where and what to do. */
enum status namesrv_start(struct namesrv *ns) MUST_USE;
/* No new connections; those that are there end with namesrv_free. */
void namesrv_stop(struct namesrv *ns);

#endif
