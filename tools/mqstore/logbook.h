/* SPDX-License-Identifier: Apache-2.0
 *
 * logbook: the message log of a store directory, read record by record: the
 * files of commitlog/ (org.apache.rocketmq.store.CommitLog), then those of
 * dledger-*\/data (io.openmessaging.storage.dledger.store.file), which carry
 * messages inside entries. Damage does not end the walk: the next whole record
 * that stands where it says it stands is looked for.
 */
#ifndef MQSTORE_LOGBOOK_H
#define MQSTORE_LOGBOOK_H

#include "core/wire/message.h"
#include "tools/mqstore/files.h"

#define ENTRY_HEADER 48 /* DLedgerEntry.BODY_OFFSET */
#define ENTRY_MAGIC 1
#define ENTRY_INDEX_MAX ((int64_t)1 << 48) /* no ledger gets there: a greater index is damage */
#define ENTRY_FILLER_MAGIC (-1)

struct log_source {
  struct file_list files;
  bool dledger;
};

struct logbook {
  struct log_source sources[2]; /* commit log, then DLedger */
};

struct ledger_entry {
  int32_t magic, size, channel, chain_crc, body_crc;
  int64_t index, term, pos;
};

enum log_kind {
  LOG_RECORD, /* a message */
  LOG_ENTRY,  /* a DLedger entry that holds no message */
  LOG_FILLER, /* nothing more in this file */
  LOG_DAMAGE, /* [offset, offset + size) is no record; a good one follows */
  LOG_END     /* of a source */
};

struct log_item {
  enum log_kind kind;
  const struct log_source *source;
  int64_t offset, size;          /* what it takes: record, entry, rest of the file, hole */
  const char *why;               /* LOG_DAMAGE, LOG_END: what stands there; static */
  int64_t size_field;            /* LOG_FILLER: its own word; LOG_DAMAGE: the record's, 0 if none */
  struct message message;        /* LOG_RECORD */
  struct span record;            /* LOG_RECORD: as stored; LOG_ENTRY: the body */
  int64_t record_offset;         /* of record */
  struct ledger_entry entry;     /* of a DLedger source */
  int64_t dirty_end;             /* LOG_END: behind the last byte that is not zero; offset: all are zero */
  int64_t stale_at, stale_count; /* LOG_END: whole records behind the end that are older than it */
};

struct log_cursor {
  const struct logbook *log;
  size_t source;
  int64_t at;
  bool started; /* `at` counts */
  bool any;     /* the three below count */
  int64_t last_ms, last_index, last_term;
};

/* From the oldest record, or, with log_seek, from the file that holds an offset. */
void log_open(struct log_cursor *c, const struct logbook *log);
void log_seek(struct log_cursor *c, const struct logbook *log, int64_t offset);
/* False behind the LOG_END of the last source. Spans are valid until the next call. */
bool log_next(struct log_cursor *c, struct log_item *out);
/* The record that starts at this physical offset (in a DLedger log: of the message). */
bool log_record_at(const struct logbook *log, int64_t offset, struct log_item *out);
/* Smallest offset there is; 0 when empty. */
int64_t log_min(const struct logbook *log);
bool log_empty(const struct logbook *log);

/* What is at *at: OK, NOT_FOUND (filler), or another status with out->why. */
enum status log_item_read(const struct log_source *source, int64_t at, struct log_item *out) MUST_USE;
/* logscan.c: the next record behind a place that holds none. False: there is none; dirty_end and stale_* of out are
 * set. */
bool log_scan(const struct log_cursor *c, const struct log_source *source, int64_t at, struct log_item *out,
              int64_t *next);

#endif
