/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/dledger/rig.h"
#include "tests/alone.h"

#include <stdio.h>

static void node_synced(struct node *node, uint64_t token, enum status status, struct moment now) {
  struct rig *r = (struct rig *)node;
  if (r->ledger != NULL) ledger_synced(r->ledger, token, status, now);
}

static int64_t node_turn(struct node *node, struct moment now) {
  struct rig *r = (struct rig *)node;
  return r->ledger == NULL ? TIME_NEVER : ledger_tick(r->ledger, now);
}

static const struct node_ops rig_ops = {alone_connection, alone_bytes, node_synced, node_turn};

void rig_init(struct rig *r, uint64_t seed) {
  *r = (struct rig){.node = {&rig_ops}};
  r->world = sim_world_new(seed);
  r->host = sim_host_new(r->world, "n0");
  r->disk = sim_host_disk(r->host);
  buf_init(&r->why, 4096);
  r->log = alone_log();
  r->options = (struct ledger_options){
      .dir = RIG_DIR, .data_file_length = RIG_DATA_LENGTH, .index_file_length = RIG_INDEX_LENGTH, .token = 7};
  sim_attach(r->host, &r->node);
  sim_run_until(r->world, 1);
}

void rig_fini(struct rig *r) {
  sim_stop(r->host, SIM_KILL);
  ledger_abandon(r->ledger);
  sim_world_free(r->world);
  buf_fini(&r->why);
}

enum status rig_open(struct rig *r) {
  buf_clear(&r->why);
  enum status status = ledger_open(&r->ledger, &r->options, r->disk, &r->log, sim_host_now(r->host), &r->why);
  r->marks = status == STATUS_OK ? ledger_marks(r->ledger) : NULL;
  sim_poke(r->host);
  return status;
}

void rig_must_open(struct rig *r) {
  enum status status = rig_open(r);
  if (status != STATUS_OK) printf("    not opened: %.*s\n", SPAN_ARG(buf_span(&r->why)));
  CU_ASSERT_FATAL(status == STATUS_OK);
}

void rig_close(struct rig *r) {
  CU_ASSERT(ledger_close(r->ledger) == STATUS_OK);
  r->ledger = NULL;
}

void rig_crash(struct rig *r, enum sim_stop how) {
  sim_stop(r->host, how);
  ledger_abandon(r->ledger);
  r->ledger = NULL;
  sim_boot(r->host);
  sim_attach(r->host, &r->node);
}

void rig_run(struct rig *r, int64_t ms) {
  sim_poke(r->host);
  sim_run_until(r->world, sim_now(r->world) + ms);
}

void rig_body(uint8_t *out, size_t len, int64_t index, int64_t term) {
  for (size_t i = 0; i < len; i++) out[i] = (uint8_t)(index * 31 + term * 7 + (int64_t)i + 1);
}

enum status rig_stage(struct rig *r, size_t len, int64_t term) {
  int64_t index, pos, expected = r->marks->next_index;
  uint8_t *body;
  enum status status = ledger_stage(r->ledger, len, term, &index, &pos, &body);
  if (status != STATUS_OK) return status;
  CU_ASSERT(index == expected && r->marks->next_index == index + 1);
  rig_body(body, len, index, term);
  return STATUS_OK;
}

void rig_append(struct rig *r, size_t len, int64_t term) {
  CU_ASSERT_FATAL(rig_stage(r, len, term) == STATUS_OK);
  CU_ASSERT_FATAL(ledger_commit(r->ledger) == STATUS_OK);
}

static void check_run(struct rig *r, const struct entry *e) {
  struct span run;
  size_t count, seen = 0;
  CU_ASSERT_FATAL(ledger_run(r->ledger, e->index, 600, &run, &count) == STATUS_OK);
  CU_ASSERT(count >= 1 && (run.len <= 600 || count == 1));
  struct entry next;
  int64_t index = e->index;
  for (; run.len > 0; run = span_from(run, (size_t)next.size)) {
    CU_ASSERT_FATAL(entry_decode(run, &next) == STATUS_OK);
    CU_ASSERT(next.index == index++);
    seen++;
  }
  CU_ASSERT(seen == count);
}

void rig_check(struct rig *r) {
  static uint8_t body[ENTRY_BODY_MAX];
  const struct ledger_marks *m = r->marks;
  int64_t pos = m->begin_pos, term = -1;
  struct entry e;
  CU_ASSERT(ledger_get(r->ledger, m->begin_index - 1, &e) == STATUS_NOT_FOUND);
  CU_ASSERT(ledger_get(r->ledger, m->end_index + 1, &e) == STATUS_NOT_FOUND);
  if (m->begin_index < 0) {
    CU_ASSERT(m->end_index == -1 && m->end_term == -1);
    return;
  }
  for (int64_t i = m->begin_index; i <= m->end_index; i++) {
    int64_t found;
    CU_ASSERT_FATAL(ledger_get_checked(r->ledger, i, &e) == STATUS_OK);
    CU_ASSERT_FATAL(e.index == i && e.pos >= pos && e.pos - pos < r->options.data_file_length && e.term >= term);
    rig_body(body, e.body.len, i, e.term);
    CU_ASSERT(span_equal(e.body, span_of(body, e.body.len)));
    CU_ASSERT(ledger_term_at(r->ledger, i, &term) == STATUS_OK && term == e.term);
    CU_ASSERT(ledger_find(r->ledger, e.pos, &found) == STATUS_OK && found == i);
    CU_ASSERT(ledger_find(r->ledger, e.pos + e.size - 1, &found) == STATUS_OK && found == i);
    check_run(r, &e);
    pos = e.pos + e.size;
  }
  CU_ASSERT(m->end_pos == pos && m->end_term == e.term);
}

void rig_copy(struct rig *to, struct rig *from, int64_t index) {
  const char *why;
  while (index <= from->marks->end_index) {
    struct span run;
    size_t count;
    CU_ASSERT_FATAL(ledger_run(from->ledger, index, 3000, &run, &count) == STATUS_OK);
    for (; count > 0; count--) {
      struct entry e;
      CU_ASSERT_FATAL(entry_decode(run, &e) == STATUS_OK);
      CU_ASSERT_FATAL(ledger_append(to->ledger, &e, &why) == STATUS_OK);
      run = span_from(run, (size_t)e.size);
      index++;
    }
  }
  CU_ASSERT_FATAL(ledger_commit(to->ledger) == STATUS_OK);
}

void rig_same_data(struct rig *a, struct rig *b) {
  int64_t end = a->marks->end_pos;
  CU_ASSERT(b->marks->end_pos == end);
  for (int64_t start = a->marks->begin_pos - a->marks->begin_pos % a->options.data_file_length; start < end;
       start += a->options.data_file_length) {
    char name[64];
    snprintf(name, sizeof name, "data/%020lld", (long long)start);
    struct buf x = rig_file(a, name), y = rig_file(b, name);
    CU_ASSERT(x.len == (size_t)a->options.data_file_length && span_equal(buf_span(&x), buf_span(&y)));
    buf_fini(&x);
    buf_fini(&y);
  }
}

static const char *path_of(const char *name) {
  static char path[DISK_PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", RIG_DIR, name);
  return path;
}

struct buf rig_file(struct rig *r, const char *name) {
  struct buf b;
  buf_init(&b, (size_t)1 << 30);
  if (disk_read_whole(r->disk, path_of(name), &b) != STATUS_OK) buf_fini(&b);
  return b;
}

bool rig_exists(struct rig *r, const char *name) {
  struct disk_entry entry;
  return r->disk->ops->stat(r->disk, path_of(name), &entry) == STATUS_OK;
}

void rig_write(struct rig *r, const char *name, int64_t offset, struct span bytes) {
  struct disk_file *file;
  CU_ASSERT_FATAL(r->disk->ops->open(r->disk, path_of(name), DISK_CREATE, 0, &file) == STATUS_OK);
  CU_ASSERT_FATAL(r->disk->ops->write(r->disk, file, offset, &bytes, 1) == STATUS_OK);
  CU_ASSERT_FATAL(r->disk->ops->sync(r->disk, file) == STATUS_OK);
  r->disk->ops->close(r->disk, file);
}

void rig_put(struct rig *r, const char *name, const char *text) {
  CU_ASSERT_FATAL(disk_replace_whole(r->disk, path_of(name), span_text(text), false) == STATUS_OK);
}

void rig_flip(struct rig *r, int64_t pos) {
  char name[64];
  snprintf(name, sizeof name, "data/%020lld", (long long)(pos - pos % r->options.data_file_length));
  struct buf b = rig_file(r, name);
  CU_ASSERT_FATAL(b.ptr != NULL);
  uint8_t byte = (uint8_t)(b.ptr[pos % r->options.data_file_length] ^ 0x10);
  rig_write(r, name, pos % r->options.data_file_length, span_of(&byte, 1));
  buf_fini(&b);
}
