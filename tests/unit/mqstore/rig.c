/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/mqstore/rig.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void rig_shell(struct rig *r, const char *format, ...) {
  char command[4096];
  va_list args;
  va_start(args, format);
  int n = snprintf(command, sizeof command, "cd '%s' && ", r->top);
  vsnprintf(command + n, sizeof command - (size_t)n, format, args);
  va_end(args);
  CU_ASSERT_FATAL(system(command) == 0);
}

void rig_init(struct rig *r, const char *archive, const char *store) {
  *r = (struct rig){.host = uv_host_new(NULL, NULL)};
  CU_ASSERT_FATAL(r->host != NULL);
  snprintf(r->top, sizeof r->top, "mqstore-test-XXXXXX");
  CU_ASSERT_FATAL(mkdtemp(r->top) != NULL);
  snprintf(r->root, sizeof r->root, "%s/%s", r->top, store);
  arena_init(&r->arena, SIZE_MAX / 2);
  if (archive == NULL) {
    CU_ASSERT_FATAL(mkdir(r->root, 0755) == 0);
    return;
  }
  char *path = realpath(golden_path(archive), NULL);
  CU_ASSERT_FATAL(path != NULL);
  rig_shell(r, "tar xzf '%s'", path);
  free(path);
}

void rig_fini(struct rig *r) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", r->top);
  CU_ASSERT(system(command) == 0);
  free(r->out);
  free(r->err);
  arena_fini(&r->arena);
  uv_host_free(r->host);
}

int rig_run(struct rig *r, ...) {
  enum { ARGUMENTS_MAX = 20 };
  char *argv[ARGUMENTS_MAX + 1] = {"mqstore"};
  int argc = 1;
  va_list args;
  va_start(args, r);
  for (char *a; (a = va_arg(args, char *)) != NULL && argc < ARGUMENTS_MAX;)
    argv[argc++] = strcmp(a, "@") == 0 ? r->root : a;
  va_end(args);
  free(r->out);
  free(r->err);
  FILE *out = open_memstream(&r->out, &r->out_len), *err = open_memstream(&r->err, &r->err_len);
  CU_ASSERT_FATAL(out != NULL && err != NULL);
  int code = mqstore_run(argc, argv, uv_host_disk(r->host), 1700000000000, out, err);
  fclose(out);
  fclose(err);
  return code;
}

const struct json *rig_json(struct rig *r, size_t n) {
  const char *line = r->out;
  struct json *tree;
  for (; n > 0 && line != NULL; n--) {
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  const char *end = line == NULL ? NULL : strchr(line, '\n');
  if (end == NULL) return NULL;
  struct span text = arena_copy(&r->arena, span_of(line, (size_t)(end - line)));
  CU_ASSERT_FATAL(text.ptr != NULL);
  CU_ASSERT_FATAL(json_parse(text, &JSON_LIMITS_DEFAULT, &r->arena, &tree, NULL, NULL) == STATUS_OK);
  return tree;
}

bool rig_said(const struct rig *r, const char *text) {
  return strstr(r->out, text) != NULL || strstr(r->err, text) != NULL;
}

static int rig_open(struct rig *r, const char *name, int flags) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", r->root, name);
  int fd = open(path, flags, 0644);
  CU_ASSERT_FATAL(fd >= 0);
  return fd;
}

int64_t rig_length(struct rig *r, const char *name) {
  struct stat st;
  int fd = rig_open(r, name, O_RDONLY);
  CU_ASSERT_FATAL(fstat(fd, &st) == 0);
  close(fd);
  return st.st_size;
}

void rig_read(struct rig *r, const char *name, int64_t at, void *bytes, size_t n) {
  int fd = rig_open(r, name, O_RDONLY);
  CU_ASSERT_FATAL(pread(fd, bytes, n, at) == (ssize_t)n);
  close(fd);
}

void rig_write(struct rig *r, const char *name, int64_t at, const void *bytes, size_t n) {
  int fd = rig_open(r, name, O_WRONLY | O_CREAT);
  CU_ASSERT_FATAL(pwrite(fd, bytes, n, at) == (ssize_t)n);
  close(fd);
}

void rig_flip(struct rig *r, const char *name, int64_t at) {
  uint8_t byte;
  rig_read(r, name, at, &byte, 1);
  byte = (uint8_t)~byte;
  rig_write(r, name, at, &byte, 1);
}

void rig_put(struct rig *r, const char *name, const char *text) {
  int fd = rig_open(r, name, O_WRONLY | O_CREAT | O_TRUNC);
  CU_ASSERT_FATAL(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}
