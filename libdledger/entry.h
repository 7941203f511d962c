/* SPDX-License-Identifier: Apache-2.0
 *
 * entry: one entry of a ledger as it lies on disk
 * (io.openmessaging.storage.dledger.entry.{DLedgerEntry,DLedgerEntryCoder}):
 *
 *    0 i32 magic 1        24 i64 pos (of this entry)    40 i32 bodyCrc
 *    4 i32 size           32 i32 channel 0              44 i32 body length
 *    8 i64 index          36 i32 chainCrc               48 body
 *   16 i64 term
 *
 * A data file ends with a filler: i32 -1, i32 bytes left, zeros.
 *
 * Checksums. DLedger 0.1 has the fields, always writes 0 and never looks at them: it stores and passes on what the
 * leader put there, also in JSON, and leaves them out when it compares. So entries made here carry
 *   bodyCrc   CRC-32 of the body, 31 bits as UtilAll.crc32, never 0
 *   chainCrc  the same over the header with the *previous* entry's chainCrc in the place of its own
 * and 0 means that there is none. The chain makes a header damaged on disk visible, and a stale entry that
 * happens to stand where the next one would (Java leaves truncated bytes in place: W11), and two logs that
 * differ anywhere before.
 */
#ifndef LIBDLEDGER_ENTRY_H
#define LIBDLEDGER_ENTRY_H

#include "core/base/bytes.h"
#include "core/base/span.h"
#include "core/base/status.h"

#define ENTRY_HEADER 48          /* DLedgerEntry.BODY_OFFSET */
#define ENTRY_SIZE_MAX (4 << 20) /* header and body: DLedgerMmapFileStore's thread buffer */
#define ENTRY_BODY_MAX (ENTRY_SIZE_MAX - ENTRY_HEADER)
#define ENTRY_MAGIC 1
#define FILLER_MAGIC (-1)
#define FILLER_SIZE_MIN 8 /* MmapFileList.MIN_BLANK_LEN */

struct entry {
  int32_t magic, size;
  int64_t index, term, pos;
  int32_t channel, chain_crc, body_crc;
  struct span body; /* borrowed */
};

/* Header and body at the front of input. NOT_FOUND: a filler (size says how long). AGAIN: more input is needed.
 * INVALID: no entry. Lengths are checked, checksums not. */
enum status entry_decode(struct span input, struct entry *out) MUST_USE;
void entry_encode_header(uint8_t out[ENTRY_HEADER], const struct entry *e);
int32_t entry_body_crc(struct span body);
/* chainCrc of an entry behind one with `previous`. */
int32_t entry_chain_crc(const struct entry *e, int32_t previous);
/* The checksums that are there are right. previous: chainCrc of the entry before, -1: unknown. */
bool entry_is_sound(const struct entry *e, int32_t previous);
/* What DLedgerEntry.equals compares: all but the checksums. */
bool entry_equal(const struct entry *a, const struct entry *b);

#endif
