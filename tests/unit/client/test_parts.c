/* SPDX-License-Identifier: Apache-2.0
 *
 * The pieces that need no world: shares, ids, properties, deliveries, queues,
 * the offsets file.
 */
#include "host/sim/world.h"
#include "libmqclient/allocate.h"
#include "libmqclient/name_servers.h"
#include "libmqclient/offsets.h"
#include "libmqclient/process_queue.h"
#include "libmqclient/settings.h"
#include "libmqclient/uniq_id.h"
#include "mqclient/mqclient.h"
#include "tests/unit/client/test_client.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- allocate: AllocateMessageQueueAveragely's own answers ---- */

static void check_allocation(const struct json *line) {
  const struct json *queues = json_member(line, "queues"), *consumers = json_member(line, "consumers");
  const struct json *result = json_member(line, "result");
  size_t index = 0;
  for (const struct json *consumer = consumers->children; consumer != NULL; consumer = consumer->next, index++) {
    char name[256];
    span_copy_text(consumer->text, name, sizeof name);
    const struct json *expected = json_member(result, name);
    size_t start, count;
    allocate_averagely(queues->child_count, consumers->child_count, index, &start, &count);
    CU_ASSERT_EQUAL(count, expected == NULL ? 0 : expected->child_count);
    const struct json *queue = queues->children;
    for (size_t i = 0; i < start && queue != NULL; i++) queue = queue->next;
    const struct json *want = expected == NULL ? NULL : expected->children;
    for (; want != NULL && queue != NULL; want = want->next, queue = queue->next)
      CU_ASSERT(span_equal(want->text, queue->text));
    CU_ASSERT_PTR_NULL(want);
  }
}

static void test_allocate_golden(void) {
  static char line[1 << 20];
  FILE *file = fopen(golden_path("hashes/hashes.jsonl"), "r");
  CU_ASSERT_PTR_NOT_NULL_FATAL(file);
  int checked = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strstr(line, "\"strategy\":\"AVG\"") == NULL) continue;
    struct arena arena;
    struct json *root;
    arena_init(&arena, 16 << 20);
    CU_ASSERT_EQUAL(json_parse(span_text(line), &JSON_LIMITS_DEFAULT, &arena, &root, NULL, NULL), STATUS_OK);
    check_allocation(root);
    checked++;
    arena_fini(&arena);
  }
  fclose(file);
  CU_ASSERT(checked > 20);
}

static void test_allocate_stranger(void) {
  size_t start, count = 9;
  allocate_averagely(8, 3, 3, &start, &count); /* not in the list */
  CU_ASSERT_EQUAL(count, 0);
  allocate_averagely(8, 0, 0, &start, &count);
  CU_ASSERT_EQUAL(count, 0);
}

/* ---- name servers ---- */

static void test_name_servers(void) {
  struct prng prng;
  struct name_servers n;
  prng_init(&prng, 1);
  CU_ASSERT_EQUAL(name_servers_init(&n, " a:1 ; b:2;;c:3", &prng), STATUS_OK);
  CU_ASSERT_EQUAL(n.count, 3);
  const char *first = name_servers_current(&n);
  name_servers_failed(&n, "x:9"); /* somebody else's news of an address we left */
  CU_ASSERT_PTR_EQUAL(name_servers_current(&n), first);
  name_servers_failed(&n, first);
  CU_ASSERT_PTR_NOT_EQUAL(name_servers_current(&n), first);
  name_servers_failed(&n, name_servers_current(&n));
  name_servers_failed(&n, name_servers_current(&n));
  CU_ASSERT_PTR_EQUAL(name_servers_current(&n), first);
  name_servers_fini(&n);
  CU_ASSERT_EQUAL(name_servers_init(&n, " ; ", &prng), STATUS_INVALID);
  CU_ASSERT_EQUAL(name_servers_init(&n, NULL, &prng), STATUS_INVALID);
}

/* ---- ids ---- */

static void test_uniq_id(void) {
  struct uniq_ids ids;
  char a[UNIQ_ID_MAX + 1] = {0}, b[UNIQ_ID_MAX + 1] = {0};
  uniq_ids_init(&ids, "10.1.2.3", 0x12345, 0xABCDEF01);
  CU_ASSERT_EQUAL(uniq_id_make(&ids, 1600000000000, a), 32);
  CU_ASSERT_EQUAL(uniq_id_make(&ids, 1600000000001, b), 32);
  CU_ASSERT_EQUAL(memcmp(a, "0A0102032345ABCDEF01", 20), 0);
  /* ms since the month began: one later; counter: one more. */
  CU_ASSERT_EQUAL(strtoul(b + 28, NULL, 16), strtoul(a + 28, NULL, 16) + 1);
  a[28] = b[28] = '\0';
  CU_ASSERT_EQUAL(strtoul(b + 20, NULL, 16), strtoul(a + 20, NULL, 16) + 1);
  CU_ASSERT(strtoul(a + 20, NULL, 16) < 32ul * 86400 * 1000);
  uniq_ids_init(&ids, "fe80::1", 1, 2);
  CU_ASSERT_EQUAL(uniq_id_make(&ids, 1600000000000, a), 56);
}

/* ---- messages of the program ---- */

static void test_message(void) {
  mq_message *m = mq_message_new("T", "body", 4);
  CU_ASSERT_EQUAL(mq_message_set_tags(m, "TagA"), MQ_OK);
  CU_ASSERT_EQUAL(mq_message_set_keys(m, "k1 k2"), MQ_OK);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "color", "red"), MQ_OK);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "color", "blue"), MQ_OK);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "UNIQ_KEY", "x"), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "a\x01", "x"), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "a", "x\x02y"), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_message_set_delay_level(m, 3), MQ_OK);
  CU_ASSERT_STRING_EQUAL(mq_message_property(m, "color"), "blue");
  CU_ASSERT_STRING_EQUAL(mq_message_tags(m), "TagA");
  struct buf wire;
  buf_init(&wire, 1024);
  message_put_properties(m, &wire);
  ASSERT_SPAN(buf_span(&wire), "TAGS\x01TagA\x02KEYS\x01k1 k2\x02" "color\x01" "blue\x02" "DELAY\x01" "3\x02");
  buf_fini(&wire);
  CU_ASSERT_EQUAL(mq_message_set_property(m, "color", NULL), MQ_OK);
  CU_ASSERT_PTR_NULL(mq_message_property(m, "color"));
  CU_ASSERT_EQUAL(mq_message_set_delay_level(m, 0), MQ_OK);
  CU_ASSERT_PTR_NULL(mq_message_property(m, "DELAY"));
  char *big = malloc(40000);
  memset(big, 'x', 39999);
  big[39999] = '\0';
  CU_ASSERT_EQUAL(mq_message_set_property(m, "big", big), MQ_TOO_LARGE);
  CU_ASSERT_STRING_EQUAL(mq_message_tags(m), "TagA");
  free(big);
  mq_message_free(m);
}

/* ---- deliveries ---- */

static void put_record(struct buf *out, const char *topic, int64_t offset, struct span body, int sys_flag,
                       const char *properties) {
  struct message m = {.queue_id = 1,
                      .queue_offset = offset,
                      .sys_flag = sys_flag,
                      .body = body,
                      .topic = span_text(topic),
                      .properties = span_text(properties),
                      .born_host = {{10, 0, 0, 1}, 4, 5},
                      .store_host = {{10, 0, 0, 2}, 4, 10911}};
  size_t size = message_size(&m);
  message_encode(&m, buf_reserve(out, size));
  out->len += size;
}

static void test_delivery(void) {
  struct buf body, packed;
  struct delivery d;
  buf_init(&body, 1 << 20);
  buf_init(&packed, 1 << 20);
  delivery_init(&d, 1 << 20);
  CU_ASSERT_EQUAL(body_compress(SPAN_LITERAL("hello hello hello hello"), &packed), STATUS_OK);
  put_record(&body, "T", 5, SPAN_LITERAL("one"), 0, "TAGS\x01" "A\x02k\x01v\x02");
  put_record(&body, "T", 6, SPAN_LITERAL("two"), 0, "TAGS\x01" "B\x02");
  put_record(&body, "T", 7, buf_span(&packed), SYS_COMPRESSED, "TAGS\x01" "A\x02" "UNIQ_KEY\x01ID\x02");
  put_record(&body, "Topic", 8, SPAN_LITERAL("broken"), SYS_COMPRESSED, "TAGS\x01" "A"); /* no last separator */
  struct span wanted[] = {SPAN_LITERAL("A"), SPAN_LITERAL("C")};
  struct subscription_data filter = {.tags = wanted, .tag_count = 2};
  for (int round = 0; round < 2; round++) { /* the memory is used again */
    CU_ASSERT_EQUAL(delivery_fill(&d, buf_span(&body), &filter, "broker-a"), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(d.count, 3);
    const mq_message *m = &d.items[0].message;
    size_t len;
    char id[MQ_ID_MAX], host[MQ_HOST_MAX];
    CU_ASSERT_STRING_EQUAL(mq_message_topic(m), "T");
    CU_ASSERT_STRING_EQUAL(mq_message_property(m, "k"), "v");
    CU_ASSERT_STRING_EQUAL(mq_message_tags(m), "A");
    CU_ASSERT_EQUAL(mq_message_queue_offset(m), 5);
    CU_ASSERT_STRING_EQUAL(mq_message_store_host(m, host), "10.0.0.2:10911");
    CU_ASSERT_STRING_EQUAL(mq_message_id(m, id), "0A00000200002A9F0000000000000000");
    CU_ASSERT_STRING_EQUAL(mq_message_queue(m).broker_name, "broker-a");
    const char *text = mq_message_body(&d.items[1].message, &len);
    CU_ASSERT(span_is(span_of(text, len), "hello hello hello hello"));
    CU_ASSERT_STRING_EQUAL(mq_message_id(&d.items[1].message, id), "ID");
    /* What cannot be unpacked comes as it is stored. */
    text = mq_message_body(&d.items[2].message, &len);
    CU_ASSERT(span_is(span_of(text, len), "broken"));
    CU_ASSERT_STRING_EQUAL(mq_message_tags(&d.items[2].message), "A");
    CU_ASSERT_STRING_EQUAL(mq_message_topic(&d.items[2].message), "Topic");
  }
  body.ptr[body.len - 20] ^= 0xFF;
  body.len -= 3; /* cut */
  CU_ASSERT_NOT_EQUAL(delivery_fill(&d, buf_span(&body), NULL, "broker-a"), STATUS_OK);
  delivery_fini(&d);
  buf_fini(&body);
  buf_fini(&packed);
}

/* ---- the process queue: progress is the oldest message not consumed ---- */

static void test_process_queue(void) {
  struct process_queue q = {0};
  struct buf body;
  struct delivery d;
  buf_init(&body, 1 << 20);
  delivery_init(&d, 1 << 20);
  process_queue_init(&q);
  CU_ASSERT_EQUAL(process_queue_progress(&q), -1);
  for (int64_t offset = 10; offset < 14; offset++) put_record(&body, "T", offset, SPAN_LITERAL("abc"), 0, "");
  CU_ASSERT_EQUAL(delivery_fill(&d, buf_span(&body), NULL, "b"), STATUS_OK);
  CU_ASSERT(process_queue_add(&q, &d));
  CU_ASSERT_EQUAL(q.bytes, 12);
  CU_ASSERT_EQUAL(process_queue_span(&q), 3);
  CU_ASSERT_EQUAL(process_queue_progress(&q), 10);
  CU_ASSERT(process_queue_remove(&q, &d.items[1]));
  CU_ASSERT_EQUAL(process_queue_progress(&q), 10);
  CU_ASSERT_FALSE(process_queue_remove(&q, &d.items[1]));
  CU_ASSERT(process_queue_remove(&q, &d.items[0]));
  CU_ASSERT_EQUAL(process_queue_progress(&q), 12);
  CU_ASSERT(process_queue_remove(&q, &d.items[3]));
  CU_ASSERT(process_queue_remove(&q, &d.items[2]));
  CU_ASSERT_EQUAL(process_queue_progress(&q), 14);
  CU_ASSERT_EQUAL(q.count + q.bytes, 0);
  delivery_fini(&d);
  buf_fini(&body);
}

/* ---- offsets.json ---- */

static const char OFFSETS_JSON[] = "{\n\t\"offsetTable\":{{\n\t\t\t\"brokerName\":\"broker-d\",\n\t\t\t\"queueId\":0,\n"
                                   "\t\t\t\"topic\":\"Topic9\"\n\t\t}:11,{\n\t\t\t\"brokerName\":\"broker-a\",\n"
                                   "\t\t\t\"queueId\":1,\n\t\t\t\"topic\":\"Topic0\"\n\t\t}:12\n\t}\n}";

static void test_local_offsets(void) {
  struct sim_world *world = sim_world_new(1);
  struct sim_host *host = sim_host_new(world, "h");
  struct disk *disk = sim_host_disk(host);
  struct local_offsets o;
  CU_ASSERT_EQUAL(local_offsets_read(disk, "root/id/G/offsets.json", &o), STATUS_OK);
  CU_ASSERT_EQUAL(o.count, 0);
  local_offsets_fini(&o);
  struct local_offset items[] = {{{SPAN_LITERAL("Topic9"), SPAN_LITERAL("broker-d"), 0}, 11},
                                 {{SPAN_LITERAL("Topic0"), SPAN_LITERAL("broker-a"), 1}, 12}};
  CU_ASSERT_EQUAL(local_offsets_write(disk, "root/id/G/offsets.json", items, 2), STATUS_OK);
  struct buf text;
  buf_init(&text, 1 << 20);
  CU_ASSERT_EQUAL(disk_read_whole(disk, "root/id/G/offsets.json", &text), STATUS_OK);
  ASSERT_SPAN(buf_span(&text), OFFSETS_JSON); /* what Java wrote for the same (frames/bodies.jsonl clientOffsets) */
  items[0].offset = 99;
  CU_ASSERT_EQUAL(local_offsets_write(disk, "root/id/G/offsets.json", items, 2), STATUS_OK);
  CU_ASSERT_EQUAL(local_offsets_read(disk, "root/id/G/offsets.json", &o), STATUS_OK);
  CU_ASSERT_EQUAL(local_offsets_find(&o, "Topic9", "broker-d", 0), 99);
  CU_ASSERT_EQUAL(local_offsets_find(&o, "Topic9", "broker-d", 1), -1);
  local_offsets_fini(&o);
  /* A broken file: the one before counts. */
  CU_ASSERT_EQUAL(disk_replace_whole(disk, "root/id/G/offsets.json", SPAN_LITERAL("{\"offsetTable\":{{"), false),
                  STATUS_OK);
  CU_ASSERT_EQUAL(local_offsets_read(disk, "root/id/G/offsets.json", &o), STATUS_OK);
  CU_ASSERT_EQUAL(local_offsets_find(&o, "Topic9", "broker-d", 0), 11);
  local_offsets_fini(&o);
  buf_fini(&text);
  sim_stop(host, SIM_EXIT);
  sim_world_free(world);
}

/* ---- settings ---- */

static void test_config(void) {
  mq_config *c = mq_config_new();
  struct mq_error error;
  char text[64];
  CU_ASSERT_EQUAL(mq_config_set(c, "sendMsgTimeout", "5000", &error), MQ_OK);
  CU_ASSERT_EQUAL(mq_config_set_int(c, "pullBatchSize", 2000, &error), MQ_INVALID);
  CU_ASSERT(strstr(error.text, "pullBatchSize") != NULL);
  CU_ASSERT_EQUAL(mq_config_set(c, "nosuch", "1", &error), MQ_INVALID);
  CU_ASSERT_EQUAL(mq_config_get(c, "sendMsgTimeout", text, sizeof text), 4);
  CU_ASSERT_STRING_EQUAL(text, "5000");
  CU_ASSERT_EQUAL(mq_config_get(c, "nosuch", text, sizeof text), SIZE_MAX);
  /* A secret is taken and copied, and not told. */
  CU_ASSERT_EQUAL(mq_config_set(c, "secretKey", "rigSecret", &error), MQ_OK);
  CU_ASSERT_EQUAL(mq_config_get(c, "secretKey", text, sizeof text), 0);
  struct mq_config *copy = settings_copy(c);
  CU_ASSERT(copy != NULL && strcmp(copy->secretKey, "rigSecret") == 0);
  mq_config_free(copy);
  mq_client *client = NULL;
  CU_ASSERT_EQUAL(mq_client_start(c, &client, &error), MQ_INVALID);
  CU_ASSERT(strstr(error.text, "accessKey") != NULL);
  struct mq_config_key key;
  size_t n = 0;
  for (; mq_config_key(n, &key); n++) {
    CU_ASSERT(key.name != NULL && key.meaning != NULL);
    if (key.default_value != NULL) CU_ASSERT_EQUAL(mq_config_set(c, key.name, key.default_value, &error), MQ_OK);
  }
  CU_ASSERT(n > 30);
  mq_config_free(c);
}

const struct test parts_tests[] = {{"allocate: Java's shares", test_allocate_golden},
                                   {"allocate: a stranger gets nothing", test_allocate_stranger},
                                   {"name servers: sticky until they fail", test_name_servers},
                                   {"uniq id: parts of the id", test_uniq_id},
                                   {"message: properties", test_message},
                                   {"delivery: filter, unpack, texts", test_delivery},
                                   {"process queue: progress", test_process_queue},
                                   {"offsets: the local file", test_local_offsets},
                                   {"config: keys", test_config},
                                   {NULL, NULL}};
