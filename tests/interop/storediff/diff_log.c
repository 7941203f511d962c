/* SPDX-License-Identifier: Apache-2.0
 *
 * Commit log files: records field by field and then byte by byte, fillers,
 * and the unwritten end (org.apache.rocketmq.store.CommitLog).
 */
#include "core/base/bytes.h"
#include "core/wire/message.h"
#include "tests/interop/storediff/storediff.h"

#include <stdio.h>
#include <stdlib.h>

enum { BORN_MS_AT = 40, BORN_HOST_AT = 48, IPV4_LENGTH = 4, PORT_LENGTH = 4 };

static bool by_client(const struct diff *d, struct span topic) {
  for (size_t i = 0; i < d->client_topic_count; i++)
    if (span_is(topic, d->client_topics[i])) return true;
  return false;
}

static void text_differs(struct diff *d, const char *where, const char *field, struct span java, struct span ours) {
  size_t at = 0;
  if (span_equal(java, ours)) return;
  while (at < java.len && at < ours.len && java.ptr[at] == ours.ptr[at]) at++;
  differs(d, "%s: %s java %zu bytes, ours %zu, from byte %zu on", where, field, java.len, ours.len, at);
}

/* The values of two UNIQ_KEYs of one length; false if that is not what they are. */
static bool unique_keys(const struct message *java, const struct message *ours, struct span *a, struct span *b) {
  *a = property_get(java->properties, "UNIQ_KEY");
  *b = property_get(ours->properties, "UNIQ_KEY");
  return a->ptr != NULL && b->ptr != NULL && a->len == b->len;
}

/* Copies record, with what may differ overwritten by zeros. */
static uint8_t *masked(const uint8_t *record, size_t size, const struct message *m, bool client, struct span unique) {
  uint8_t *copy = malloc(size);
  if (copy == NULL) abort();
  memcpy(copy, record, size);
  size_t born = (m->sys_flag & SYS_BORN_HOST_V6) != 0 ? 16 : IPV4_LENGTH;
  size_t store_ms_at = BORN_HOST_AT + born + PORT_LENGTH;
  memset(copy + store_ms_at, 0, 8);
  if (!client) return copy;
  memset(copy + BORN_MS_AT, 0, 8);
  memset(copy + BORN_HOST_AT + born, 0, PORT_LENGTH);
  if (unique.ptr != NULL) memset(copy + (unique.ptr - record), 0, unique.len);
  return copy;
}

static void record_numbers(struct diff *d, const char *where, const struct message *a, const struct message *b) {
  differs_number(d, where, "bodyCRC", a->body_crc, b->body_crc);
  differs_number(d, where, "queueId", a->queue_id, b->queue_id);
  differs_number(d, where, "flag", a->flag, b->flag);
  differs_number(d, where, "queueOffset", a->queue_offset, b->queue_offset);
  differs_number(d, where, "physicalOffset", a->physical_offset, b->physical_offset);
  differs_number(d, where, "sysFlag", a->sys_flag, b->sys_flag);
  differs_number(d, where, "reconsumeTimes", a->reconsume_times, b->reconsume_times);
  differs_number(d, where, "preparedTransactionOffset", a->prepared_offset, b->prepared_offset);
}

static void record_hosts(struct diff *d, const char *where, const struct message *a, const struct message *b,
                         bool client) {
  text_differs(d, where, "bornHost", span_of(a->born_host.ip, a->born_host.ip_len),
               span_of(b->born_host.ip, b->born_host.ip_len));
  text_differs(d, where, "storeHost", span_of(a->store_host.ip, a->store_host.ip_len),
               span_of(b->store_host.ip, b->store_host.ip_len));
  differs_number(d, where, "storePort", a->store_host.port, b->store_host.port);
  if (!client) differs_number(d, where, "bornPort", a->born_host.port, b->born_host.port);
  else if (a->born_host.port != b->born_host.port) excuse(d, EXCUSE_BORN_PORT);
  if (!client) differs_number(d, where, "bornTimestamp", a->born_ms, b->born_ms);
  else if (a->born_ms != b->born_ms) excuse(d, EXCUSE_BORN_TIME);
  if (a->store_ms != b->store_ms) excuse(d, EXCUSE_STORE_TIME);
}

static void record_differs(struct diff *d, const char *where, const uint8_t *java, const uint8_t *ours, size_t size,
                           const struct message *a, const struct message *b) {
  unsigned long before = d->differences;
  bool client = by_client(d, a->topic) && span_equal(a->topic, b->topic);
  if (client && d->client_from < 0) d->client_from = a->physical_offset;
  struct span java_key = SPAN_NONE, our_key = SPAN_NONE;
  record_numbers(d, where, a, b);
  record_hosts(d, where, a, b, client);
  text_differs(d, where, "body", a->body, b->body);
  text_differs(d, where, "topic", a->topic, b->topic);
  bool keys = client && unique_keys(a, b, &java_key, &our_key);
  if (keys && !span_equal(java_key, our_key)) excuse(d, EXCUSE_UNIQ_KEY);
  uint8_t *x = masked(java, size, a, client, keys ? java_key : SPAN_NONE);
  uint8_t *y = masked(ours, size, b, client, keys ? our_key : SPAN_NONE);
  text_differs(d, where, "properties", span_of(x + (a->properties.ptr - java), a->properties.len),
               span_of(y + (b->properties.ptr - ours), b->properties.len));
  if (before == d->differences) text_differs(d, where, "record", span_of(x, size), span_of(y, size));
  free(x);
  free(y);
}

static void filler_differs(struct diff *d, const char *where, struct span java, struct span ours) {
  d->fillers++;
  text_differs(d, where, "filler", span_of(java.ptr, BLANK_SIZE_MIN), span_of(ours.ptr, BLANK_SIZE_MIN));
  if (!span_equal(java, ours)) excuse(d, EXCUSE_FILLER);
  differs_number(d, where, "filler length", get_i32(ours.ptr), (int64_t)ours.len);
}

/* Behind the last record of the log nothing was written. */
static void rest_differs(struct diff *d, const char *where, struct span java, struct span ours) {
  for (size_t i = 0; i < java.len; i++) {
    if (java.ptr[i] == 0 && ours.ptr[i] == 0) continue;
    differs(d, "%s: not zero behind the last record: byte %zu java %d ours %d", where, i, java.ptr[i], ours.ptr[i]);
    return;
  }
}

void diff_log_file(struct diff *d, const struct pair *p) {
  char where[256];
  struct span java = p->java, ours = p->ours;
  differs_number(d, p->name, "file length", (int64_t)java.len, (int64_t)ours.len);
  if (java.len != ours.len) return;
  while (java.len >= BLANK_SIZE_MIN) {
    struct message a, b;
    size_t a_size, b_size;
    snprintf(where, sizeof where, "%s at %zu", p->name, p->java.len - java.len);
    enum status s = message_decode(java, true, &a, &a_size), t = message_decode(ours, true, &b, &b_size);
    if (s != t) {
      differs(d, "%s: java %s, ours %s", where, status_text(s), status_text(t));
      return;
    }
    if (s == STATUS_NOT_FOUND) {
      filler_differs(d, where, java, ours);
      return;
    }
    if (s != STATUS_OK) break;
    if (a_size != b_size) {
      differs(d, "%s: record size java %zu ours %zu, topic java %.*s ours %.*s", where, a_size, b_size,
              SPAN_ARG(a.topic), SPAN_ARG(b.topic));
      return;
    }
    record_differs(d, where, java.ptr, ours.ptr, a_size, &a, &b);
    d->records++;
    d->java_last_ms = a.store_ms;
    d->our_last_ms = b.store_ms;
    java = span_from(java, a_size);
    ours = span_from(ours, a_size);
  }
  rest_differs(d, where, java, ours);
}
