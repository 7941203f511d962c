/* SPDX-License-Identifier: Apache-2.0 */
#include "host/uv/log_uv.h"
#include "tests/unit/uv/uv_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static size_t slurp(const char *path, char *out, size_t cap) {
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);
  if (fd >= 0) close(fd);
  out[n < 0 ? 0 : n] = '\0';
  return n < 0 ? 0 : (size_t)n;
}

static void test_log_lines(void) {
  char text[4096];
  enum status why = STATUS_OK;
  temp_dir();
  const char *path = temp_path("a.log");
  struct log *log = log_file_open(path, 1 << 20, 3, LOG_INFO, &why);
  CU_ASSERT_FATAL(log != NULL);
  log_debug(log, "not this");
  log_info(log, "number %d", 42);
  log_error(log, "two\nlines");
  log_file_close(log);
  slurp(path, text, sizeof text);
  int year, month, day, hour, minute, second, ms;
  CU_ASSERT(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ INFO", &year, &month, &day, &hour, &minute, &second, &ms) == 7);
  CU_ASSERT(year >= 2024 && strstr(text, "Z INFO  number 42\n") != NULL && strstr(text, "not this") == NULL);
  CU_ASSERT(strstr(text, "Z ERROR two lines\n") != NULL);
  log = log_file_open(path, 1 << 20, 3, LOG_INFO, &why); /* goes on where it was */
  log_info(log, "later");
  log_file_close(log);
  slurp(path, text, sizeof text);
  CU_ASSERT(strstr(text, "number 42") != NULL && strstr(text, "later") != NULL);
  CU_ASSERT(log_file_open(temp_path("no/dir"), 100, 1, LOG_INFO, &why) == NULL && why == STATUS_NOT_FOUND);
  log_file_close(NULL);
  temp_dir_remove();
}

static void test_log_rotation(void) {
  char text[4096];
  temp_dir();
  struct log *log = log_file_open(temp_path("r.log"), 1000, 2, LOG_INFO, NULL);
  CU_ASSERT_FATAL(log != NULL);
  for (int i = 0; i < 100; i++) log_info(log, "line %03d of a hundred", i);
  log_file_close(log);
  size_t now = slurp(temp_path("r.log"), text, sizeof text);
  CU_ASSERT(now > 0 && now <= 1000 && strstr(text, "line 099") != NULL);
  size_t before = slurp(temp_path("r.log.1"), text, sizeof text);
  CU_ASSERT(before > 500 && before <= 1000 && strstr(text, "line 099") == NULL);
  CU_ASSERT(slurp(temp_path("r.log.2"), text, sizeof text) > 500);
  CU_ASSERT(access(temp_path("r.log.3"), F_OK) != 0);
  log = log_file_open(temp_path("z.log"), 200, 0, LOG_INFO, NULL);
  for (int i = 0; i < 10; i++) log_info(log, "line %03d of ten", i);
  log_file_close(log);
  CU_ASSERT(slurp(temp_path("z.log"), text, sizeof text) <= 200 && strstr(text, "line 009") != NULL);
  CU_ASSERT(access(temp_path("z.log.1"), F_OK) != 0);
  temp_dir_remove();
}

static void *log_many(void *arg) {
  for (int i = 0; i < 200; i++) log_info(arg, "from a thread, %d", i);
  return NULL;
}

static void test_log_threads(void) {
  static char text[1 << 18];
  pthread_t threads[4];
  temp_dir();
  struct log *log = log_file_open(temp_path("t.log"), 1 << 20, 1, LOG_INFO, NULL);
  for (int i = 0; i < 4; i++) threads[i] = raw_thread(log_many, log);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  log_file_close(log);
  slurp(temp_path("t.log"), text, sizeof text);
  unsigned lines = 0;
  for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) lines++;
  CU_ASSERT(lines == 800);
  temp_dir_remove();
}

static void test_log_stderr(void) {
  char text[512];
  struct log log;
  temp_dir();
  int kept = dup(STDERR_FILENO), file = open(temp_path("err"), O_CREAT | O_RDWR, 0644);
  log_stderr_init(&log, LOG_WARN);
  dup2(file, STDERR_FILENO);
  log_info(&log, "quiet");
  log_warn(&log, "loud");
  dup2(kept, STDERR_FILENO);
  close(kept);
  close(file);
  slurp(temp_path("err"), text, sizeof text);
  CU_ASSERT(strstr(text, "Z WARN  loud\n") != NULL && strstr(text, "quiet") == NULL);
  temp_dir_remove();
}

const struct test log_tests[] = {
    {"log_lines", test_log_lines},
    {"log_rotation", test_log_rotation},
    {"log_threads", test_log_threads},
    {"log_stderr", test_log_stderr},
    {NULL, NULL},
};
