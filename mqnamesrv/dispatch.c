/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of contents: every request code a name server answers. Agrees with
 * org.apache.rocketmq.namesrv.processor.DefaultRequestProcessor.processRequest,
 * except for codes it does not know: Java is silent and lets the peer time
 * out, we refuse.
 */
#include "mqnamesrv/request.h"

#include <stdarg.h>
#include <stdio.h>

enum { REMARK_MAX = 1024 };

const struct handler namesrv_handlers[] = {
    {REQUEST_PUT_KV_CONFIG, namesrv_handle_kv_put},
    {REQUEST_GET_KV_CONFIG, namesrv_handle_kv_get},
    {REQUEST_DELETE_KV_CONFIG, namesrv_handle_kv_delete},
    {REQUEST_REGISTER_BROKER, namesrv_handle_register_broker},
    {REQUEST_UNREGISTER_BROKER, namesrv_handle_unregister_broker},
    {REQUEST_GET_ROUTEINTO_BY_TOPIC, namesrv_handle_route_of_topic},
    {REQUEST_GET_BROKER_CLUSTER_INFO, namesrv_handle_cluster_info},
    {REQUEST_WIPE_WRITE_PERM_OF_BROKER, namesrv_handle_wipe_write_perm},
    {REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, namesrv_handle_all_topics},
    {REQUEST_DELETE_TOPIC_IN_NAMESRV, namesrv_handle_delete_topic},
    {REQUEST_GET_KVLIST_BY_NAMESPACE, namesrv_handle_kv_list},
    {REQUEST_GET_TOPICS_BY_CLUSTER, namesrv_handle_topics_of_cluster},
    {REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS, namesrv_handle_system_topics},
    {REQUEST_GET_UNIT_TOPIC_LIST, namesrv_handle_unit_topics},
    {REQUEST_GET_HAS_UNIT_SUB_TOPIC_LIST, namesrv_handle_unit_sub_topics},
    {REQUEST_GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, namesrv_handle_unit_sub_ununit_topics},
    {REQUEST_UPDATE_NAMESRV_CONFIG, namesrv_handle_config_update},
    {REQUEST_GET_NAMESRV_CONFIG, namesrv_handle_config_get},
    {REQUEST_QUERY_DATA_VERSION, namesrv_handle_query_data_version},
};
const size_t namesrv_handler_count = sizeof namesrv_handlers / sizeof namesrv_handlers[0];

void request_dispatch(struct request *rq) {
  log_debug(rq->ns->log, "request %s (%d) on connection %llu", request_code_name(rq->cmd->code), rq->cmd->code,
            (unsigned long long)rq->conn);
  for (size_t i = 0; i < namesrv_handler_count; i++) {
    if (namesrv_handlers[i].code != rq->cmd->code) continue;
    namesrv_handlers[i].handle(rq);
    return;
  }
  request_fail(rq, RESPONSE_REQUEST_CODE_NOT_SUPPORTED, " request type %d not supported", rq->cmd->code);
}

bool request_header(struct request *rq, const struct header *header, void *out) {
  const char *missing = NULL;
  if (header_decode(header, rq->cmd, false, out, &missing) == STATUS_OK) return true;
  request_fail(rq, RESPONSE_SYSTEM_ERROR, "the custom field <%s> is null or not what it should be",
               missing == NULL ? "?" : missing);
  return false;
}

void request_fail(struct request *rq, int code, const char *format, ...) {
  char text[REMARK_MAX];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  struct reply_out reply = {.code = code, .remark = span_text(text)};
  remoting_reply(rq->ns->remoting, &rq->to, &reply);
}

void request_fail_status(struct request *rq, enum status status) {
  log_error(rq->ns->log, "%s: %s", request_code_name(rq->cmd->code), status_text(status));
  request_fail(rq, RESPONSE_SYSTEM_ERROR, "%s", status_text(status));
}

void request_ok(struct request *rq) {
  struct reply_out reply = {.code = RESPONSE_SUCCESS};
  remoting_reply(rq->ns->remoting, &rq->to, &reply);
}

void request_ok_header(struct request *rq, const struct header *header, const void *fields, bool with_body) {
  struct namesrv *ns = rq->ns;
  if (with_body && ns->body.failed) {
    request_fail_status(rq, STATUS_NO_MEMORY);
    return;
  }
  struct reply_out reply = {.code = RESPONSE_SUCCESS,
                            .header = header,
                            .fields = fields,
                            .body = with_body ? buf_span(&ns->body) : SPAN_NONE};
  remoting_reply(ns->remoting, &rq->to, &reply);
}

void request_ok_body(struct request *rq) { request_ok_header(rq, NULL, NULL, true); }
