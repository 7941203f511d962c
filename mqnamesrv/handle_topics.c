/* SPDX-License-Identifier: Apache-2.0
 *
 * The topic lists: GET_ALL_TOPIC_LIST_FROM_NAMESERVER, GET_TOPICS_BY_CLUSTER,
 * GET_SYSTEM_TOPIC_LIST_FROM_NS, the three unit lists, and DELETE_TOPIC_IN_NAMESRV.
 */
#include "mqnamesrv/request.h"

static void answer_names(struct request *rq, enum status status, const struct names *names, struct span broker) {
  if (status != STATUS_OK) {
    request_fail_status(rq, status);
    return;
  }
  name_list_write(&rq->ns->body, "topicList", names->names, names->count, broker);
  request_ok_body(rq);
}

void namesrv_handle_all_topics(struct request *rq) {
  struct names names = {0};
  enum status status = routes_all_topics(&rq->ns->routes, &rq->ns->arena, &names);
  answer_names(rq, status, &names, SPAN_NONE);
}

void namesrv_handle_topics_of_cluster(struct request *rq) {
  struct get_topics_by_cluster_request h;
  struct names names = {0};
  if (!request_header(rq, &get_topics_by_cluster_request_header, &h)) return;
  enum status status = routes_topics_of_cluster(&rq->ns->routes, h.cluster, &rq->ns->arena, &names);
  answer_names(rq, status, &names, SPAN_NONE);
}

void namesrv_handle_system_topics(struct request *rq) {
  struct names names = {0};
  struct span broker = SPAN_NONE;
  enum status status = routes_system_names(&rq->ns->routes, &rq->ns->arena, &names, &broker);
  answer_names(rq, status, &names, broker);
}

static void answer_by_flag(struct request *rq, int32_t mask, int32_t value) {
  struct names names = {0};
  enum status status = routes_topics_by_flag(&rq->ns->routes, mask, value, &rq->ns->arena, &names);
  answer_names(rq, status, &names, SPAN_NONE);
}

void namesrv_handle_unit_topics(struct request *rq) { answer_by_flag(rq, TOPIC_UNIT, TOPIC_UNIT); }

void namesrv_handle_unit_sub_topics(struct request *rq) { answer_by_flag(rq, TOPIC_UNIT_SUB, TOPIC_UNIT_SUB); }

void namesrv_handle_unit_sub_ununit_topics(struct request *rq) {
  answer_by_flag(rq, TOPIC_UNIT_SUB | TOPIC_UNIT, TOPIC_UNIT_SUB);
}

void namesrv_handle_delete_topic(struct request *rq) {
  struct delete_topic_in_namesrv_request h;
  if (!request_header(rq, &delete_topic_in_namesrv_request_header, &h)) return;
  routes_delete_topic(&rq->ns->routes, h.topic);
  request_ok(rq);
}
