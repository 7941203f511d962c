/* SPDX-License-Identifier: Apache-2.0
 *
 * offsets: where a group's progress is kept: at the broker (clustering) or in
 * a file of our own (broadcasting). Agrees with RemoteBrokerOffsetStore and
 * LocalFileOffsetStore.
 */
#ifndef MQCLIENT_OFFSETS_H
#define MQCLIENT_OFFSETS_H

#include "libmqclient/client.h"

/* UPDATE_CONSUMER_OFFSET (15), one-way, to the broker's master or any of its servers. */
enum status offset_send(struct client *c, const char *group, const char *topic, const struct broker *broker,
                        int32_t queue_id, int64_t offset, struct moment now) MUST_USE;

/* The local file: path ROOT/CLIENTID/GROUP/offsets.json, fastjson's pretty form of OffsetSerializeWrapper. */
struct local_offset {
  struct message_queue queue; /* spans in the file's arena, or borrowed for writing */
  int64_t offset;
};
struct local_offsets {
  struct arena arena;
  struct local_offset *items;
  size_t count;
};
/* OK with count 0 when there is no file; the .bak is read when the file is broken, as readLocalOffset does. */
enum status local_offsets_read(struct disk *disk, const char *path, struct local_offsets *out) MUST_USE;
void local_offsets_fini(struct local_offsets *o);
/* -1: not known. */
int64_t local_offsets_find(const struct local_offsets *o, const char *topic, const char *broker, int32_t queue_id);
enum status local_offsets_write(struct disk *disk, const char *path, const struct local_offset *items,
                                size_t count) MUST_USE;

#endif
