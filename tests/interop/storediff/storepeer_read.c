/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the messages of a topic are, and how far a group is.
 */
#include "tests/interop/storediff/storepeer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUES_MAX = 1024, PULL_AT_ONCE = 32 };
#define READER "pp_reader"

static bool queue_count(const char *text, int *out) {
  *out = atoi(text);
  return (*out > 0 && *out <= QUEUES_MAX) || (fail("%s is no number of queues", text), false);
}

static bool pull(struct conn *c, const char *topic, int queue, int64_t offset, struct command *reply) {
  struct pull_message_request h = {.consumerGroup = SPAN_LITERAL(READER),
                                   .topic = span_text(topic),
                                   .queueId = queue,
                                   .queueOffset = offset,
                                   .maxMsgNums = PULL_AT_ONCE,
                                   .sysFlag = PULL_SUBSCRIBE,
                                   .subscription = SPAN_LITERAL("*"),
                                   .expressionType = SPAN_LITERAL("TAG"),
                                   .present = UINT64_MAX};
  return ask(c, &(struct command){.code = REQUEST_PULL_MESSAGE}, &pull_message_request_header, &h, reply);
}

/* Prints the records of one answer; *offset moves behind them. */
static bool places_print(const char *topic, int queue, struct span records, int64_t *offset) {
  while (records.len > 0) {
    struct message m;
    size_t size;
    if (message_decode(records, true, &m, &size) != STATUS_OK)
      return fail("%s queue %d offset %" PRId64 ": a broken record", topic, queue, *offset), false;
    if (m.queue_offset != *offset || m.queue_id != queue || !span_is(m.topic, topic))
      return fail("%s queue %d offset %" PRId64 ": the record is of %.*s queue %d offset %" PRId64, topic, queue,
                  *offset, SPAN_ARG(m.topic), m.queue_id, m.queue_offset),
             false;
    printf("%d %" PRId64 " %08x %.*s\n", queue, m.queue_offset, (unsigned)m.body_crc,
           SPAN_ARG(property_get(m.properties, "KEYS")));
    *offset = m.queue_offset + 1;
    records = span_from(records, size);
  }
  return true;
}

static bool queue_places(struct conn *c, const char *topic, int queue) {
  int64_t min, max;
  if (!queue_offset(c, REQUEST_GET_MIN_OFFSET, topic, queue, &min)) return false;
  if (!queue_offset(c, REQUEST_GET_MAX_OFFSET, topic, queue, &max)) return false;
  for (int64_t at = min; at < max;) {
    struct command reply;
    int64_t before = at;
    if (!pull(c, topic, queue, at, &reply)) return false;
    if (reply.code != RESPONSE_SUCCESS)
      return fail("%s queue %d: pull at %" PRId64 " of %" PRId64 " to %" PRId64 " was answered %d: %.*s", topic, queue,
                  at, min, max, reply.code, SPAN_ARG(reply.remark)),
             false;
    if (!places_print(topic, queue, reply.body, &at)) return false;
    if (at == before) return fail("%s queue %d: nothing at %" PRId64, topic, queue, at), false;
  }
  return true;
}

int command_places(int argc, char **argv) {
  struct conn c;
  int queues;
  (void)argc;
  if (!queue_count(argv[2], &queues)) return 2;
  bool ok = conn_open(&c, argv[0]) || (fail("no connection to %s", argv[0]), false);
  for (int q = 0; ok && q < queues; q++) ok = queue_places(&c, argv[1], q);
  conn_close(&c);
  return ok ? 0 : 1;
}

/* ---- groups ---- */

static bool commit_end(struct conn *c, const char *topic, const char *group, int queue) {
  struct command reply;
  int64_t max;
  if (!queue_offset(c, REQUEST_GET_MAX_OFFSET, topic, queue, &max)) return false;
  struct update_consumer_offset_request h = {.consumerGroup = span_text(group),
                                             .topic = span_text(topic),
                                             .queueId = queue,
                                             .commitOffset = max,
                                             .present = UINT64_MAX};
  if (!ask(c, &(struct command){.code = REQUEST_UPDATE_CONSUMER_OFFSET}, &update_consumer_offset_request_header, &h,
           &reply))
    return false;
  if (reply.code == RESPONSE_SUCCESS) return true;
  return fail("commit of %s queue %d was answered %d", topic, queue, reply.code), false;
}

static bool committed_print(struct conn *c, const char *topic, const char *group, int queue) {
  struct query_consumer_offset_request h = {
      .consumerGroup = span_text(group), .topic = span_text(topic), .queueId = queue, .present = UINT64_MAX};
  struct command reply;
  if (!ask(c, &(struct command){.code = REQUEST_QUERY_CONSUMER_OFFSET}, &query_consumer_offset_request_header, &h,
           &reply))
    return false;
  struct span offset = command_ext(&reply, "offset");
  if (reply.code != RESPONSE_SUCCESS)
    return fail("offset of %s in %s queue %d was answered %d: %.*s", group, topic, queue, reply.code,
                SPAN_ARG(reply.remark)),
           false;
  printf("%d %.*s\n", queue, SPAN_ARG(offset));
  return true;
}

static int each_queue(char **argv, bool (*run)(struct conn *, const char *, const char *, int)) {
  struct conn c;
  int queues;
  if (!queue_count(argv[3], &queues)) return 2;
  bool ok = conn_open(&c, argv[0]) || (fail("no connection to %s", argv[0]), false);
  for (int q = 0; ok && q < queues; q++) ok = run(&c, argv[1], argv[2], q);
  conn_close(&c);
  return ok ? 0 : 1;
}

int command_commit(int argc, char **argv) {
  (void)argc;
  int rc = each_queue(argv, commit_end);
  return rc == 0 ? each_queue(argv, committed_print) : rc;
}

int command_committed(int argc, char **argv) {
  (void)argc;
  return each_queue(argv, committed_print);
}
