/* SPDX-License-Identifier: Apache-2.0
 *
 * delays: delayed messages leave the schedule topic when they are due. Each
 * level has a queue there in which all wait equally long, so only the first of
 * each is looked at. How far each level is stands in config/delayOffset.json.
 * Agrees with org.apache.rocketmq.store.schedule.ScheduleMessageService.
 *
 * A message is put into its topic in the turn in which it is due, a bounded
 * number per turn; the level moves on when that was written, and the file
 * moves on when it is on disk: a crash may deliver twice, never not at all.
 *
 * In a DLedger group the log itself says how far each level is: each delivered
 * record has a mark (delay_record.h), and each member follows it. A leader goes
 * on from what the log says when it begins to serve, so what a majority has is
 * never delivered again, and what it has not is delivered by the next leader.
 * The file only saves reading the log from its beginning: it says up to which
 * position it knows it. (delays_group.c)
 *
 * Due times are of the wall clock of the broker that stored the message. One
 * that is further away than its level is long comes from a clock that was
 * ahead: Java delivers it at once; here it waits as long as its level says from
 * now on, and those behind it keep their distance to it.
 */
#ifndef MQBROKER_DELAY_DELAYS_H
#define MQBROKER_DELAY_DELAYS_H

#include "core/base/log.h"
#include "core/base/moment.h"
#include "core/port/disk.h"
#include "core/wire/json.h"
#include "mqbroker/store/derive.h"
#include "mqbroker/store/store.h"

#define DELAYS_FIRST_SAVE_MS 10000
#define DELAYS_WORDS_TOPIC "MQBROKER_TABLES" /* in a group's log: records of its brokers' own */

struct delay_level {
  int64_t next;     /* the first message that is not delivered; -1: there never was one. A group's: as its log says */
  int64_t told;     /* the same in the words of a leader whose log does not say it (Java's); -1: no such word */
  int64_t staged;   /* the same once what was put in this turn is written */
  int64_t snapshot; /* of next, goes to the file when the log is on disk up to delays.mark */
  int64_t saved;    /* as in the file */
  int64_t due_ms;   /* wall clock, of the first */
  int64_t retry_ms; /* monotonic: nothing is tried before */
  int64_t ahead_ms; /* so far ahead was the clock that stored those before ahead_until */
  int64_t ahead_until;
  int64_t clock_ms; /* wall - monotonic at the last look */
  bool idle;        /* all are delivered: until one arrives */
};

struct delays {
  struct delay_levels levels;
  struct delay_level at[DELAY_LEVELS_MAX + 1]; /* levels that are not configured any more are emptied, too */
  char path[DISK_PATH_MAX];
  struct log *log;
  bool running;
  bool member;        /* of a group */
  int64_t known_from; /* a member's: the file knows the log up to here; -1: it does not say */
  bool arrived, more; /* something to look at; work was left for the next turn */
  bool staged;        /* some level moves on when this turn is written */
  int64_t look_mono_ms, look_wall_ms;
  int64_t mark;    /* of the snapshot; -1: none */
  int64_t save_ms; /* monotonic */
  bool dirty;      /* some level is not as saved */
};

enum status delays_init(struct delays *d, const char *root, const char *levels, struct log *log) MUST_USE;
/* Reads the file and delivers from now on: when this broker becomes one that may put (a role change comes this way,
 * too). */
enum status delays_start(struct delays *d, struct disk *disk, struct moment now) MUST_USE;
/* Delivers no more; what it knows goes to the file with delays_save_last. */
void delays_stop(struct delays *d);

/* Instead of delays_start, in a group: reads the file, and delivers when this member leads. The log is to be heard from
 * known_from on. */
enum status delays_join(struct delays *d, struct disk *disk, struct moment now) MUST_USE;
/* The log was heard up to end: a file that did not say so does now. */
enum status delays_joined(struct delays *d, struct disk *disk, int64_t end) MUST_USE;
/* A committed record of the group's log, in its order (store_listener.noted). */
void delays_noted(struct delays *d, const struct message *m);
/* From a leader whose log does not say it: {"offsetTable":{3:1}}. */
void delays_told(struct delays *d, const struct json *table);
/* This member leads, and has heard all that was committed; says, in front of what it delivers, where it goes on, in the
 * body of a record that enters no queue. */
void delays_lead(struct delays *d);
bool delays_any(const struct delays *d);
void delays_say(const struct delays *d, struct json_writer *w);

/* A message entered a queue of the schedule topic. */
void delays_arrived(struct delays *d, int32_t queue_id);
/* Stages what is due; before the turn's store_commit. */
void delays_turn(struct delays *d, struct store *s, struct moment now);
/* After it: whether what was staged is written. */
void delays_written(struct delays *d, bool written, struct moment now);
/* The file, every interval_ms (flushDelayOffsetInterval). */
void delays_save(struct delays *d, struct store *s, struct disk *disk, int64_t interval_ms, struct moment now);
/* The whole of it, once the log is on disk: at an orderly stop. */
void delays_save_last(struct delays *d, struct disk *disk, int64_t log_end);
int64_t delays_next_ms(const struct delays *d, struct moment now);
/* {"offsetTable":{3:1}}, as in the file, or as the group's log says: what a slave may know. */
void delays_write(const struct delays *d, struct json_writer *w);

/* delays_file.c, for delays_group.c: the file into `saved` and known_from; NOT_FOUND: there is none. And from a
 * snapshot into the file. */
enum status delays_read(struct delays *d, struct disk *disk) MUST_USE;
void delays_read_table(struct delays *d, const struct json *root, const char *what, int64_t out[DELAY_LEVELS_MAX + 1]);
void delays_snapshot(struct delays *d, int64_t log_end);
enum status delays_write_file(struct delays *d, struct disk *disk) MUST_USE;
/* delays_group.c: what the file is to say of a level, and whether it is old. */
int64_t delays_known(const struct delay_level *l);
bool delays_file_is_old(const struct delays *d, int64_t log_end);

#endif
