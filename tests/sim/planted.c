/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/planted.h"

#include "core/base/prng.h"

#include <stdio.h>
#include <string.h>

static int planted; /* 0: none */
static struct prng chance;

bool planted_choose(const char *name) {
  for (int i = 1; planted_bugs[i].name != NULL; i++)
    if (strcmp(planted_bugs[i].name, name) == 0) {
      planted = i;
      return true;
    }
  return false;
}

void planted_begin(void) { prng_init(&chance, 1); }

bool planted_is(int bug) { return planted == bug; }

bool planted_bites(int bug, uint64_t one_in) { return planted == bug && prng_chance(&chance, 1, one_in); }

void planted_list(bool docs) {
  for (int i = 1; planted_bugs[i].name != NULL; i++)
    if (docs) printf("  %-24s %s\n", planted_bugs[i].name, planted_bugs[i].doc);
    else printf("%s\n", planted_bugs[i].name);
}
