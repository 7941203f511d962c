/* SPDX-License-Identifier: Apache-2.0
 *
 * White lists. The table was made with Java 4.7.0's RemoteAddressStrategyFactory; where matching threw there, the
 * pattern is refused here.
 */
#include "mqbroker/acl/address.h"
#include "tests/harness.h"
#include "tests/unit/acl/suites.h"

#include <stdio.h>

static const char *const peers[] = {"10.0.0.1:1",
                                    "10.0.0.5:1",
                                    "10.0.2.9:1",
                                    "10.1.3.4:1",
                                    "10.2.9.9:1",
                                    "11.0.0.1:1",
                                    "1.0.0.1:1",
                                    "10.0.9.7:1",
                                    "[2001:db8:0:0:0:0:0:1]:1",
                                    "[2001:db8:0:0:0:0:2:7]:1",
                                    "[2001:db8:0:0:0:0:0:9]:1",
                                    "[2001:1:0:0:0:0:0:1]:1",
                                    "[0:0:0:0:0:0:0:1]:1",
                                    "[2001:db8:1:2:3:4:5:6]:1"};

/* Pattern, and which of the peers it matches; NULL: refused. */
static const struct {
  const char *pattern, *matches;
} patterns[] = {
    {"", "00000000000000"},
    {"*", "11111111111111"},
    {"*.*.*.*", "11111111111111"},
    {"*:*:*:*:*:*:*:*", "11111111111111"},
    {"10.0.0.1", "10000000000000"},
    {"10.0.0.*", "11000000000000"},
    {"10.0.1-3.*", "00100000000000"},
    {"10.0.*.7", "11100001000000"},
    {"10.0.0.1-9", "11000000000000"},
    {"10.*.*.*", "11111001000000"},
    {"10.1-2.3.4", "00011000000000"},
    {"10.0.0.{1,5}", "11000000000000"},
    {"10.0.0.{1, 5}", NULL},
    {"10.0.0.1,10.0.0.5", "11000000000000"},
    {"10.0.0.1, 10.0.0.5", NULL},
    {"10.0.0", NULL},
    {"10.0.0.256", NULL},
    {"10.0.0.300-301", NULL},
    {"10.0.0.5-3", NULL},
    {"10.0.0.-3", NULL},
    {"*.0.0.1", NULL},
    {"1-2.0.0.1", NULL},
    {"10.*", NULL},
    {"10.0.*", NULL},
    {"10.0.0-0.1", NULL},
    {"10.x.0.*", NULL},
    {"x.0.0.*", NULL},
    {"10.0.0.{}", "00000000000000"},
    {"10.{1,2}.0.1", NULL},
    {"{1,2}", NULL},
    {"2001:db8::1", "00000000100000"},
    {"2001:DB8:0:0:0:0:0:1", "00000000100000"},
    {"::1", "00000000000010"},
    {"2001:db8:0:0:0:0:0:*", "00000000101000"},
    {"2001:db8::*", "00000000111001"},
    {"2001:db8::1-5", "00000000000001"},
    {"2001:db8:0:0:0:0:1-3:*", "00000000010000"},
    {"2001:db8::1-3:*", "00000000000001"},
    {"2001:*", "00000000111101"},
    {"2001:db8:*", "00000000111001"},
    {"::*", NULL},
    {"2001:db8::{1,2}", "00000000100000"},
    {"2001:db8::1,2001:db8::2", "00000000100000"},
    {"2001:db8:*:1", NULL},
    {"2001:db8::5-1", NULL},
    {"2001:db8::g-1", NULL},
    {"2001:db8::zz", NULL},
    {"2001:db8::1%lo", NULL},
    {"::ffff:10.0.0.1", "00000000000000"},
    {"2001:db8::/32", NULL},
    {"10.0.0.1 ", NULL},
    {" 10.0.0.1", NULL},
    {"10. 0.0.*", "11000000000000"},
    {"fe80:0:0:0:0:0:0:0-ffff", "00000000000000"},
    {"10.0.0.*,10.0.1.*", NULL},
    {"010.0.0.1", NULL},
    {"10.0.0.01-09", "11000000000000"},
    {"2001:db8:1:2:3:4:5:*", "00000000000001"},
    {"2001:db8:1:2:3:4:5:6:*", NULL},
};

enum { PEERS = sizeof peers / sizeof *peers, PATTERNS = sizeof patterns / sizeof *patterns };

void test_addresses_as_java(void) {
  struct arena arena;
  arena_init(&arena, 1 << 20);
  for (size_t i = 0; i < PATTERNS; i++) {
    struct address_pattern p;
    const char *why = NULL;
    char got[PEERS + 1] = "";
    enum status status = address_parse(span_text(patterns[i].pattern), &arena, &p, &why);
    for (size_t k = 0; status == STATUS_OK && k < PEERS; k++) {
      struct net_peer peer;
      CU_ASSERT_EQUAL_FATAL(net_peer_parse(span_text(peers[k]), &peer), STATUS_OK);
      got[k] = address_matches(&p, &peer) ? '1' : '0';
    }
    bool good = patterns[i].matches == NULL ? status == STATUS_INVALID && why != NULL
                                            : status == STATUS_OK && strcmp(got, patterns[i].matches) == 0;
    if (!good) printf("    %s: %s %s %s\n", patterns[i].pattern, status_text(status), got, why == NULL ? "" : why);
    CU_ASSERT(good);
  }
  arena_fini(&arena);
}

void test_addresses_mapped(void) {
  struct arena arena;
  struct address_pattern p;
  struct net_peer peer;
  const char *why = NULL;
  arena_init(&arena, 1 << 20);
  CU_ASSERT_EQUAL_FATAL(address_parse(SPAN_LITERAL("10.0.0.*"), &arena, &p, &why), STATUS_OK);
  CU_ASSERT_EQUAL_FATAL(net_peer_parse(SPAN_LITERAL("[::ffff:10.0.0.9]:7"), &peer), STATUS_OK);
  CU_ASSERT(address_matches(&p, &peer));
  CU_ASSERT_EQUAL_FATAL(net_peer_parse(SPAN_LITERAL("[::ffff:10.0.1.9]:7"), &peer), STATUS_OK);
  CU_ASSERT(!address_matches(&p, &peer));
  arena_fini(&arena);
}
