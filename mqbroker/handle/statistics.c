/* SPDX-License-Identifier: Apache-2.0
 *
 * VIEW_BROKER_STATS_DATA (315). Agrees with
 * org.apache.rocketmq.broker.processor.AdminBrokerProcessor.ViewBrokerStatsData.
 */
#include "core/wire/codes.h"
#include "core/wire/headers.h"
#include "mqbroker/handle/handle.h"

enum { BODY_MAX = 4096 };

static void write_snapshot(struct json_writer *w, const char *name, const struct tally_snapshot *s) {
  json_key(w, name);
  json_open_object(w);
  json_key(w, "avgpt");
  json_put_double(w, s->per_event);
  json_key(w, "sum");
  json_put_int(w, s->sum);
  json_key(w, "tps");
  json_put_double(w, s->per_second);
  json_close_object(w);
}

void handle_view_stats(struct broker *b, const struct request *rq) {
  struct view_broker_stats_data_request h;
  struct tally_snapshot s[TALLY_PERIODS];
  if (!decode_fields(b, rq, &view_broker_stats_data_request_header, &h)) return;
  if (!tally_view(&b->tally, span_text(b->settings->brokerClusterName), h.statsName, h.statsKey, s)) {
    remoting_reply_error(b->remoting, &rq->to, RESPONSE_SYSTEM_ERROR, "The stats <%.*s> <%.*s> not exist",
                         SPAN_ARG(h.statsName), SPAN_ARG(h.statsKey));
    return;
  }
  struct buf body;
  struct json_writer w;
  buf_init(&body, BODY_MAX);
  json_writer_init(&w, &body, false);
  json_open_object(&w);
  write_snapshot(&w, "statsDay", &s[TALLY_DAY]);
  write_snapshot(&w, "statsHour", &s[TALLY_HOUR]);
  write_snapshot(&w, "statsMinute", &s[TALLY_MINUTE]);
  json_close_object(&w);
  reply_body(b, rq, &body);
  buf_fini(&body);
}
