/* SPDX-License-Identifier: Apache-2.0
 *
 * tool: what every command of mqstore works with: the options, the two ways to
 * print, and an opened store directory. Nothing here or below changes a store;
 * only rebuild.c and repair.c do.
 */
#ifndef MQSTORE_TOOL_H
#define MQSTORE_TOOL_H

#include "core/wire/json.h"
#include "tools/mqstore/keyindex.h"
#include "tools/mqstore/logbook.h"
#include "tools/mqstore/queues.h"

#include <stdio.h>

enum exit_code { EXIT_FINE = 0, EXIT_PROBLEMS = 1, EXIT_USAGE = 2, EXIT_CANNOT = 3 };

struct options {
  bool json, body, yes, skip, cut;
  const char *commitlog; /* NULL: DIR/commitlog */
  const char *topic;     /* NULL: all */
  const char *delay_levels;
  int64_t queue;                       /* -1: all */
  int64_t from, to, count, limit, max; /* -1: not given */
  int64_t begin_ms, end_ms;
  int64_t index_slots, index_entries, queue_file; /* 0: from the files */
};

struct tool {
  FILE *out, *err;
  struct disk *disk;
  struct options o;
  int64_t now_ms;
  bool locked;     /* by us: whoever asks for the lock would lose it (POSIX) */
  struct buf line; /* of JSON */
  struct json_writer w;
};

/* A command: args[0] is DIR; returns an exit_code. */
typedef int (*command_run)(struct tool *t, char **args);
int command_info(struct tool *t, char **args);
int command_messages(struct tool *t, char **args);
int command_queue(struct tool *t, char **args);
int command_index(struct tool *t, char **args);
int command_verify(struct tool *t, char **args);
int command_rebuild(struct tool *t, char **args);
int command_repair(struct tool *t, char **args);
int command_compare(struct tool *t, char **args);

/* The whole program but for its world. now_ms names what rebuild moves aside. */
int mqstore_run(int argc, char **argv, struct disk *disk, int64_t now_ms, FILE *out, FILE *err);

/* "mqstore: ..." on err; returns EXIT_CANNOT. */
int tool_fail(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line of JSON: begin, write with t->w, end. */
void tool_json_begin(struct tool *t);
void tool_json_end(struct tool *t);
void json_field_int(struct json_writer *w, const char *name, int64_t v);
void json_field_text(struct json_writer *w, const char *name, const char *text);
void json_field_span(struct json_writer *w, const char *name, struct span text);
void json_field_bool(struct json_writer *w, const char *name, bool v);

#define TIME_TEXT_MAX 40
/* "2024-05-06T07:08:09.123Z" */
const char *time_text(int64_t ms, char out[TIME_TEXT_MAX]);

struct checkpoint_times {
  bool exists;
  int64_t length;
  int64_t physic_ms, logics_ms, index_ms;
};

struct ledger_facts { /* dledger-ID/ beside data and index */
  const char *name;   /* "dledger-n0"; NULL: there is none */
  struct file_list index;
  bool has_term, has_checkpoint;
  int64_t term, committed_index, end_index;
  int64_t synced_index; /* of our checkpoint; -1: Java's */
  bool has_repair;      /* libdledger/ledger.h: damaged_index */
  int64_t damaged_index;
  struct span vote;
};

struct storedir {
  struct tool *tool;
  struct disk *disk;
  const char *root;
  struct arena arena;
  struct file_cache cache;
  struct logbook log;
  struct queue_tree queues;
  struct key_index index;
  struct checkpoint_times checkpoint;
  struct ledger_facts ledger;
  bool abort_exists;
  bool running; /* somebody holds the lock */
};

/* Says on err what is wrong. storedir_fini always. */
int storedir_open(struct storedir *s, struct tool *t, const char *root);
/* Only the log. */
int storedir_open_log(struct storedir *s, struct tool *t, const char *root);
void storedir_fini(struct storedir *s);
/* ROOT/name, in the arena; NULL when out of memory. */
const char *storedir_path(struct storedir *s, const char *name);
/* ROOT/prefixYYYYMMDDhhmmss by the tool's clock, likewise: where what is taken out goes. The prefix is a short one. */
const char *storedir_dated(struct storedir *s, const char *prefix);
/* Some file could not be opened: says so and returns EXIT_CANNOT; else `code`. */
int storedir_trouble(struct storedir *s, int code);

/* lock.c: does a process hold the store's lock (fcntl on byte 0)? */
bool store_lock_is_held(const char *path);

/* show.c: a message and its parts. */
void show_record(struct tool *t, const struct log_item *item);
void show_unit(struct tool *t, struct storedir *s, const struct store_queue *q, int64_t number);
void show_hex(struct buf *out, struct span bytes);
/* Other bytes than printable ASCII and UTF-8 as \xNN. */
void show_text(FILE *out, struct span text);

/* config.c: the JSON files of config/. */
#define CONFIG_FILES 5
extern const char *const config_names[CONFIG_FILES];
enum config_state { CONFIG_MISSING, CONFIG_GOOD, CONFIG_EMPTY, CONFIG_BAD, CONFIG_FROM_BACKUP };
struct config_file {
  const char *name;
  enum config_state state;
  int64_t length;
  const struct json *tree; /* GOOD or FROM_BACKUP */
  const char *why;         /* BAD, FROM_BACKUP: what is wrong with the main file */
  size_t at;
};
enum status config_load(struct storedir *s, const char *name, struct config_file *out) MUST_USE;
/* Number of things in it: topics, groups, offsets... */
int64_t config_count(const struct config_file *c, const char **what);
/* Each offset of consumerOffset.json; topic and group are what stands before and behind the '@' of a key. */
typedef void (*each_offset)(void *context, struct span topic, struct span group, int32_t queue_id, int64_t offset);
void config_offsets(const struct config_file *c, each_offset each, void *context);

/* tags.c: what the unit of a record must hold (ScheduleMessageService, MessageExtBrokerInner.tagsString2tagsCode). */
#define DELAY_LEVELS_MAX 64
struct delays {
  int count;
  int64_t ms[DELAY_LEVELS_MAX + 1];
};
bool delays_parse(const char *text, struct delays *out);
bool record_enters_queue(const struct message *m);
int64_t record_tags_code(const struct delays *d, const struct message *m);

#endif
