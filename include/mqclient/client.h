/* SPDX-License-Identifier: Apache-2.0
 *
 * A client: one loop thread with its connections, heartbeats and routes,
 * shared by the producers and consumers made with it. Agrees with
 * org.apache.rocketmq.client.impl.factory.MQClientInstance.
 */
#ifndef MQCLIENT_CLIENT_PUBLIC_H
#define MQCLIENT_CLIENT_PUBLIC_H

#include "mqclient/config.h"
#include "mqclient/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mq_client mq_client;

/* Starts the loop thread; opens no connection yet. config is copied. On success *out is the client, to be freed with
 * mq_client_free. error may be NULL. Thread-safe.
 *
 * The client id is clientIP@instanceName. Unless instanceName is set, it is the process id and a number, so that two
 * clients of one process are two members of their groups; with messageModel BROADCASTING it stays DEFAULT, because
 * offsets.json lies in a folder of that name. */
enum mq_result mq_client_start(const mq_config *config, mq_client **out, struct mq_error *error);

/* Ends the loop thread and closes the connections. All producers and consumers must have been stopped and freed. Not
 * from a callback. NULL is allowed. */
void mq_client_free(mq_client *client);

/* clientIP@instanceName; valid as long as the client. Thread-safe. */
const char *mq_client_id(const mq_client *client);

#ifdef __cplusplus
}
#endif

#endif
