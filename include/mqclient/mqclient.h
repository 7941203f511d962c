/* SPDX-License-Identifier: Apache-2.0
 *
 * mqclient: RocketMQ for C programs. Include this, link with -lmqclient.
 *
 * A mq_config holds settings, a mq_client is started from it, producers and
 * consumers are made with the client:
 *
 *   mq_config *config = mq_config_new();
 *   mq_config_set(config, "namesrvAddr", "127.0.0.1:9876", NULL);
 *   mq_client *client;
 *   mq_client_start(config, &client, &error);
 *   mq_producer *producer;
 *   mq_producer_start(client, "my_group", &producer, &error);
 *   mq_producer_send(producer, message, NULL, &result, &error);
 */
#ifndef MQCLIENT_MQCLIENT_H
#define MQCLIENT_MQCLIENT_H

#include "mqclient/client.h"
#include "mqclient/config.h"
#include "mqclient/error.h"
#include "mqclient/message.h"
#include "mqclient/producer.h"
#include "mqclient/pull_consumer.h"
#include "mqclient/push_consumer.h"
#include "mqclient/transaction_producer.h"

#endif
