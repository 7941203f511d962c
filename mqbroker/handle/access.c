/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts and white lists from afar: 50 to 54. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor, which answers
 * nothing at all to 52 and 54 when something is wrong.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { VERSION_TEXT_MAX = 128 };

static bool need_acl(struct broker *b, const struct request *rq, int code) {
  if (b->acl != NULL) return true;
  remoting_reply_error(b->remoting, &rq->to, code, "access control is off (aclEnable=false)");
  return false;
}

static void answer(struct broker *b, const struct request *rq, enum status status, int code, const char *what,
                   struct span name, const struct buf *why) {
  if (status == STATUS_OK) {
    log_info(b->log, "%s %.*s: changed by request %d", what, SPAN_ARG(name), rq->cmd->code);
    reply_ok(b, rq);
    return;
  }
  remoting_reply_error(b->remoting, &rq->to, code, "The %s[%.*s] was not changed: %.*s", what, SPAN_ARG(name),
                       SPAN_ARG(buf_span(why)));
}

void handle_update_acl(struct broker *b, const struct request *rq) {
  struct create_access_config_request h;
  struct buf why;
  if (!need_acl(b, rq, RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED) ||
      !decode_fields(b, rq, &create_access_config_request_header, &h))
    return;
  struct acl_account_change change = {.access_key = h.accessKey,
                                      .secret_key = h.secretKey,
                                      .white_address = h.whiteRemoteAddress,
                                      .admin = h.admin,
                                      .default_topic = h.defaultTopicPerm,
                                      .default_group = h.defaultGroupPerm,
                                      .topics = h.topicPerms,
                                      .groups = h.groupPerms};
  buf_init(&why, ACL_REASON_MAX);
  enum status status = acl_change_account(b->acl, &change, rq->now, &why);
  answer(b, rq, status, RESPONSE_UPDATE_AND_CREATE_ACL_CONFIG_FAILED, "accesskey", h.accessKey, &why);
  buf_fini(&why);
}

void handle_delete_acl(struct broker *b, const struct request *rq) {
  struct delete_access_config_request h;
  struct buf why;
  if (!need_acl(b, rq, RESPONSE_DELETE_ACL_CONFIG_FAILED) ||
      !decode_fields(b, rq, &delete_access_config_request_header, &h))
    return;
  buf_init(&why, ACL_REASON_MAX);
  enum status status = acl_remove_account(b->acl, h.accessKey, rq->now, &why);
  answer(b, rq, status, RESPONSE_DELETE_ACL_CONFIG_FAILED, "accesskey", h.accessKey, &why);
  buf_fini(&why);
}

void handle_update_white_list(struct broker *b, const struct request *rq) {
  struct update_global_white_addrs_config_request h;
  struct buf why;
  if (!need_acl(b, rq, RESPONSE_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED) ||
      !decode_fields(b, rq, &update_global_white_addrs_config_request_header, &h))
    return;
  buf_init(&why, ACL_REASON_MAX);
  enum status status = acl_change_white_list(b->acl, h.globalWhiteAddrs, rq->now, &why);
  answer(b, rq, status, RESPONSE_UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED, "globalWhiteAddresses", h.globalWhiteAddrs,
         &why);
  buf_fini(&why);
}

void handle_acl_version(struct broker *b, const struct request *rq) {
  struct get_broker_acl_config_response h = {0};
  struct buf version;
  struct json_writer w;
  char address[NET_PEER_TEXT_MAX];
  if (!need_acl(b, rq, RESPONSE_SYSTEM_ERROR)) return;
  buf_init(&version, VERSION_TEXT_MAX);
  json_writer_init(&w, &version, false);
  data_version_write(&w, acl_version(b->acl));
  net_peer_text(&b->address, address);
  HEADER_SET(get_broker_acl_config_response, &h, version, buf_span(&version));
  HEADER_SET(get_broker_acl_config_response, &h, brokerName, span_text(b->settings->brokerName));
  HEADER_SET(get_broker_acl_config_response, &h, brokerAddr, span_text(address));
  HEADER_SET(get_broker_acl_config_response, &h, clusterName, span_text(b->settings->brokerClusterName));
  reply_fields(b, rq, &get_broker_acl_config_response_header, &h);
  buf_fini(&version);
}

/* Without the secrets, which Java sends in clear. */
void handle_acl_config(struct broker *b, const struct request *rq) {
  struct buf body, why;
  if (!need_acl(b, rq, RESPONSE_SYSTEM_ERROR)) return;
  buf_init(&body, ACL_FILE_MAX * 2);
  buf_init(&why, ACL_REASON_MAX);
  if (acl_describe(b->acl, &body, &why) == STATUS_OK) reply_body(b, rq, &body);
  else remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "%.*s", SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  buf_fini(&body);
}
