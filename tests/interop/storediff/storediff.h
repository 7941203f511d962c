/* SPDX-License-Identifier: Apache-2.0
 *
 * storediff: compares two store directories that the same requests made, one
 * in a Java broker and one in ours, field by field. Whatever is not equal is a
 * difference and a failure, unless it is in the list of excuses: each of them
 * has a reason, and is counted.
 */
#ifndef TESTS_INTEROP_STOREDIFF_H
#define TESTS_INTEROP_STOREDIFF_H

#include "core/base/span.h"

#include <limits.h>

/* What may differ, and why. X(name, reason) */
#define EXCUSES(X)                                                                                 \
  X(STORE_TIME, "store timestamp: each broker stamps with its own clock")                          \
  X(BORN_TIME, "born timestamp: the Java client stamps with its clock")                            \
  X(BORN_PORT, "born port: the system gives a client's connection any free port")                  \
  X(UNIQ_KEY, "UNIQ_KEY: the Java client makes it from its process id and clock")                  \
  X(FILLER, "filler behind its 8 bytes: Java leaves there what its scratch buffer holds")          \
  X(VERSION_TIME, "dataVersion.timestamp: clock of the last change")                               \
  X(MEMBER_ORDER, "order of JSON members: Java writes in the order of its hash tables")            \
  X(BACKUP, "*.bak: the last version but one, depends on when the file was saved")                 \
  X(MARKS, "marks: ours only, the end of a log that was closed cleanly; Java does not look at it") \
  X(FLUSHED, "flushed: ours only, how far the log is durable; Java does not look at it")           \
  X(DELAYS, "delayOffset.json: Java saves it every 10 s; delayed messages are not compared")       \
  X(FILTERS, "consumerFilter.json: Java saves it every 10 s; SQL92 filters are not compared")      \
  X(HALF_TOPIC, "RMQ_SYS_TRANS_HALF_TOPIC: Java creates it in its first check of transactions")    \
  X(CHECK_GROUP, "CID_RMQ_SYS_TRANS: Java's check of transactions has run")                        \
  X(RETRY_OFFSET, "offset 0 in an empty retry topic: a client saves it if it came to pull there")  \
  X(INDEX_NAME, "name of an index file: the clock when it was made")                               \
  X(INDEX_TIME, "times in an index file: from the store timestamps")                               \
  X(INDEX_HASH, "hash of an index entry: of a UNIQ_KEY that differs")

enum excuse {
#define X(name, reason) EXCUSE_##name,
  EXCUSES(X)
#undef X
      EXCUSE_COUNT
};

#define TOPICS_MAX 16

struct diff {
  const char *java, *ours; /* the two directories */
  size_t hash_slots;
  /* Topics that a real client wrote to: it chose the times, ports and ids. */
  const char *client_topics[TOPICS_MAX];
  size_t client_topic_count;
  unsigned long excused[EXCUSE_COUNT];
  unsigned long differences;
  unsigned long records, fillers, units, files, index_entries, json_values;
  bool java_has_half_topic;          /* of the topics.json that is compared */
  int64_t client_from;               /* physical offset of the first record in a client's topic, -1: none */
  int64_t index_offset;              /* physical offset in the last index entry */
  int64_t java_last_ms, our_last_ms; /* store time of the last record */
};

/* One file of a store, both sides. */
struct pair {
  const char *name; /* below the roots */
  struct span java, ours;
};

/* Prints "DIFF ...", the first ones. */
void differs(struct diff *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* differs() for one number. */
void differs_number(struct diff *d, const char *where, const char *field, int64_t java, int64_t ours);
void excuse(struct diff *d, enum excuse why);

/* diff_log.c: one commit log file; files come in their order. */
void diff_log_file(struct diff *d, const struct pair *p);
/* diff_files.c */
void diff_queue_file(struct diff *d, const struct pair *p);
void diff_checkpoint(struct diff *d, const struct pair *p);
void diff_index_file(struct diff *d, const struct pair *p);
void diff_same_bytes(struct diff *d, const struct pair *p);
/* diff_json.c */
void diff_json_file(struct diff *d, const struct pair *p);

#endif
