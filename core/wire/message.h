/* SPDX-License-Identifier: Apache-2.0
 *
 * message: the stored message record (commit log, pull reply, query reply),
 * bytes <-> value, the batch body of SEND_BATCH_MESSAGE, message properties
 * and the ids. Agrees with org.apache.rocketmq.common.message.MessageDecoder
 * and org.apache.rocketmq.store.CommitLog.DefaultAppendMessageCallback.
 */
#ifndef MQ_WIRE_MESSAGE_H
#define MQ_WIRE_MESSAGE_H

#include "core/base/buf.h"
#include "core/base/status.h"
#include "core/port/net.h" /* struct net_peer */

#define MESSAGE_MAGIC 0xDAA320A7u /* CommitLog.MESSAGE_MAGIC_CODE */
#define BLANK_MAGIC 0xCBD43194u   /* CommitLog.BLANK_MAGIC_CODE: rest of the file is filler */
#define BLANK_SIZE_MIN 8

enum sys_flag {
  SYS_COMPRESSED = 1,
  SYS_MULTI_TAGS = 2,
  SYS_TRANSACTION_MASK = 12,
  SYS_TRANSACTION_PREPARED = 4,
  SYS_TRANSACTION_COMMIT = 8,
  SYS_TRANSACTION_ROLLBACK = 12,
  SYS_BORN_HOST_V6 = 16,
  SYS_STORE_HOST_V6 = 32
};

#define TOPIC_LENGTH_MAX 127
#define PROPERTIES_LENGTH_MAX 32767

#define PROPERTY_NAME_END 1  /* \x01 */
#define PROPERTY_VALUE_END 2 /* \x02 */

struct message {
  int32_t body_crc; /* decode: as stored */
  int32_t queue_id;
  int32_t flag;
  int64_t queue_offset;
  int64_t physical_offset;
  int32_t sys_flag; /* encode: the two V6 bits are set from the hosts */
  int64_t born_ms;
  struct net_peer born_host;
  int64_t store_ms;
  struct net_peer store_host;
  int32_t reconsume_times;
  int64_t prepared_offset;
  struct span body; /* as stored, perhaps compressed */
  struct span topic;
  struct span properties; /* name \x01 value \x02 ... */
};

/* Bytes message_encode will write. */
size_t message_size(const struct message *m);
/* Writes the record at out (message_size bytes), computing the body CRC. Lengths must be within the limits
 * above (the caller has checked them). */
void message_encode(const struct message *m, uint8_t *out);
/* Parses one record at the start of input; spans borrow it. OK, AGAIN (input shorter than the record's
 * size), NOT_FOUND (blank magic: end of file), INVALID (no message here), CORRUPT (size known but the fields
 * do not add up, or check_crc found a wrong body CRC). *size: record's total size when known, else 0. */
enum status message_decode(struct span input, bool check_crc, struct message *out, size_t *size) MUST_USE;

/* First value of a property, SPAN_NONE if absent. Follows MessageDecoder.string2messageProperties (later
 * duplicates win, empty values do not count). */
struct span property_get(struct span properties, const char *name);
struct span property_find(struct span properties, struct span name);
/* Iterates pairs: *at starts at 0; false at the end. */
bool property_next(struct span properties, size_t *at, struct span *name, struct span *value);
void property_put(struct buf *out, const char *name, struct span value);
void property_put_span(struct buf *out, struct span name, struct span value);

/* Java String.hashCode over the UTF-16 code units of UTF-8 text. */
int32_t java_hash(struct span utf8);
/* Of a text that goes on: `h` is the hash of what came before. */
int32_t java_hash_more(int32_t h, struct span utf8);
/* Consume queue tags code: hash of the TAGS property, 0 if absent or empty. */
int64_t message_tags_code(struct span properties);

/* MessageDecoder.createMessageId: upper-case hex of store ip, 4-byte port, 8-byte offset: 32 or 56 chars. */
#define MESSAGE_ID_MAX 57
size_t message_id_text(const struct net_peer *store_host, int64_t physical_offset, char out[MESSAGE_ID_MAX]);
enum status message_id_parse(struct span text, struct net_peer *store_host, int64_t *physical_offset) MUST_USE;

/* Inner message of a batch body (MessageDecoder.encodeMessage / decodeMessage). */
struct batch_item {
  int32_t flag;
  struct span body;
  struct span properties;
};
void batch_item_encode(const struct batch_item *item, struct buf *out);
/* *at starts at 0. OK, NOT_FOUND at the end, INVALID when the lengths do not add up. */
enum status batch_next(struct span batch_body, size_t *at, struct batch_item *out) MUST_USE;

/* UtilAll.crc32: CRC-32 without its top bit. */
int32_t body_crc32(struct span body);
/* zlib, level 5 as the Java client; out is appended. INVALID for broken input, LIMIT past out's limit. */
enum status body_compress(struct span body, struct buf *out) MUST_USE;
enum status body_uncompress(struct span body, struct buf *out) MUST_USE;

/* Validators.checkTopic / checkGroup: ^[%|a-zA-Z0-9_-]+$, 1..127 (group 255) characters. why may be NULL. */
bool topic_name_valid(struct span name, const char **why);
bool group_name_valid(struct span name, const char **why);

#endif
