/* SPDX-License-Identifier: Apache-2.0
 *
 * log: where a room says what a person should know. The sink belongs to the
 * host (a file, stderr, a simulator's trace); rooms never open anything.
 */
#ifndef MQ_BASE_LOG_H
#define MQ_BASE_LOG_H

#include "core/base/moment.h"

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
  enum log_level level; /* lines below it are dropped before formatting */
  /* line: without newline, borrowed. */
  void (*write)(struct log *log, enum log_level level, const char *line);
  void *context;
};

/* Longest line in bytes; the rest is cut and marked with "...". */
#define LOG_LINE_MAX 2048

/* log may be NULL: then nothing happens. */
void log_line(struct log *log, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define log_debug(log, ...) log_line(log, LOG_DEBUG, __VA_ARGS__)
#define log_info(log, ...) log_line(log, LOG_INFO, __VA_ARGS__)
#define log_warn(log, ...) log_line(log, LOG_WARN, __VA_ARGS__)
#define log_error(log, ...) log_line(log, LOG_ERROR, __VA_ARGS__)

/* What strangers can provoke as often as they like is written at most LOG_QUOTA_LINES times a second, so that nobody
 * fills the disk with our complaints. Zeroed before first use. */
#define LOG_QUOTA_LINES 10
struct log_quota {
  int64_t since_ms; /* monotonic: start of the second that is counted */
  size_t written, muted;
};
/* True if a line may be written now. The first line after a silence is preceded by how many there would have been. */
bool log_quota_take(struct log_quota *quota, struct log *log, struct moment now);

#endif
