/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/handle/pull_filter.h"

#include "core/wire/codes.h"

enum pull_flag { PULL_SUBSCRIPTION = 4 };

static bool is_tag_expression(struct span type) { return type.len == 0 || span_is(type, "TAG"); }

static bool refuse_language(struct broker *b, const struct pull *p, struct span type) {
  remoting_reply_error(b->remoting, &p->to, RESPONSE_SYSTEM_ERROR,
                       "The broker does not support consumer to filter message by %.*s", SPAN_ARG(type));
  return false;
}

/* Java lets everything pass when the pull's own SQL does not compile; nobody can want that. */
static bool sql_of_pull(struct broker *b, const struct pull *p, struct pull_filter *out) {
  if (!b->settings->enablePropertyFilter || !span_is(p->expression_type, "SQL92"))
    return refuse_language(b, p, p->expression_type);
  struct sql_error error = {0, ""};
  enum status status = sql_cache_get(&b->filters.cache, p->expression, &b->filters.limits, &out->program, &error);
  if (status == STATUS_OK) return true;
  remoting_reply_error(b->remoting, &p->to, RESPONSE_SUBSCRIPTION_PARSE_FAILED,
                       "parse the consumer's subscription failed: character %zu: %s", error.at, error.text);
  return false;
}

static bool subscription_of_pull(struct broker *b, const struct pull *p, struct pull_filter *out) {
  if (!is_tag_expression(p->expression_type)) return sql_of_pull(b, p, out);
  struct subscription_data s;
  if (subscription_parse(p->topic, p->expression, &b->arena, &s) != STATUS_OK) {
    remoting_reply_error(b->remoting, &p->to, RESPONSE_SUBSCRIPTION_PARSE_FAILED,
                         "parse the consumer's subscription failed");
    return false;
  }
  out->codes = s.codes;
  out->code_count = s.code_count;
  return true;
}

static bool sql_of_group(struct broker *b, const struct pull *p, const struct subscription *s,
                         struct pull_filter *out) {
  const struct filter *f = filters_find(&b->filters, p->topic, p->group);
  if (f == NULL) {
    remoting_reply_error(b->remoting, &p->to, RESPONSE_FILTER_DATA_NOT_EXIST,
                         "The broker's consumer filter data is not exist!Your expression may be wrong!");
    return false;
  }
  if (f->client_version < p->sub_version) {
    remoting_reply_error(b->remoting, &p->to, RESPONSE_FILTER_DATA_NOT_LATEST,
                         "the consumer's consumer filter data not latest");
    return false;
  }
  if (!b->settings->enablePropertyFilter) return refuse_language(b, p, s->expression_type);
  out->program = f->program;
  out->of_group = f;
  return true;
}

static bool subscription_of_group(struct broker *b, const struct pull *p, struct pull_filter *out) {
  struct remoting *r = b->remoting;
  const struct client_group *g = clients_consumers(&b->clients, p->group);
  if (g == NULL) {
    remoting_reply_error(r, &p->to, RESPONSE_SUBSCRIPTION_NOT_EXIST, "the consumer's group info not exist");
    return false;
  }
  const struct group *config = groups_find(&b->groups, p->group);
  if (config != NULL && !config->consume_broadcast_enable && g->message_model == MODEL_BROADCASTING) {
    remoting_reply_error(r, &p->to, RESPONSE_NO_PERMISSION, "the consumer group[%.*s] can not consume by broadcast way",
                         SPAN_ARG(p->group));
    return false;
  }
  const struct subscription *s = client_group_subscription(g, p->topic);
  if (s == NULL) {
    remoting_reply_error(r, &p->to, RESPONSE_SUBSCRIPTION_NOT_EXIST, "the consumer's subscription not exist");
    return false;
  }
  if (s->version < p->sub_version) {
    remoting_reply_error(r, &p->to, RESPONSE_SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
    return false;
  }
  if (s->class_filter) return refuse_language(b, p, s->expression_type);
  if (!is_tag_expression(s->expression_type)) return sql_of_group(b, p, s, out);
  out->codes = s->codes;
  out->code_count = s->code_count;
  return true;
}

bool pull_filter_find(struct broker *b, const struct pull *p, struct pull_filter *out) {
  *out = (struct pull_filter){.filters = &b->filters};
  if (b->settings->filterSupportRetry && span_starts(p->topic, RETRY_TOPIC_PREFIX))
    out->retry_group = span_from(p->topic, sizeof RETRY_TOPIC_PREFIX - 1);
  return p->sys_flag & PULL_SUBSCRIPTION ? subscription_of_pull(b, p, out) : subscription_of_group(b, p, out);
}

/* By tags, or, where the queue has a bitmap, by what the filter said when the message came. */
static bool unit_wanted(void *context, const struct queued *unit) {
  const struct pull_filter *f = context;
  if (f->of_group != NULL)
    return !unit->extended || filter_may_pass(f->filters, f->of_group, unit->store_ms, unit->bitmap);
  for (size_t i = 0; i < f->code_count; i++)
    if (f->codes[i] == unit->tags_code) return true;
  return false;
}

/* On the record in the mapped log; an error or NULL is no match. */
static bool record_wanted(void *context, struct span record) {
  const struct pull_filter *f = context;
  const struct sql *program = f->program;
  struct message m;
  size_t size;
  if (message_decode(record, false, &m, &size) != STATUS_OK) m.properties = SPAN_NONE;
  if (f->retry_group.ptr != NULL) {
    const struct filter *real = filters_find(f->filters, property_get(m.properties, "RETRY_TOPIC"), f->retry_group);
    program = real == NULL ? NULL : real->program;
  }
  return program == NULL || sql_evaluate(program, m.properties) == SQL_TRUE;
}

struct get_filter pull_filter_for_get(struct pull_filter *f) {
  return (struct get_filter){.by_unit = f->code_count == 0 && f->of_group == NULL ? NULL : unit_wanted,
                             .by_record = f->program == NULL && f->retry_group.ptr == NULL ? NULL : record_wanted,
                             .context = f};
}
