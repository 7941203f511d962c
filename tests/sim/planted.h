/* SPDX-License-Identifier: Apache-2.0
 *
 * planted: mistakes put into a simulator on purpose, one at a time, to see that
 * its checkers find them. The linker's --wrap puts them between the rooms, so
 * the programs do not know. Each simulator brings its table and the wrapped
 * functions (bugs.c).
 */
#ifndef TESTS_SIM_PLANTED_H
#define TESTS_SIM_PLANTED_H

#include <stdbool.h>
#include <stdint.h>

struct planted_bug {
  const char *name, *doc;
};
/* Of this simulator: by number, from 1 on; one without a name ends them. */
extern const struct planted_bug planted_bugs[];

/* False: no such bug. */
bool planted_choose(const char *name);
/* A new world: the same chances again. */
void planted_begin(void);
bool planted_is(int bug);
/* It is this one, and in one of so many cases it strikes. */
bool planted_bites(int bug, uint64_t one_in);
/* Names, one a line. */
void planted_list(bool docs);

#endif
