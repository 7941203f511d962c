/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void log_line(struct log *log, enum log_level level, const char *format, ...) {
  if (log == NULL || log->write == NULL || level < log->level) return;
  char line[LOG_LINE_MAX];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (n < 0) return;
  if ((size_t)n >= sizeof line) memcpy(line + sizeof line - 4, "...", 4);
  /* One event, one line: what peers send must not forge log lines. */
  for (char *p = line; *p != '\0'; p++)
    if ((unsigned char)*p < ' ') *p = ' ';
  log->write(log, level, line);
}

bool log_quota_take(struct log_quota *quota, struct log *log, struct moment now) {
  if (quota->written == 0 || now.mono_ms - quota->since_ms >= 1000) {
    if (quota->muted > 0) log_warn(log, "%zu more lines like the next one were not written", quota->muted);
    *quota = (struct log_quota){.since_ms = now.mono_ms};
  }
  if (quota->written < LOG_QUOTA_LINES) {
    quota->written++;
    return true;
  }
  quota->muted++;
  return false;
}
