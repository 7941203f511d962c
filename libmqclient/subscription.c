/* SPDX-License-Identifier: Apache-2.0 */
#include "libmqclient/subscription.h"

#include "core/wire/message.h"
#include "libmqclient/client.h"

#include <stdlib.h>

enum { EXPRESSION_MAX = 1 << 20 };

struct subscription *subscriptions_find(const struct subscriptions *s, const char *topic) {
  for (struct subscription *one = s->first; one != NULL; one = one->next)
    if (strcmp(one->topic, topic) == 0) return one;
  return NULL;
}

static void subscription_free(struct subscription *one) {
  arena_fini(&one->arena);
  free(one);
}

void subscriptions_remove(struct subscriptions *s, const char *topic) {
  for (struct subscription **at = &s->first; *at != NULL; at = &(*at)->next)
    if (strcmp((*at)->topic, topic) == 0) {
      struct subscription *gone = *at;
      *at = gone->next;
      s->count--;
      subscription_free(gone);
      return;
    }
}

static enum status fill(struct subscription *one, const char *topic, const char *expression, bool sql,
                        int64_t wall_ms) {
  struct span name = arena_copy(&one->arena, span_text(topic));
  struct span text = arena_copy(&one->arena, span_text(expression == NULL ? "*" : expression));
  if (name.ptr == NULL || text.ptr == NULL) return STATUS_NO_MEMORY;
  enum status status = STATUS_OK;
  if (sql)
    one->data = (struct subscription_data){.topic = name, .sub_string = text, .expression_type = SPAN_LITERAL("SQL92")};
  else
    status = subscription_parse(name, text, &one->arena, &one->data);
  one->data.topic = name;
  one->data.sub_version = wall_ms;
  one->topic = (const char *)name.ptr;
  return status;
}

enum mq_result subscriptions_put(struct subscriptions *s, const char *topic, const char *expression, bool sql,
                                 int64_t wall_ms, struct mq_error *error) {
  const char *why = NULL;
  if (!topic_name_valid(span_text(topic), &why))
    return error_set(error, MQ_INVALID, "topic \"%s\": %s", topic, why == NULL ? "not valid" : why);
  struct subscription *one = calloc(1, sizeof *one);
  if (one == NULL) return error_set(error, MQ_NO_MEMORY, "out of memory");
  arena_init(&one->arena, EXPRESSION_MAX);
  enum status status = fill(one, topic, expression, sql, wall_ms);
  if (status != STATUS_OK) {
    subscription_free(one);
    return status == STATUS_NO_MEMORY ? error_set(error, MQ_NO_MEMORY, "out of memory")
                                      : error_set(error, MQ_INVALID, "not a filter expression: %s", expression);
  }
  subscriptions_remove(s, topic);
  struct subscription **end = &s->first;
  while (*end != NULL) end = &(*end)->next;
  *end = one;
  s->count++;
  return MQ_OK;
}

void subscriptions_fini(struct subscriptions *s) {
  while (s->first != NULL) {
    struct subscription *next = s->first->next;
    subscription_free(s->first);
    s->first = next;
  }
  s->count = 0;
}

enum status subscriptions_describe(const struct subscriptions *s, struct consumer_data *out, struct arena *arena) {
  out->subscriptions = arena_zalloc(arena, s->count + 1, sizeof *out->subscriptions);
  if (out->subscriptions == NULL) return STATUS_NO_MEMORY;
  out->subscription_count = 0;
  for (const struct subscription *one = s->first; one != NULL; one = one->next)
    out->subscriptions[out->subscription_count++] = one->data;
  return STATUS_OK;
}
