/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/replies.h"

#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "core/wire/message.h"

enum { UNPACKED_MAX = 256 << 20 };

enum status reply_await(struct client *c, struct reply_waiter *w) {
  return map_put(&c->replies, span_text(w->id), w, NULL);
}

void reply_forget(struct client *c, struct reply_waiter *w) {
  if (map_get(&c->replies, span_text(w->id)) == w) map_remove(&c->replies, span_text(w->id));
}

static void give(struct client *c, const struct reply_message_request *h, struct span body) {
  struct span id = property_get(h->properties, "CORRELATION_ID");
  struct reply_waiter *w = id.ptr == NULL ? NULL : map_remove(&c->replies, id);
  if (w != NULL) w->arrived(w, &(struct reply_message){h->topic, body, h->properties, h->flag});
  else log_warn(c->log, "a reply came that nobody waits for: %.*s", SPAN_ARG(id));
}

void reply_take(struct client *c, const struct reply_to *to, const struct command *cmd) {
  struct reply_message_request h;
  const char *missing = NULL;
  struct buf unpacked;
  if (header_decode(&reply_message_request_header, cmd, false, &h, &missing) != STATUS_OK) {
    remoting_reply_error(c->remoting, to, RESPONSE_SYSTEM_ERROR, "process reply message fail: no %s", missing);
    return;
  }
  buf_init(&unpacked, UNPACKED_MAX);
  bool packed = h.sysFlag & SYS_COMPRESSED;
  if (packed && body_uncompress(cmd->body, &unpacked) != STATUS_OK) {
    remoting_reply_error(c->remoting, to, RESPONSE_SYSTEM_ERROR, "process reply message fail: the body is broken");
  } else {
    give(c, &h, packed ? buf_span(&unpacked) : cmd->body);
    remoting_reply(c->remoting, to, &(struct reply_out){.code = RESPONSE_SUCCESS});
  }
  buf_fini(&unpacked);
}
