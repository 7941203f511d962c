/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/mqstore/rebuild.h"

#include <inttypes.h>

#define QUEUE_FILE_DEFAULT 6000000 /* mappedFileSizeConsumeQueue */
#define EXT_FILE_MIN 24            /* a unit without bit map, and four spare bytes */

/* Sizes must stay what they are: a broker refuses files of another size. */
static void sizes_choose(struct rebuild *r) {
  const struct storedir *s = r->store;
  const struct options *o = &r->tool->o;
  r->queue_file = o->queue_file > 0 ? o->queue_file : QUEUE_FILE_DEFAULT;
  for (size_t i = 0; i < s->queues.count && o->queue_file <= 0; i++)
    if (s->queues.list[i]->files.file_length > 0) r->queue_file = s->queues.list[i]->files.file_length;
  r->queue_file -= r->queue_file % UNIT_BYTES;
  for (size_t i = 0; i < s->queues.count; i++)
    if (s->queues.list[i]->ext.file_length >= EXT_FILE_MIN) r->ext_file = s->queues.list[i]->ext.file_length;
  r->slots = o->index_slots > 0 ? o->index_slots : INDEX_SLOTS_DEFAULT;
  r->entries = o->index_entries > 0 ? o->index_entries : INDEX_ENTRIES_DEFAULT;
  for (size_t i = 0; i < s->index.count; i++) {
    if (s->index.files[i].slots == 0) continue;
    r->slots = s->index.files[i].slots;
    r->entries = s->index.files[i].capacity;
  }
}

static bool sizes_are_sane(const struct rebuild *r) {
  return r->queue_file >= UNIT_BYTES && r->slots > 0 && r->slots <= INT32_MAX && r->entries > 1 &&
         r->entries <= INT32_MAX;
}

static enum status sync_file(struct rebuild *r, const struct numbered_file *f) {
  char path[DISK_PATH_MAX];
  struct disk *disk = r->store->disk;
  struct disk_file *file;
  if (snprintf(path, sizeof path, "%s/%020" PRId64, f->list->dir, f->start) >= (int)sizeof path) return STATUS_LIMIT;
  enum status status = disk->ops->open(disk, path, DISK_READ_ONLY, 0, &file);
  if (status != STATUS_OK) return status;
  status = disk->ops->sync(disk, file);
  disk->ops->close(disk, file);
  return status;
}

/* The checkpoint will say that the log is on disk. */
static enum status sync_log(struct rebuild *r) {
  enum status status = STATUS_OK;
  for (int i = 0; i < 2; i++) {
    const struct file_list *files = &r->store->log.sources[i].files;
    for (size_t j = 0; j < files->count && status == STATUS_OK; j++) status = sync_file(r, &files->files[j]);
  }
  return status;
}

static bool is_committed(const struct rebuild *r, const struct log_item *item) {
  const struct ledger_facts *l = &r->store->ledger;
  return !item->source->dledger || (l->has_checkpoint && item->entry.index <= l->committed_index);
}

static enum status derive_all(struct rebuild *r, struct queue_builder *queues, struct index_builder *index) {
  struct log_cursor c;
  struct log_item item;
  enum status status = STATUS_OK;
  log_open(&c, &r->store->log);
  while (status == STATUS_OK && log_next(&c, &item)) {
    if (item.kind == LOG_END) r->log_end = item.offset;
    if (item.kind == LOG_DAMAGE) {
      snprintf(r->why, sizeof r->why, "the log is damaged at offset %" PRId64 "; a broker would cut it there",
               item.offset);
      return STATUS_CORRUPT;
    }
    if (item.kind != LOG_RECORD || !is_committed(r, &item)) continue;
    status = queue_builder_put(queues, &item);
    if (status == STATUS_OK) status = index_builder_put(index, &item);
    if (item.message.store_ms > r->last_ms) r->last_ms = item.message.store_ms;
    r->records++;
  }
  return status;
}

static enum status build(struct rebuild *r) {
  struct queue_builder *queues = queue_builder_new(r);
  struct index_builder *index = index_builder_new(r);
  enum status status = queues == NULL || index == NULL ? STATUS_NO_MEMORY : derive_all(r, queues, index);
  if (status == STATUS_OK) status = queue_builder_finish(queues);
  if (status == STATUS_OK) status = index_builder_finish(index);
  queue_builder_free(queues);
  index_builder_free(index);
  return status == STATUS_OK ? sync_log(r) : status;
}

static enum status make_dirs(struct rebuild *r) {
  static const char *const names[] = {"new/consumequeue", "new/index"};
  char path[DISK_PATH_MAX];
  enum status status = STATUS_OK;
  struct disk_entry entry;
  if (r->store->disk->ops->stat(r->store->disk, r->dir, &entry) == STATUS_OK) return STATUS_EXISTS;
  for (size_t i = 0; i < sizeof names / sizeof names[0] && status == STATUS_OK; i++) {
    if (snprintf(path, sizeof path, "%s/%s", r->dir, names[i]) >= (int)sizeof path) return STATUS_LIMIT;
    status = r->store->disk->ops->make_dirs(r->store->disk, path);
  }
  return status;
}

/* from below one place to below another; NOT_FOUND counts as done. */
static enum status move(struct rebuild *r, const char *from_dir, const char *to_dir, const char *name) {
  char from[DISK_PATH_MAX], to[DISK_PATH_MAX];
  if (snprintf(from, sizeof from, "%s/%s", from_dir, name) >= (int)sizeof from ||
      snprintf(to, sizeof to, "%s/%s", to_dir, name) >= (int)sizeof to)
    return STATUS_LIMIT;
  enum status status = r->store->disk->ops->rename(r->store->disk, from, to);
  return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Everything new is on disk up to the end of the log, so a start need not doubt it. */
static enum status write_checkpoint(struct rebuild *r) {
  enum { CHECKPOINT_BYTES = 4096 };
  static uint8_t bytes[CHECKPOINT_BYTES];
  const char *path = storedir_path(r->store, "checkpoint");
  if (path == NULL) return STATUS_NO_MEMORY;
  for (int i = 0; i < 3; i++) put_i64(bytes + 8 * i, r->last_ms);
  return disk_replace_whole(r->store->disk, path, span_of(bytes, sizeof bytes), false);
}

/* A crash in between leaves a store without queues or index, which a start makes again; never one with half of both. */
static enum status swap(struct rebuild *r) {
  static const char *const old[] = {"checkpoint", "marks", "flushed", "consumequeue", "consumequeue_ext", "index"};
  struct disk *disk = r->store->disk;
  const char *root = r->store->root;
  char fresh[DISK_PATH_MAX];
  enum status status = STATUS_OK;
  if (snprintf(fresh, sizeof fresh, "%s/new", r->dir) >= (int)sizeof fresh) return STATUS_LIMIT;
  for (size_t i = 0; i < sizeof old / sizeof old[0] && status == STATUS_OK; i++) status = move(r, root, r->dir, old[i]);
  if (status == STATUS_OK) status = move(r, fresh, root, "consumequeue");
  if (status == STATUS_OK) status = move(r, fresh, root, "consumequeue_ext");
  if (status == STATUS_OK) status = move(r, fresh, root, "index");
  if (status == STATUS_OK) status = disk->ops->sync_dir(disk, root);
  if (status == STATUS_OK) status = disk->ops->remove(disk, fresh);
  return status == STATUS_OK ? write_checkpoint(r) : status;
}

static int run(struct rebuild *r) {
  struct tool *t = r->tool;
  enum status status = make_dirs(r);
  if (status == STATUS_OK) status = build(r);
  if (status != STATUS_OK)
    return tool_fail(t, "%s; nothing was changed but for what lies in %s",
                     r->why[0] != '\0' ? r->why : status_text(status), r->dir);
  status = swap(r);
  if (status != STATUS_OK)
    return tool_fail(t, "%s while queues and index change places: what is missing in %s lies in %s",
                     status_text(status), r->store->root, r->dir);
  if (t->o.json) {
    tool_json_begin(t);
    json_field_int(&t->w, "records", r->records);
    json_field_int(&t->w, "units", r->units);
    json_field_int(&t->w, "keys", r->keys);
    json_field_text(&t->w, "moved", r->dir);
    tool_json_end(t);
  } else {
    fprintf(t->out, "%" PRId64 " records: %" PRId64 " units, %" PRId64 " keys; the old files are in %s\n", r->records,
            r->units, r->keys, r->dir);
  }
  return EXIT_FINE;
}

int rebuild_with_lock(struct tool *t, struct storedir *s) {
  struct rebuild r = {.tool = t, .store = s};
  sizes_choose(&r);
  if (!delays_parse(t->o.delay_levels, &r.delays) || !sizes_are_sane(&r))
    return tool_fail(t, "delay levels or sizes that cannot be");
  r.dir = storedir_dated(s, "rebuild-");
  return r.dir != NULL ? run(&r) : tool_fail(t, "out of memory");
}

int command_rebuild(struct tool *t, char **args) {
  struct storedir s;
  struct disk_file *lock = NULL;
  if (!t->o.yes) {
    tool_fail(t, "this replaces consumequeue and index of %s (the old ones are kept beside); say --yes", args[0]);
    return EXIT_USAGE;
  }
  int code = storedir_open(&s, t, args[0]);
  if (code != EXIT_FINE) goto out;
  const char *lock_path = storedir_path(&s, "lock");
  enum status status = lock_path == NULL ? STATUS_NO_MEMORY : s.disk->ops->lock(s.disk, lock_path, &lock);
  if (status != STATUS_OK)
    code = tool_fail(t, "%s/lock: %s", s.root,
                     status == STATUS_BUSY ? "a process uses this store" : status_text(status));
  else code = rebuild_with_lock(t, &s);
out:
  if (lock != NULL) s.disk->ops->close(s.disk, lock);
  storedir_fini(&s);
  return code;
}
