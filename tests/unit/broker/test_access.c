/* SPDX-License-Identifier: Apache-2.0
 *
 * Access control in the broker: who is let in, remote changes of plain_acl.yml and what is on the disk then, reloads.
 */
#include "core/sign/sign.h"
#include "core/wire/bodies.h"
#include "tests/harness.h"
#include "tests/unit/broker/stage.h"

#include <stdio.h>

enum { FILE_MAX = 1 << 16, EXT_MAX = 16, LOOKS_MS = 3000 };
#define FILE_PATH "/conf/plain_acl.yml"
#define ENABLED "aclEnable=true\naclFile=" FILE_PATH "\n"
#define REFUSED "org.apache.rocketmq.acl.common.AclException: "
#define ROOT "rootroot", "secretRoot"
#define ALICE "alice123", "secretAlice"

static const char rules[] =
    "globalWhiteRemoteAddresses:\n- 10.9.9.9\naccounts:\n- accessKey: rootroot\n  secretKey: secretRoot\n"
    "  admin: true\n- accessKey: alice123\n  secretKey: secretAlice\n  defaultGroupPerm: SUB\n"
    "  topicPerms:\n  - T=PUB|SUB\n";

static void start(struct stage *s) { stage_start_with(s, ENABLED, FILE_PATH, rules); }

/* A request with these fields, signed by hand: KEY VALUE ... NULL. */
static int ask(struct stage *s, const char *who, const char *secret, int code, const char *const *fields,
               const char *body, struct answer *a) {
  struct ext ext[EXT_MAX];
  size_t n = 0;
  char signature[SIGNATURE_LENGTH + 1];
  struct span body_span = span_text(body);
  for (; fields != NULL && fields[2 * n] != NULL; n++)
    ext[n] = (struct ext){span_text(fields[2 * n]), span_text(fields[2 * n + 1])};
  if (who != NULL) {
    ext[n++] = (struct ext){SPAN_LITERAL(ACCESS_KEY_FIELD), span_text(who)};
    struct sign_key *key = sign_key_new(span_text(secret));
    CU_ASSERT_EQUAL(sign(key, &(struct signed_content){ext, n, &body_span, 1}, signature), STATUS_OK);
    sign_key_free(key);
    ext[n++] = (struct ext){SPAN_LITERAL(SIGNATURE_FIELD), span_text(signature)};
  }
  stage_ask_wait(s, 0, &(struct request_out){.code = code, .ext = ext, .ext_count = n, .body = body_span}, a);
  return a->code;
}

static int send_to(struct stage *s, const char *who, const char *secret, const char *topic, struct answer *a) {
  const char *fields[] = {"a", "pg", "b", topic, "c", "TBW102", "d", "4", "e", "0", "f",
                          "0", "g",  "1", "h",   "0", "i",      "",  "j", "0", NULL};
  return ask(s, who, secret, REQUEST_SEND_MESSAGE_V2, fields, "hello", a);
}

static int change_account(struct stage *s, const char *who, const char *secret, const char *key, const char *new_secret,
                          const char *topics, struct answer *a) {
  const char *fields[] = {"accessKey", key, "admin", "false", "secretKey", new_secret, "topicPerms", topics, NULL};
  return ask(s, who, secret, REQUEST_UPDATE_AND_CREATE_ACL_CONFIG, fields, NULL, a);
}

static bool says(const struct answer *a, const char *words) {
  char text[FILE_MAX];
  span_copy_text(a->remark, text, sizeof text);
  return strstr(text, words) != NULL;
}

static const char *file_text(struct stage *s, const char *path) {
  static char text[FILE_MAX];
  struct buf b;
  buf_init(&b, FILE_MAX - 1);
  text[0] = '\0';
  if (disk_read_whole(sim_host_disk(s->host), path, &b) == STATUS_OK) span_copy_text(buf_span(&b), text, sizeof text);
  buf_fini(&b);
  return text;
}

static void doors(void) {
  struct stage s;
  struct answer a;
  start(&s);
  CU_ASSERT_EQUAL(send_to(&s, NULL, NULL, "T", &a), RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, REFUSED "No accessKey is configured");
  CU_ASSERT_EQUAL(send_to(&s, "alice123", "wrong secret", "T", &a), RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, REFUSED "Check signature failed for accessKey=alice123");
  CU_ASSERT_EQUAL(send_to(&s, ALICE, "U", &a), RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, REFUSED "No default permission for topic:U");
  CU_ASSERT_EQUAL(send_to(&s, ALICE, "T", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(send_to(&s, ROOT, "U", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(ask(&s, ALICE, REQUEST_GET_BROKER_CONFIG, NULL, NULL, &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(ask(&s, ALICE, REQUEST_UPDATE_BROKER_CONFIG, NULL, "traceOn=false\n", &a), RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, REFUSED "Need admin permission for request code=25, but accessKey=alice123 is not");
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_UPDATE_BROKER_CONFIG, NULL, "traceOn=false\n", &a), RESPONSE_SUCCESS);
  stage_end(&s);
}

static void accounts_come_and_go(void) {
  struct stage s;
  struct answer a;
  start(&s);
  CU_ASSERT_EQUAL(change_account(&s, ALICE, "bobby123", "secretBob", "T=PUB", &a), RESPONSE_SYSTEM_ERROR);
  CU_ASSERT_STRING_EQUAL(file_text(&s, FILE_PATH), rules);
  CU_ASSERT_EQUAL(change_account(&s, ROOT, "bobby123", "secretBob", "T=PUB,U=SUB", &a), RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(file_text(&s, FILE_PATH ".bak"), rules);
  CU_ASSERT_PTR_NOT_NULL(
      strstr(file_text(&s, FILE_PATH),
             "- accessKey: bobby123\n  secretKey: secretBob\n  admin: false\n  topicPerms:\n  - T=PUB\n  - U=SUB\n"));
  CU_ASSERT_PTR_NOT_NULL(strstr(file_text(&s, FILE_PATH), "dataVersion:\n- counter: 1\n"));
  CU_ASSERT_EQUAL(send_to(&s, "bobby123", "secretBob", "T", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(send_to(&s, "bobby123", "secretBob", "U", &a), RESPONSE_SYSTEM_ERROR);
  /* Nothing of what is refused is kept. */
  CU_ASSERT_EQUAL(change_account(&s, ROOT, "carol123", "short", "T=PUB", &a),
                  RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED);
  CU_ASSERT_EQUAL(change_account(&s, ROOT, "bobby123", "secretNew", "T", &a),
                  RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED);
  CU_ASSERT(a.remark.len > 0 && !says(&a, "secretNew"));
  CU_ASSERT_PTR_NULL(strstr(file_text(&s, FILE_PATH), "secretNew"));
  CU_ASSERT_PTR_NULL(strstr(file_text(&s, FILE_PATH), "carol123"));
  CU_ASSERT_EQUAL(send_to(&s, "bobby123", "secretBob", "T", &a), RESPONSE_SUCCESS);
  const char *gone[] = {"accessKey", "bobby123", NULL};
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_DELETE_ACL_CONFIG, gone, NULL, &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_DELETE_ACL_CONFIG, gone, NULL, &a), RESPONSE_DELETE_ACL_CONFIG_FAILED);
  CU_ASSERT_EQUAL(send_to(&s, "bobby123", "secretBob", "T", &a), RESPONSE_SYSTEM_ERROR);
  ASSERT_SPAN(a.remark, REFUSED "No acl config for bobby123");
  /* A change outlives kill -9. */
  CU_ASSERT_EQUAL(change_account(&s, ROOT, "david123", "secretDavid", "T=PUB", &a), RESPONSE_SUCCESS);
  stage_crash(&s, SIM_KILL);
  CU_ASSERT_EQUAL(send_to(&s, "david123", "secretDavid", "T", &a), RESPONSE_SUCCESS);
  stage_end(&s);
}

static void white_list_and_telling(void) {
  struct stage s;
  struct answer a;
  start(&s);
  const char *here[] = {"globalWhiteAddrs", "10.1.1.1,10.0.*.*", NULL}, *wrong[] = {"globalWhiteAddrs", "10.1", NULL};
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_GET_BROKER_CLUSTER_ACL_CONFIG, NULL, NULL, &a), RESPONSE_SUCCESS);
  ASSERT_SPAN(
      a.body,
      "{\"globalWhiteAddrs\":[\"10.9.9.9\"],\"plainAccessConfigs\":[{\"accessKey\":\"rootroot\",\"admin\":true,"
      "\"secretKey\":\"\"},{\"accessKey\":\"alice123\",\"admin\":false,\"defaultGroupPerm\":\"SUB\",\"secretKey\":\"\","
      "\"topicPerms\":[\"T=PUB|SUB\"]}]}");
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, wrong, NULL, &a),
                  RESPONSE_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED);
  CU_ASSERT_EQUAL(send_to(&s, NULL, NULL, "T", &a), RESPONSE_SYSTEM_ERROR);
  CU_ASSERT_EQUAL(ask(&s, ROOT, REQUEST_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, here, NULL, &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(send_to(&s, NULL, NULL, "T", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(ask(&s, NULL, NULL, REQUEST_GET_BROKER_CLUSTER_ACL_INFO, NULL, NULL, &a), RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "brokerName"), "b");
  ASSERT_SPAN(answer_ext(&a, "clusterName"), "DefaultCluster");
  ASSERT_SPAN(answer_ext(&a, "brokerAddr"), BROKER_ADDR);
  CU_ASSERT(span_starts(answer_ext(&a, "version"), "{\"counter\":1,\"timestamp\":"));
  stage_end(&s);
}

static void reloads(void) {
  static const char broken[] = "accounts:\n- accessKey: alice123\n  secretKey: secretAlice\n  admin: perhaps\n";
  static const char fixed[] = "accounts:\n- accessKey: alice123\n  secretKey: another1\n  admin: true\n";
  struct stage s;
  struct answer a;
  start(&s);
  stage_run(&s, LOOKS_MS);
  stage_write(&s, FILE_PATH, broken);
  stage_run(&s, LOOKS_MS);
  CU_ASSERT_EQUAL(send_to(&s, ALICE, "T", &a), RESPONSE_SUCCESS);
  /* A change from afar would build on what cannot be read. */
  CU_ASSERT_EQUAL(change_account(&s, ROOT, "bobby123", "secretBob", "T=PUB", &a),
                  RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED);
  CU_ASSERT(says(&a, "line 4: admin must be true or false"));
  stage_write(&s, FILE_PATH, fixed);
  stage_run(&s, LOOKS_MS);
  CU_ASSERT_EQUAL(send_to(&s, ALICE, "T", &a), RESPONSE_SYSTEM_ERROR);
  CU_ASSERT_EQUAL(send_to(&s, "alice123", "another1", "U", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(sim_host_disk(s.host)->ops->remove(sim_host_disk(s.host), FILE_PATH), STATUS_OK);
  stage_run(&s, LOOKS_MS);
  CU_ASSERT_EQUAL(send_to(&s, "alice123", "another1", "U", &a), RESPONSE_SUCCESS);
  stage_end(&s);
}

static void off(void) {
  static const int codes[][2] = {{50, 209}, {51, 210}, {53, 211}, {52, 1}, {54, 1}};
  struct stage s;
  struct answer a;
  stage_start(&s, NULL);
  CU_ASSERT_EQUAL(send_to(&s, NULL, NULL, "T", &a), RESPONSE_SUCCESS);
  CU_ASSERT_EQUAL(send_to(&s, "anybody", "anything", "T", &a), RESPONSE_SUCCESS);
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    CU_ASSERT_EQUAL(ask(&s, NULL, NULL, codes[i][0], NULL, NULL, &a), codes[i][1]);
    ASSERT_SPAN(a.remark, "access control is off (aclEnable=false)");
  }
  stage_end(&s);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {{"who is let in", doors},
                                      {"accounts come and go", accounts_come_and_go},
                                      {"white list; no secret is told", white_list_and_telling},
                                      {"reload: whole or not at all", reloads},
                                      {"off", off},
                                      {NULL, NULL}};
  return run_tests("access", tests, argc, argv);
}
