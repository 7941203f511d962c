/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/alone.h"

#include <stdio.h>
#include <stdlib.h>

void alone_connection(struct node *node, const struct net_event *event, struct moment now) {
  (void)node, (void)event, (void)now;
}

size_t alone_bytes(struct node *node, conn_id conn, struct span input, struct moment now) {
  (void)node, (void)conn, (void)now;
  return input.len;
}

static void print_line(struct log *log, enum log_level level, const char *line) {
  (void)log;
  printf("    [%d] %s\n", (int)level, line);
}

struct log alone_log(void) {
  return (struct log){getenv("RIG_LOG") != NULL ? LOG_DEBUG : LOG_ERROR + 1, print_line, NULL};
}
