/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry of a ledger: its place among the others, its index unit, and the checksums of members that write them.
 */
#include "libdledger/entry.h"
#include "tools/mqstore/verify.h"

#include <inttypes.h>

/* DLedgerMmapFileStore.recover's rules, and what Raft promises of indexes and terms. */
static void check_order(struct verify *v, const struct log_item *item) {
  const struct ledger_entry *e = &item->entry;
  const struct file_list *files = &item->source->files;
  if (e->pos != item->offset)
    verify_report_at(v, PROBLEM, files, item->offset, "entry %" PRId64 " at %" PRId64 " says it is at %" PRId64,
                     e->index, item->offset, e->pos);
  if (v->ledger_any && e->index != v->last_index + 1)
    verify_report_at(v, PROBLEM, files, item->offset, "entry %" PRId64 " follows entry %" PRId64, e->index,
                     v->last_index);
  if (v->ledger_any && e->term < v->last_term)
    verify_report_at(v, PROBLEM, files, item->offset, "entry %" PRId64 " of term %" PRId64 " follows term %" PRId64,
                     e->index, e->term, v->last_term);
}

static void check_unit(struct verify *v, const struct log_item *item) {
  const struct ledger_entry *e = &item->entry;
  struct span unit = file_list_at(&v->store->ledger.index, e->index * 32);
  bool same = unit.ptr != NULL && unit.len >= 32 && get_i32(unit.ptr) == ENTRY_MAGIC &&
              get_i64(unit.ptr + 4) == item->offset && get_i32(unit.ptr + 12) == e->size &&
              get_i64(unit.ptr + 16) == e->index && get_i64(unit.ptr + 24) == e->term;
  if (!same)
    verify_report_at(v, v->open_end ? NOTE : PROBLEM, &v->store->ledger.index, e->index * 32,
                     "the index unit of entry %" PRId64 " does not agree with the entry at %" PRId64, e->index,
                     item->offset);
}

/* Java writes none: 0. The first entry there is has none before it that its chain could be followed from. */
static void check_sums(struct verify *v, const struct log_item *item) {
  const struct file_list *files = &item->source->files;
  struct entry e;
  if (entry_decode(file_list_at(files, item->offset), &e) != STATUS_OK) return;
  if (e.body_crc != 0 && e.body_crc != entry_body_crc(e.body))
    verify_report_at(v, PROBLEM, files, item->offset, "entry %" PRId64 ": the body does not have its checksum",
                     e.index);
  int32_t previous = v->ledger_any ? v->last_chain : e.index == 0 ? 0 : -1;
  bool follows = !v->ledger_any || e.index == v->last_index + 1;
  if (e.chain_crc != 0 && previous >= 0 && follows && e.chain_crc != entry_chain_crc(&e, previous))
    verify_report_at(v, PROBLEM, files, item->offset,
                     "entry %" PRId64 ": the header does not have its checksum, or another entry stood before it",
                     e.index);
  v->last_chain = e.chain_crc;
}

void verify_entry(struct verify *v, const struct log_item *item) {
  check_order(v, item);
  check_unit(v, item);
  check_sums(v, item);
  v->ledger_any = true;
  v->last_index = item->entry.index;
  v->last_term = item->entry.term;
}
