/* SPDX-License-Identifier: Apache-2.0
 *
 * expected: the ground truth that lies beside a golden store directory
 * (expected.json), and the digests it gives in place of long texts.
 */
#ifndef TESTS_GOLDEN_EXPECTED_H
#define TESTS_GOLDEN_EXPECTED_H

#include "core/wire/json.h"
#include "core/wire/message.h"

struct expected {
  struct arena arena;
  const struct json *root;
};

/* store/NAME.expected.json.gz; fails the test if it cannot be read. */
void expected_open(struct expected *e, const char *name);
void expected_close(struct expected *e);

/* "a.b.c" from an object on; NULL if something is missing. Names with dots are not found. */
const struct json *expected_at(const struct json *object, const char *path);
/* A number that must be there. */
int64_t expected_number(const struct json *object, const char *name);
/* Every member is named in `known` (words, one blank between); the others are printed. */
bool expected_knows(const struct json *object, const char *known);
/* The same value. A map whose keys are no strings is an array of {"key":..,"value":..} in `want`. */
bool expected_same(const struct json *want, const struct json *got);
/* The lower-case hex of bytes, into the arena. */
struct span expected_hex(struct expected *e, struct span bytes);

/* raw is the record that `recovered.records` tells about, in every field; what is not is printed. */
bool expected_record(struct expected *e, const struct json *record, struct span raw);

#define SHA256_TEXT 64
void sha256_text(struct span bytes, char out[SHA256_TEXT + 1]);

#endif
