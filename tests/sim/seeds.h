/* SPDX-License-Identifier: Apache-2.0
 *
 * seeds: a simulator as a program. One seed, one world, one history: what fails
 * once fails again, with --trace to read why. It reads the command line, runs
 * the worlds, compares second runs with first ones, and adds up; what a world
 * is, the simulator says.
 */
#ifndef TESTS_SIM_SEEDS_H
#define TESTS_SIM_SEEDS_H

#include "core/base/buf.h"

enum { SEEDS_COUNTS_MAX = 8, SEEDS_FAULTS_MAX = 24, SEEDS_VIOLATION_MAX = 512 };

/* What became of a world. */
struct seeds_world {
  char violation[SEEDS_VIOLATION_MAX]; /* empty: none */
  uint64_t hash;                       /* of its history */
  uint64_t counts[SEEDS_COUNTS_MAX];
  unsigned happened[SEEDS_FAULTS_MAX];
};

struct seeds_program {
  const char *name;
  uint64_t last;                         /* from 1 to this one, when no seeds are given */
  const char *counted[SEEDS_COUNTS_MAX]; /* names of counts; NULL ends them */
  const char *const *fault_names;
  int fault_count;
  const char *own_usage; /* lines for options of its own; NULL: none */
  /* Takes argv[*at] and what belongs to it, with *at at the last of that. False: no option of its own. */
  bool (*own_option)(int argc, char **argv, int *at);
  void (*describe)(uint64_t seed, struct buf *out);                       /* which world that is, in a few words */
  void (*run)(uint64_t seed, struct buf *trace, struct seeds_world *out); /* trace may be NULL; out is zero */
};

/* The whole program; returns its exit status. */
int seeds_main(const struct seeds_program *program, int argc, char **argv);

#endif
