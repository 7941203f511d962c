/* SPDX-License-Identifier: Apache-2.0
 *
 * verify: one walk over the log, at every record of which its unit and its
 * index entries are looked at; then what is left over in queues and index, and
 * the small files.
 *
 * A problem is a broken rule. A note is worth knowing but no damage: what a
 * recovery will put right (the broker was not stopped cleanly), what Java does
 * by design, what somebody deleted.
 */
#ifndef MQSTORE_VERIFY_H
#define MQSTORE_VERIFY_H

#include "tools/mqstore/tool.h"

#define CLOCK_SLACK_MS 3000 /* the margin Java itself leaves a checkpoint */

enum severity { PROBLEM, NOTE };

struct index_walk {
  size_t file;
  int64_t number; /* next entry */
  int32_t *heads; /* of the file: newest entry seen of each slot */
  int64_t heads_cap, slots_used;
  int64_t gap_count, gap_first, gap_last; /* a run of records that are not in the index */
  bool any;
};

struct verify {
  struct tool *tool;
  struct storedir *store;
  struct delays delays;
  int64_t problems, notes, printed;
  bool open_end; /* not stopped cleanly: what recovery will do is no problem */
  /* the log */
  int64_t records, log_first, log_end, replay_from;
  int64_t max_ms, last_ms, back_count, back_first, back_most_ms; /* store times that go back */
  int64_t torn_offset; /* record whose body does not fit its CRC, if nothing follows it; -1 */
  int64_t torn_ms;
  const struct log_source *torn_source;
  int64_t last_index, last_term;
  int32_t last_chain; /* its chainCrc */
  bool ledger_any;
  /* the rest */
  struct index_walk index;
  struct config_file topics;
};

void verify_report(struct verify *v, enum severity severity, const char *file, int64_t position, const char *format,
                   ...) __attribute__((format(printf, 5, 6)));
/* position: in the file list; told with the file and the place in it. */
void verify_report_at(struct verify *v, enum severity severity, const struct file_list *list, int64_t position,
                      const char *format, ...) __attribute__((format(printf, 5, 6)));

/* verify_log.c */
void verify_files(struct verify *v, const struct file_list *list, int64_t unit);
void verify_log(struct verify *v);
/* verify_entry.c */
void verify_entry(struct verify *v, const struct log_item *item);
/* verify_queues.c */
void verify_queue_record(struct verify *v, const struct log_item *item, bool required);
void verify_queues_end(struct verify *v);
/* verify_index.c */
void verify_index_start(struct verify *v);
void verify_index_record(struct verify *v, const struct log_item *item, bool required);
void verify_index_end(struct verify *v);
/* verify_rest.c */
void verify_checkpoint(struct verify *v);
void verify_config(struct verify *v);
void verify_ledger(struct verify *v);
/* A topic that topics.json does not know: deleted, its records are nobody's. */
bool topic_is_gone(const struct verify *v, struct span topic);

#endif
