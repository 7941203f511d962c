/* SPDX-License-Identifier: Apache-2.0
 *
 * peer: a RocketMQ peer of the tests' own: blocking sockets over core/wire, so
 * that a fault of our client library cannot hide a fault of a server. Each
 * subcommand of the program is one function here; it returns main()'s result
 * and says in one sentence on standard error why it failed.
 */
#ifndef TESTS_SYSTEM_PEER_H
#define TESTS_SYSTEM_PEER_H

#include "core/wire/codes.h"
#include "core/wire/command.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"

#include <signal.h>

enum {
  ANSWER_MS = 15000, /* an answer that takes longer counts as none */
  BODY_ROOM = 4096,  /* greatest body of body_make */
  PULL_COMMIT = 1,
  PULL_SUSPEND = 2,
  PULL_SUBSCRIBE = 4
};

/* Set by SIGTERM and SIGINT: commands that run until stopped look at it. */
extern volatile sig_atomic_t peer_stopped;

/* fail("...") prints the sentence and gives 1, so that a command can return it. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- a connection ---- */

struct conn {
  int fd;
  int32_t opaque; /* of the last request */
  enum serialize serialize;
  struct buf out; /* requests not yet written */
  struct buf in;  /* bytes read; the first `used` belong to the frame given last */
  size_t used;
  struct arena arena;
  struct span padding; /* makes pulls longer: a further ext field */
};

/* A raw socket; -1 when it cannot be opened. */
int socket_open(const char *addr);
bool socket_write(int fd, struct span bytes);
/* Waits until there is something to read or the end. False: timeout. */
bool socket_readable(int fd, int timeout_ms);
int64_t monotonic_ms(void);

bool conn_open(struct conn *c, const char *addr);
void conn_close(struct conn *c);
/* Puts a request into out, with a fresh opaque unless cmd has one. conn_flush writes it. */
void conn_put(struct conn *c, const struct command *cmd, const struct header *header, const void *fields);
bool conn_flush(struct conn *c);
enum receive { RECEIVED, RECEIVE_TIMEOUT, RECEIVE_CLOSED, RECEIVE_BROKEN };
/* The next frame; spans are good until the next conn_receive. */
enum receive conn_receive(struct conn *c, struct command *out, int timeout_ms);
/* One request and its answer. */
bool conn_call(struct conn *c, const struct command *cmd, const struct header *header, const void *fields,
               struct command *reply);

/* ---- messages ---- */

/* The body of message `number` of `producer`: length and bytes follow from the two. */
size_t body_make(uint32_t producer, uint32_t number, uint8_t out[BODY_ROOM]);
/* False when body is not exactly what body_make made for some producer and number. */
bool body_check(struct span body, uint32_t *producer, uint32_t *number);

void put_send(struct conn *c, const char *topic, int queues, int queue, struct span body);
/* max_ms > 0: held so long when there is nothing. */
void put_pull(struct conn *c, const char *topic, int queue, int64_t offset, int64_t max_ms);
/* False and a sentence printed: the answer is not that of a stored message. */
bool read_sent(const struct command *reply, struct send_message_response *out);
bool queue_offset(struct conn *c, int code, const char *topic, int queue, int64_t *out);

/* ---- commands ---- */

typedef int (*peer_command)(int argc, char **argv);

int command_ports(int argc, char **argv);
int command_ready(int argc, char **argv);
int command_route(int argc, char **argv);
int command_update(int argc, char **argv);
int command_roundtrip(int argc, char **argv);
int command_poll(int argc, char **argv);
int command_steady(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_load(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_attack(int argc, char **argv);
int command_slow(int argc, char **argv);
int command_idle(int argc, char **argv);
int command_fill(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_kept(int argc, char **argv);
int command_many(int argc, char **argv);
int command_counted(int argc, char **argv);
int command_answers(int argc, char **argv);

#endif
