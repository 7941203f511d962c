/* SPDX-License-Identifier: Apache-2.0
 *
 * What brokers say: REGISTER_BROKER, UNREGISTER_BROKER, QUERY_DATA_VERSION.
 */
#include "core/wire/message.h"
#include "mqnamesrv/request.h"

/* MQVersion.Version.V3_0_11: older brokers send a bare topic table, without filter servers. */
#define VERSION_WITH_FILTER_SERVERS 37

/* The answer's body: the items of ORDER_TOPIC_CONFIG, if anybody ever put one. */
static void answer_registered(struct request *rq, const struct registered *told) {
  struct namesrv *ns = rq->ns;
  struct register_broker_response h = {0};
  if (told->ha_address.ptr != NULL) HEADER_SET(register_broker_response, &h, haServerAddr, told->ha_address);
  if (told->master_address.ptr != NULL) HEADER_SET(register_broker_response, &h, masterAddr, told->master_address);
  struct pair *pairs;
  size_t count;
  enum status status = kv_list(&ns->kv, KV_ORDER_TOPICS, &ns->arena, &pairs, &count);
  if (status == STATUS_OK)
    kv_table_write(&ns->body, pairs, count);
  else if (status != STATUS_NOT_FOUND) {
    request_fail_status(rq, status);
    return;
  }
  request_ok_header(rq, &register_broker_response_header, &h, status == STATUS_OK);
}

/* false: the body is no registration, and the request has been answered. */
static bool read_body(struct request *rq, bool old, bool compressed, struct register_body *out) {
  struct namesrv *ns = rq->ns;
  const char *why = NULL;
  enum status status = STATUS_OK;
  *out = (struct register_body){0};
  if (rq->cmd->body.len == 0) return true; /* counter 0, timestamp 0, no topics */
  if (old) {
    struct json *root;
    status = json_parse(rq->cmd->body, &JSON_LIMITS_DEFAULT, &ns->arena, &root, &why, NULL);
    if (status == STATUS_OK) status = topic_table_read(root, &ns->arena, &out->topics);
  } else {
    status = register_body_read(rq->cmd->body, compressed, &ns->arena, out, &why);
  }
  if (status == STATUS_OK) return true;
  if (why == NULL) why = status_text(status);
  request_fail(rq, RESPONSE_SYSTEM_ERROR, "Failed to decode RegisterBrokerBody: %s", why);
  return false;
}

void namesrv_handle_register_broker(struct request *rq) {
  struct namesrv *ns = rq->ns;
  struct register_broker_request h;
  if (!request_header(rq, &register_broker_request_header, &h)) return;
  uint32_t crc = (uint32_t)body_crc32(rq->cmd->body);
  if (h.bodyCrc32 != 0 && (uint32_t)h.bodyCrc32 != crc) {
    log_warn(ns->log, "registration of broker %.*s at %.*s: the body's crc32 does not match", SPAN_ARG(h.brokerName),
             SPAN_ARG(h.brokerAddr));
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "crc32 not match");
    return;
  }

  struct registration reg = {.cluster = h.clusterName,
                             .broker_name = h.brokerName,
                             .address = h.brokerAddr,
                             .ha_address = h.haServerAddr,
                             .broker_id = h.brokerId,
                             .conn = rq->conn,
                             .print = body_print_of(rq->cmd->body, crc),
                             .keep_filter_servers = rq->cmd->version < VERSION_WITH_FILTER_SERVERS};
  struct registered told;
  if (routes_renew_unchanged(&ns->routes, &reg, &told, rq->now)) {
    answer_registered(rq, &told);
    return;
  }

  struct register_body body;
  if (!read_body(rq, reg.keep_filter_servers, h.compressed, &body)) return;
  reg.topics = &body.topics;
  reg.filter_servers = body.filter_servers;
  reg.filter_server_count = body.filter_server_count;
  const char *why = NULL;
  enum status status = routes_register(&ns->routes, &reg, &told, &why, rq->now);
  if (status == STATUS_OK) {
    answer_registered(rq, &told);
    return;
  }
  log_warn(ns->log, "registration of broker %.*s at %.*s refused: %s", SPAN_ARG(h.brokerName), SPAN_ARG(h.brokerAddr),
           why);
  request_fail(rq, RESPONSE_SYSTEM_ERROR, "%s", why);
}

void namesrv_handle_unregister_broker(struct request *rq) {
  struct unregister_broker_request h;
  if (!request_header(rq, &unregister_broker_request_header, &h)) return;
  routes_unregister(&rq->ns->routes, h.brokerName, h.brokerAddr, h.brokerId);
  request_ok(rq);
}

/* A broker asks whether its topics are known in this version; if so, asking was as good as registering. */
void namesrv_handle_query_data_version(struct request *rq) {
  struct namesrv *ns = rq->ns;
  struct query_data_version_request h;
  struct json *root;
  const char *why = NULL;
  if (!request_header(rq, &query_data_version_request_header, &h)) return;
  enum status status = json_parse(rq->cmd->body, &JSON_LIMITS_DEFAULT, &ns->arena, &root, &why, NULL);
  if (status != STATUS_OK) {
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "Failed to decode DataVersion: %s", why == NULL ? "?" : why);
    return;
  }
  struct data_version theirs = {0};
  data_version_read(root, &theirs);
  const struct data_version *ours = routes_version(&ns->routes, h.brokerAddr);
  bool changed = ours == NULL || ours->counter != theirs.counter || ours->timestamp != theirs.timestamp;
  if (!changed) routes_renew(&ns->routes, h.brokerAddr, rq->now);
  if (ours != NULL) {
    struct json_writer w;
    json_writer_init(&w, &ns->body, false);
    data_version_write(&w, ours);
  }
  struct query_data_version_response answer = {0};
  HEADER_SET(query_data_version_response, &answer, changed, changed);
  request_ok_header(rq, &query_data_version_response_header, &answer, ours != NULL);
}
