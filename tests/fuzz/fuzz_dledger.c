/* SPDX-License-Identifier: Apache-2.0
 *
 * What members of a ledger's group say to each other: JSON bodies of all kinds, our binary batches, entries as on
 * disk, and dLegerPeers.
 */
#include "libdledger/base64.h"
#include "libdledger/message.h"
#include "libdledger/peers.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_MAX ((size_t)16 << 20)
#define BUF_MAX ((size_t)16 << 20)

/* What was read is written, and what is written reads and writes as itself. */
static void messages(struct span input, enum dl_kind kind, struct arena *arena) {
  struct dl_message m, again;
  struct buf first, second;
  const char *why = NULL;
  enum status status = dl_message_read(&m, kind, input, arena, &why);
  if (status != STATUS_OK) {
    MUST(why != NULL && why[0] != '\0');
    return;
  }
  buf_init(&first, BUF_MAX);
  buf_init(&second, BUF_MAX);
  bool null_enum = m.push_type == DL_PUSH_NULL || m.vote_result == DL_VOTE_NULL; /* left out, so it reads as default */
  dl_message_write(&first, &m);
  if (!first.failed && !null_enum && dl_message_read(&again, kind, buf_span(&first), arena, &why) == STATUS_OK) {
    dl_message_write(&second, &again);
    MUST(second.failed || span_equal(buf_span(&first), buf_span(&second)));
  }
  buf_fini(&first);
  buf_fini(&second);
}

static void batches(struct span input) {
  struct dl_batch b;
  struct dl_batch_reply reply;
  struct buf out;
  const char *why = NULL;
  buf_init(&out, BUF_MAX);
  if (dl_batch_read(&b, input, &why) == STATUS_OK) {
    struct span rest = b.entries;
    struct entry e;
    uint32_t count = 0;
    while (dl_batch_next(&rest, &e)) {
      MUST(e.index == b.prev_index + 1 + (int64_t)count++);
      (void)entry_is_sound(&e, b.prev_chain_crc);
    }
    MUST(count == b.count && rest.len == 0);
    dl_batch_write_header(&out, &b);
    buf_put(&out, b.entries);
    MUST(span_equal(buf_span(&out), input));
  } else {
    MUST(why != NULL && why[0] != '\0');
  }
  buf_clear(&out);
  if (dl_batch_reply_read(&reply, input, &why) == STATUS_OK) {
    dl_batch_reply_write(&out, &reply);
    MUST(span_equal(buf_span(&out), input));
  }
  buf_fini(&out);
}

static void entries(struct span input) {
  struct entry e;
  uint8_t header[ENTRY_HEADER];
  if (entry_decode(input, &e) != STATUS_OK) return;
  MUST(e.body.len + ENTRY_HEADER == (size_t)e.size && (size_t)e.size <= input.len);
  entry_encode_header(header, &e);
  MUST(memcmp(header, input.ptr, sizeof header) == 0);
}

static void texts(struct span input, struct arena *arena) {
  struct peers p;
  struct buf why;
  size_t len;
  buf_init(&why, BUF_MAX);
  if (peers_parse(&p, input, SPAN_LITERAL("n0"), &why) == STATUS_OK)
    MUST(p.count > 0 && p.count <= PEERS_MAX && p.self < p.count);
  else MUST(why.len > 0);
  buf_fini(&why);
  uint8_t *bytes = arena_alloc(arena, base64_bytes_max(input));
  if (bytes != NULL && base64_decode(input, bytes, &len)) MUST(len <= base64_bytes_max(input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct span input = span_of(data, size);
  struct arena arena;
  arena_init(&arena, ARENA_MAX);
  for (int kind = 0; kind < DL_KIND_COUNT; kind++) {
    messages(input, (enum dl_kind)kind, &arena);
    arena_reset(&arena);
  }
  batches(input);
  entries(input);
  texts(input, &arena);
  arena_fini(&arena);
  return 0;
}
