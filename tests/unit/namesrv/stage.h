/* SPDX-License-Identifier: Apache-2.0
 *
 * stage: a name server between an imagined net and an imagined disk, and the
 * test's hands on both: frames in, frames out, time forward.
 */
#ifndef TESTS_NAMESRV_STAGE_H
#define TESTS_NAMESRV_STAGE_H

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqnamesrv/namesrv.h"
#include "tests/harness.h"
#include "tests/unit/namesrv/memory_disk.h"
#include "tests/unit/namesrv/memory_net.h"

#define STAGE_HOME "/home/mq"
#define STAGE_KV STAGE_HOME "/namesrv/kvConfig.json"

struct stage {
  struct memory_net net;
  struct memory_disk disk;
  struct namesrv_settings settings;
  struct log log;
  struct buf logged; /* all lines */
  struct namesrv *ns;
  struct moment now;
  int64_t wake_ms; /* what the latest turn answered */
  int32_t opaque;
  /* The latest answer; dies with the next one. */
  struct arena arena;
  struct buf frame;
  struct command reply;
};

void stage_init(struct stage *s);  /* default settings, port 9876, started */
void stage_init_quiet(struct stage *s); /* the same, not yet started */
void stage_fini(struct stage *s);
void stage_start(struct stage *s);
/* The same disk, a new process. */
void stage_restart(struct stage *s);

conn_id stage_connect(struct stage *s);
void stage_disconnect(struct stage *s, conn_id conn); /* the peer closes */
bool stage_is_open(const struct stage *s, conn_id conn);
/* In steps of a second, a turn in each. */
void stage_wait(struct stage *s, int64_t ms);
/* Bytes from a peer; then a turn. False: the server called them nonsense. */
bool stage_bytes(struct stage *s, conn_id conn, struct span bytes);
/* The next answer on a connection into s->reply; false: there is none. */
bool stage_answer(struct stage *s, conn_id conn);

/* Sends a request and takes its answer, which must be there and be the only one; returns its code. */
int stage_call(struct stage *s, conn_id conn, int code, const struct ext *ext, size_t ext_count, struct span body);
#define STAGE_CALL(s, conn, code, body, ...)                                                                           \
  stage_call(s, conn, code, (const struct ext[]){__VA_ARGS__},                                                         \
             sizeof((const struct ext[]){__VA_ARGS__}) / sizeof(struct ext), body)
#define EXT(name, text) {SPAN_LITERAL(name), span_text(text)}
struct span stage_ext(const struct stage *s, const char *key);
/* The answer's body parsed; NULL: no JSON. */
const struct json *stage_json(struct stage *s);

/* A broker as the tests know it. Fields left 0 get: cluster "C", version 353, ha ADDRESS-ha. */
struct broker {
  const char *cluster, *name, *address;
  int64_t id;
  int64_t counter; /* of its data version */
  int32_t version; /* of its requests */
  bool compressed;
  const char *filter_server;
};
struct topic_plan {
  const char *name;
  int32_t queues, perm, sys_flag;
};
int stage_register(struct stage *s, conn_id conn, const struct broker *b, const struct topic_plan *topics,
                   size_t count);
int stage_unregister(struct stage *s, conn_id conn, const struct broker *b);
/* GET_ROUTEINTO_BY_TOPIC into s->reply. */
int stage_route(struct stage *s, conn_id conn, const char *topic);
/* "broker-a:4:6:0,broker-b:..." (name, queues, perm, flag) and "0=1.2.3.4:1;1=..." of the latest route answer. */
void stage_expect_queues(struct stage *s, const char *want);
void stage_expect_brokers(struct stage *s, const char *want);
/* The names in the latest answer's topicList, sorted, with commas. */
void stage_expect_names(struct stage *s, const char *want);

#endif
