/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config/config.h"
#include "tests/unit/config/config_tests.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_MAX = 1 << 16 };

struct settings {
  struct config_base base;
  int32_t listen_port;
  int64_t max_bytes;
  bool enabled;
  char *name;
  char *password;
  int32_t role;
  int32_t legacy;
};

static const char *const roles[] = {"ASYNC_MASTER", "SYNC_MASTER", "SLAVE", NULL};

#define AT(member) offsetof(struct settings, member)
static const struct config_key keys[] = {
    {"listenPort", CONFIG_I32, AT(listen_port), "10911", 1, 65535, NULL, CONFIG_IMPORTANT, "port"},
    {"maxBytes", CONFIG_I64, AT(max_bytes), "-1", -1, INT64_MAX, NULL, CONFIG_LIVE, "bytes"},
    {"enabled", CONFIG_BOOL, AT(enabled), "true", 0, 0, NULL, CONFIG_LIVE, "on or off"},
    {"brokerName", CONFIG_TEXT, AT(name), NULL, 0, 0, NULL, CONFIG_LIVE | CONFIG_IMPORTANT, "name"},
    {"password", CONFIG_TEXT, AT(password), "none", 0, 0, NULL, CONFIG_LIVE | CONFIG_SECRET, "secret"},
    {"brokerRole", CONFIG_ENUM, AT(role), "ASYNC_MASTER", 0, 0, roles, 0, "role"},
    {"highSpeedMode", CONFIG_I32, AT(legacy), "0", 0, 9, NULL, CONFIG_IGNORED, "never read by 4.7.0"},
};
static const struct config_table table = {keys, sizeof keys / sizeof *keys};

static void setup(struct settings *s) { CU_ASSERT_EQUAL_FATAL(config_init(s, &table), STATUS_OK); }

static enum status set(struct settings *s, const char *key, const char *value) {
  return config_set(s, span_text(key), span_text(value), NULL);
}

void test_config_defaults(void) {
  struct settings s;
  setup(&s);
  CU_ASSERT(s.listen_port == 10911 && s.max_bytes == -1 && s.enabled && s.role == 0 && s.legacy == 0);
  CU_ASSERT_PTR_NULL(s.name);
  CU_ASSERT_STRING_EQUAL(s.password, "none");
  CU_ASSERT_PTR_NULL(s.base.path);
  config_fini(&s);
}

void test_config_sets_each_type(void) {
  struct settings s;
  setup(&s);
  CU_ASSERT_EQUAL(set(&s, "listenPort", " 65535 "), STATUS_OK);
  CU_ASSERT_EQUAL(set(&s, "maxBytes", "9223372036854775807"), STATUS_OK);
  CU_ASSERT_EQUAL(set(&s, "enabled", "FALSE"), STATUS_OK);
  CU_ASSERT_EQUAL(set(&s, "brokerName", "a"), STATUS_OK);
  CU_ASSERT_EQUAL(set(&s, "brokerName", " broker-a "), STATUS_OK);
  CU_ASSERT_EQUAL(set(&s, "brokerRole", "slave"), STATUS_OK);
  CU_ASSERT(s.listen_port == 65535 && s.max_bytes == INT64_MAX && !s.enabled && s.role == 2);
  CU_ASSERT_STRING_EQUAL(s.name, " broker-a ");
  config_fini(&s);
}

static void check_refusal(struct settings *s, const char *key, struct span value, const char *want) {
  struct buf why;
  buf_init(&why, BUF_MAX);
  CU_ASSERT_EQUAL(config_set(s, span_text(key), value, &why), STATUS_INVALID);
  ASSERT_SPAN(buf_span(&why), want);
  buf_fini(&why);
}

void test_config_refusals_are_sentences(void) {
  struct settings s;
  setup(&s);
  check_refusal(&s, "listenPort", SPAN_LITERAL("0"), "key 'listenPort': '0' is not a whole number from 1 to 65535");
  check_refusal(&s, "listenPort", SPAN_LITERAL("99999999999999999999"),
                "key 'listenPort': '99999999999999999999' is not a whole number from 1 to 65535");
  check_refusal(&s, "listenPort", SPAN_LITERAL(""), "key 'listenPort': '' is not a whole number from 1 to 65535");
  check_refusal(&s, "maxBytes", SPAN_LITERAL("1g"),
                "key 'maxBytes': '1g' is not a whole number from -1 to 9223372036854775807");
  check_refusal(&s, "enabled", SPAN_LITERAL("yes"), "key 'enabled': 'yes' is not true or false");
  check_refusal(&s, "brokerRole", SPAN_LITERAL("MASTER"),
                "key 'brokerRole': 'MASTER' is not one of ASYNC_MASTER, SYNC_MASTER, SLAVE");
  check_refusal(&s, "brokerName", span_of("a\0b", 3), "key 'brokerName': 'a' is not a text without NUL characters");
  check_refusal(&s, "password", span_of("a\0b", 3), "key 'password': its value is not a text without NUL characters");
  CU_ASSERT(s.listen_port == 10911 && s.max_bytes == -1 && s.enabled && s.role == 0 && s.name == NULL);
  config_fini(&s);
}

void test_config_unknown_keys_are_kept(void) {
  struct settings s;
  struct buf out;
  setup(&s);
  buf_init(&out, BUF_MAX);
  CU_ASSERT_EQUAL(set(&s, "b", "1"), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(set(&s, "a", "2"), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(set(&s, "b", "3"), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(config_get(&s, "b", &out), STATUS_OK);
  ASSERT_SPAN(buf_span(&out), "3");
  CU_ASSERT_EQUAL(config_get(&s, "c", &out), STATUS_NOT_FOUND);
  CU_ASSERT_EQUAL(config_get(&s, "brokerName", &out), STATUS_NOT_FOUND);
  buf_clear(&out);
  config_write(&s, false, &out);
  ASSERT_SPAN(buf_span(&out), "listenPort=10911\nmaxBytes=-1\nenabled=true\nbrokerRole=ASYNC_MASTER\n"
                              "highSpeedMode=0\nb=3\na=2\n");
  char key[32];
  enum status status = STATUS_OK;
  for (int i = 0; i < 2000; i++) {
    snprintf(key, sizeof key, "unknown%d", i);
    status = set(&s, key, "");
  }
  CU_ASSERT_EQUAL(status, STATUS_LIMIT);
  buf_fini(&out);
  config_fini(&s);
}

static void remember(struct log *log, enum log_level level, const char *line) {
  buf_printf(log->context, "%d %s\n", level, line);
}

void test_config_file_says_line(void) {
  struct settings s;
  struct buf said;
  setup(&s);
  buf_init(&said, BUF_MAX);
  struct log log = {.level = LOG_DEBUG, .write = remember, .context = &said};
  struct span text = SPAN_LITERAL("# broker\nlistenPort=x\nlistenprot=1\n\nbrokerName=b\\\n  c\nhighSpeedMode=1\n"
                                  "nothingLikeIt=1\nenabled=2\n");
  CU_ASSERT_EQUAL(config_apply(&s, text, "broker.conf", &log), STATUS_INVALID);
  ASSERT_SPAN(buf_span(&said),
              "3 broker.conf:2: key 'listenPort': 'x' is not a whole number from 1 to 65535\n"
              "2 broker.conf:3: unknown key 'listenprot' (did you mean 'listenPort'?); it is kept without effect\n"
              "2 broker.conf:7: key 'highSpeedMode' has no effect: never read by 4.7.0\n"
              "2 broker.conf:8: unknown key 'nothingLikeIt'; it is kept without effect\n"
              "3 broker.conf:9: key 'enabled': '2' is not true or false\n");
  CU_ASSERT_STRING_EQUAL(s.name, "bc");
  buf_clear(&said);
  CU_ASSERT_EQUAL(config_apply(&s, SPAN_LITERAL("a=1\nb=\\u00g"), "f", &log), STATUS_INVALID);
  ASSERT_SPAN(buf_span(&said), "2 f:1: unknown key 'a'; it is kept without effect\n"
                               "3 f:2: malformed \\u escape: four hexadecimal digits must follow\n");
  buf_clear(&said);
  CU_ASSERT_EQUAL(config_apply(&s, SPAN_LITERAL("listenPort=1\n"), "f", NULL), STATUS_OK);
  CU_ASSERT_EQUAL(s.listen_port, 1);
  buf_fini(&said);
  config_fini(&s);
}

static void check_update(struct settings *s, const char *text, enum status want, const char *sentence) {
  struct buf why;
  buf_init(&why, BUF_MAX);
  CU_ASSERT_EQUAL(config_update(s, span_text(text), &why), want);
  ASSERT_SPAN(buf_span(&why), sentence);
  buf_fini(&why);
}

void test_config_update_is_all_or_nothing(void) {
  struct settings s;
  setup(&s);
  check_update(&s, "maxBytes=5\nbrokerName=n\nmaxBytes=6", STATUS_OK, "");
  CU_ASSERT_EQUAL(s.max_bytes, 6);
  CU_ASSERT_STRING_EQUAL(s.name, "n");
  check_update(&s, "maxBytes=7\nbrokerName=m\nlistenPort=5", STATUS_INVALID,
               "key 'listenPort' cannot be changed while running");
  check_update(&s, "maxBytes=7\nbrokerName=m\nenabled=5", STATUS_INVALID, "key 'enabled': '5' is not true or false");
  check_update(&s, "maxBytes=7\nmaxByte=5", STATUS_NOT_FOUND, "unknown key 'maxByte' (did you mean 'maxBytes'?)");
  check_update(&s, "maxBytes=7\nbrokerName=\\u1", STATUS_INVALID,
               "line 2: malformed \\u escape: four hexadecimal digits must follow");
  CU_ASSERT_EQUAL(s.max_bytes, 6);
  CU_ASSERT_STRING_EQUAL(s.name, "n");
  /* Whole files are sent: keys that stay as they are do not matter. */
  check_update(&s, "listenPort=10911\nbrokerRole=ASYNC_MASTER\nmaxBytes=8", STATUS_OK, "");
  CU_ASSERT_EQUAL(s.max_bytes, 8);
  config_fini(&s);
}

void test_config_secrets_stay(void) {
  struct settings s;
  struct buf out;
  setup(&s);
  buf_init(&out, BUF_MAX);
  CU_ASSERT_EQUAL(set(&s, "password", "s3cret"), STATUS_OK);
  CU_ASSERT_STRING_EQUAL(s.password, "s3cret");
  CU_ASSERT_EQUAL(config_get(&s, "password", &out), STATUS_NOT_FOUND);
  config_write(&s, false, &out);
  config_write(&s, true, &out);
  CU_ASSERT(out.len > 0);
  for (size_t i = 0; i + 6 <= out.len; i++) CU_ASSERT(memcmp(out.ptr + i, "s3cret", 6) != 0);
  check_update(&s, "password=other", STATUS_OK, "");
  CU_ASSERT_STRING_EQUAL(s.password, "other");
  buf_fini(&out);
  config_fini(&s);
}

void test_config_writes_what_it_reads(void) {
  struct settings a, b;
  struct buf out, again;
  setup(&a);
  setup(&b);
  buf_init(&out, BUF_MAX);
  buf_init(&again, BUF_MAX);
  CU_ASSERT_EQUAL(set(&a, "brokerName", " \xE4\xB8\xBB = #\\\n"), STATUS_OK);
  CU_ASSERT_EQUAL(set(&a, "brokerRole", "SLAVE"), STATUS_OK);
  CU_ASSERT_EQUAL(set(&a, "other key", "x:y"), STATUS_NOT_FOUND);
  config_write(&a, false, &out);
  CU_ASSERT_EQUAL(config_apply(&b, buf_span(&out), "f", NULL), STATUS_OK);
  config_write(&b, false, &again);
  CU_ASSERT(span_equal(buf_span(&out), buf_span(&again)));
  CU_ASSERT_STRING_EQUAL(b.name, a.name);
  buf_clear(&out);
  config_write(&a, true, &out);
  ASSERT_SPAN(buf_span(&out), "listenPort=10911\nbrokerName=\\ \\u4E3B = #\\\\\\n\n");
  buf_fini(&out);
  buf_fini(&again);
  config_fini(&a);
  config_fini(&b);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
#define X(name) {#name, test_##name},
      CONFIG_TESTS(X)
#undef X
          {NULL, NULL},
  };
  return run_tests("unit/config", tests, argc, argv);
}
