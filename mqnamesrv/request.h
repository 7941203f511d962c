/* SPDX-License-Identifier: Apache-2.0
 *
 * request: what a handler gets and how it answers. Every handler answers its
 * request exactly once, before it returns.
 */
#ifndef MQ_NAMESRV_REQUEST_H
#define MQ_NAMESRV_REQUEST_H

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqnamesrv/namesrv.h"

struct request {
  struct namesrv *ns;
  const struct command *cmd;
  struct reply_to to;
  conn_id conn;
  struct moment now;
};

/* One row of the name server's table of contents. */
struct handler {
  int code; /* enum request_code */
  void (*handle)(struct request *rq);
};
extern const struct handler namesrv_handlers[];
extern const size_t namesrv_handler_count;

void request_dispatch(struct request *rq);

/* Reads the header fields; false: one that must be there is not, and the request has been answered. */
bool request_header(struct request *rq, const struct header *header, void *out) MUST_USE;
void request_fail(struct request *rq, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* For statuses that are nobody's fault but ours: code 1 with the status's text. */
void request_fail_status(struct request *rq, enum status status);
void request_ok(struct request *rq);
/* With what was written to rq->ns->body. */
void request_ok_body(struct request *rq);
void request_ok_header(struct request *rq, const struct header *header, const void *fields, bool with_body);

/* handle_register.c */
void namesrv_handle_register_broker(struct request *rq);
void namesrv_handle_unregister_broker(struct request *rq);
void namesrv_handle_query_data_version(struct request *rq);
/* handle_route.c */
void namesrv_handle_route_of_topic(struct request *rq);
void namesrv_handle_cluster_info(struct request *rq);
void namesrv_handle_wipe_write_perm(struct request *rq);
/* handle_topics.c */
void namesrv_handle_all_topics(struct request *rq);
void namesrv_handle_delete_topic(struct request *rq);
void namesrv_handle_topics_of_cluster(struct request *rq);
void namesrv_handle_system_topics(struct request *rq);
void namesrv_handle_unit_topics(struct request *rq);
void namesrv_handle_unit_sub_topics(struct request *rq);
void namesrv_handle_unit_sub_ununit_topics(struct request *rq);
/* handle_kv.c */
void namesrv_handle_kv_put(struct request *rq);
void namesrv_handle_kv_get(struct request *rq);
void namesrv_handle_kv_delete(struct request *rq);
void namesrv_handle_kv_list(struct request *rq);
/* handle_config.c */
void namesrv_handle_config_update(struct request *rq);
void namesrv_handle_config_get(struct request *rq);

#endif
