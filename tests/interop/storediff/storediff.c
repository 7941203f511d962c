/* SPDX-License-Identifier: Apache-2.0
 *
 * storediff JAVA_STORE OUR_STORE HASH_SLOTS [CLIENT_TOPIC...]
 *
 * HASH_SLOTS is maxHashSlotNum, which an index file does not say itself.
 * Walks both trees side by side. Exit code 0 if there is no difference that
 * needs an explanation, 1 if there is, 2 if a store cannot be read.
 */
#include "tests/interop/storediff/storediff.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PRINTED_MAX = 60, DEPTH_MAX = 8 };
#define CHECKPOINT "checkpoint"

static const char *const excuse_reasons[] = {
#define X(name, reason) reason,
    EXCUSES(X)
#undef X
};

void differs(struct diff *d, const char *format, ...) {
  if (d->differences++ >= PRINTED_MAX) return;
  va_list args;
  va_start(args, format);
  fputs("DIFF ", stdout);
  vprintf(format, args);
  putchar('\n');
  va_end(args);
}

void differs_number(struct diff *d, const char *where, const char *field, int64_t java, int64_t ours) {
  if (java != ours) differs(d, "%s: %s java %lld ours %lld", where, field, (long long)java, (long long)ours);
}

void excuse(struct diff *d, enum excuse why) { d->excused[why]++; }

/* ---- files ---- */

static bool file_map(const char *path, struct span *out) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) goto failed;
  *out = span_text("");
  if (st.st_size > 0) {
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) goto failed;
    *out = span_of(at, (size_t)st.st_size);
  }
  close(fd);
  return true;
failed:
  fprintf(stderr, "storediff: %s: %s\n", path, strerror(errno));
  if (fd >= 0) close(fd);
  return false;
}

static void file_unmap(struct span s) {
  if (s.len > 0) munmap((void *)(uintptr_t)s.ptr, s.len);
}

static bool join(char out[PATH_MAX], const char *dir, const char *name) {
  int n = snprintf(out, PATH_MAX, "%s%s%s", dir, *dir == '\0' || *name == '\0' ? "" : "/", name);
  return n > 0 && n < PATH_MAX;
}

static bool begins(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static bool ends(const char *text, const char *tail) {
  size_t n = strlen(text), m = strlen(tail);
  return n >= m && strcmp(text + n - m, tail) == 0;
}

/* What is compared, and how. */
static void diff_pair(struct diff *d, const struct pair *p) {
  d->files++;
  if (ends(p->name, ".bak")) excuse(d, EXCUSE_BACKUP);
  else if (ends(p->name, ".json")) diff_json_file(d, p);
  else if (begins(p->name, "commitlog/")) diff_log_file(d, p);
  else if (begins(p->name, "consumequeue/")) diff_queue_file(d, p);
  else if (begins(p->name, "index/")) diff_index_file(d, p);
  else if (strcmp(p->name, CHECKPOINT) == 0) diff_checkpoint(d, p);
  else diff_same_bytes(d, p);
}

static bool diff_files(struct diff *d, const char *java_name, const char *our_name) {
  char java[PATH_MAX], ours[PATH_MAX];
  struct pair p = {.name = our_name};
  if (!join(java, d->java, java_name) || !join(ours, d->ours, our_name)) return false;
  if (!file_map(java, &p.java)) return false;
  bool ok = file_map(ours, &p.ours);
  if (ok) {
    diff_pair(d, &p);
    file_unmap(p.ours);
  }
  file_unmap(p.java);
  return ok;
}

/* ---- directories ---- */

static int visible(const struct dirent *e) { return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0; }

struct listing {
  struct dirent **entries;
  int count;
};

/* A missing directory is an empty one. */
static bool list(const char *root, const char *name, struct listing *out) {
  char path[PATH_MAX];
  *out = (struct listing){0};
  if (!join(path, root, name)) return false;
  out->count = scandir(path, &out->entries, visible, alphasort);
  if (out->count >= 0) return true;
  out->count = 0;
  return errno == ENOENT;
}

static void list_free(struct listing *l) {
  for (int i = 0; i < l->count; i++) free(l->entries[i]);
  free(l->entries);
}

static void only_java(struct diff *d, const char *name) {
  if (ends(name, ".bak")) excuse(d, EXCUSE_BACKUP);
  else if (strcmp(name, "config/delayOffset.json") == 0) excuse(d, EXCUSE_DELAYS);
  else if (strcmp(name, "config/consumerFilter.json") == 0) excuse(d, EXCUSE_FILTERS);
  else differs(d, "%s: only Java has it", name);
}

static void only_ours(struct diff *d, const char *name) {
  if (ends(name, ".bak")) excuse(d, EXCUSE_BACKUP);
  else if (strcmp(name, "marks") == 0) excuse(d, EXCUSE_MARKS);
  else if (strcmp(name, "flushed") == 0) excuse(d, EXCUSE_FLUSHED);
  else differs(d, "%s: only ours has it", name);
}

static bool diff_directory(struct diff *d, const char *name, int depth);

static bool diff_entry(struct diff *d, const char *dir, const struct dirent *e, int depth) {
  char name[PATH_MAX], java[PATH_MAX], ours[PATH_MAX];
  struct stat a, b;
  if (!join(name, dir, e->d_name) || !join(java, d->java, name) || !join(ours, d->ours, name)) return false;
  if (stat(java, &a) != 0 || stat(ours, &b) != 0) return false;
  if (S_ISDIR(a.st_mode) != S_ISDIR(b.st_mode)) {
    differs(d, "%s: a directory on one side only", name);
    return true;
  }
  return S_ISDIR(a.st_mode) ? diff_directory(d, name, depth + 1) : diff_files(d, name, name);
}

/* Index files are named by the clock: the first with the first, and so on. */
static bool diff_index(struct diff *d, const struct listing *java, const struct listing *ours) {
  char a[PATH_MAX], b[PATH_MAX];
  differs_number(d, "index", "number of files", java->count, ours->count);
  for (int i = 0; i < java->count && i < ours->count; i++) {
    if (!join(a, "index", java->entries[i]->d_name) || !join(b, "index", ours->entries[i]->d_name)) return false;
    if (strcmp(a, b) != 0) excuse(d, EXCUSE_INDEX_NAME);
    if (strlen(a) != strlen(b)) differs(d, "%s: the name has another length than %s", b, a);
    if (!diff_files(d, a, b)) return false;
  }
  return true;
}

static bool diff_entries(struct diff *d, const char *dir, const struct listing *java, const struct listing *ours,
                         int depth) {
  char name[PATH_MAX];
  bool ok = true;
  for (int i = 0, k = 0; ok && (i < java->count || k < ours->count);) {
    int order = i == java->count   ? 1
                : k == ours->count ? -1
                                   : strcmp(java->entries[i]->d_name, ours->entries[k]->d_name);
    const char *first = order <= 0 ? java->entries[i]->d_name : ours->entries[k]->d_name;
    ok = join(name, dir, first);
    if (ok && order < 0) only_java(d, name);
    if (ok && order > 0) only_ours(d, name);
    /* The checkpoint is compared with the end of the log, which is not known yet. */
    if (ok && order == 0 && strcmp(name, CHECKPOINT) != 0) ok = diff_entry(d, dir, java->entries[i], depth);
    i += order <= 0;
    k += order >= 0;
  }
  return ok;
}

static bool diff_directory(struct diff *d, const char *name, int depth) {
  struct listing java, ours = {0};
  if (depth > DEPTH_MAX) return false;
  bool ok = list(d->java, name, &java) && list(d->ours, name, &ours);
  if (ok && strcmp(name, "index") == 0) ok = diff_index(d, &java, &ours);
  else if (ok) ok = diff_entries(d, name, &java, &ours, depth);
  list_free(&java);
  list_free(&ours);
  return ok;
}

/* ---- main ---- */

static void report(const struct diff *d) {
  printf("compared: %lu files, %lu records, %lu fillers, %lu queue units, %lu index entries, %lu JSON values\n",
         d->files, d->records, d->fillers, d->units, d->index_entries, d->json_values);
  for (int i = 0; i < EXCUSE_COUNT; i++)
    if (d->excused[i] > 0) printf("may differ, %lu times: %s\n", d->excused[i], excuse_reasons[i]);
  printf("%lu differences\n", d->differences);
}

int main(int argc, char **argv) {
  struct diff d = {.client_from = -1, .index_offset = -1, .java_last_ms = -1, .our_last_ms = -1};
  if (argc < 4 || argc - 4 > TOPICS_MAX || (d.hash_slots = (size_t)strtoul(argv[3], NULL, 10)) == 0) {
    fprintf(stderr, "usage: storediff JAVA_STORE OUR_STORE HASH_SLOTS [CLIENT_TOPIC...]\n");
    return 2;
  }
  d.java = argv[1];
  d.ours = argv[2];
  for (int i = 4; i < argc; i++) d.client_topics[d.client_topic_count++] = argv[i];
  if (!diff_directory(&d, "", 0) || !diff_files(&d, CHECKPOINT, CHECKPOINT)) {
    fprintf(stderr, "storediff: the stores cannot be read\n");
    return 2;
  }
  report(&d);
  if (d.records == 0 || d.units == 0) {
    printf("nothing was compared\n");
    return 1;
  }
  return d.differences > 0;
}
