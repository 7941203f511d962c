/* SPDX-License-Identifier: Apache-2.0
 *
 * traffic: the clients of the imagined cluster: producers that write down what
 * was promised to them, consumers that write down what they got.
 */
#ifndef TESTS_SIM_TRAFFIC_H
#define TESTS_SIM_TRAFFIC_H

#include "core/wire/command.h"
#include "tests/sim/site.h"
#include "tests/sim/ledger.h"

enum { PRODUCER_DEPTH_MAX = 8, PRODUCER_BATCH_MAX = 5 };

struct producer_traffic {
  struct ledger *ledger;
  size_t number; /* in the ledger */
  const char *name_servers;
  const char *topic;
  enum serialize serialize;
  int depth;     /* sends under way at a time; 1 for an ordered one */
  int gap_ms;    /* mean time between sends */
  size_t budget; /* messages it may still send */
  bool ordered;  /* all to the first queue it learns of */
  bool batches;  /* several messages in some sends */
  int timeout_ms;
  char broker[16]; /* ordered: where it all goes; survives restarts */
  int32_t queue;
};
extern const struct program_ops producer_ops; /* config: struct producer_traffic */

struct consumer_traffic {
  struct ledger *ledger;
  int group; /* in the ledger */
  const char *group_name;
  const char *name_servers;
  const char *topic;
  enum serialize serialize;
  int suspend_ms; /* long polling */
};
extern const struct program_ops consumer_ops; /* config: struct consumer_traffic */

#endif
