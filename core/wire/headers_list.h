/* SPDX-License-Identifier: Apache-2.0
 *
 * The field lists of headers.h. F(id, TYPE, javaName, "V2 letter" or NULL, need):
 * need is REQUIRED (@CFNotNull), OPTIONAL, or PRIMITIVE (a Java primitive: a
 * Java sender always writes it).
 */
#ifndef MQ_WIRE_HEADERS_LIST_H
#define MQ_WIRE_HEADERS_LIST_H

#define HEADER_LIST(HEADER)                                                                        \
  HEADER(send_message_request, SendMessageRequestHeader)                                           \
  HEADER(send_message_response, SendMessageResponseHeader)

/* Codes 10, 324, and by letters 310, 320, 325 (SendMessageRequestHeaderV2). */
#define FIELDS_send_message_request(F, id)                                                         \
  F(id, TEXT, producerGroup, "a", REQUIRED)                                                        \
  F(id, TEXT, topic, "b", REQUIRED)                                                                \
  F(id, TEXT, defaultTopic, "c", REQUIRED)                                                         \
  F(id, I32, defaultTopicQueueNums, "d", REQUIRED)                                                 \
  F(id, I32, queueId, "e", REQUIRED)                                                               \
  F(id, I32, sysFlag, "f", REQUIRED)                                                               \
  F(id, I64, bornTimestamp, "g", REQUIRED)                                                         \
  F(id, I32, flag, "h", REQUIRED)                                                                  \
  F(id, TEXT, properties, "i", OPTIONAL)                                                           \
  F(id, I32, reconsumeTimes, "j", OPTIONAL)                                                        \
  F(id, BOOL, unitMode, "k", PRIMITIVE)                                                            \
  F(id, I32, maxReconsumeTimes, "l", OPTIONAL)                                                     \
  F(id, BOOL, batch, "m", PRIMITIVE)

#define FIELDS_send_message_response(F, id)                                                        \
  F(id, TEXT, msgId, NULL, REQUIRED)                                                               \
  F(id, I32, queueId, NULL, REQUIRED)                                                              \
  F(id, I64, queueOffset, NULL, REQUIRED)                                                          \
  F(id, TEXT, transactionId, NULL, OPTIONAL)

#endif
