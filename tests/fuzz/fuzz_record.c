/* SPDX-License-Identifier: Apache-2.0
 *
 * Stored records, batch bodies, properties, compressed bodies: what decodes encodes to the same bytes.
 */
#include "core/wire/bodies.h"
#include "core/wire/message.h"
#include "tests/fuzz/fuzz.h"

enum { ARENA_MAX = 4 << 20, PLAIN_MAX = 1 << 18 };

static void check_record(struct span input) {
  struct message m;
  size_t size = 0;
  enum status checked = message_decode(input, true, &m, &size);
  if (message_decode(input, false, &m, &size) != STATUS_OK) {
    MUST(checked != STATUS_OK);
    return;
  }
  MUST(size <= input.len && message_size(&m) == size);
  uint8_t *copy = malloc(size);
  MUST(copy != NULL);
  message_encode(&m, copy);
  struct message back;
  MUST(message_decode(span_of(copy, size), true, &back, &size) == STATUS_OK);
  MUST(back.sys_flag == m.sys_flag && span_equal(back.properties, m.properties));
  /* Only the CRC and the upper half of the two port words may differ. */
  if (checked == STATUS_OK && m.body.len > 0) MUST(memcmp(copy, input.ptr, 48) == 0);
  free(copy);
}

static void check_properties(struct span text) {
  struct span name, value;
  size_t at = 0;
  bool any = false;
  while (property_next(text, &at, &name, &value)) {
    MUST(value.len > 0 && at <= text.len + 1);
    if (!span_is(name, "TAGS")) continue;
    any = true;
    MUST(property_get(text, "TAGS").len > 0);
  }
  MUST(any || message_tags_code(text) == 0);
}

static void check_batch(struct span body) {
  struct batch_item item;
  size_t at = 0, before = 0;
  while (batch_next(body, &at, &item) == STATUS_OK) {
    struct buf out;
    MUST(at > before && at <= body.len);
    buf_init(&out, body.len);
    batch_item_encode(&item, &out);
    MUST(!out.failed && out.len == at - before);
    buf_fini(&out);
    before = at;
    check_properties(item.properties);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct span input = span_of(data, size);
  struct arena arena;
  struct buf plain;
  struct register_body body;
  struct net_peer host;
  int64_t offset;
  const char *why = NULL;
  arena_init(&arena, ARENA_MAX);
  buf_init(&plain, PLAIN_MAX);
  check_record(input);
  check_batch(input);
  check_properties(input);
  if (body_uncompress(input, &plain) == STATUS_OK) MUST(plain.len <= PLAIN_MAX);
  if (register_body_read(input, true, &arena, &body, &why) == STATUS_OK) {
    buf_clear(&plain);
    register_body_write(&plain, &body, true);
  }
  if (message_id_parse(input, &host, &offset) == STATUS_OK) {
    char text[MESSAGE_ID_MAX];
    MUST(message_id_text(&host, offset, text) == size);
  }
  MUST(!topic_name_valid(input, &why) || size <= TOPIC_LENGTH_MAX);
  buf_fini(&plain);
  arena_fini(&arena);
  return 0;
}
