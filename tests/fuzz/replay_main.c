/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target without libFuzzer: every file of its corpus, and of each
 * a number of mutations that depend on nothing but the seed.
 *   FUZZ_RUNS  mutations in all (default 60000)   FUZZ_SEED  first seed
 */
#include "core/base/prng.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>

enum {
  FILES_MAX = 256,
  FILE_LENGTH_MAX = 1 << 16,
  PATH_LENGTH_MAX = 4096,
  RUNS_DEFAULT = 60000,
  CHANGES_MAX = 6,
  GROWTH_MAX = 8 * CHANGES_MAX
};

struct file {
  uint8_t *bytes;
  size_t length;
};

static bool read_file(const char *path, struct file *out) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) return false;
  out->bytes = malloc(FILE_LENGTH_MAX);
  out->length = out->bytes == NULL ? 0 : fread(out->bytes, 1, FILE_LENGTH_MAX, f);
  fclose(f);
  return out->bytes != NULL;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* Sorted by name, so that equal seeds give equal runs. */
static size_t read_folder(const char *folder, struct file *files) {
  struct dirent **entries = NULL;
  size_t count = 0;
  int n = scandir(folder, &entries, NULL, by_name);
  for (int i = 0; i < n; i++) {
    char path[PATH_LENGTH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    bool usable = length > 0 && length < PATH_LENGTH_MAX && entries[i]->d_name[0] != '.' && count < FILES_MAX;
    if (usable) count += read_file(path, &files[count]);
    free(entries[i]);
  }
  free(entries);
  return count;
}

/* The target gets a block of the exact size, so that the sanitizer sees a read past its end. */
static void run(const uint8_t *bytes, size_t length) {
  uint8_t *exact = malloc(length > 0 ? length : 1);
  if (exact == NULL) abort();
  if (length > 0) memcpy(exact, bytes, length);
  LLVMFuzzerTestOneInput(exact, length);
  free(exact);
}

/* Numbers that lengths and counts go wrong with. */
static void put_number(struct prng *p, uint8_t *at, size_t room) {
  static const uint32_t numbers[] = {0,      1,      0x7F,       0x80,       0xFF,      0x7FFF,
                                     0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  uint32_t v = numbers[prng_below(p, sizeof numbers / sizeof *numbers)];
  for (size_t i = 0; i < 4 && i < room; i++) at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t change(struct prng *p, uint8_t *b, size_t n, const struct file *other) {
  size_t at = n == 0 ? 0 : prng_below(p, n), count = 1 + prng_below(p, 8);
  if (n == 0) return 0;
  if (count > n - at) count = n - at;
  switch (prng_below(p, 7)) {
  case 0:
    b[at] ^= (uint8_t)(1u << prng_below(p, 8));
    return n;
  case 1:
    b[at] = (uint8_t)prng_next(p);
    return n;
  case 2:
    put_number(p, b + at, n - at);
    return n;
  case 3:
    memmove(b + at, b + at + count, n - at - count);
    return n - count; /* take out */
  case 4:             /* double */
    memmove(b + at + count, b + at, n - at);
    return n + count;
  case 5:
    return at; /* cut off */
  default:     /* a piece of another file */
    if (count > other->length) return n;
    memcpy(b + at, other->bytes + prng_below(p, other->length - count + 1), count);
    return n;
  }
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *text = getenv(variable);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

int main(int argc, char **argv) {
  static struct file files[FILES_MAX];
  static uint8_t bytes[FILE_LENGTH_MAX + GROWTH_MAX];
  const char *srcdir = getenv("srcdir");
  char folder[PATH_LENGTH_MAX];
  snprintf(folder, sizeof folder, "%s/%s", srcdir != NULL ? srcdir : ".", FUZZ_CORPUS);
  size_t count = read_folder(argc > 1 ? argv[1] : folder, files);
  if (count == 0) {
    fprintf(stderr, "%s: no corpus\n", folder);
    return 1;
  }
  for (size_t i = 0; i < count; i++) run(files[i].bytes, files[i].length);
  uint64_t runs = number_from("FUZZ_RUNS", RUNS_DEFAULT), seed = number_from("FUZZ_SEED", 1);
  for (uint64_t k = 0; k < runs; k++) {
    struct prng p;
    prng_init(&p, seed + k);
    const struct file *from = &files[k % count];
    size_t n = from->length;
    memcpy(bytes, from->bytes, n);
    for (uint64_t changes = 1 + prng_below(&p, CHANGES_MAX); changes > 0; changes--)
      n = change(&p, bytes, n, &files[prng_below(&p, count)]);
    run(bytes, n);
  }
  printf("%s: %zu files, %llu mutations\n", FUZZ_CORPUS, count, (unsigned long long)runs);
  for (size_t i = 0; i < count; i++) free(files[i].bytes);
  return 0;
}
