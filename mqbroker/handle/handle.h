/* SPDX-License-Identifier: Apache-2.0
 *
 * handle: the verbs, one file per subject, named after what they do. A handler
 * is straight-line code: decode, check, act, answer. No I/O.
 */
#ifndef MQBROKER_HANDLE_HANDLE_H
#define MQBROKER_HANDLE_HANDLE_H

#include "mqbroker/broker.h"
#include "mqbroker/door/request.h"

/* send.c */
void handle_send(struct broker *b, const struct request *rq);
/* send_back.c */
void handle_send_back(struct broker *b, const struct request *rq);
/* send_reply.c: what a waiter of the gate waits for, and what it is answered */
/* For a record of this topic that was put; WAIT=false is looked for in the properties (none: it waits). The caller adds
 * what its answer needs. */
struct waiter send_waiter(const struct broker *b, const struct request *rq, const struct put_result *put,
                          struct span topic, struct span properties);
/* Delivery times do not travel with a group's log yet: its next leader would deliver again, or never. */
#define DELAY_IN_GROUP_REMARK "delayed messages are not supported in a DLedger group by this version"
#define TOPIC_UNSAVED_REMARK "service not available now: %s cannot be written, and a crash would forget this new topic"
/* What a delay asked for does to a record that is put. False: answered. */
bool send_delay(struct broker *b, const struct request *rq, struct message *m);
void send_put_failure(struct broker *b, const struct request *rq, enum put_status status);
void send_answer(void *broker, struct waiter *w, enum gate_outcome outcome);

/* transaction.c */
void handle_end_transaction(struct broker *b, const struct request *rq);
/* How the check-back reaches producers. */
struct transaction_door transaction_door(struct broker *b);
/* A topic of the transactions' own, made when it is needed first. */
bool transaction_topic(void *broker, const char *name);

/* pull.c */
void handle_pull(struct broker *b, const struct request *rq);
/* Runs woken and expired pulls again; once per turn. */
void pull_run_parked(struct broker *b, struct moment now);

/* client.c */
void handle_heartbeat(struct broker *b, const struct request *rq);
void handle_unregister_client(struct broker *b, const struct request *rq);
void handle_check_client_config(struct broker *b, const struct request *rq);
void handle_consumer_list(struct broker *b, const struct request *rq);
void handle_consumer_connections(struct broker *b, const struct request *rq);
void handle_producer_connections(struct broker *b, const struct request *rq);

/* lock.c */
void handle_lock_queues(struct broker *b, const struct request *rq);
void handle_unlock_queues(struct broker *b, const struct request *rq);

/* offset.c */
void handle_query_consumer_offset(struct broker *b, const struct request *rq);
void handle_update_consumer_offset(struct broker *b, const struct request *rq);
void handle_all_consumer_offsets(struct broker *b, const struct request *rq);
void handle_max_offset(struct broker *b, const struct request *rq);
void handle_min_offset(struct broker *b, const struct request *rq);
void handle_offset_by_time(struct broker *b, const struct request *rq);
void handle_earliest_store_time(struct broker *b, const struct request *rq);

/* topic.c */
void handle_update_topic(struct broker *b, const struct request *rq);
void handle_delete_topic(struct broker *b, const struct request *rq);
void handle_all_topics(struct broker *b, const struct request *rq);
void handle_system_topics(struct broker *b, const struct request *rq);
void handle_topic_stats(struct broker *b, const struct request *rq);
void handle_topic_consumers(struct broker *b, const struct request *rq);

/* clean.c */
void handle_clean_expired_queues(struct broker *b, const struct request *rq);
void handle_clean_unused_topics(struct broker *b, const struct request *rq);

/* group.c */
void handle_update_group(struct broker *b, const struct request *rq);
void handle_all_groups(struct broker *b, const struct request *rq);
void handle_delete_group(struct broker *b, const struct request *rq);
void handle_consume_stats(struct broker *b, const struct request *rq);

/* slave.c */
void handle_all_delay_offsets(struct broker *b, const struct request *rq);

/* query.c */
void handle_query_message(struct broker *b, const struct request *rq);
void handle_view_message(struct broker *b, const struct request *rq);

/* runtime.c */
void handle_runtime_info(struct broker *b, const struct request *rq);
void handle_broker_config(struct broker *b, const struct request *rq);
void handle_update_broker_config(struct broker *b, const struct request *rq);

/* Words that several verbs say. */
/* Only the master of a DLedger group changes what all of it must know. True: answered. */
bool refuse_change(struct broker *b, const struct request *rq);
void reply_ok(struct broker *b, const struct request *rq);
void reply_body(struct broker *b, const struct request *rq, const struct buf *body);
void reply_fields(struct broker *b, const struct request *rq, const struct header *header, const void *fields);
/* The body of Java's TOPIC_NOT_EXIST and the like. */
void reply_no_topic(struct broker *b, const struct reply_to *to, struct span topic);
/* Decodes a header; a missing required field is answered (SYSTEM_ERROR, naming it) and false returned. Java
 * goes on with null and ends in a NullPointerException with the same code. */
bool decode_fields(struct broker *b, const struct request *rq, const struct header *header, void *out);

#endif
