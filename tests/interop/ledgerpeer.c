/* SPDX-License-Identifier: Apache-2.0
 *
 * Our side of ledger.sh: opens a ledger directory, reads all entries, appends
 * some, and ends as told. Byte k of entry i is i + k.
 *   ledgerpeer DIR APPEND close|halt     DIR: .../dledger-n0
 *   ledgerpeer DIR copy OTHER            a follower: OTHER gets DIR's entries
 */
#include "host/uv/loop.h"
#include "libdledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATA_LENGTH = 2048, INDEX_LENGTH = 512, RUN_BYTES = 4096, CUT_ENTRIES = 3 };

static _Noreturn void fail(const char *what, enum status status) {
  fprintf(stderr, "ledgerpeer: %s: %s\n", what, status_text(status));
  exit(1);
}

static struct ledger *open_ledger(struct uv_host *host, const char *dir) {
  struct ledger_options options = {.dir = dir, .data_file_length = DATA_LENGTH, .index_file_length = INDEX_LENGTH};
  struct moment now = {1, 1};
  struct ledger *l;
  struct buf why;
  buf_init(&why, 4096);
  enum status status = ledger_open(&l, &options, uv_host_disk(host), NULL, now, &why);
  if (status != STATUS_OK) {
    fprintf(stderr, "%.*s\n", SPAN_ARG(buf_span(&why)));
    fail(dir, status);
  }
  buf_fini(&why);
  return l;
}

static int64_t check(struct ledger *l) {
  const struct ledger_marks *m = ledger_marks(l);
  int64_t checksums = 0;
  for (int64_t i = m->begin_index; i >= 0 && i <= m->end_index; i++) {
    struct entry e;
    enum status status = ledger_get_checked(l, i, &e);
    for (size_t k = 0; status == STATUS_OK && k < e.body.len; k++)
      if (e.body.ptr[k] != (uint8_t)(i + (int64_t)k)) status = STATUS_CORRUPT;
    if (status != STATUS_OK) fail("an entry is not what was written", status);
    checksums += e.chain_crc != 0 && e.body_crc != 0;
  }
  return checksums;
}

/* Some more than wanted, which go again: what Java finds behind the end is zero. */
static void append(struct ledger *l, int count, int64_t term) {
  for (int i = 0; i < count + CUT_ENTRIES; i++) {
    int64_t index, pos;
    uint8_t *body;
    size_t length = (size_t)(i * 53 % 600);
    enum status status = ledger_stage(l, length, term, &index, &pos, &body);
    if (status != STATUS_OK) fail("stage", status);
    for (size_t k = 0; k < length; k++) body[k] = (uint8_t)(index + (int64_t)k);
    status = ledger_commit(l);
    if (status != STATUS_OK) fail("commit", status);
  }
  enum status status = ledger_truncate(l, ledger_marks(l)->end_index - CUT_ENTRIES + 1);
  if (status != STATUS_OK) fail("truncate", status);
}

static void copy(struct ledger *from, struct ledger *to) {
  int64_t index = ledger_marks(to)->end_index + 1;
  while (index <= ledger_marks(from)->end_index) {
    struct span run;
    size_t count;
    enum status status = ledger_run(from, index, RUN_BYTES, &run, &count);
    for (; status == STATUS_OK && count > 0; count--, index++) {
      struct entry e;
      const char *why;
      status = entry_decode(run, &e);
      if (status == STATUS_OK) status = ledger_append(to, &e, &why);
      run = span_from(run, (size_t)e.size);
    }
    if (status == STATUS_OK) status = ledger_commit(to);
    if (status != STATUS_OK) fail("copy", status);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: ledgerpeer DIR APPEND close|halt | ledgerpeer DIR copy OTHER\n", stderr);
    return 2;
  }
  struct uv_host *host = uv_host_new(NULL, NULL);
  if (host == NULL) return 1;
  struct ledger *l = open_ledger(host, argv[1]);
  const struct ledger_marks *m = ledger_marks(l);
  int64_t found = m->end_index, checksums = check(l);
  enum status status = STATUS_OK;
  if (strcmp(argv[2], "copy") == 0) {
    struct ledger *other = open_ledger(host, argv[3]);
    copy(l, other);
    status = ledger_close(other);
  } else if (atoi(argv[2]) > 0) {
    append(l, atoi(argv[2]), m->term + 1);
    status = ledger_set_term(l, m->term + 1, SPAN_LITERAL("n0"));
    ledger_set_committed(l, m->end_index);
  }
  if (status != STATUS_OK) fail("end", status);
  printf("found %" PRId64 " checksums %" PRId64 " end %" PRId64 " term %" PRId64 "\n", found, checksums, m->end_index,
         m->term);
  fflush(stdout);
  if (strcmp(argv[3], "halt") == 0) _exit(0);
  status = ledger_close(l);
  if (status != STATUS_OK) fail("close", status);
  uv_host_free(host);
  return 0;
}
