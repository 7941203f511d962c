/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a broker is believed to be there.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

static const struct broker A0 = {.name = "a", .address = "10.0.0.1:10911"};
static const struct broker B0 = {.name = "b", .address = "10.0.0.3:10911"};
static const struct topic_plan T4 = {"T", 4, 6, 0};

/* Idle connections must not end a lease by themselves here. */
static void init_without_idle(struct stage *s) {
  stage_init_quiet(s);
  s->settings.serverChannelMaxIdleTimeSeconds = 0;
  stage_start(s);
}

void test_lease_scan_times(void) {
  struct stage s;
  init_without_idle(&s);
  int64_t start = s.now.mono_ms;
  stage_wait(&s, 1);
  CU_ASSERT(s.wake_ms == start + 5000);
  stage_wait(&s, 4999);
  CU_ASSERT(s.wake_ms == start + 15000);
  stage_fini(&s);
}

void test_lease_expires(void) {
  struct stage s;
  init_without_idle(&s);
  conn_id conn = stage_connect(&s), other = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  /* Registered at 0, scans at 5, 15, ... 115, 125 s: 120 s old is still fresh, 125 s is not. */
  stage_wait(&s, 124000);
  CU_ASSERT(stage_route(&s, other, "T") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_is_open(&s, conn));
  stage_wait(&s, 1000);
  CU_ASSERT(stage_route(&s, other, "T") == RESPONSE_TOPIC_NOT_EXIST);
  CU_ASSERT(!stage_is_open(&s, conn));
  CU_ASSERT(stage_is_open(&s, other));
  CU_ASSERT(map_count(&s.ns->routes.live) == 0 && map_count(&s.ns->routes.clusters) == 0);
  stage_fini(&s);
}

void test_lease_renewed(void) {
  struct stage s;
  init_without_idle(&s);
  conn_id conn = stage_connect(&s);
  for (int i = 0; i < 10; i++) {
    CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
    stage_wait(&s, 30000);
  }
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_lease_renewed_by_query(void) {
  struct stage s;
  init_without_idle(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  for (int i = 0; i < 5; i++) {
    stage_wait(&s, 60000);
    CU_ASSERT(STAGE_CALL(&s, conn, REQUEST_QUERY_DATA_VERSION,
                         SPAN_LITERAL("{\"counter\":0,\"timestamp\":1583405207000}"), EXT("brokerName", "a"),
                         EXT("brokerAddr", "10.0.0.1:10911"), EXT("clusterName", "C"), EXT("brokerId", "0")) == 0);
    ASSERT_SPAN(stage_ext(&s, "changed"), "false");
  }
  CU_ASSERT(stage_route(&s, conn, "T") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_lease_connection_closed(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s), other = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, other, &B0, &T4, 1) == RESPONSE_SUCCESS);
  stage_disconnect(&s, conn);
  CU_ASSERT(stage_route(&s, other, "T") == RESPONSE_SUCCESS);
  stage_expect_queues(&s, "b:4:6:0");
  stage_fini(&s);
}

/* A broker that came back over a new connection does not go when the old one closes. */
void test_lease_new_connection(void) {
  struct stage s;
  stage_init(&s);
  conn_id first = stage_connect(&s), second = stage_connect(&s);
  CU_ASSERT(stage_register(&s, first, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, second, &A0, &T4, 1) == RESPONSE_SUCCESS);
  stage_disconnect(&s, first);
  CU_ASSERT(stage_route(&s, second, "T") == RESPONSE_SUCCESS);
  stage_disconnect(&s, second);
  conn_id third = stage_connect(&s);
  CU_ASSERT(stage_route(&s, third, "T") == RESPONSE_TOPIC_NOT_EXIST);
  stage_fini(&s);
}

void test_lease_shared_connection(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s), other = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_register(&s, conn, &B0, &T4, 1) == RESPONSE_SUCCESS);
  stage_disconnect(&s, conn);
  CU_ASSERT(stage_route(&s, other, "T") == RESPONSE_TOPIC_NOT_EXIST);
  CU_ASSERT(map_count(&s.ns->routes.live) == 0);
  stage_fini(&s);
}

/* serverChannelMaxIdleTimeSeconds=120: the broker goes with its silent connection. */
void test_lease_idle_connection(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(stage_register(&s, conn, &A0, &T4, 1) == RESPONSE_SUCCESS);
  stage_wait(&s, 121000);
  CU_ASSERT(!stage_is_open(&s, conn));
  CU_ASSERT(map_count(&s.ns->routes.live) == 0);
  stage_fini(&s);
}
