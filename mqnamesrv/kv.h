/* SPDX-License-Identifier: Apache-2.0
 *
 * kv: the name server's configuration items, namespace -> key -> value, kept
 * in one file. A change is in memory only when it is in the file: a write that
 * fails leaves both as they were. Agrees with
 * org.apache.rocketmq.namesrv.kvconfig.KVConfigManager, whose kvConfig.json
 * (compact JSON) it reads and writes.
 */
#ifndef MQ_NAMESRV_KV_H
#define MQ_NAMESRV_KV_H

#include "core/base/log.h"
#include "core/base/map.h"
#include "core/port/disk.h"
#include "core/wire/bodies.h"

/* NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG: topic -> "broker:queues;...". */
#define KV_ORDER_TOPICS SPAN_LITERAL("ORDER_TOPIC_CONFIG")

struct kv {
  struct map namespaces; /* -> struct kv_space */
  struct disk *disk;
  const char *path;  /* borrowed */
  size_t bytes_max;  /* of the file */
  uint64_t seed;
  struct log *log;
};

void kv_init(struct kv *kv, struct disk *disk, const char *path, size_t bytes_max, uint64_t seed, struct log *log);
void kv_fini(struct kv *kv);
/* A missing file is an empty table; a damaged one is replaced by its .bak, with a warning. CORRUPT when
 * neither can be read: the log says what to do. */
enum status kv_load(struct kv *kv) MUST_USE;

struct span kv_get(const struct kv *kv, struct span space, struct span key); /* SPAN_NONE: none */
/* LIMIT: the file would become larger than bytes_max; IO, NO_SPACE...: not changed. */
enum status kv_put(struct kv *kv, struct span space, struct span key, struct span value) MUST_USE;
enum status kv_delete(struct kv *kv, struct span space, struct span key) MUST_USE; /* OK also when there is none */
/* All of a namespace, borrowed. NOT_FOUND: nobody ever put anything there. */
enum status kv_list(const struct kv *kv, struct span space, struct arena *arena, struct pair **out,
                    size_t *count) MUST_USE;

#endif
