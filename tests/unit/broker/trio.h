/* SPDX-License-Identifier: Apache-2.0
 *
 * trio: three brokers that keep one log by DLedger, and peers that ask the one
 * that leads.
 */
#ifndef TEST_BROKER_TRIO_H
#define TEST_BROKER_TRIO_H

#include "tests/unit/broker/stage.h"

enum { BROKERS = 3, ELECTION_MS = 5000 };

struct place {
  struct sim_host *host;
  struct broker_settings own; /* but the first's are the stage's */
  struct broker_settings *settings;
  struct broker *broker;
};

struct trio {
  struct stage s;
  struct place places[BROKERS];
};

extern const char *const trio_addresses[BROKERS];

/* extra: further configuration lines. */
void trio_init(struct trio *t, const char *extra);
/* And somebody leads: who. */
int trio_start_with(struct trio *t, const char *extra);
void trio_end(struct trio *t);

/* On a machine that is switched on. */
void place_up_as(struct trio *t, int i, enum broker_role role);
void place_down(struct trio *t, int i, enum sim_stop how);
void place_again(struct trio *t, int i);

/* Who leads, and nobody else does. -1: nobody. */
int leader_of(struct trio *t);
/* Waits for it; the peers ask it from now on. */
int elected(struct trio *t);

#endif
