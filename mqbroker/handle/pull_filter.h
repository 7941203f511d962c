/* SPDX-License-Identifier: Apache-2.0
 *
 * pull_filter: which messages a pull wants: those with certain tags, or those
 * an SQL92 expression is true for, as the pull says itself or its group's
 * heartbeats do. Agrees with the subscription part of
 * org.apache.rocketmq.broker.processor.PullMessageProcessor and with
 * org.apache.rocketmq.broker.filter.{ExpressionMessageFilter,ExpressionForRetryMessageFilter}.
 */
#ifndef MQBROKER_HANDLE_PULL_FILTER_H
#define MQBROKER_HANDLE_PULL_FILTER_H

#include "mqbroker/broker.h"

struct pull_filter {
  const struct filters *filters;
  const int32_t *codes; /* of tags; none: any */
  size_t code_count;
  const struct sql *program;     /* NULL: any */
  const struct filter *of_group; /* whose program it is; NULL: the pull brought it itself, and it has no bits */
  struct span retry_group; /* present: messages of its retry topic are filtered as those of the topic they came from */
};

/* False: answered, the subscription is unknown, outdated, wrong or not supported. The filter is good for this request:
 * it borrows the broker's arena and tables. */
bool pull_filter_find(struct broker *b, const struct pull *p, struct pull_filter *out);
struct get_filter pull_filter_for_get(struct pull_filter *f);

#endif
