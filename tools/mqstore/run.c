/* SPDX-License-Identifier: Apache-2.0
 *
 * argv in, a command out.
 */
#include "tools/mqstore/tool.h"

#include <getopt.h>

#define DELAY_LEVELS_DEFAULT "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h"

struct command {
  const char *name, *arguments;
  int argument_count;
  command_run run;
  const char *help;
};

static const struct command commands[] = {
    {"info", "DIR", 1, command_info, "files, counts, offsets, times, queues, index, checkpoint, configuration"},
    {"messages", "DIR", 1, command_messages, "records in the order of the log"},
    {"queue", "DIR TOPIC ID", 3, command_queue, "units of a queue with their records"},
    {"index", "DIR TOPIC KEY", 3, command_index, "what a query by key finds; exit 1 if nothing"},
    {"verify", "DIR", 1, command_verify, "every rule between log, queues, index and the rest; exit 1 if one is broken"},
    {"rebuild", "DIR --yes", 1, command_rebuild,
     "make queues and index anew from the log; the old ones move to DIR/rebuild-TIME"},
    {"repair", "DIR", 1, command_repair,
     "damage in the middle of the log: what is lost, and with --skip or --cut and --yes the repair"},
    {"compare", "DIR1 DIR2", 2, command_compare, "are the logs the same bytes where both have them? exit 1 if not"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const char help_options[] =
    "\noptions\n"
    "  --json               one JSON object a line\n"
    "  --commitlog PATH     storePathCommitLog, if it is not DIR/commitlog (compare: of DIR1)\n"
    "  --topic T --queue N  messages: only these\n"
    "  --from N             messages, compare: from this log offset; queue: from this queue offset\n"
    "  --to N               messages, compare: up to this log offset (exclusive)\n"
    "  --count N            messages, queue: at most so many\n"
    "  --body               messages, queue, index: with the body\n"
    "  --begin MS --end MS  index: store times, milliseconds since 1970\n"
    "  --max N              index: at most so many, 64 if not given\n"
    "  --limit N            verify: print at most so many problems (all are counted), 1000 if not given\n"
    "  --delay-levels TEXT  messageDelayLevel of the broker, if it is not Java's default\n"
    "  --index-slots N      maxHashSlotNum, if it cannot be told from the files\n"
    "  --index-entries N    rebuild: maxIndexNum, if there are no index files to take it from\n"
    "  --queue-file N       rebuild: mappedFileSizeConsumeQueue in bytes, if there are no queues to take it from\n"
    "  --skip               repair: take out the damaged bytes, keep what follows\n"
    "  --cut                repair: end the log where the damage begins\n"
    "  --yes                rebuild, repair: do it\n"
    "  -h, --help           this text\n"
    "\nexamples\n"
    "  mqstore info ~/store\n"
    "  mqstore messages ~/store --topic Orders --count 10 --body\n"
    "  mqstore queue ~/store Orders 3 --from 1000 --count 5\n"
    "  mqstore index ~/store Orders order-4711\n"
    "  mqstore verify ~/store && echo sound\n"
    "  mqstore compare /data/master /data/slave --to 1073741824\n"
    "  mqstore messages ~/store --json | jq -r .properties.KEYS\n"
    "\nexit status: 0 fine, 1 problems, differences or nothing found, 2 wrong usage, 3 cannot read\n";

static int print_help(FILE *out) {
  fputs("usage: mqstore COMMAND DIR [options]\n"
        "Looks into a RocketMQ 4.7.0 store directory (storePathRootDir). Only rebuild and repair change anything.\n\n",
        out);
  for (int i = 0; i < COMMANDS; i++)
    fprintf(out, "  %-8s %-13s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
  fputs(help_options, out);
  return EXIT_FINE;
}

enum {
  OPTION_JSON = 256,
  OPTION_COMMITLOG,
  OPTION_TOPIC,
  OPTION_QUEUE,
  OPTION_FROM,
  OPTION_TO,
  OPTION_COUNT,
  OPTION_BODY,
  OPTION_BEGIN,
  OPTION_END,
  OPTION_MAX,
  OPTION_LIMIT,
  OPTION_DELAYS,
  OPTION_SLOTS,
  OPTION_ENTRIES,
  OPTION_QUEUE_FILE,
  OPTION_SKIP,
  OPTION_CUT,
  OPTION_YES
};

static const struct option names[] = {{"json", no_argument, NULL, OPTION_JSON},
                                      {"commitlog", required_argument, NULL, OPTION_COMMITLOG},
                                      {"topic", required_argument, NULL, OPTION_TOPIC},
                                      {"queue", required_argument, NULL, OPTION_QUEUE},
                                      {"from", required_argument, NULL, OPTION_FROM},
                                      {"to", required_argument, NULL, OPTION_TO},
                                      {"count", required_argument, NULL, OPTION_COUNT},
                                      {"body", no_argument, NULL, OPTION_BODY},
                                      {"begin", required_argument, NULL, OPTION_BEGIN},
                                      {"end", required_argument, NULL, OPTION_END},
                                      {"max", required_argument, NULL, OPTION_MAX},
                                      {"limit", required_argument, NULL, OPTION_LIMIT},
                                      {"delay-levels", required_argument, NULL, OPTION_DELAYS},
                                      {"index-slots", required_argument, NULL, OPTION_SLOTS},
                                      {"index-entries", required_argument, NULL, OPTION_ENTRIES},
                                      {"queue-file", required_argument, NULL, OPTION_QUEUE_FILE},
                                      {"skip", no_argument, NULL, OPTION_SKIP},
                                      {"cut", no_argument, NULL, OPTION_CUT},
                                      {"yes", no_argument, NULL, OPTION_YES},
                                      {"help", no_argument, NULL, 'h'},
                                      {NULL, 0, NULL, 0}};

static int64_t *number_of_option(struct options *o, int option) {
  switch (option) {
  case OPTION_QUEUE:
    return &o->queue;
  case OPTION_FROM:
    return &o->from;
  case OPTION_TO:
    return &o->to;
  case OPTION_COUNT:
    return &o->count;
  case OPTION_BEGIN:
    return &o->begin_ms;
  case OPTION_END:
    return &o->end_ms;
  case OPTION_MAX:
    return &o->max;
  case OPTION_LIMIT:
    return &o->limit;
  case OPTION_SLOTS:
    return &o->index_slots;
  case OPTION_ENTRIES:
    return &o->index_entries;
  case OPTION_QUEUE_FILE:
    return &o->queue_file;
  default:
    return NULL;
  }
}

static bool take_option(struct tool *t, int option) {
  struct options *o = &t->o;
  int64_t *number = number_of_option(o, option);
  if (number != NULL) {
    if (span_to_i64(span_text(optarg), number) && *number >= 0) return true;
    tool_fail(t, "%s is no number", optarg);
    return false;
  }
  switch (option) {
  case OPTION_JSON:
    o->json = true;
    return true;
  case OPTION_BODY:
    o->body = true;
    return true;
  case OPTION_SKIP:
    o->skip = true;
    return true;
  case OPTION_CUT:
    o->cut = true;
    return true;
  case OPTION_YES:
    o->yes = true;
    return true;
  case OPTION_COMMITLOG:
    o->commitlog = optarg;
    return true;
  case OPTION_TOPIC:
    o->topic = optarg;
    return true;
  case OPTION_DELAYS:
    o->delay_levels = optarg;
    return true;
  default:
    return false;
  }
}

static void options_default(struct options *o) {
  enum { LIMIT_DEFAULT = 1000 };
  *o = (struct options){.queue = -1,
                        .from = -1,
                        .to = -1,
                        .count = -1,
                        .max = -1,
                        .limit = LIMIT_DEFAULT,
                        .end_ms = INT64_MAX,
                        .delay_levels = DELAY_LEVELS_DEFAULT};
}

static const struct command *command_named(const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int run(struct tool *t, int argc, char **argv) {
  int option;
  optind = 0; /* start over: this may not be the first run in this process */
  opterr = 0;
  while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
    if (option == 'h') return print_help(t->out);
    if (take_option(t, option)) continue;
    if (option == '?') tool_fail(t, "bad option %s (mqstore --help)", argv[optind - 1]);
    return EXIT_USAGE;
  }
  if (optind == argc) {
    print_help(t->err);
    return EXIT_USAGE;
  }
  const struct command *c = command_named(argv[optind]);
  if (c == NULL) {
    tool_fail(t, "no command %s (mqstore --help)", argv[optind]);
    return EXIT_USAGE;
  }
  if (argc - optind - 1 != c->argument_count) {
    tool_fail(t, "usage: mqstore %s %s [options]", c->name, c->arguments);
    return EXIT_USAGE;
  }
  int code = c->run(t, argv + optind + 1);
  if (fflush(t->out) != 0 || ferror(t->out)) return tool_fail(t, "the output cannot be written");
  return code;
}

int mqstore_run(int argc, char **argv, struct disk *disk, int64_t now_ms, FILE *out, FILE *err) {
  struct tool t = {.out = out, .err = err, .disk = disk, .now_ms = now_ms};
  options_default(&t.o);
  buf_init(&t.line, SIZE_MAX / 2);
  int code = run(&t, argc, argv);
  buf_fini(&t.line);
  return code;
}
