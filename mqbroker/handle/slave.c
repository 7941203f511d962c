/* SPDX-License-Identifier: Apache-2.0
 *
 * What slaves ask their master for and no other handler answers:
 * GET_ALL_DELAY_OFFSET (45). Topics (21), consumers' offsets (43) and groups
 * (201) are where they belong. Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.getAllDelayOffset.
 */
#include "core/wire/codes.h"
#include "mqbroker/handle/handle.h"

#include <stdio.h>

enum { BODY_MAX = 16 << 20 };

static void reply_running(struct broker *b, const struct request *rq) {
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  delays_write(&b->delays, &w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}

/* Who delivers knows; a slave has what it was told. */
void handle_all_delay_offsets(struct broker *b, const struct request *rq) {
  if (b->delays.running) {
    reply_running(b, rq);
    return;
  }
  char path[DISK_PATH_MAX];
  struct buf body;
  buf_init(&body, BODY_MAX);
  int n = snprintf(path, sizeof path, "%s/config/delayOffset.json", b->settings->storePathRootDir);
  enum status status = n < (int)sizeof path ? disk_read_whole(b->disk, path, &body) : STATUS_LIMIT;
  if (status == STATUS_OK && body.len > 0) reply_body(b, rq, &body);
  else if (status == STATUS_OK || status == STATUS_NOT_FOUND)
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "No delay offset in this broker");
  else
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "the delay offsets cannot be read: %s",
                         status_text(status));
  buf_fini(&body);
}
