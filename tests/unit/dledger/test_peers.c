/* SPDX-License-Identifier: Apache-2.0 */
#include "libdledger/peers.h"
#include "tests/unit/dledger/suites.h"

#include <stdio.h>

static enum status parse(struct peers *p, const char *text, const char *self, struct buf *why) {
  buf_clear(why);
  return peers_parse(p, span_text(text), span_text(self), why);
}

void test_peers_good(void) {
  struct peers p;
  struct buf why;
  buf_init(&why, 1000);
  CU_ASSERT(parse(&p, "n0-127.0.0.1:40911;n1-my-host-1.example.com:40912;n2-[fe80::1%eth0]:40913", "n1", &why) ==
            STATUS_OK);
  CU_ASSERT_FATAL(p.count == 3 && p.self == 1 && peers_quorum(&p) == 2);
  CU_ASSERT_STRING_EQUAL(p.list[0].id, "n0");
  CU_ASSERT_STRING_EQUAL(p.list[0].host, "127.0.0.1");
  CU_ASSERT(p.list[0].port == 40911);
  CU_ASSERT_STRING_EQUAL(p.list[1].host, "my-host-1.example.com");
  CU_ASSERT_STRING_EQUAL(p.list[2].host, "fe80::1%eth0");
  CU_ASSERT(peers_find(&p, SPAN_LITERAL("n2")) == 2 && peers_find(&p, SPAN_LITERAL("n3")) == 3);
  for (size_t i = 0; i < p.count; i++) peer_put_address(&why, &p.list[i]);
  ASSERT_SPAN(buf_span(&why), "127.0.0.1:40911my-host-1.example.com:40912[fe80::1%eth0]:40913");
  CU_ASSERT(parse(&p, "  n0-localhost:20911 ; ", "n0", &why) == STATUS_OK && p.count == 1 && peers_quorum(&p) == 1);
  buf_fini(&why);
}

void test_peers_bad(void) {
  static const char *const bad[][3] = {
      {"", "n0", "empty"},
      {" ; ", "n0", "is not id-host:port"},
      {"n0", "n0", "\"n0\" is not id-host:port"},
      {"-h:1", "n0", "id of letters"},
      {"n 0-h:1", "n0", "id of letters"},
      {"n0-h", "n0", "no port"},
      {"n0-h:", "n0", "1 to 65535"},
      {"n0-h:0", "n0", "1 to 65535"},
      {"n0-h:65536", "n0", "1 to 65535"},
      {"n0-h:12x", "n0", "1 to 65535"},
      {"n0-:1", "n0", "possible host"},
      {"n0-::1:20", "n0", "brackets"},
      {"n0-[::1:20", "n0", "']'"},
      {"n0-[]:20", "n0", "possible host"},
      {"n0-a b:20", "n0", "possible host"},
      {"n0-h:1;n0-i:2", "n0", "id of another"},
      {"n0-h:1;n1-h:1", "n0", "address of another"},
      {"n0-h:1;;n1-h:2", "n0", "is not id-host:port"},
      {"n0-h:1;n1-h:2", "n2", "\"n2\" is not among"},
      {"n0-h:1", "", "not among"},
      {"a0-h:1;a1-h:2;a2-h:3;a3-h:4;a4-h:5;a5-h:6;a6-h:7;a7-h:8;a8-h:9;a9-h:10;b0-h:11;b1-h:12;b2-h:13;b3-h:14;b4-h:15;"
       "b5-h:16",
       "a0", "one too many"}};
  struct peers p;
  struct buf why;
  buf_init(&why, 4000);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CU_ASSERT(parse(&p, bad[i][0], bad[i][1], &why) == STATUS_INVALID);
    buf_put_u8(&why, 0);
    if (why.failed || strstr((const char *)why.ptr, bad[i][2]) == NULL)
      printf("    %s: %s\n", bad[i][0], (const char *)why.ptr);
    CU_ASSERT(strstr((const char *)why.ptr, bad[i][2]) != NULL);
  }
  buf_fini(&why);
}

void test_peers_numbers(void) {
  int32_t n;
  CU_ASSERT(peer_number(SPAN_LITERAL("n0"), &n) == STATUS_OK && n == 1);
  CU_ASSERT(peer_number(SPAN_LITERAL("x12"), &n) == STATUS_OK && n == 13);
  CU_ASSERT(peer_number(SPAN_LITERAL("n"), &n) == STATUS_INVALID);
  CU_ASSERT(peer_number(SPAN_LITERAL(""), &n) == STATUS_INVALID);
  CU_ASSERT(peer_number(SPAN_LITERAL("12"), &n) == STATUS_INVALID);
  CU_ASSERT(peer_number(SPAN_LITERAL("n-1"), &n) == STATUS_INVALID);
  CU_ASSERT(peer_number(SPAN_LITERAL("n99999999999"), &n) == STATUS_INVALID);
}
