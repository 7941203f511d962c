/* SPDX-License-Identifier: Apache-2.0
 *
 * The field lists of headers.h. F(id, TYPE, javaName, "V2 letter" or NULL, need):
 * need is REQUIRED (@CFNotNull), OPTIONAL, or PRIMITIVE (a Java primitive: a
 * Java sender always writes it). SendMessageRequestHeaderV2 is send_message_request
 * by letters; classes without a field are here because Java has them.
 */
#ifndef MQ_WIRE_HEADERS_LIST_H
#define MQ_WIRE_HEADERS_LIST_H

/* clang-format off */
#define HEADER_LIST(HEADER) \
  HEADER(check_transaction_state_request, CheckTransactionStateRequestHeader) \
  HEADER(check_transaction_state_response, CheckTransactionStateResponseHeader) \
  HEADER(clone_group_offset_request, CloneGroupOffsetRequestHeader) \
  HEADER(consume_message_directly_result_request, ConsumeMessageDirectlyResultRequestHeader) \
  HEADER(consumer_send_msg_back_request, ConsumerSendMsgBackRequestHeader) \
  HEADER(create_access_config_request, CreateAccessConfigRequestHeader) \
  HEADER(create_topic_request, CreateTopicRequestHeader) \
  HEADER(delete_access_config_request, DeleteAccessConfigRequestHeader) \
  HEADER(delete_kv_config_request, DeleteKVConfigRequestHeader) \
  HEADER(delete_subscription_group_request, DeleteSubscriptionGroupRequestHeader) \
  HEADER(delete_topic_in_namesrv_request, DeleteTopicInNamesrvRequestHeader) \
  HEADER(delete_topic_request, DeleteTopicRequestHeader) \
  HEADER(end_transaction_request, EndTransactionRequestHeader) \
  HEADER(end_transaction_response, EndTransactionResponseHeader) \
  HEADER(get_all_topic_config_response, GetAllTopicConfigResponseHeader) \
  HEADER(get_broker_acl_config_response, GetBrokerAclConfigResponseHeader) \
  HEADER(get_broker_cluster_acl_config_response, GetBrokerClusterAclConfigResponseHeader) \
  HEADER(get_broker_config_response, GetBrokerConfigResponseHeader) \
  HEADER(get_consume_stats_in_broker, GetConsumeStatsInBrokerHeader) \
  HEADER(get_consume_stats_request, GetConsumeStatsRequestHeader) \
  HEADER(get_consumer_connection_list_request, GetConsumerConnectionListRequestHeader) \
  HEADER(get_consumer_list_by_group_request, GetConsumerListByGroupRequestHeader) \
  HEADER(get_consumer_list_by_group_response, GetConsumerListByGroupResponseHeader) \
  HEADER(get_consumer_running_info_request, GetConsumerRunningInfoRequestHeader) \
  HEADER(get_consumer_status_request, GetConsumerStatusRequestHeader) \
  HEADER(get_earliest_msg_storetime_request, GetEarliestMsgStoretimeRequestHeader) \
  HEADER(get_earliest_msg_storetime_response, GetEarliestMsgStoretimeResponseHeader) \
  HEADER(get_kv_config_request, GetKVConfigRequestHeader) \
  HEADER(get_kv_config_response, GetKVConfigResponseHeader) \
  HEADER(get_kv_list_by_namespace_request, GetKVListByNamespaceRequestHeader) \
  HEADER(get_max_offset_request, GetMaxOffsetRequestHeader) \
  HEADER(get_max_offset_response, GetMaxOffsetResponseHeader) \
  HEADER(get_min_offset_request, GetMinOffsetRequestHeader) \
  HEADER(get_min_offset_response, GetMinOffsetResponseHeader) \
  HEADER(get_producer_connection_list_request, GetProducerConnectionListRequestHeader) \
  HEADER(get_route_info_request, GetRouteInfoRequestHeader) \
  HEADER(get_topic_stats_info_request, GetTopicStatsInfoRequestHeader) \
  HEADER(get_topics_by_cluster_request, GetTopicsByClusterRequestHeader) \
  HEADER(notify_consumer_ids_changed_request, NotifyConsumerIdsChangedRequestHeader) \
  HEADER(pull_message_request, PullMessageRequestHeader) \
  HEADER(pull_message_response, PullMessageResponseHeader) \
  HEADER(put_kv_config_request, PutKVConfigRequestHeader) \
  HEADER(query_consume_queue_request, QueryConsumeQueueRequestHeader) \
  HEADER(query_consume_time_span_request, QueryConsumeTimeSpanRequestHeader) \
  HEADER(query_consumer_offset_request, QueryConsumerOffsetRequestHeader) \
  HEADER(query_consumer_offset_response, QueryConsumerOffsetResponseHeader) \
  HEADER(query_correction_offset, QueryCorrectionOffsetHeader) \
  HEADER(query_data_version_request, QueryDataVersionRequestHeader) \
  HEADER(query_data_version_response, QueryDataVersionResponseHeader) \
  HEADER(query_message_request, QueryMessageRequestHeader) \
  HEADER(query_message_response, QueryMessageResponseHeader) \
  HEADER(query_topic_consume_by_who_request, QueryTopicConsumeByWhoRequestHeader) \
  HEADER(register_broker_request, RegisterBrokerRequestHeader) \
  HEADER(register_broker_response, RegisterBrokerResponseHeader) \
  HEADER(register_filter_server_request, RegisterFilterServerRequestHeader) \
  HEADER(register_filter_server_response, RegisterFilterServerResponseHeader) \
  HEADER(register_message_filter_class_request, RegisterMessageFilterClassRequestHeader) \
  HEADER(register_order_topic_request, RegisterOrderTopicRequestHeader) \
  HEADER(reply_message_request, ReplyMessageRequestHeader) \
  HEADER(reset_offset_request, ResetOffsetRequestHeader) \
  HEADER(resume_check_half_message_request, ResumeCheckHalfMessageRequestHeader) \
  HEADER(search_offset_request, SearchOffsetRequestHeader) \
  HEADER(search_offset_response, SearchOffsetResponseHeader) \
  HEADER(send_message_request, SendMessageRequestHeader) \
  HEADER(send_message_response, SendMessageResponseHeader) \
  HEADER(unregister_broker_request, UnRegisterBrokerRequestHeader) \
  HEADER(unregister_client_request, UnregisterClientRequestHeader) \
  HEADER(unregister_client_response, UnregisterClientResponseHeader) \
  HEADER(update_consumer_offset_request, UpdateConsumerOffsetRequestHeader) \
  HEADER(update_consumer_offset_response, UpdateConsumerOffsetResponseHeader) \
  HEADER(update_global_white_addrs_config_request, UpdateGlobalWhiteAddrsConfigRequestHeader) \
  HEADER(view_broker_stats_data_request, ViewBrokerStatsDataRequestHeader) \
  HEADER(view_message_request, ViewMessageRequestHeader) \
  HEADER(view_message_response, ViewMessageResponseHeader) \
  HEADER(wipe_write_perm_of_broker_request, WipeWritePermOfBrokerRequestHeader) \
  HEADER(wipe_write_perm_of_broker_response, WipeWritePermOfBrokerResponseHeader)

/* Code 39. */
#define FIELDS_check_transaction_state_request(F, id) \
  F(id, I64, tranStateTableOffset, NULL, REQUIRED) \
  F(id, I64, commitLogOffset, NULL, REQUIRED) \
  F(id, TEXT, msgId, NULL, OPTIONAL) \
  F(id, TEXT, transactionId, NULL, OPTIONAL) \
  F(id, TEXT, offsetMsgId, NULL, OPTIONAL)

/* Never travels. */
#define FIELDS_check_transaction_state_response(F, id) \
  F(id, TEXT, producerGroup, NULL, REQUIRED) \
  F(id, I64, tranStateTableOffset, NULL, REQUIRED) \
  F(id, I64, commitLogOffset, NULL, REQUIRED) \
  F(id, I32, commitOrRollback, NULL, REQUIRED)

/* Code 314. */
#define FIELDS_clone_group_offset_request(F, id) \
  F(id, TEXT, srcGroup, NULL, REQUIRED) \
  F(id, TEXT, destGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, OPTIONAL) \
  F(id, BOOL, offline, NULL, PRIMITIVE)

/* Code 309. */
#define FIELDS_consume_message_directly_result_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, clientId, NULL, OPTIONAL) \
  F(id, TEXT, msgId, NULL, OPTIONAL) \
  F(id, TEXT, brokerName, NULL, OPTIONAL)

/* Code 36. */
#define FIELDS_consumer_send_msg_back_request(F, id) \
  F(id, I64, offset, NULL, REQUIRED) \
  F(id, TEXT, group, NULL, REQUIRED) \
  F(id, I32, delayLevel, NULL, REQUIRED) \
  F(id, TEXT, originMsgId, NULL, OPTIONAL) \
  F(id, TEXT, originTopic, NULL, OPTIONAL) \
  F(id, BOOL, unitMode, NULL, PRIMITIVE) \
  F(id, I32, maxReconsumeTimes, NULL, OPTIONAL)

/* Code 50. */
#define FIELDS_create_access_config_request(F, id) \
  F(id, TEXT, accessKey, NULL, REQUIRED) \
  F(id, TEXT, secretKey, NULL, OPTIONAL) \
  F(id, TEXT, whiteRemoteAddress, NULL, OPTIONAL) \
  F(id, BOOL, admin, NULL, PRIMITIVE) \
  F(id, TEXT, defaultTopicPerm, NULL, OPTIONAL) \
  F(id, TEXT, defaultGroupPerm, NULL, OPTIONAL) \
  F(id, TEXT, topicPerms, NULL, OPTIONAL) \
  F(id, TEXT, groupPerms, NULL, OPTIONAL)

/* Code 17. */
#define FIELDS_create_topic_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, defaultTopic, NULL, REQUIRED) \
  F(id, I32, readQueueNums, NULL, REQUIRED) \
  F(id, I32, writeQueueNums, NULL, REQUIRED) \
  F(id, I32, perm, NULL, REQUIRED) \
  F(id, TEXT, topicFilterType, NULL, REQUIRED) \
  F(id, I32, topicSysFlag, NULL, OPTIONAL) \
  F(id, BOOL, order, NULL, REQUIRED)

/* Code 51. */
#define FIELDS_delete_access_config_request(F, id) \
  F(id, TEXT, accessKey, NULL, REQUIRED)

/* Code 102. */
#define FIELDS_delete_kv_config_request(F, id) \
  F(id, TEXT, namespace, NULL, REQUIRED) \
  F(id, TEXT, key, NULL, REQUIRED)

/* Code 207. */
#define FIELDS_delete_subscription_group_request(F, id) \
  F(id, TEXT, groupName, NULL, REQUIRED)

/* Code 216. */
#define FIELDS_delete_topic_in_namesrv_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 215. */
#define FIELDS_delete_topic_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 37. */
#define FIELDS_end_transaction_request(F, id) \
  F(id, TEXT, producerGroup, NULL, REQUIRED) \
  F(id, I64, tranStateTableOffset, NULL, REQUIRED) \
  F(id, I64, commitLogOffset, NULL, REQUIRED) \
  F(id, I32, commitOrRollback, NULL, REQUIRED) \
  F(id, BOOL, fromTransactionCheck, NULL, OPTIONAL) \
  F(id, TEXT, msgId, NULL, REQUIRED) \
  F(id, TEXT, transactionId, NULL, OPTIONAL)

/* Never travels. */
#define FIELDS_end_transaction_response(F, id)

/* Code 21. */
#define FIELDS_get_all_topic_config_response(F, id)

/* Code 52. */
#define FIELDS_get_broker_acl_config_response(F, id) \
  F(id, TEXT, version, NULL, REQUIRED) \
  F(id, TEXT, brokerName, NULL, REQUIRED) \
  F(id, TEXT, brokerAddr, NULL, REQUIRED) \
  F(id, TEXT, clusterName, NULL, REQUIRED)

/* Code 54. Java's one member is a list that stays null, so nothing travels. */
#define FIELDS_get_broker_cluster_acl_config_response(F, id)

/* Code 26. */
#define FIELDS_get_broker_config_response(F, id) \
  F(id, TEXT, version, NULL, REQUIRED)

/* Code 317. */
#define FIELDS_get_consume_stats_in_broker(F, id) \
  F(id, BOOL, isOrder, NULL, REQUIRED)

/* Code 208. */
#define FIELDS_get_consume_stats_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, OPTIONAL)

/* Code 203. */
#define FIELDS_get_consumer_connection_list_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED)

/* Code 38. */
#define FIELDS_get_consumer_list_by_group_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED)

/* Code 38. */
#define FIELDS_get_consumer_list_by_group_response(F, id)

/* Code 307. */
#define FIELDS_get_consumer_running_info_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, clientId, NULL, REQUIRED) \
  F(id, BOOL, jstackEnable, NULL, PRIMITIVE)

/* Codes 221, 223. */
#define FIELDS_get_consumer_status_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, group, NULL, REQUIRED) \
  F(id, TEXT, clientAddr, NULL, OPTIONAL)

/* Code 32. */
#define FIELDS_get_earliest_msg_storetime_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED)

/* Code 32. */
#define FIELDS_get_earliest_msg_storetime_response(F, id) \
  F(id, I64, timestamp, NULL, REQUIRED)

/* Code 101. */
#define FIELDS_get_kv_config_request(F, id) \
  F(id, TEXT, namespace, NULL, REQUIRED) \
  F(id, TEXT, key, NULL, REQUIRED)

/* Code 101. */
#define FIELDS_get_kv_config_response(F, id) \
  F(id, TEXT, value, NULL, OPTIONAL)

/* Code 219. */
#define FIELDS_get_kv_list_by_namespace_request(F, id) \
  F(id, TEXT, namespace, NULL, REQUIRED)

/* Code 30. */
#define FIELDS_get_max_offset_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED)

/* Code 30. */
#define FIELDS_get_max_offset_response(F, id) \
  F(id, I64, offset, NULL, REQUIRED)

/* Code 31. */
#define FIELDS_get_min_offset_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED)

/* Code 31. */
#define FIELDS_get_min_offset_response(F, id) \
  F(id, I64, offset, NULL, REQUIRED)

/* Code 204. */
#define FIELDS_get_producer_connection_list_request(F, id) \
  F(id, TEXT, producerGroup, NULL, REQUIRED)

/* Code 105. */
#define FIELDS_get_route_info_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 202. */
#define FIELDS_get_topic_stats_info_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 224. */
#define FIELDS_get_topics_by_cluster_request(F, id) \
  F(id, TEXT, cluster, NULL, REQUIRED)

/* Code 40. */
#define FIELDS_notify_consumer_ids_changed_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED)

/* Code 11. */
#define FIELDS_pull_message_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED) \
  F(id, I64, queueOffset, NULL, REQUIRED) \
  F(id, I32, maxMsgNums, NULL, REQUIRED) \
  F(id, I32, sysFlag, NULL, REQUIRED) \
  F(id, I64, commitOffset, NULL, REQUIRED) \
  F(id, I64, suspendTimeoutMillis, NULL, REQUIRED) \
  F(id, TEXT, subscription, NULL, OPTIONAL) \
  F(id, I64, subVersion, NULL, REQUIRED) \
  F(id, TEXT, expressionType, NULL, OPTIONAL)

/* Code 11. */
#define FIELDS_pull_message_response(F, id) \
  F(id, I64, suggestWhichBrokerId, NULL, REQUIRED) \
  F(id, I64, nextBeginOffset, NULL, REQUIRED) \
  F(id, I64, minOffset, NULL, REQUIRED) \
  F(id, I64, maxOffset, NULL, REQUIRED)

/* Code 100. */
#define FIELDS_put_kv_config_request(F, id) \
  F(id, TEXT, namespace, NULL, REQUIRED) \
  F(id, TEXT, key, NULL, REQUIRED) \
  F(id, TEXT, value, NULL, REQUIRED)

/* Code 321. */
#define FIELDS_query_consume_queue_request(F, id) \
  F(id, TEXT, topic, NULL, OPTIONAL) \
  F(id, I32, queueId, NULL, PRIMITIVE) \
  F(id, I64, index, NULL, PRIMITIVE) \
  F(id, I32, count, NULL, PRIMITIVE) \
  F(id, TEXT, consumerGroup, NULL, OPTIONAL)

/* Code 303. */
#define FIELDS_query_consume_time_span_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, group, NULL, REQUIRED)

/* Code 14. */
#define FIELDS_query_consumer_offset_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED)

/* Code 14. */
#define FIELDS_query_consumer_offset_response(F, id) \
  F(id, I64, offset, NULL, REQUIRED)

/* Code 308. */
#define FIELDS_query_correction_offset(F, id) \
  F(id, TEXT, filterGroups, NULL, OPTIONAL) \
  F(id, TEXT, compareGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 322. */
#define FIELDS_query_data_version_request(F, id) \
  F(id, TEXT, brokerName, NULL, REQUIRED) \
  F(id, TEXT, brokerAddr, NULL, REQUIRED) \
  F(id, TEXT, clusterName, NULL, REQUIRED) \
  F(id, I64, brokerId, NULL, REQUIRED)

/* Code 322. */
#define FIELDS_query_data_version_response(F, id) \
  F(id, BOOL, changed, NULL, REQUIRED)

/* Code 12. */
#define FIELDS_query_message_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, key, NULL, REQUIRED) \
  F(id, I32, maxNum, NULL, REQUIRED) \
  F(id, I64, beginTimestamp, NULL, REQUIRED) \
  F(id, I64, endTimestamp, NULL, REQUIRED)

/* Code 12. */
#define FIELDS_query_message_response(F, id) \
  F(id, I64, indexLastUpdateTimestamp, NULL, REQUIRED) \
  F(id, I64, indexLastUpdatePhyoffset, NULL, REQUIRED)

/* Code 300. */
#define FIELDS_query_topic_consume_by_who_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED)

/* Code 103. */
#define FIELDS_register_broker_request(F, id) \
  F(id, TEXT, brokerName, NULL, REQUIRED) \
  F(id, TEXT, brokerAddr, NULL, REQUIRED) \
  F(id, TEXT, clusterName, NULL, REQUIRED) \
  F(id, TEXT, haServerAddr, NULL, REQUIRED) \
  F(id, I64, brokerId, NULL, REQUIRED) \
  F(id, BOOL, compressed, NULL, PRIMITIVE) \
  F(id, I32, bodyCrc32, NULL, OPTIONAL)

/* Code 103. */
#define FIELDS_register_broker_response(F, id) \
  F(id, TEXT, haServerAddr, NULL, OPTIONAL) \
  F(id, TEXT, masterAddr, NULL, OPTIONAL)

/* Code 301. */
#define FIELDS_register_filter_server_request(F, id) \
  F(id, TEXT, filterServerAddr, NULL, REQUIRED)

/* Code 301. */
#define FIELDS_register_filter_server_response(F, id) \
  F(id, TEXT, brokerName, NULL, REQUIRED) \
  F(id, I64, brokerId, NULL, REQUIRED)

/* Code 302. */
#define FIELDS_register_message_filter_class_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, className, NULL, REQUIRED) \
  F(id, I32, classCRC, NULL, REQUIRED)

/* Never travels. */
#define FIELDS_register_order_topic_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, orderTopicString, NULL, REQUIRED)

/* Code 326. */
#define FIELDS_reply_message_request(F, id) \
  F(id, TEXT, producerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, defaultTopic, NULL, REQUIRED) \
  F(id, I32, defaultTopicQueueNums, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED) \
  F(id, I32, sysFlag, NULL, REQUIRED) \
  F(id, I64, bornTimestamp, NULL, REQUIRED) \
  F(id, I32, flag, NULL, REQUIRED) \
  F(id, TEXT, properties, NULL, OPTIONAL) \
  F(id, I32, reconsumeTimes, NULL, OPTIONAL) \
  F(id, BOOL, unitMode, NULL, PRIMITIVE) \
  F(id, TEXT, bornHost, NULL, REQUIRED) \
  F(id, TEXT, storeHost, NULL, REQUIRED) \
  F(id, I64, storeTimestamp, NULL, REQUIRED)

/* Codes 220, 222. */
#define FIELDS_reset_offset_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, TEXT, group, NULL, REQUIRED) \
  F(id, I64, timestamp, NULL, REQUIRED) \
  F(id, BOOL, isForce, NULL, REQUIRED)

/* Code 323. */
#define FIELDS_resume_check_half_message_request(F, id) \
  F(id, TEXT, msgId, NULL, OPTIONAL)

/* Code 29. */
#define FIELDS_search_offset_request(F, id) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED) \
  F(id, I64, timestamp, NULL, REQUIRED)

/* Code 29. */
#define FIELDS_search_offset_response(F, id) \
  F(id, I64, offset, NULL, REQUIRED)

/* Codes 10, 324, and by letters 310, 320, 325 (SendMessageRequestHeaderV2). */
#define FIELDS_send_message_request(F, id) \
  F(id, TEXT, producerGroup, "a", REQUIRED) \
  F(id, TEXT, topic, "b", REQUIRED) \
  F(id, TEXT, defaultTopic, "c", REQUIRED) \
  F(id, I32, defaultTopicQueueNums, "d", REQUIRED) \
  F(id, I32, queueId, "e", REQUIRED) \
  F(id, I32, sysFlag, "f", REQUIRED) \
  F(id, I64, bornTimestamp, "g", REQUIRED) \
  F(id, I32, flag, "h", REQUIRED) \
  F(id, TEXT, properties, "i", OPTIONAL) \
  F(id, I32, reconsumeTimes, "j", OPTIONAL) \
  F(id, BOOL, unitMode, "k", PRIMITIVE) \
  F(id, I32, maxReconsumeTimes, "l", OPTIONAL) \
  F(id, BOOL, batch, "m", PRIMITIVE)

/* Codes 10, 310, 320, 324, 325. */
#define FIELDS_send_message_response(F, id) \
  F(id, TEXT, msgId, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED) \
  F(id, I64, queueOffset, NULL, REQUIRED) \
  F(id, TEXT, transactionId, NULL, OPTIONAL)

/* Code 104. */
#define FIELDS_unregister_broker_request(F, id) \
  F(id, TEXT, brokerName, NULL, REQUIRED) \
  F(id, TEXT, brokerAddr, NULL, REQUIRED) \
  F(id, TEXT, clusterName, NULL, REQUIRED) \
  F(id, I64, brokerId, NULL, REQUIRED)

/* Code 35. */
#define FIELDS_unregister_client_request(F, id) \
  F(id, TEXT, clientID, NULL, REQUIRED) \
  F(id, TEXT, producerGroup, NULL, OPTIONAL) \
  F(id, TEXT, consumerGroup, NULL, OPTIONAL)

/* Code 35. */
#define FIELDS_unregister_client_response(F, id)

/* Code 15. */
#define FIELDS_update_consumer_offset_request(F, id) \
  F(id, TEXT, consumerGroup, NULL, REQUIRED) \
  F(id, TEXT, topic, NULL, REQUIRED) \
  F(id, I32, queueId, NULL, REQUIRED) \
  F(id, I64, commitOffset, NULL, REQUIRED)

/* Code 15. */
#define FIELDS_update_consumer_offset_response(F, id)

/* Code 53. */
#define FIELDS_update_global_white_addrs_config_request(F, id) \
  F(id, TEXT, globalWhiteAddrs, NULL, REQUIRED)

/* Code 315. */
#define FIELDS_view_broker_stats_data_request(F, id) \
  F(id, TEXT, statsName, NULL, REQUIRED) \
  F(id, TEXT, statsKey, NULL, REQUIRED)

/* Code 33. */
#define FIELDS_view_message_request(F, id) \
  F(id, I64, offset, NULL, REQUIRED)

/* Never travels. */
#define FIELDS_view_message_response(F, id)

/* Code 205. */
#define FIELDS_wipe_write_perm_of_broker_request(F, id) \
  F(id, TEXT, brokerName, NULL, REQUIRED)

/* Code 205. */
#define FIELDS_wipe_write_perm_of_broker_response(F, id) \
  F(id, I32, wipeTopicCount, NULL, REQUIRED)
/* clang-format on */

#endif
