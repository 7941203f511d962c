/* SPDX-License-Identifier: Apache-2.0
 *
 * PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG, GET_KVLIST_BY_NAMESPACE and their file.
 */
#include "tests/unit/namesrv/stage.h"
#include "tests/unit/namesrv/test_namesrv.h"

static int put(struct stage *s, conn_id conn, const char *space, const char *key, const char *value) {
  return STAGE_CALL(s, conn, REQUEST_PUT_KV_CONFIG, SPAN_NONE, EXT("namespace", space), EXT("key", key),
                    EXT("value", value));
}

static int get(struct stage *s, conn_id conn, const char *space, const char *key) {
  return STAGE_CALL(s, conn, REQUEST_GET_KV_CONFIG, SPAN_NONE, EXT("namespace", space), EXT("key", key));
}

static int delete (struct stage *s, conn_id conn, const char *space, const char *key) {
  return STAGE_CALL(s, conn, REQUEST_DELETE_KV_CONFIG, SPAN_NONE, EXT("namespace", space), EXT("key", key));
}

static int list(struct stage *s, conn_id conn, const char *space) {
  return STAGE_CALL(s, conn, REQUEST_GET_KVLIST_BY_NAMESPACE, SPAN_NONE, EXT("namespace", space));
}

void test_kv_round_trip(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(get(&s, conn, "ns", "k") == RESPONSE_QUERY_NOT_FOUND);
  ASSERT_SPAN(s.reply.remark, "No config item, Namespace: ns Key: k");
  CU_ASSERT(list(&s, conn, "ns") == RESPONSE_QUERY_NOT_FOUND);
  ASSERT_SPAN(s.reply.remark, "No config item, Namespace: ns");
  CU_ASSERT(put(&s, conn, "ns", "k", "v") == RESPONSE_SUCCESS);
  CU_ASSERT(get(&s, conn, "ns", "k") == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "value"), "v");
  CU_ASSERT(put(&s, conn, "ns", "k", "w") == RESPONSE_SUCCESS);
  CU_ASSERT(put(&s, conn, "ns", "k2", "\"x\"\n") == RESPONSE_SUCCESS);
  CU_ASSERT(list(&s, conn, "ns") == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"table\":{\"k\":\"w\",\"k2\":\"\\\"x\\\"\\n\"}}");
  CU_ASSERT(delete (&s, conn, "ns", "k") == RESPONSE_SUCCESS);
  CU_ASSERT(delete (&s, conn, "ns", "k2") == RESPONSE_SUCCESS);
  CU_ASSERT(get(&s, conn, "ns", "k") == RESPONSE_QUERY_NOT_FOUND);
  CU_ASSERT(list(&s, conn, "ns") == RESPONSE_SUCCESS); /* an emptied namespace is still there, as in Java */
  ASSERT_SPAN(s.reply.body, "{\"table\":{}}");
  stage_fini(&s);
}

void test_kv_file_is_javas(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(memory_disk_read(&s.disk, STAGE_KV).ptr == NULL);
  CU_ASSERT(put(&s, conn, "ORDER_TOPIC_CONFIG", "T", "broker-a:4") == RESPONSE_SUCCESS);
  ASSERT_SPAN(memory_disk_read(&s.disk, STAGE_KV), "{\"configTable\":{\"ORDER_TOPIC_CONFIG\":{\"T\":\"broker-a:4\"}}}");
  CU_ASSERT_STRING_EQUAL(s.disk.made_dir, STAGE_HOME "/namesrv");
  CU_ASSERT(put(&s, conn, "ORDER_TOPIC_CONFIG", "T", "b:1") == RESPONSE_SUCCESS);
  ASSERT_SPAN(memory_disk_read(&s.disk, STAGE_KV ".bak"),
              "{\"configTable\":{\"ORDER_TOPIC_CONFIG\":{\"T\":\"broker-a:4\"}}}");
  stage_fini(&s);
}

void test_kv_survives_restart(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(put(&s, conn, "ns", "k", "v\t\xc3\xa9") == RESPONSE_SUCCESS);
  CU_ASSERT(put(&s, conn, "ns2", "k", "w") == RESPONSE_SUCCESS);
  CU_ASSERT(delete (&s, conn, "ns2", "k") == RESPONSE_SUCCESS);
  stage_restart(&s);
  conn = stage_connect(&s);
  CU_ASSERT(get(&s, conn, "ns", "k") == RESPONSE_SUCCESS);
  ASSERT_SPAN(stage_ext(&s, "value"), "v\t\xc3\xa9");
  CU_ASSERT(get(&s, conn, "ns2", "k") == RESPONSE_QUERY_NOT_FOUND);
  stage_fini(&s);
}

void test_kv_java_file_is_read(void) {
  struct stage s;
  stage_init_quiet(&s);
  memory_disk_put(&s.disk, STAGE_KV,
                  "{\"configTable\":{\"ORDER_TOPIC_CONFIG\":{\"T\":\"broker-a:4\",\"n\":null},\"e\":{}}}");
  stage_start(&s);
  ASSERT_SPAN(kv_get(&s.ns->kv, KV_ORDER_TOPICS, SPAN_LITERAL("T")), "broker-a:4");
  CU_ASSERT(kv_get(&s.ns->kv, KV_ORDER_TOPICS, SPAN_LITERAL("n")).ptr == NULL);
  stage_fini(&s);

  stage_init_quiet(&s); /* Java leaves an empty file behind when it is killed at the wrong moment */
  memory_disk_put(&s.disk, STAGE_KV, "");
  stage_start(&s);
  CU_ASSERT(map_count(&s.ns->kv.namespaces) == 0);
  stage_fini(&s);
}

void test_kv_damaged_file(void) {
  struct stage s;
  stage_init_quiet(&s);
  memory_disk_put(&s.disk, STAGE_KV, "{\"configTable\":{\"ns\":{\"k\":\"new\",\"k2");
  memory_disk_put(&s.disk, STAGE_KV ".bak", "{\"configTable\":{\"ns\":{\"k\":\"old\"}}}");
  stage_start(&s);
  ASSERT_SPAN(kv_get(&s.ns->kv, SPAN_LITERAL("ns"), SPAN_LITERAL("k")), "old");
  stage_fini(&s);
}

void test_kv_damaged_both(void) {
  static const char *const damaged[] = {"[]", "\"x\"", "{\"configTable\":5}", "{\"configTable\":{\"ns\":[1]}}", "{"};
  for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
    struct stage s;
    stage_init_quiet(&s);
    memory_disk_put(&s.disk, STAGE_KV, damaged[i]);
    s.ns = namesrv_new(&s.settings, &s.net.net, &s.disk.disk, &s.log, 1, s.now);
    CU_ASSERT(s.ns != NULL && namesrv_start(s.ns) == STATUS_CORRUPT);
    CU_ASSERT(!s.net.listening);
    buf_put_u8(&s.logged, 0);
    CU_ASSERT(strstr((char *)s.logged.ptr, "Repair the file") != NULL);
    stage_fini(&s);
  }
}

void test_kv_disk_full(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(put(&s, conn, "ns", "k", "v") == RESPONSE_SUCCESS);
  s.disk.full = true;
  CU_ASSERT(put(&s, conn, "ns", "k", "changed") == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, STAGE_KV " was not written: no space left on device");
  CU_ASSERT(put(&s, conn, "ns", "new", "x") == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(put(&s, conn, "new", "new", "x") == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(delete (&s, conn, "ns", "k") == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(list(&s, conn, "ns") == RESPONSE_SUCCESS);
  ASSERT_SPAN(s.reply.body, "{\"table\":{\"k\":\"v\"}}");
  CU_ASSERT(list(&s, conn, "new") == RESPONSE_QUERY_NOT_FOUND);
  s.disk.full = false;
  CU_ASSERT(put(&s, conn, "ns", "k", "later") == RESPONSE_SUCCESS);
  ASSERT_SPAN(memory_disk_read(&s.disk, STAGE_KV), "{\"configTable\":{\"ns\":{\"k\":\"later\"}}}");
  stage_fini(&s);
}

void test_kv_limit(void) {
  struct stage s;
  char big[2000];
  stage_init_quiet(&s);
  s.settings.kvConfigBytesMax = 1024;
  stage_start(&s);
  conn_id conn = stage_connect(&s);
  memset(big, 'x', sizeof big - 1);
  big[sizeof big - 1] = '\0';
  CU_ASSERT(put(&s, conn, "ns", "k", big) == RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(s.reply.remark, "the configuration items would need more than kvConfigBytesMax=1024 bytes");
  CU_ASSERT(put(&s, conn, "ns", "k", "small") == RESPONSE_SUCCESS);
  stage_fini(&s);
}

void test_kv_delete_unknown(void) {
  struct stage s;
  stage_init(&s);
  conn_id conn = stage_connect(&s);
  CU_ASSERT(delete (&s, conn, "ns", "k") == RESPONSE_SUCCESS);
  CU_ASSERT(s.disk.replaced == 0);
  stage_fini(&s);
}
