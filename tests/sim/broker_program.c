/* SPDX-License-Identifier: Apache-2.0 */
#include "mqbroker/broker.h"
#include "tests/sim/ledger.h"
#include "tests/sim/site.h"

#include <stdio.h>
#include <stdlib.h>

struct broker_program {
  struct broker_settings settings;
  struct broker *broker; /* NULL: switched off, only its store is open */
  struct store *store;
};

enum { WHY_MAX = 4096, MEMORY_BYTES = 1 << 30, INDEX_SLOTS = 512, INDEX_ENTRIES = 4096 };

static void set(struct broker_settings *s, const char *key, const char *value) {
  struct buf why;
  buf_init(&why, WHY_MAX);
  if (config_set(s, span_text(key), span_text(value), &why) != STATUS_OK) {
    fprintf(stderr, "%s=%s: %.*s\n", key, value, SPAN_ARG(buf_span(&why)));
    abort();
  }
  buf_fini(&why);
}

static void set_number(struct broker_settings *s, const char *key, int64_t value) {
  char text[21];
  text[i64_to_text(value, text)] = '\0';
  set(s, key, text);
}

static void settings_of(struct machine *m, struct broker_settings *s) {
  const struct broker_config *c = m->config;
  if (config_init(s, &broker_settings_table) != STATUS_OK) abort();
  set(s, "brokerName", c->name);
  set(s, "storePathRootDir", BROKER_ROOT);
  set(s, "storePathCommitLog", BROKER_COMMITLOG);
  set(s, "flushDiskType", c->sync_flush ? "SYNC_FLUSH" : "ASYNC_FLUSH");
  set_number(s, "mappedFileSizeCommitLog", c->segment_bytes);
  set_number(s, "mappedFileSizeConsumeQueue", c->queue_units * 20);
  set_number(s, "maxHashSlotNum", INDEX_SLOTS);
  set_number(s, "maxIndexNum", INDEX_ENTRIES);
  set_number(s, "maxMessageSize", c->segment_bytes / 2 > 65536 ? 65536 : c->segment_bytes / 2);
  set_number(s, "defaultTopicQueueNums", c->queues);
  set_number(s, "listenPort", BROKER_PORT);
  if (c->role != NULL) set(s, "brokerRole", c->role);
  if (c->id != 0) set_number(s, "brokerId", c->id);
  if (c->in_sync != 0) set_number(s, "inSyncReplicas", c->in_sync);
  if (c->ack_flushed) set(s, "haAckFlushed", "true");
  if (c->ha_master != NULL) set(s, "haMasterAddress", c->ha_master);
  if (broker_settings_complete(s, sim_host_name(m->host), sim_host_ip(m->host), "/root", c->name_servers) != STATUS_OK)
    abort();
}

static struct node *broker_begin(struct machine *m, struct moment now) {
  struct broker_program *p = calloc(1, sizeof *p);
  struct buf why;
  if (p == NULL) abort();
  buf_init(&why, WHY_MAX);
  settings_of(m, &p->settings);
  struct broker_host ports = {.net = sim_host_net(m->host),
                              .disk = sim_host_disk(m->host),
                              .log = sim_host_log(m->host),
                              .seed = machine_seed(m),
                              .memory_bytes = MEMORY_BYTES};
  p->broker = broker_new(&p->settings, &ports, now, &why);
  if (p->broker == NULL) {
    sim_say(m->site->world, m->host, "cannot start: %.*s", SPAN_ARG(buf_span(&why)));
    config_fini(&p->settings);
    free(p);
    p = NULL;
  }
  buf_fini(&why);
  m->program = p;
  return p == NULL ? NULL : &p->broker->node;
}

static void broker_leave(struct machine *m, struct moment now) {
  broker_stop(((struct broker_program *)m->program)->broker, now);
}

static void broker_end(struct machine *m, bool clean, struct moment now) {
  struct broker_program *p = m->program;
  if (clean) broker_free(p->broker, now);
  else broker_abandon(p->broker, now);
  config_fini(&p->settings);
  free(p);
}

const struct program_ops broker_ops = {
    .kind = "broker", .start = broker_begin, .leave = broker_leave, .stop = broker_end};

struct broker *machine_broker(const struct machine *m) {
  return m->state == MACHINE_UP ? ((struct broker_program *)m->program)->broker : NULL;
}

struct store *machine_store_open(struct machine *m, struct ledger *l) {
  struct broker_program *p = calloc(1, sizeof *p);
  struct buf why;
  if (p == NULL) abort();
  buf_init(&why, WHY_MAX);
  if (!sim_is_up(m->host)) sim_boot(m->host);
  settings_of(m, &p->settings);
  struct store_config config = broker_store_config_of(&p->settings, 0);
  enum status status = store_open(&p->store, &config, sim_host_disk(m->host), sim_host_log(m->host), NULL,
                                  sim_host_now(m->host), &why);
  if (status != STATUS_OK)
    ledger_violation(l, "the store of %s cannot be opened: %.*s", sim_host_name(m->host), SPAN_ARG(buf_span(&why)));
  buf_fini(&why);
  m->program = p;
  return p->store;
}

void machine_store_close(struct machine *m) {
  struct broker_program *p = m->program;
  if (p == NULL) return;
  if (p->store != NULL) store_close(p->store, sim_host_now(m->host));
  config_fini(&p->settings);
  free(p);
  m->program = NULL;
}
