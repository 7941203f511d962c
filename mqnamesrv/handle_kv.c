/* SPDX-License-Identifier: Apache-2.0
 *
 * PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG, GET_KVLIST_BY_NAMESPACE.
 */
#include "mqnamesrv/request.h"

static void answer_change(struct request *rq, enum status status) {
  if (status == STATUS_OK)
    request_ok(rq);
  else if (status == STATUS_LIMIT)
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "the configuration items would need more than kvConfigBytesMax=%d bytes",
                 rq->ns->settings->kvConfigBytesMax);
  else
    request_fail(rq, RESPONSE_SYSTEM_ERROR, "%s was not written: %s", rq->ns->settings->kvConfigPath,
                 status_text(status));
}

void namesrv_handle_kv_put(struct request *rq) {
  struct put_kv_config_request h;
  if (!request_header(rq, &put_kv_config_request_header, &h)) return;
  answer_change(rq, kv_put(&rq->ns->kv, h.namespace, h.key, h.value));
}

void namesrv_handle_kv_delete(struct request *rq) {
  struct delete_kv_config_request h;
  if (!request_header(rq, &delete_kv_config_request_header, &h)) return;
  answer_change(rq, kv_delete(&rq->ns->kv, h.namespace, h.key));
}

void namesrv_handle_kv_get(struct request *rq) {
  struct get_kv_config_request h;
  if (!request_header(rq, &get_kv_config_request_header, &h)) return;
  struct span value = kv_get(&rq->ns->kv, h.namespace, h.key);
  if (value.ptr == NULL) {
    request_fail(rq, RESPONSE_QUERY_NOT_FOUND, "No config item, Namespace: %.*s Key: %.*s", SPAN_ARG(h.namespace),
                 SPAN_ARG(h.key));
    return;
  }
  struct get_kv_config_response answer = {0};
  HEADER_SET(get_kv_config_response, &answer, value, value);
  request_ok_header(rq, &get_kv_config_response_header, &answer, false);
}

void namesrv_handle_kv_list(struct request *rq) {
  struct get_kv_list_by_namespace_request h;
  struct pair *pairs;
  size_t count;
  if (!request_header(rq, &get_kv_list_by_namespace_request_header, &h)) return;
  enum status status = kv_list(&rq->ns->kv, h.namespace, &rq->ns->arena, &pairs, &count);
  if (status == STATUS_NOT_FOUND) {
    request_fail(rq, RESPONSE_QUERY_NOT_FOUND, "No config item, Namespace: %.*s", SPAN_ARG(h.namespace));
    return;
  }
  if (status != STATUS_OK) {
    request_fail_status(rq, status);
    return;
  }
  kv_table_write(&rq->ns->body, pairs, count);
  request_ok_body(rq);
}
