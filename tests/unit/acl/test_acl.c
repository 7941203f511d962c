/* SPDX-License-Identifier: Apache-2.0
 *
 * Access control: signatures made by Java 4.7.0, mistakes in plain_acl.yml and their lines, who may do what, and
 * changes of the document.
 */
#include "core/wire/codes.h"
#include "mqbroker/acl/edit.h"
#include "mqbroker/acl/rules.h"
#include "tests/harness.h"
#include "tests/unit/acl/suites.h"

#include <stdio.h>

enum { TEXT_MAX = 1 << 16, MEMORY_MAX = 8 << 20, EXT_MAX = 16 };

/* ---- signatures ---- */

static const char *signature_of(const char *secret, const struct signed_content *content) {
  static char out[SIGNATURE_LENGTH + 1];
  struct sign_key *key = sign_key_new(span_text(secret));
  CU_ASSERT_PTR_NOT_NULL_FATAL(key);
  CU_ASSERT_EQUAL(sign(key, content, out), STATUS_OK);
  CU_ASSERT(sign_matches(key, content, span_text(out)));
  sign_key_free(key);
  return out;
}

/* AclUtils.calSignature */
static void test_signature_of_bytes(void) {
  static const uint8_t zeros[1000];
  struct span abc = SPAN_LITERAL("abc"), many = span_of(zeros, sizeof zeros);
  struct span pieces[] = {span_of(zeros, 1), SPAN_NONE, span_of(zeros, 999)};
  CU_ASSERT_STRING_EQUAL(signature_of("12345678", &(struct signed_content){NULL, 0, &abc, 1}),
                         "BOigG5+Fiv0354g5bQuwOUOPMp0=");
  CU_ASSERT_STRING_EQUAL(signature_of("0123456789012345678901234567890123456789012345678901234567890123456789",
                                      &(struct signed_content){0}),
                         "pLvaDyqF+maJ3kx2qDZv0JUkEqA=");
  CU_ASSERT_STRING_EQUAL(signature_of("k\xc3\xa9\xe4\xb8\xad-secret", &(struct signed_content){NULL, 0, &many, 1}),
                         "3lnDsSFTuagdn5gjDpBhD9HwREk=");
  CU_ASSERT_STRING_EQUAL(signature_of("k\xc3\xa9\xe4\xb8\xad-secret", &(struct signed_content){NULL, 0, pieces, 3}),
                         "3lnDsSFTuagdn5gjDpBhD9HwREk=");
}

#define E(k, v) \
  { SPAN_LITERAL(k), SPAN_LITERAL(v) }

/* A SEND_MESSAGE_V2 that AclClientRPCHook signed, its fields in disorder. */
static void test_signature_of_send(void) {
  struct ext ext[] = {E("m", "false"),
                      E("a", "pg"),
                      E("Signature", "anything"),
                      E("b", "topicA"),
                      E("k", "false"),
                      E("c", "TBW102"),
                      E("j", "0"),
                      E("d", "4"),
                      E("e", "1"),
                      E("i", "KEYS\001k\002"),
                      E("f", "0"),
                      E("h", "0"),
                      E("g", "1588000000000"),
                      E("AccessKey", "rocketmq2"),
                      E("_UNIQUE_KEY_QUERY", "true"),
                      E("SecurityToken", "tok/en+1")};
  size_t count = sizeof ext / sizeof *ext;
  struct span body = SPAN_LITERAL("hello \xc3\xa9");
  struct signed_content content = {ext, count, &body, 1};
  CU_ASSERT_STRING_EQUAL(signature_of("12345678", &content), "IcZ+d02r63rlklY2eVxJqvRGCCQ=");
  content.ext_count = count - 1;
  CU_ASSERT_STRING_EQUAL(signature_of("12345678", &content), "4uNw5FHfDhkoOe7qiDLpPchkEw4=");
}

static void test_signature_refused(void) {
  struct sign_key *key = sign_key_new(SPAN_LITERAL("12345678"));
  struct span abc = SPAN_LITERAL("abc");
  struct signed_content content = {NULL, 0, &abc, 1};
  CU_ASSERT(sign_matches(key, &content, SPAN_LITERAL("BOigG5+Fiv0354g5bQuwOUOPMp0=")));
  CU_ASSERT(!sign_matches(key, &content, SPAN_LITERAL("BOigG5+Fiv0354g5bQuwOUOPMp1=")));
  CU_ASSERT(!sign_matches(key, &content, SPAN_LITERAL("BOigG5+Fiv0354g5bQuwOUOPMp0")));
  CU_ASSERT(!sign_matches(key, &content, SPAN_LITERAL("")));
  CU_ASSERT(!sign_matches(key, &content, SPAN_NONE));
  struct ext many[SIGN_FIELDS_MAX + 1] = {0};
  content = (struct signed_content){many, SIGN_FIELDS_MAX + 1, NULL, 0};
  CU_ASSERT(!sign_matches(key, &content, SPAN_LITERAL("BOigG5+Fiv0354g5bQuwOUOPMp0=")));
  sign_key_free(key);
}

/* ---- the file ---- */

static int warnings;
static void count_line(struct log *log, enum log_level level, const char *line) {
  (void)log;
  CU_ASSERT(strstr(line, "12345678") == NULL);
  warnings += level == LOG_WARN;
}
static struct log quiet = {.level = LOG_INFO, .write = count_line};

static struct acl_rules *rules_of(const char *text, char why_text[ACL_REASON_MAX]) {
  struct arena arena;
  struct buf why;
  struct yaml *root = NULL;
  struct acl_rules *rules = NULL;
  arena_init(&arena, MEMORY_MAX);
  buf_init(&why, TEXT_MAX);
  warnings = 0;
  enum status status = yaml_read(span_text(text), &arena, &root, &why);
  if (status == STATUS_OK) status = rules_read(root, "acl.yml", 1, &quiet, &rules, &why);
  CU_ASSERT((status == STATUS_OK) == (rules != NULL) && (status == STATUS_OK) == (why.len == 0));
  span_copy_text(buf_span(&why), why_text, ACL_REASON_MAX);
  buf_fini(&why);
  arena_fini(&arena);
  return rules;
}

#define ACCOUNT "accounts:\n- accessKey: RocketMQ\n  secretKey: 12345678\n"

static void test_mistakes(void) {
  static const struct {
    const char *text, *why;
  } wrong[] = {
      {"", "line 1: no rules"},
      {"accounts\n", "line 1: no rules"},
      {"# nothing\n", "line 1: no rules"},
      {ACCOUNT " x: 1\n", "line 4: "},
      {ACCOUNT "\tadmin: true\n", "line 4: "},
      {"a: [1\nb: 2\n", "line 2: "},
      {"accounts: &x\n- *x\n", "line 1: anchors"},
      {"accounts: {}\n", "line 1: accounts must be a list"},
      {"accounts:\n  accessKey: RocketMQ\n", "line 2: accounts must be a list"},
      {"accounts:\n- RocketMQ\n", "line 2: an account is"},
      {"accounts:\n- accessKey: short\n  secretKey: 12345678\n", "line 2: accessKey and secretKey must be there"},
      {"accounts:\n- accessKey: RocketMQ\n", "line 2: accessKey and secretKey must be there"},
      {"accounts:\n- accessKey: RocketMQ\n  secretKey: 123456\n", "line 2: accessKey and secretKey must be there"},
      {"accounts:\n- accessKey: RocketMQ\n  secretKey: 01234567\n", "line 3: secretKey is a number"},
      {"accounts:\n- accessKey: 2020-01-01\n  secretKey: 12345678\n", "line 2: accessKey is a number, a date"},
      {"accounts:\n- accessKey: RocketMQ\n  secretKey: [1]\n", "line 3: secretKey must be a text"},
      {ACCOUNT "  admin: maybe\n", "line 4: admin must be true or false"},
      {ACCOUNT "  whiteRemoteAddress: 10.0.0\n", "line 4: address 10.0.0: not an IP address"},
      {ACCOUNT "  topicPerms:\n  - a=PUB\n  - b\n", "line 6: a permission is"},
      {ACCOUNT "  topicPerms:\n  - a=PUB=SUB\n", "line 5: a permission is"},
      {ACCOUNT "  groupPerms: a=SUB\n", "line 4: groupPerms must be a list"},
      {ACCOUNT "  groupPerms:\n  - a: SUB\n", "line 5: a permission is"},
      {"globalWhiteRemoteAddresses:\n- 1.2.3.4\n- '*.1.1.1'\n", "line 3: address *.1.1.1: the first part"},
      {ACCOUNT "dataVersion:\n- counter: x\n", "line 5: dataVersion is"},
      {ACCOUNT "---\na: 1\n", "line 5: a second document"},
      {"a: [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]\n", "line 1: lists and maps within each other"},
      {"? [a]\n: b\n", "line 1: a key must be a text"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char why[ACL_REASON_MAX];
    struct acl_rules *rules = rules_of(wrong[i].text, why);
    bool good = rules == NULL && strncmp(why, wrong[i].why, strlen(wrong[i].why)) == 0;
    if (!good) printf("    %s    -> %s\n", wrong[i].text, why);
    CU_ASSERT(good);
    CU_ASSERT(strstr(why, "12345678") == NULL);
    rules_free(rules);
  }
}

static void test_doubtful(void) {
  char why[ACL_REASON_MAX];
  struct acl_rules *rules = rules_of(
      "globalWhiteRemoteAddresses:\n-\naccounts:\n- {accessKey: 'RocketMQ', secretKey: 1234567, admin: \"true\", "
      "defaultTopicPerm: PUBSUB}\n- {accessKey: RocketMQ, secretKey: 0x12z4567, topicPerms: [==a= PUB|SUB ]}\n"
      "other: {a: [b]}\ndataVersion: [{counter: 3, timestamp: 4}]\n",
      why);
  CU_ASSERT_PTR_NOT_NULL_FATAL(rules);
  CU_ASSERT_EQUAL(warnings, 2); /* PUBSUB, and RocketMQ twice */
  CU_ASSERT_EQUAL(map_count(&rules->accounts), 1);
  const struct acl_account *a = map_get(&rules->accounts, SPAN_LITERAL("RocketMQ"));
  CU_ASSERT(!a->admin && a->default_topic == ACL_DENY && map_count(&a->topics) == 1);
  CU_ASSERT(rules->has_version && rules->version.counter == 3 && rules->version.timestamp == 4);
  rules_free(rules);
}

static void test_meanings(void) {
  static const struct {
    const char *text;
    enum yaml_meaning meaning;
  } rows[] = {{"", YAML_IS_NULL},           {"~", YAML_IS_NULL},
              {"Null", YAML_IS_NULL},       {"nULL", YAML_IS_TEXT},
              {"yes", YAML_IS_TRUE},        {"y", YAML_IS_TEXT},
              {"OFF", YAML_IS_FALSE},       {"12345678", YAML_IS_INTEGER},
              {"-7", YAML_IS_INTEGER},      {"0", YAML_IS_INTEGER},
              {"0777", YAML_IS_INTEGER},    {"0789", YAML_IS_TEXT},
              {"0x1F", YAML_IS_INTEGER},    {"0x", YAML_IS_TEXT},
              {"0b101", YAML_IS_INTEGER},   {"1_000", YAML_IS_INTEGER},
              {"1:20", YAML_IS_INTEGER},    {"1:60", YAML_IS_TEXT},
              {"12ab34cd", YAML_IS_TEXT},   {"1.5", YAML_IS_NUMBER},
              {".5e3", YAML_IS_NUMBER},     {"1e10", YAML_IS_NUMBER},
              {"1.5.2", YAML_IS_TEXT},      {"1:20.5", YAML_IS_NUMBER},
              {"-.INF", YAML_IS_NUMBER},    {"1.2.3.4", YAML_IS_TEXT},
              {"2020-01-01", YAML_IS_DATE}, {"2020-1-1 10:00:00Z", YAML_IS_DATE},
              {"2020-01", YAML_IS_TEXT},    {"+", YAML_IS_TEXT},
              {"t=PUB", YAML_IS_TEXT},      {"::1", YAML_IS_TEXT}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (yaml_meaning(span_text(rows[i].text)) != rows[i].meaning) printf("    %s\n", rows[i].text);
    CU_ASSERT_EQUAL(yaml_meaning(span_text(rows[i].text)), rows[i].meaning);
  }
}

/* ---- who may do what: the answers are Java's ---- */

static const char rules_text[] =
    "globalWhiteRemoteAddresses:\n- 10.10.103.*\n- 192.168.0.*\n\naccounts:\n- accessKey: RocketMQ\n  secretKey: "
    "12345678\n"
    "  whiteRemoteAddress:\n  admin: false\n  defaultTopicPerm: DENY\n  defaultGroupPerm: SUB\n  topicPerms:\n"
    "  - topicA=DENY\n  - topicB=PUB|SUB\n  - topicC=SUB\n  groupPerms:\n  # the group should convert to retry topic\n"
    "  - groupA=DENY\n  - groupB=PUB|SUB\n  - groupC=SUB\n\n- accessKey: rocketmq2\n  secretKey: 12345678\n"
    "  whiteRemoteAddress: 192.168.1.*\n  # if it is admin, it could access all resources\n  admin: true\n"
    "- accessKey: bounded\n  secretKey: 12345678\n  admin: true\n  topicPerms: [topicB=PUB]\n";

struct asked {
  const char *who, *secret; /* NULL: not signed */
  const char *peer;
  int code;
  const char *fields[6]; /* key, value, ..., NULL */
  const char *body;
  const char *refusal; /* NULL: it passes */
};

static void ask(const struct acl_rules *rules, const struct asked *q) {
  struct ext ext[EXT_MAX];
  struct net_peer peer;
  struct arena arena;
  char reason[ACL_REASON_MAX] = "", signature[SIGNATURE_LENGTH + 1];
  struct command cmd = {.code = q->code, .ext = ext, .body = span_text(q->body)};
  for (size_t i = 0; i < 5 && q->fields[i] != NULL; i += 2)
    ext[cmd.ext_count++] = (struct ext){span_text(q->fields[i]), span_text(q->fields[i + 1])};
  if (q->who != NULL) ext[cmd.ext_count++] = (struct ext){SPAN_LITERAL("AccessKey"), span_text(q->who)};
  if (q->secret != NULL) {
    struct signed_content content = {ext, cmd.ext_count, &cmd.body, 1};
    strcpy(signature, signature_of(q->secret, &content));
    ext[cmd.ext_count++] = (struct ext){SPAN_LITERAL("Signature"), span_text(signature)};
  }
  arena_init(&arena, MEMORY_MAX);
  CU_ASSERT_EQUAL_FATAL(net_peer_parse(span_text(q->peer == NULL ? "1.2.3.4:5" : q->peer), &peer), STATUS_OK);
  bool allowed = rules_allow(rules, &cmd, &peer, &arena, reason);
  bool good = allowed == (q->refusal == NULL) && (allowed || strcmp(reason, q->refusal) == 0);
  if (!good)
    printf("    %s %d %s: %s\n", q->who == NULL ? "-" : q->who, q->code, q->fields[0] == NULL ? "" : q->fields[1],
           allowed ? "passes" : reason);
  CU_ASSERT(good);
  arena_fini(&arena);
}

#define MQ "RocketMQ", "12345678", NULL
#define ROOT "rocketmq2", "12345678", NULL
#define NO_TOPIC(t) "No default permission for topic:" t
#define NO_GROUP(g) "No default permission for group:" g
#define HEARTBEAT(group, topic)                                                                                        \
  "{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"" group "\",\"subscriptionDataSet\":[{\"topic\":\"" topic \
  "\"}]}],\"producerDataSet\":[]}"

static void test_permissions(void) {
  static const struct asked rows[] = {
      {NULL, NULL, NULL, 10, {"topic", "topicA"}, "", "No accessKey is configured"},
      {NULL, NULL, NULL, 28, {0}, "", "No accessKey is configured"},
      {NULL, NULL, "192.168.0.5:1", 17, {0}, "", NULL},
      {"nobody12", "12345678", NULL, 10, {0}, "", "No acl config for nobody12"},
      {"RocketMQ", "123456789", NULL, 10, {"topic", "topicB"}, "", "Check signature failed for accessKey=RocketMQ"},
      {"RocketMQ", NULL, NULL, 10, {"topic", "topicB"}, "", "Check signature failed for accessKey=RocketMQ"},
      {"rocketmq2", NULL, "192.168.1.7:5", 10, {"topic", "topicA"}, "", NULL},
      {"RocketMQ", NULL, "192.168.1.7:5", 10, {"topic", "topicB"}, "", "Check signature failed for accessKey=RocketMQ"},
      {MQ, 310, {"b", "topicA"}, "x", NO_TOPIC("topicA")},
      {MQ, 310, {"b", "topicB"}, "x", NULL},
      {MQ, 310, {"b", "topicC"}, "x", NO_TOPIC("topicC")},
      {MQ, 310, {"b", "topicX"}, "x", NO_TOPIC("topicX")},
      {MQ, 310, {"b", "%RETRY%groupA"}, "x", NO_GROUP("groupA")},
      {MQ, 310, {"b", "%RETRY%groupB"}, "x", NULL},
      {MQ, 310, {"b", "%RETRY%gx"}, "x", NO_GROUP("gx")},
      {MQ, 10, {"topic", "topicB"}, "x", NULL},
      {MQ, 10, {"topic", "topicC"}, "x", NO_TOPIC("topicC")},
      {MQ, 320, {"b", "topicA"}, "x", NO_TOPIC("topicA")}, /* Java lets batches pass */
      {MQ, 11, {"topic", "topicA", "consumerGroup", "groupA"}, "", NO_TOPIC("topicA")},
      {MQ, 11, {"topic", "topicB", "consumerGroup", "groupA"}, "", NO_GROUP("groupA")},
      {MQ, 11, {"topic", "topicB", "consumerGroup", "groupB"}, "", NULL},
      {MQ, 11, {"topic", "topicC", "consumerGroup", "gx"}, "", NULL},
      {MQ, 11, {"topic", "topicX", "consumerGroup", "gx"}, "", NO_TOPIC("topicX")},
      {MQ, 11, {"topic", "%RETRY%gx", "consumerGroup", "gx"}, "", NULL},
      {MQ, 12, {"topic", "topicC"}, "", NULL},
      {MQ, 12, {"topic", "topicX"}, "", NO_TOPIC("topicX")},
      {MQ, 15, {"topic", "topicC", "consumerGroup", "groupA"}, "", NO_GROUP("groupA")},
      {MQ, 15, {"topic", "topicC", "consumerGroup", "groupC"}, "", NULL},
      {MQ, 35, {"consumerGroup", "groupA"}, "", NO_GROUP("groupA")},
      {MQ, 35, {"producerGroup", "groupA"}, "", NULL},
      {MQ, 38, {"consumerGroup", "groupA"}, "", NO_GROUP("groupA")},
      {MQ, 36, {"originTopic", "topicC", "group", "groupC"}, "", NO_TOPIC("topicC")},
      {MQ, 36, {"originTopic", "topicB", "group", "groupC"}, "", NULL},
      {MQ, 36, {"originTopic", "topicB", "group", "groupA"}, "", NO_GROUP("groupA")},
      {MQ, 36, {"originTopic", "%RETRY%groupC", "group", "groupC"}, "", NULL},
      {MQ, 34, {0}, HEARTBEAT("groupA", "topicB"), NO_GROUP("groupA")},
      {MQ, 34, {0}, HEARTBEAT("groupB", "topicA"), NO_TOPIC("topicA")},
      {MQ, 34, {0}, HEARTBEAT("groupB", "topicB"), NULL},
      {MQ, 17, {0}, "", "Need admin permission for request code=17, but accessKey=RocketMQ is not"},
      {MQ, 25, {0}, "", "Need admin permission for request code=25, but accessKey=RocketMQ is not"},
      {MQ, 54, {0}, "", "Need admin permission for request code=54, but accessKey=RocketMQ is not"},
      {MQ, 50, {0}, "", "Need admin permission for request code=50, but accessKey=RocketMQ is not"},
      {MQ, 52, {0}, "", NULL},
      {MQ, 28, {0}, "", NULL},
      {ROOT, 17, {0}, "", NULL},
      {ROOT, 11, {"topic", "topicA", "consumerGroup", "groupA"}, "", NULL},
      {"bounded", "12345678", NULL, 17, {0}, "", NULL},
      {"bounded", "12345678", NULL, 10, {"topic", "topicB"}, "", NULL},
      {"bounded", "12345678", NULL, 10, {"topic", "topicA"}, "", NO_TOPIC("topicA")},
  };
  char why[ACL_REASON_MAX];
  struct acl_rules *rules = rules_of(rules_text, why);
  CU_ASSERT_PTR_NOT_NULL_FATAL(rules);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) ask(rules, &rows[i]);
  rules_free(rules);
}

/* ---- changes ---- */

static void test_edits(void) {
  static const char before[] =
      "# comment\nglobalWhiteRemoteAddresses: [1.1.1.1]\naccounts:\n- accessKey: RocketMQ\n  secretKey: 12345678\n"
      "  topicPerms:\n  - a=PUB\n  note: kept\n- accessKey: rocketmq2\n  secretKey: '01234567'\nextra: {x: [1, 'y']}\n";
  static const char after[] =
      "globalWhiteRemoteAddresses:\n- 2.2.2.2\n- ::1\naccounts:\n- accessKey: RocketMQ\n  secretKey: 12345678\n"
      "  topicPerms:\n  - b=SUB\n  - c=PUB|SUB\n  note: kept\n  admin: true\n- accessKey: newkey123\n  secretKey: "
      "'7654321'\n"
      "  admin: false\n  defaultGroupPerm: SUB\nextra:\n  x:\n  - 1\n  - 'y'\ndataVersion:\n- counter: 8\n  timestamp: "
      "9\n";
  struct arena arena;
  struct buf why, out;
  struct yaml *root = NULL;
  arena_init(&arena, MEMORY_MAX);
  buf_init(&why, TEXT_MAX);
  buf_init(&out, TEXT_MAX);
  CU_ASSERT_EQUAL_FATAL(yaml_read(span_text(before), &arena, &root, &why), STATUS_OK);
  struct acl_account_change old = {
      .access_key = SPAN_LITERAL("RocketMQ"), .admin = true, .topics = SPAN_LITERAL("b=SUB, c=PUB|SUB")};
  struct acl_account_change new = {.access_key = SPAN_LITERAL("newkey123"),
                                   .secret_key = SPAN_LITERAL("7654321"),
                                   .default_group = SPAN_LITERAL("SUB")};
  CU_ASSERT_EQUAL(edit_account(root, &arena, &old, &why), STATUS_OK);
  CU_ASSERT_EQUAL(edit_account(root, &arena, &new, &why), STATUS_OK);
  CU_ASSERT_EQUAL(edit_remove_account(root, &arena, SPAN_LITERAL("rocketmq2"), &why), STATUS_OK);
  CU_ASSERT_EQUAL(edit_white_list(root, &arena, SPAN_LITERAL("2.2.2.2,::1"), &why), STATUS_OK);
  CU_ASSERT_EQUAL(edit_version(root, &arena, &(struct data_version){8, 9}), STATUS_OK);
  CU_ASSERT_EQUAL(why.len, 0);
  CU_ASSERT_EQUAL(edit_remove_account(root, &arena, SPAN_LITERAL("nokey123"), &why), STATUS_INVALID);
  ASSERT_SPAN(buf_span(&why), "there is no such account");
  CU_ASSERT_EQUAL(yaml_write(root, &out), STATUS_OK);
  ASSERT_SPAN(buf_span(&out), after);
  buf_fini(&out);
  buf_fini(&why);
  arena_fini(&arena);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {{"signature: Java's, of bytes", test_signature_of_bytes},
                                      {"signature: Java's, of a send", test_signature_of_send},
                                      {"signature: another one is refused", test_signature_refused},
                                      {"addresses: as Java matches them", test_addresses_as_java},
                                      {"addresses: IPv4 through IPv6", test_addresses_mapped},
                                      {"file: mistakes and their lines", test_mistakes},
                                      {"file: doubtful things are taken", test_doubtful},
                                      {"file: what YAML takes a text for", test_meanings},
                                      {"permissions: Java's answers", test_permissions},
                                      {"changes: what is not ours stays", test_edits},
                                      {NULL, NULL}};
  return run_tests("acl", tests, argc, argv);
}
