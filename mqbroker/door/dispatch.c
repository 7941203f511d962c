/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/door/dispatch.h"

#include "core/wire/codes.h"
#include "mqbroker/handle/handle.h"

enum { CODE_LIMIT = 512 };

/* The broker's table of contents: where a request code is answered. */
static const request_handler handlers[CODE_LIMIT] = {
    /* messages: handle/send.c, handle/send_back.c, handle/pull.c, handle/query.c */
    [REQUEST_SEND_MESSAGE] = handle_send,
    [REQUEST_SEND_MESSAGE_V2] = handle_send,
    [REQUEST_SEND_BATCH_MESSAGE] = handle_send,
    [REQUEST_CONSUMER_SEND_MSG_BACK] = handle_send_back,
    [REQUEST_PULL_MESSAGE] = handle_pull,
    [REQUEST_QUERY_MESSAGE] = handle_query_message,
    [REQUEST_VIEW_MESSAGE_BY_ID] = handle_view_message,
    /* transactions: handle/transaction.c */
    [REQUEST_END_TRANSACTION] = handle_end_transaction,
    /* clients: handle/client.c */
    [REQUEST_HEART_BEAT] = handle_heartbeat,
    [REQUEST_UNREGISTER_CLIENT] = handle_unregister_client,
    [REQUEST_CHECK_CLIENT_CONFIG] = handle_check_client_config,
    [REQUEST_GET_CONSUMER_LIST_BY_GROUP] = handle_consumer_list,
    [REQUEST_GET_CONSUMER_CONNECTION_LIST] = handle_consumer_connections,
    [REQUEST_GET_PRODUCER_CONNECTION_LIST] = handle_producer_connections,
    /* queues of ordered consumers: handle/lock.c */
    [REQUEST_LOCK_BATCH_MQ] = handle_lock_queues,
    [REQUEST_UNLOCK_BATCH_MQ] = handle_unlock_queues,
    /* offsets: handle/offset.c */
    [REQUEST_QUERY_CONSUMER_OFFSET] = handle_query_consumer_offset,
    [REQUEST_UPDATE_CONSUMER_OFFSET] = handle_update_consumer_offset,
    [REQUEST_GET_ALL_CONSUMER_OFFSET] = handle_all_consumer_offsets,
    [REQUEST_GET_MAX_OFFSET] = handle_max_offset,
    [REQUEST_GET_MIN_OFFSET] = handle_min_offset,
    [REQUEST_SEARCH_OFFSET_BY_TIMESTAMP] = handle_offset_by_time,
    [REQUEST_GET_EARLIEST_MSG_STORETIME] = handle_earliest_store_time,
    /* for slaves, besides topics, groups and consumers' offsets: handle/slave.c */
    [REQUEST_GET_ALL_DELAY_OFFSET] = handle_all_delay_offsets,
    /* topics: handle/topic.c */
    [REQUEST_UPDATE_AND_CREATE_TOPIC] = handle_update_topic,
    [REQUEST_DELETE_TOPIC_IN_BROKER] = handle_delete_topic,
    [REQUEST_GET_ALL_TOPIC_CONFIG] = handle_all_topics,
    [REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_BROKER] = handle_system_topics,
    [REQUEST_GET_TOPIC_STATS_INFO] = handle_topic_stats,
    [REQUEST_QUERY_TOPIC_CONSUME_BY_WHO] = handle_topic_consumers,
    /* what nobody needs any more: handle/clean.c */
    [REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE] = handle_clean_expired_queues,
    [REQUEST_CLEAN_UNUSED_TOPIC] = handle_clean_unused_topics,
    /* consumer groups: handle/group.c */
    [REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP] = handle_update_group,
    [REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG] = handle_all_groups,
    [REQUEST_DELETE_SUBSCRIPTIONGROUP] = handle_delete_group,
    [REQUEST_GET_CONSUME_STATS] = handle_consume_stats,
    /* the broker itself: handle/runtime.c */
    [REQUEST_GET_BROKER_RUNTIME_INFO] = handle_runtime_info,
    [REQUEST_GET_BROKER_CONFIG] = handle_broker_config,
    [REQUEST_UPDATE_BROKER_CONFIG] = handle_update_broker_config,
};

request_handler dispatch_find(int code) { return code < 0 || code >= CODE_LIMIT ? NULL : handlers[code]; }

void dispatch(struct broker *b, const struct request *rq) {
  request_handler handler = dispatch_find(rq->cmd->code);
  if (handler != NULL)
    handler(b, rq);
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_REQUEST_CODE_NOT_SUPPORTED, " request type %d (%s) not supported",
                         rq->cmd->code, request_code_name(rq->cmd->code));
}
