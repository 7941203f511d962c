/* SPDX-License-Identifier: Apache-2.0
 *
 * repair: a log that is damaged in the middle becomes one that ends at its
 * end, for us and for Java, whose recovery stops at the first thing that is no
 * record. Two ways, and the operator chooses:
 *   skip  the damaged bytes become records of transactions that were rolled
 *         back, which enter no queue and no index; all that follows stays;
 *   cut   the log ends where the damage begins.
 * What is taken out lies in DIR/repaired/TIME/ afterwards, with a report. Then
 * queues and index are made anew; the units of messages that are lost show the
 * next message of their queue, so offsets stay what they are.
 */
#ifndef MQSTORE_REPAIR_H
#define MQSTORE_REPAIR_H

#include "tools/mqstore/tool.h"

struct hole {
  int64_t from, to;
  const char *why;
  int64_t store_ms;          /* of the record before, or else behind */
  struct net_peer born_host; /* likewise; ip_len 0: none */
};

struct repair {
  struct tool *tool;
  struct storedir *store;
  const struct file_list *files; /* of the commit log */
  struct hole *holes;            /* in the arena */
  size_t count, cap;
  int64_t end;       /* of what is good */
  int64_t lost;      /* messages */
  struct buf report; /* what was said, for the file */
  const char *dir;   /* DIR/repaired/TIME */
  char why[DISK_PATH_MAX + 256]; /* what failed */
};

/* repair_log.c: the bytes are saved first. */
enum status repair_skip(struct repair *r) MUST_USE;
enum status repair_cut(struct repair *r) MUST_USE;

#endif
