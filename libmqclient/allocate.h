/* SPDX-License-Identifier: Apache-2.0
 *
 * allocate: how the members of a group share the queues of a topic. Agrees
 * with org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
 * all members must compute the same, so this may not change.
 */
#ifndef MQCLIENT_ALLOCATE_H
#define MQCLIENT_ALLOCATE_H

#include <stddef.h>

/* The run of queues that member `index` of `members` (sorted by id) gets of `queues` (sorted by topic, broker name and
 * queue id). *count may be 0. */
void allocate_averagely(size_t queues, size_t members, size_t index, size_t *start, size_t *count);

#endif
