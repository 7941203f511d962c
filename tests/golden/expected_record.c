/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/expected.h"

#include "core/base/bytes.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_KEYS                                                                                               \
  "commitLogOffset storeSize topic queueId queueOffset flag sysFlag bornTimestamp bornHost storeTimestamp "       \
  "storeHost reconsumeTimes preparedTransactionOffset bodyCRC offsetMsgId bodyLength bodySha256 plainBodyLength " \
  "plainBodySha256 properties body"
#define PLAIN_BYTES_MAX ((size_t)16 << 20)

/* Texts of more than 300 characters are "sha256:HEX length:N". */
static bool value_same(struct span value, struct span want) {
  static const char digest[] = "sha256:", length[] = " length:";
  const size_t hex_at = sizeof digest - 1, length_at = hex_at + SHA256_TEXT + sizeof length - 1;
  char hex[SHA256_TEXT + 1];
  int64_t n;
  if (!span_starts(want, digest) || want.len <= length_at) return span_equal(value, want);
  sha256_text(value, hex);
  return memcmp(hex, want.ptr + hex_at, SHA256_TEXT) == 0 &&
         span_to_i64(span_of(want.ptr + length_at, want.len - length_at), &n) && (size_t)n == value.len;
}

static bool properties_same(const struct message *m, const struct json *want) {
  size_t at = 0, named = 0;
  struct span name, value;
  for (const struct json *p = want->children; p != NULL; p = p->next) {
    struct span key = json_text(p->key);
    char text[256];
    if (!span_copy_text(key, text, sizeof text)) return false;
    if (!value_same(property_get(m->properties, text), json_text(p))) return false;
  }
  while (property_next(m->properties, &at, &name, &value)) named++;
  return named == want->child_count;
}

static bool body_same(struct expected *e, struct span body, const struct json *r) {
  char hex[SHA256_TEXT + 1];
  const struct json *text = json_member(r, "body"), *digest = json_member(r, "bodySha256");
  if ((int64_t)body.len != expected_number(r, "bodyLength")) return false;
  if (text != NULL) return span_equal(expected_hex(e, body), json_text(text));
  sha256_text(body, hex);
  return digest != NULL && span_is(json_text(digest), hex);
}

static bool plain_same(struct span body, const struct json *r) {
  char hex[SHA256_TEXT + 1];
  struct buf plain;
  const struct json *digest = json_member(r, "plainBodySha256");
  if (digest == NULL) return json_member(r, "plainBodyLength") == NULL;
  buf_init(&plain, PLAIN_BYTES_MAX);
  bool same = body_uncompress(body, &plain) == STATUS_OK;
  if (same) {
    sha256_text(buf_span(&plain), hex);
    same = (int64_t)plain.len == expected_number(r, "plainBodyLength") && span_is(json_text(digest), hex);
  }
  buf_fini(&plain);
  return same;
}

static bool host_same(const struct net_peer *peer, const struct json *text) {
  struct net_peer want;
  char a[NET_PEER_TEXT_MAX], b[NET_PEER_TEXT_MAX];
  if (net_peer_parse(json_text(text), &want) != STATUS_OK) return false;
  return net_peer_text(peer, a) == net_peer_text(&want, b) && strcmp(a, b) == 0;
}

static bool said(const struct json *r, const char *what, bool same) {
  if (!same) printf("    record at %lld: %s\n", (long long)json_i64(json_member(r, "commitLogOffset"), -1), what);
  return same;
}

bool expected_record(struct expected *e, const struct json *r, struct span raw) {
  struct message m;
  char id[MESSAGE_ID_MAX];
  size_t size;
  if (!said(r, "it is none", message_decode(raw, true, &m, &size) == STATUS_OK)) return false;
  size_t id_len = message_id_text(&m.store_host, m.physical_offset, id);
  const struct {
    const char *name;
    int64_t value;
  } numbers[] = {{"commitLogOffset", m.physical_offset},
                 {"storeSize", (int64_t)size},
                 {"queueId", m.queue_id},
                 {"queueOffset", m.queue_offset},
                 {"flag", m.flag},
                 {"sysFlag", m.sys_flag},
                 {"bornTimestamp", m.born_ms},
                 {"storeTimestamp", m.store_ms},
                 {"reconsumeTimes", m.reconsume_times},
                 {"preparedTransactionOffset", m.prepared_offset},
                 {"bodyCRC", m.body_crc}};
  bool same = said(r, "it has keys that nobody looks at", expected_knows(r, RECORD_KEYS));
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    same = said(r, numbers[i].name, expected_number(r, numbers[i].name) == numbers[i].value) && same;
  same = said(r, "size", size == raw.len) && same;
  same = said(r, "topic", span_equal(m.topic, json_text(json_member(r, "topic")))) && same;
  same = said(r, "bornHost", host_same(&m.born_host, json_member(r, "bornHost"))) && same;
  same = said(r, "storeHost", host_same(&m.store_host, json_member(r, "storeHost"))) && same;
  same = said(r, "offsetMsgId", span_equal(span_of(id, id_len), json_text(json_member(r, "offsetMsgId")))) && same;
  same = said(r, "body", body_same(e, m.body, r)) && same;
  same = said(r, "plain body", plain_same(m.body, r)) && same;
  return said(r, "properties", properties_same(&m, json_member(r, "properties"))) && same;
}
