/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties texts and configuration: what is read is written in a form that reads the same.
 */
#include "core/config/config.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { BUF_MAX = 4 << 20 };

struct settings {
  struct config_base base;
  int32_t port;
  int64_t bytes;
  bool on;
  char *name;
  int32_t role;
};

static const char *const roles[] = {"ASYNC_MASTER", "SLAVE", NULL};
#define AT(member) offsetof(struct settings, member)
static const struct config_key keys[] = {
    {"listenPort", CONFIG_I32, AT(port), "10911", 1, 65535, NULL, CONFIG_LIVE, "port"},
    {"maxBytes", CONFIG_I64, AT(bytes), "0", INT64_MIN, INT64_MAX, NULL, CONFIG_LIVE, "bytes"},
    {"on", CONFIG_BOOL, AT(on), "true", 0, 0, NULL, 0, "switch"},
    {"brokerName", CONFIG_TEXT, AT(name), NULL, 0, 0, NULL, CONFIG_LIVE, "name"},
    {"brokerRole", CONFIG_ENUM, AT(role), "SLAVE", 0, 0, roles, CONFIG_LIVE, "role"},
};
static const struct config_table table = {keys, sizeof keys / sizeof *keys};

static enum status write_back(void *context, struct span key, struct span value, int line) {
  MUST(line > 0);
  properties_put(context, key, value);
  return STATUS_OK;
}

static void check_fixpoint(struct span input) {
  struct buf first, second;
  int line = 0;
  buf_init(&first, BUF_MAX);
  buf_init(&second, BUF_MAX);
  if (properties_parse(input, write_back, &first, &line) == STATUS_OK && !first.failed) {
    MUST(properties_parse(buf_span(&first), write_back, &second, &line) == STATUS_OK);
    MUST(span_equal(buf_span(&first), buf_span(&second)));
  }
  buf_fini(&first);
  buf_fini(&second);
}

/* Writes a, reads that into b, which must accept it. */
static void copy_settings(const struct settings *a, struct settings *b, struct buf *out) {
  buf_clear(out);
  config_write(a, false, out);
  MUST(!out->failed && config_apply(b, buf_span(out), "copy", NULL) == STATUS_OK);
}

static void check_settings(struct span input) {
  struct settings s[3];
  struct buf first, second;
  for (int i = 0; i < 3; i++) MUST(config_init(&s[i], &table) == STATUS_OK);
  buf_init(&first, BUF_MAX);
  buf_init(&second, BUF_MAX);
  enum status applied = config_apply(&s[0], input, "fuzz", NULL);
  MUST(s[0].port >= 1 && s[0].port <= 65535 && s[0].role >= 0 && s[0].role < 2);
  if (applied == STATUS_OK) {
    /* Keys that are no UTF-8 may fall together the first time; then all stays. */
    copy_settings(&s[0], &s[1], &first);
    copy_settings(&s[1], &s[2], &first);
    config_write(&s[2], false, &second);
    MUST(span_equal(buf_span(&first), buf_span(&second)));
  }
  buf_clear(&second);
  enum status updated = config_update(&s[1], input, &second);
  MUST(updated == STATUS_OK || updated == STATUS_NO_MEMORY || second.len > 0 || second.failed);
  buf_fini(&first);
  buf_fini(&second);
  for (int i = 0; i < 3; i++) config_fini(&s[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_fixpoint(span_of(data, size));
  check_settings(span_of(data, size));
  return 0;
}
