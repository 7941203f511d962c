/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/log_uv.h"
#include "core/base/span.h"
#include "host/uv/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_HEAD_MAX 64

struct log_file {
  struct log log;
  uv_mutex_t lock;
  char *path;
  int fd;
  int64_t length, max_bytes;
  int kept;
};

static size_t head_text(char out[LOG_HEAD_MAX], enum log_level level) {
  static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
  struct timespec ts;
  struct tm tm;
  clock_gettime(CLOCK_REALTIME, &ts);
  gmtime_r(&ts.tv_sec, &tm);
  size_t n = strftime(out, LOG_HEAD_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
  return n + (size_t)snprintf(out + n, LOG_HEAD_MAX - n, ".%03dZ %-5s ", (int)(ts.tv_nsec / 1000000), names[level]);
}

/* One call, so that lines of several threads and processes do not mix. */
static size_t write_line(int fd, enum log_level level, const char *line) {
  char text[LOG_HEAD_MAX + LOG_LINE_MAX + 1];
  size_t head = head_text(text, level);
  size_t len = strlen(line);
  if (len > LOG_LINE_MAX) len = LOG_LINE_MAX;
  memcpy(text + head, line, len);
  text[head + len] = '\n';
  ssize_t n;
  do n = write(fd, text, head + len + 1);
  while (n < 0 && errno == EINTR);
  return n < 0 ? 0 : (size_t)n; /* there is nowhere to complain to */
}

static void stderr_write(struct log *log, enum log_level level, const char *line) {
  (void)log;
  write_line(STDERR_FILENO, level, line);
}

void log_stderr_init(struct log *log, enum log_level level) {
  *log = (struct log){.level = level, .write = stderr_write};
}

static enum status file_reopen(struct log_file *f) {
  struct stat st;
  f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (f->fd < 0) return disk_status_of_errno(errno);
  f->length = fstat(f->fd, &st) == 0 ? st.st_size : 0;
  return STATUS_OK;
}

static void file_rotate(struct log_file *f) {
  char from[DISK_PATH_MAX + 16], to[DISK_PATH_MAX + 16];
  close(f->fd);
  for (int i = f->kept; i > 0; i--) {
    snprintf(to, sizeof to, "%s.%d", f->path, i);
    if (i > 1) snprintf(from, sizeof from, "%s.%d", f->path, i - 1);
    else snprintf(from, sizeof from, "%s", f->path);
    rename(from, to); /* a missing one is no trouble */
  }
  if (f->kept == 0) unlink(f->path);
  if (file_reopen(f) != STATUS_OK) f->fd = -1;
}

static void file_line(struct log *log, enum log_level level, const char *line) {
  struct log_file *f = log->context;
  uv_mutex_lock(&f->lock);
  if (f->fd >= 0 && f->length > 0 && f->length + LOG_HEAD_MAX + (int64_t)strlen(line) > f->max_bytes) file_rotate(f);
  if (f->fd < 0 && file_reopen(f) != STATUS_OK) f->fd = -1;
  if (f->fd >= 0) f->length += (int64_t)write_line(f->fd, level, line);
  uv_mutex_unlock(&f->lock);
}

struct log *log_file_open(const char *path, int64_t max_bytes, int kept, enum log_level level, enum status *why) {
  enum status status = STATUS_INVALID;
  struct log_file *f = NULL;
  if (strlen(path) >= DISK_PATH_MAX || kept < 0) goto out;
  status = STATUS_NO_MEMORY;
  f = calloc(1, sizeof *f);
  if (f == NULL) goto out;
  f->log = (struct log){.level = level, .write = file_line, .context = f};
  f->max_bytes = max_bytes;
  f->kept = kept;
  f->path = strdup(path);
  if (f->path == NULL) goto out;
  status = file_reopen(f);
  if (status != STATUS_OK) goto out;
  if (uv_mutex_init(&f->lock) == 0) return &f->log;
  close(f->fd);
  status = STATUS_NO_MEMORY;
out:
  if (f != NULL) free(f->path);
  free(f);
  if (why != NULL) *why = status;
  return NULL;
}

void log_file_close(struct log *log) {
  if (log == NULL) return;
  struct log_file *f = log->context;
  if (f->fd >= 0) close(f->fd);
  uv_mutex_destroy(&f->lock);
  free(f->path);
  free(f);
}
