/* SPDX-License-Identifier: Apache-2.0
 *
 * keyindex: the key index (org.apache.rocketmq.store.index.IndexFile): files of
 * hash slots and entries, chained newest first. The numbers of slots and
 * entries are configuration and stand nowhere in a file; they are worked out
 * from its length and checked against its entries.
 */
#ifndef MQSTORE_KEYINDEX_H
#define MQSTORE_KEYINDEX_H

#include "core/wire/message.h"
#include "tools/mqstore/files.h"

#define INDEX_HEADER 40
#define INDEX_SLOT_BYTES 4
#define INDEX_ENTRY_BYTES 20
#define INDEX_SLOTS_DEFAULT 5000000
#define INDEX_ENTRIES_DEFAULT 20000000
#define INDEX_NAME_DIGITS 17
#define INDEX_FOUND_MAX 64 /* maxMsgsNumBatch */
#define RECORD_KEYS_MAX 1024

struct index_header {
  int64_t begin_ms, end_ms, begin_offset, end_offset;
  int32_t slot_count, count; /* count: number of the next entry, at least 1 */
};

struct index_entry {
  int32_t hash;
  int64_t offset;
  int32_t seconds; /* since begin_ms */
  int32_t previous;
};

struct index_file {
  struct span name;
  const char *path; /* below the store directory */
  int64_t length;
  struct disk_file *open;
  const uint8_t *view;
  struct index_header header;
  int64_t slots, capacity; /* 0: not worked out */
};

struct key_index {
  struct disk *disk;
  struct index_file *files; /* oldest first */
  size_t count;
  struct span *strangers;
  size_t stranger_count;
  bool exists;
};

/* slots: 0 to work it out. */
enum status key_index_load(struct key_index *x, struct disk *disk, struct arena *arena, const char *root,
                           int64_t slots) MUST_USE;
void key_index_fini(struct key_index *x);
/* numbers from 1 to header.count - 1; the caller keeps to them. */
struct index_entry index_entry_at(const struct index_file *f, int64_t number);
int32_t index_slot_at(const struct index_file *f, int64_t slot);
static inline int64_t index_entry_position(const struct index_file *f, int64_t number) {
  return INDEX_HEADER + INDEX_SLOT_BYTES * f->slots + INDEX_ENTRY_BYTES * number;
}
/* Entries that can be read: header.count, cut to what the file holds. */
int64_t index_count(const struct index_file *f);

/* IndexFile.indexKeyHashMethod of topic#key. */
int32_t index_hash(struct span topic, struct span key);
/* IndexService.queryOffset: offsets of all entries of that hash within the times, newest first. */
size_t key_index_find(const struct key_index *x, struct span topic, struct span key, int64_t begin_ms, int64_t end_ms,
                      size_t max, int64_t *offsets);

/* IndexService.buildIndex: the keys of a record in the order they are put; out has room for RECORD_KEYS_MAX. */
size_t record_keys(const struct message *m, struct span *out);

#endif
