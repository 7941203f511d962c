/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages: made by a producer's program, or received by a consumer's.
 * Agrees with org.apache.rocketmq.common.message.Message and MessageExt.
 *
 * A message is not thread-safe while it is changed; reading one from several
 * threads is allowed. Texts are UTF-8 and end with NUL.
 */
#ifndef MQCLIENT_MESSAGE_H
#define MQCLIENT_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mqclient/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_message mq_message;

/* Room for a message id's text: 56 hexadecimal digits and the NUL. */
#define MQ_ID_MAX 57

/* A queue of a topic. broker_name given out by the library stays valid as long as the mq_client it came from. */
struct mq_queue {
  const char *broker_name;
  int32_t id;
};

/* The queues of a topic, by broker name and id. */
typedef struct mq_queue_list mq_queue_list;
size_t mq_queue_list_count(const mq_queue_list *queues);
/* i must be below the count. */
struct mq_queue mq_queue_list_get(const mq_queue_list *queues, size_t i);
/* Frees a list that a function gave away; NULL is allowed. */
void mq_queue_list_free(mq_queue_list *queues);

/* ---- making ---- */

/* Copies topic and body. NULL: out of memory. Free with mq_message_free. (Message(String, byte[])) */
mq_message *mq_message_new(const char *topic, const void *body, size_t length);
/* Only messages made by mq_message_new; NULL is allowed. */
void mq_message_free(mq_message *message);
/* Another topic, or another body, in the same message: it keeps its memory, so reuse avoids allocations. */
enum mq_result mq_message_set_topic(mq_message *message, const char *topic);
enum mq_result mq_message_set_body(mq_message *message, const void *body, size_t length);
/* What a consumer's filter "A || B" is compared with. (setTags) */
enum mq_result mq_message_set_tags(mq_message *message, const char *tags);
/* Keys for mqadmin queryMsgByKey, separated by blanks. (setKeys) */
enum mq_result mq_message_set_keys(mq_message *message, const char *keys);
/* 0: none; else 1..18: 1s 5s 10s 30s 1m ... 2h, as the broker's messageDelayLevel says. (setDelayTimeLevel) */
enum mq_result mq_message_set_delay_level(mq_message *message, int level);
/* false: the broker answers before it has flushed or replicated. (setWaitStoreMsgOK) */
enum mq_result mq_message_set_wait_store(mq_message *message, bool wait);
/* The application's own 32 bits. (setFlag) */
void mq_message_set_flag(mq_message *message, int32_t flag);
/* A property of the application. An empty or NULL value removes it. MQ_INVALID: the name is reserved (UNIQ_KEY, DELAY,
 * ...), or name or value contain the bytes 1 or 2, which the wire uses as separators. (putUserProperty) */
enum mq_result mq_message_set_property(mq_message *message, const char *name, const char *value);

/* The answer to a received request, to be sent by any producer. MQ_INVALID: it is no request, or its broker did not say
 * in which cluster it is, as brokers of 4.7.0 do not. (MessageUtil.createReplyMessage) */
enum mq_result mq_message_new_reply(const mq_message *request, const void *body, size_t length, mq_message **out,
                                    struct mq_error *error);

/* ---- reading ---- */

const char *mq_message_topic(const mq_message *message);
/* Borrowed; not NUL-terminated. Compressed bodies come uncompressed. */
const void *mq_message_body(const mq_message *message, size_t *length);
/* NULL: none. */
const char *mq_message_tags(const mq_message *message);
const char *mq_message_keys(const mq_message *message);
const char *mq_message_property(const mq_message *message, const char *name);
int32_t mq_message_flag(const mq_message *message);
/* Walks all properties: *at starts at 0; false at the end. */
bool mq_message_next_property(const mq_message *message, size_t *at, const char **name, const char **value);

/* Of received messages only. */

/* The id the producer gave it (UNIQ_KEY), else the offset id. out: MQ_ID_MAX bytes. (MessageExt.getMsgId) */
const char *mq_message_id(const mq_message *message, char out[MQ_ID_MAX]);
/* Names the stored record: host, port and commit log offset in hexadecimal. (MessageClientExt.getOffsetMsgId) */
const char *mq_message_offset_id(const mq_message *message, char out[MQ_ID_MAX]);
struct mq_queue mq_message_queue(const mq_message *message);
int64_t mq_message_queue_offset(const mq_message *message);
int64_t mq_message_commit_log_offset(const mq_message *message);
int64_t mq_message_born_ms(const mq_message *message);  /* producer's clock, ms since 1970 */
int64_t mq_message_store_ms(const mq_message *message); /* broker's clock, ms since 1970 */
/* How often it was given to a listener before. (getReconsumeTimes) */
int32_t mq_message_reconsume_times(const mq_message *message);
/* "address:port" of the producer and of the broker. out: MQ_HOST_MAX bytes. */
#define MQ_HOST_MAX 64
const char *mq_message_born_host(const mq_message *message, char out[MQ_HOST_MAX]);
const char *mq_message_store_host(const mq_message *message, char out[MQ_HOST_MAX]);

#ifdef __cplusplus
}
#endif

#endif
