/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts what a consumer sees: how often, in which order, from where. Every
 * (prefix, queue) of the payloads is a stream with a set of the SEQ seen.
 * tally_add may be called by several threads at once.
 */
#ifndef TESTS_INTEROP_PEER_TALLY_H
#define TESTS_INTEROP_PEER_TALLY_H

#include "tests/interop/peer.h"

#include <pthread.h>

struct stream; /* everything seen of one (prefix, queue) */
struct place;  /* a queue of a broker */

struct tally {
  const char *topic;
  const char *tags; /* "TagA || TagB"; NULL: any */
  bool check_order;
  bool sparse; /* with check_order: SEQ may leave gaps */

  int64_t received, distinct, duplicates, disorder, corrupt, lost;

  pthread_mutex_t lock;
  struct stream *streams;
  struct place *places;
};

void tally_init(struct tally *tally);
void tally_fini(struct tally *tally);
void tally_add(struct tally *tally, const mq_message *message);
/* A message that came from another place than asked for, or an offset that the broker does not have. */
void tally_disorder(struct tally *tally, const char *what, const mq_message *message);
int64_t tally_distinct(struct tally *tally);
/* Counts the lines of a file of `produce --acked` that were not seen; false: it cannot be read. */
bool tally_look_for_lost(struct tally *tally, const char *path);
/* The line of JSON. */
void tally_print(const struct tally *tally);

#endif
