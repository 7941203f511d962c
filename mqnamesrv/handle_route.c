/* SPDX-License-Identifier: Apache-2.0
 *
 * GET_ROUTEINTO_BY_TOPIC, GET_BROKER_CLUSTER_INFO, WIPE_WRITE_PERM_OF_BROKER.
 */
#include "mqnamesrv/request.h"

/* FAQUrl.suggestTodo(FAQUrl.APPLY_TOPIC_URL) */
#define FAQ_APPLY_TOPIC "\nSee http://rocketmq.apache.org/docs/faq/ for further details."

void namesrv_handle_route_of_topic(struct request *rq) {
  struct namesrv *ns = rq->ns;
  struct get_route_info_request h;
  struct topic_route route;
  if (!request_header(rq, &get_route_info_request_header, &h)) return;
  enum status status = routes_of_topic(&ns->routes, h.topic, &ns->arena, &route);
  if (status == STATUS_NOT_FOUND) {
    request_fail(rq, RESPONSE_TOPIC_NOT_EXIST, "No topic route info in name server for the topic: %.*s%s",
                 SPAN_ARG(h.topic), FAQ_APPLY_TOPIC);
    return;
  }
  if (status != STATUS_OK) {
    request_fail_status(rq, status);
    return;
  }
  if (ns->settings->orderMessageEnable) route.order_topic_conf = kv_get(&ns->kv, KV_ORDER_TOPICS, h.topic);
  /* Clients of 5.x whose JSON reader insists on quoted keys say so. */
  struct span standard = command_ext(rq->cmd, "acceptStandardJsonOnly");
  topic_route_write(&ns->body, &route, span_equal_nocase(standard, SPAN_LITERAL("true")));
  request_ok_body(rq);
}

void namesrv_handle_cluster_info(struct request *rq) {
  struct namesrv *ns = rq->ns;
  struct cluster_info info;
  enum status status = routes_cluster_info(&ns->routes, &ns->arena, &info);
  if (status != STATUS_OK) {
    request_fail_status(rq, status);
    return;
  }
  cluster_info_write(&ns->body, &info);
  request_ok_body(rq);
}

void namesrv_handle_wipe_write_perm(struct request *rq) {
  struct wipe_write_perm_of_broker_request h;
  if (!request_header(rq, &wipe_write_perm_of_broker_request_header, &h)) return;
  int32_t count = routes_wipe_write(&rq->ns->routes, h.brokerName);
  log_info(rq->ns->log, "write permission of broker %.*s taken from %d topics", SPAN_ARG(h.brokerName), count);
  struct wipe_write_perm_of_broker_response answer = {0};
  HEADER_SET(wipe_write_perm_of_broker_response, &answer, wipeTopicCount, count);
  request_ok_header(rq, &wipe_write_perm_of_broker_response_header, &answer, false);
}
