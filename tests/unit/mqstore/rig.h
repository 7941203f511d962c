/* SPDX-License-Identifier: Apache-2.0
 *
 * rig: a golden store unpacked into a directory of its own, commands run on it,
 * and bytes of its files changed.
 */
#ifndef TESTS_UNIT_MQSTORE_RIG_H
#define TESTS_UNIT_MQSTORE_RIG_H

#include "core/wire/json.h"
#include "host/uv/loop.h"
#include "tests/harness.h"
#include "tools/mqstore/tool.h"

struct rig {
  struct uv_host *host;
  char top[64];
  char root[256];  /* the store */
  char *out, *err; /* of the last command */
  size_t out_len, err_len;
  struct arena arena;
};

/* archive: below tests/golden; NULL: an empty directory. store: the part of it that is looked at. */
void rig_init(struct rig *r, const char *archive, const char *store);
void rig_fini(struct rig *r);
/* Arguments end with NULL; "@" stands for the store. Returns the exit code. */
int rig_run(struct rig *r, ...) __attribute__((sentinel));
/* Line n of the output, parsed; NULL: there is none. Valid until rig_fini. */
const struct json *rig_json(struct rig *r, size_t n);
bool rig_said(const struct rig *r, const char *text);

/* File names are below the store. */
int64_t rig_length(struct rig *r, const char *name);
void rig_read(struct rig *r, const char *name, int64_t at, void *bytes, size_t n);
void rig_write(struct rig *r, const char *name, int64_t at, const void *bytes, size_t n);
/* Turns the bits of one byte. */
void rig_flip(struct rig *r, const char *name, int64_t at);
/* Makes or replaces a whole file. */
void rig_put(struct rig *r, const char *name, const char *text);
void rig_shell(struct rig *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
