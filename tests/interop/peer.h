/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of mqpeer, our peer of the interop tests: its options, its
 * messages and its two commands. README.md specifies all of it. It uses the
 * public API only, as a program outside of this project would.
 */
#ifndef TESTS_INTEROP_PEER_H
#define TESTS_INTEROP_PEER_H

#include <mqclient/mqclient.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes. */
enum { PEER_OK = 0, PEER_FAILED = 1, PEER_USAGE = 2 };

/* An option and, after options_parse, its value. */
struct option {
  const char *name;
  const char *value; /* NULL: not given and no default */
  bool required;
};

/* Pairs of name and value from argv; false after a message: unknown, without value, or a required one is missing. */
bool options_parse(struct option *options, size_t count, int argc, char **argv);
/* The value as a number from 0 to INT32_MAX; ends the program if it is not one. */
int option_number(const struct option *option);

/* Prints what and the error to stderr. Returns PEER_FAILED. */
int peer_complain(const char *what, const struct mq_error *error);
/* ms of a clock that only grows. */
int64_t peer_now_ms(void);
void peer_sleep_ms(int ms);

/* A test message; all of it follows from these. */
struct payload {
  const char *prefix; /* not NUL-terminated in a received one */
  size_t prefix_length;
  int queue;
  int64_t seq;
};

const char *payload_tag(int64_t seq);
/* How long the body of a message of a topic with `queues` queues is. */
size_t payload_size(const struct payload *payload, int size, int queues);
/* Makes the message, NULL: out of memory. Free with mq_message_free. */
mq_message *payload_message(const struct payload *payload, const char *topic, int size, int queues);
/* The payload of a received message, its prefix borrowed from it; false if anything in it is wrong. */
bool payload_parse(const mq_message *message, struct payload *out);

int produce_main(int argc, char **argv);
int consume_main(int argc, char **argv);
int transact_main(int argc, char **argv);

#endif
