/* SPDX-License-Identifier: Apache-2.0
 *
 * A master and a slave, asked as clients and operators do.
 */
#include "tests/unit/broker/stage.h"

#include "tests/harness.h"

#define SLAVE_ADDR "10.0.0.5:10911"

struct couple {
  struct stage s; /* the master, and the peers */
  struct sim_host *host;
  struct broker_settings settings;
  struct broker *slave;
};

static void slave_up(struct couple *p) {
  p->slave = stage_broker_up(p->host, &p->settings, 8);
  slave_sync_master_is(&p->slave->slave_sync, SPAN_LITERAL(BROKER_ADDR)); /* there is no name server here */
}

static void slave_down(struct couple *p, enum sim_stop how) { stage_broker_down(p->host, p->slave, how); }

static void slave_restart(struct couple *p, enum sim_stop how) {
  slave_down(p, how);
  sim_boot(p->host);
  slave_up(p);
  stage_run(&p->s, 2000);
}

/* The slave is not started yet. */
static void pair_init(struct couple *p, const char *master, const char *slave) {
  static const char lines[] =
      "brokerName=b\nbrokerIP1=10.0.0.5\nbrokerRole=SLAVE\nbrokerId=1\nhaMasterAddress=10.0.0.1:10912\n"
      "storePathRootDir=/store\nstorePathCommitLog=/store/commitlog\nmappedFileSizeCommitLog=65536\n"
      "maxMessageSize=32768\nmappedFileSizeConsumeQueue=1280\nmaxHashSlotNum=64\nmaxIndexNum=256\n";
  stage_start(&p->s, master);
  p->host = sim_host_new(p->s.world, "slave");
  CU_ASSERT_FATAL(config_init(&p->settings, &broker_settings_table) == STATUS_OK);
  CU_ASSERT_FATAL(config_apply(&p->settings, span_text(lines), "test", NULL) == STATUS_OK);
  if (slave != NULL) CU_ASSERT_FATAL(config_apply(&p->settings, span_text(slave), "test", NULL) == STATUS_OK);
  CU_ASSERT_FATAL(broker_settings_complete(&p->settings, "host", "10.0.0.5", "/home", NULL) == STATUS_OK);
}

static void pair_start(struct couple *p, const char *master, const char *slave) {
  pair_init(p, master, slave);
  slave_up(p);
  stage_run(&p->s, 1500);
}

static void pair_end(struct couple *p) {
  slave_down(p, SIM_EXIT);
  config_fini(&p->settings);
  stage_end(&p->s);
}

static void ask_master(struct couple *p) { p->s.address = NULL; }
static void ask_slave(struct couple *p) { p->s.address = SLAVE_ADDR; }

static int send(struct couple *p, const char *properties, struct answer *a) {
  return stage_send(&p->s, "T", 0, "body", properties, a);
}

static int64_t took_ms(const struct couple *p, const struct answer *a, int64_t since_ms) {
  (void)p;
  return a->at_ms - since_ms;
}

#define SYNC "brokerRole=SYNC_MASTER\n"

/* CommitLog.handleHA; all three codes carry a whole send result. */
static void sync_master_answers_as_java(void) {
  struct couple p;
  struct answer a;
  pair_init(&p, SYNC, NULL);
  int64_t since = sim_now(p.s.world);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SLAVE_NOT_AVAILABLE && took_ms(&p, &a, since) < 100);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "0");
  CU_ASSERT(answer_ext(&a, "msgId").len == 32);
  CU_ASSERT(send(&p, "WAIT\1false\2", &a) == RESPONSE_SUCCESS);
  slave_up(&p);
  stage_run(&p.s, 1500);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(store_log_max(p.slave->store) == store_log_max(p.s.broker->store));
  /* The slave is connected, but nothing gets through. */
  sim_cut_both(p.s.host, p.host);
  since = sim_now(p.s.world);
  CU_ASSERT(send(&p, "WAIT\1false\2", &a) == RESPONSE_SUCCESS && took_ms(&p, &a, since) < 100);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_FLUSH_SLAVE_TIMEOUT);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "4");
  CU_ASSERT(took_ms(&p, &a, since) >= 5000 && took_ms(&p, &a, since) < 5300);
  stage_run(&p.s, 20000); /* given up: haHousekeepingInterval */
  since = sim_now(p.s.world);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SLAVE_NOT_AVAILABLE && took_ms(&p, &a, since) < 100);
  sim_heal_all(p.s.world);
  stage_run(&p.s, 20000);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS); /* what was not promised is there, too */
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "body,body,body,body,body,body,body");
  pair_end(&p);
}

/* Java serves those who wait one after the other, five seconds each. */
static void all_wait_at_once(void) {
  enum { SENDS = 20 };
  struct couple p;
  struct answer a[SENDS];
  pair_start(&p, SYNC, NULL);
  CU_ASSERT(send(&p, "", &a[0]) == RESPONSE_SUCCESS);
  sim_cut_both(p.s.host, p.host);
  int64_t since = sim_now(p.s.world);
  for (int i = 0; i < SENDS; i++) stage_send_start(&p.s, "T", 0, "x", "", &a[i]);
  stage_run(&p.s, 2500);
  for (int i = 0; i < SENDS / 2; i++) CU_ASSERT(!a[i].done);
  stage_run(&p.s, 3000);
  for (int i = 0; i < SENDS; i++)
    CU_ASSERT(a[i].done && a[i].code == RESPONSE_FLUSH_SLAVE_TIMEOUT && took_ms(&p, &a[i], since) < 5300);
  sim_heal_all(p.s.world);
  stage_run(&p.s, 30000);
  since = sim_now(p.s.world);
  for (int i = 0; i < SENDS; i++) stage_send_start(&p.s, "T", 0, "x", "", &a[i]);
  stage_run(&p.s, 100);
  for (int i = 0; i < SENDS; i++) CU_ASSERT(a[i].done && a[i].code == RESPONSE_SUCCESS);
  pair_end(&p);
}

static void sync_master_and_sync_flush_are_both_waited_for(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, SYNC "flushDiskType=SYNC_FLUSH\n", NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(store_flushed(p.s.broker->store) == store_log_max(p.s.broker->store));
  sim_disk_sync_delay(p.s.host, 500, 500);
  int64_t since = sim_now(p.s.world);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS && took_ms(&p, &a, since) >= 500);
  CU_ASSERT(store_log_max(p.slave->store) == store_log_max(p.s.broker->store));
  sim_disk_sync_delay(p.s.host, 30000, 30000);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_FLUSH_DISK_TIMEOUT);
  sim_cut_both(p.s.host, p.host);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_FLUSH_SLAVE_TIMEOUT); /* both are late: the slave's lateness is told */
  stage_run(&p.s, 25000);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SLAVE_NOT_AVAILABLE);
  pair_end(&p);
}

static void two_slaves_can_be_asked_for(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, SYNC "inSyncReplicas=2\n", NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SLAVE_NOT_AVAILABLE);
  pair_end(&p);
  pair_start(&p, "brokerRole=ASYNC_MASTER\ninSyncReplicas=2\n", NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  pair_end(&p);
}

static void a_slave_takes_no_messages(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, NULL, NULL);
  ask_slave(&p);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SERVICE_NOT_AVAILABLE);
  CU_ASSERT(topics_find(&p.slave->topics, SPAN_LITERAL("T")) == NULL);
  pair_end(&p);
}

static void roles_are_those_of_4_7_0(void) {
  struct broker_settings s;
  struct buf why;
  buf_init(&why, 4096);
  CU_ASSERT(config_init(&s, &broker_settings_table) == STATUS_OK);
  CU_ASSERT(config_apply(&s, SPAN_LITERAL("brokerId=3\nbrokerRole=SYNC_MASTER\n"), "x", NULL) == STATUS_OK);
  CU_ASSERT(broker_settings_complete(&s, "h", "10.0.0.1", "/", NULL) == STATUS_OK && s.brokerId == 0);
  CU_ASSERT(config_apply(&s, SPAN_LITERAL("brokerId=3\nbrokerRole=SLAVE\n"), "x", NULL) == STATUS_OK);
  CU_ASSERT(broker_settings_complete(&s, "h", "10.0.0.1", "/", NULL) == STATUS_OK && s.brokerId == 3);
  CU_ASSERT(broker_settings_check(&s, &why) == STATUS_OK);
  CU_ASSERT(config_apply(&s, SPAN_LITERAL("brokerId=0\n"), "x", NULL) == STATUS_OK);
  CU_ASSERT(broker_settings_check(&s, &why) == STATUS_INVALID && why.len > 0);
  buf_fini(&why);
  config_fini(&s);
}

/* ---- what is not in the log ---- */

static void commit_offset(struct couple *p, int64_t offset) {
  struct answer a;
  struct update_consumer_offset_request h = {.consumerGroup = SPAN_LITERAL("G"),
                                             .topic = SPAN_LITERAL("T"),
                                             .queueId = 1,
                                             .commitOffset = offset,
                                             .present = UINT64_MAX};
  stage_ask_wait(&p->s, 2,
                 &(struct request_out){.code = REQUEST_UPDATE_CONSUMER_OFFSET,
                                       .header = &update_consumer_offset_request_header,
                                       .fields = &h},
                 &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
}

static int64_t offset_at(const struct broker *b) {
  return offsets_get(&b->offsets, SPAN_LITERAL("G"), SPAN_LITERAL("T"), 1);
}

static bool has_file(struct sim_host *host, const char *path, const char *text) {
  struct buf content;
  buf_init(&content, 1 << 20);
  bool same = disk_read_whole(sim_host_disk(host), path, &content) == STATUS_OK && span_is(buf_span(&content), text);
  buf_fini(&content);
  return same;
}

#define DELAYS "/store/config/delayOffset.json"

static void a_slave_fetches_the_configuration(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, NULL, NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_heartbeat(&p.s, 1, "G", "T", "*") == RESPONSE_SUCCESS);
  commit_offset(&p, 5);
  CU_ASSERT(send(&p, "DELAY\0011\002", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(topics_find(&p.slave->topics, SPAN_LITERAL("T")) == NULL);
  stage_run(&p.s, 13000);
  const struct topic *t = topics_find(&p.slave->topics, SPAN_LITERAL("T"));
  CU_ASSERT_FATAL(t != NULL);
  CU_ASSERT(t->write_queues == topics_find(&p.s.broker->topics, SPAN_LITERAL("T"))->write_queues);
  CU_ASSERT(groups_find(&p.slave->groups, SPAN_LITERAL("G")) != NULL);
  CU_ASSERT(p.slave->topics.version.counter == p.s.broker->topics.version.counter);
  CU_ASSERT(p.slave->groups.version.counter == p.s.broker->groups.version.counter);
  CU_ASSERT(offset_at(p.slave) == 5);
  CU_ASSERT(store_queue_max(p.slave->store, SPAN_LITERAL(SCHEDULE_TOPIC), 0) == 1 && !p.slave->delays.running);
  struct delete_topic_request h = {.topic = SPAN_LITERAL("T"), .present = UINT64_MAX};
  stage_ask_wait(&p.s, 0,
                 &(struct request_out){
                     .code = REQUEST_DELETE_TOPIC_IN_BROKER, .header = &delete_topic_request_header, .fields = &h},
                 &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  stage_run(&p.s, 11000);
  CU_ASSERT(has_file(p.host, DELAYS, "{\"offsetTable\":{1:1}}"));
  CU_ASSERT(topics_find(&p.slave->topics, SPAN_LITERAL("T")) == NULL);
  CU_ASSERT(topics_find(&p.slave->topics, SPAN_LITERAL("TBW102")) != NULL);
  slave_restart(&p, SIM_KILL);
  CU_ASSERT(topics_find(&p.slave->topics, SPAN_LITERAL("T")) == NULL && offset_at(p.slave) == 5);
  pair_end(&p);
}

/* Java's slave forgets what was consumed at it as soon as the master is back. */
static void progress_at_the_slave_is_not_lost(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, NULL, NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  commit_offset(&p, 5);
  stage_run(&p.s, 13000);
  sim_cut_both(p.s.host, p.host);
  ask_slave(&p);
  commit_offset(&p, 9);
  stage_run(&p.s, 20000);
  slave_restart(&p, SIM_KILL); /* it is in config/slaveOffset.json */
  CU_ASSERT(offset_at(p.slave) == 9 && offset_at(p.s.broker) == 5);
  sim_heal_all(p.s.world);
  stage_run(&p.s, 30000);
  CU_ASSERT(offset_at(p.slave) == 9 && offset_at(p.s.broker) == 9);
  stage_run(&p.s, 11000);
  /* Much sooner than the next fetch of everything would be: that comes every 10 s, and not in both of these. */
  for (int64_t offset = 12; offset < 14; offset++) {
    sim_cut_both(p.s.host, p.host);
    ask_slave(&p);
    commit_offset(&p, offset);
    stage_run(&p.s, 16000);
    sim_heal_all(p.s.world);
    stage_run(&p.s, 2000);
    CU_ASSERT(offset_at(p.slave) == offset && offset_at(p.s.broker) == offset);
  }
  stage_run(&p.s, 11000);
  /* Now the master leads again, back as well: a reset of the offset. */
  ask_master(&p);
  commit_offset(&p, 3);
  stage_run(&p.s, 11000);
  CU_ASSERT(offset_at(p.slave) == 3 && offset_at(p.s.broker) == 3);
  commit_offset(&p, 20);
  stage_run(&p.s, 11000);
  CU_ASSERT(offset_at(p.slave) == 20 && offset_at(p.s.broker) == 20);
  pair_end(&p);
}

/* ---- reading ---- */

static void a_slave_serves_readers(void) {
  struct couple p;
  struct answer a;
  pair_start(&p, "slaveReadEnable=true\n", NULL);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  stage_run(&p.s, 13000);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "suggestWhichBrokerId"), "0");
  p.s.settings.accessMessageInMemoryMaxRatio = 0; /* whatever is not the newest lies far back */
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "suggestWhichBrokerId"), "1");
  ask_slave(&p);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "body,body");
  ASSERT_SPAN(answer_ext(&a, "suggestWhichBrokerId"), "0"); /* come back to the master */
  /* A pull that waits at the slave is woken by what the master sends. */
  struct answer waiting;
  stage_pull_start(&p.s, "T", 0, 2, "*", 15000, &waiting);
  stage_run(&p.s, 100);
  CU_ASSERT(!waiting.done);
  ask_master(&p);
  CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  stage_run(&p.s, 100);
  CU_ASSERT(waiting.done && waiting.code == RESPONSE_SUCCESS);
  /* It may lack what the master has: nobody is sent back. */
  ask_slave(&p);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 100, "*", &a) == RESPONSE_PULL_RETRY_IMMEDIATELY);
  ASSERT_SPAN(answer_ext(&a, "nextBeginOffset"), "100");
  p.settings.offsetCheckInSlave = true;
  CU_ASSERT(stage_pull(&p.s, "T", 0, 100, "*", &a) == RESPONSE_PULL_OFFSET_MOVED);
  ASSERT_SPAN(answer_ext(&a, "nextBeginOffset"), "0");
  pair_end(&p);
}

/* ---- another history ---- */

static int update_config(struct couple *p, const char *line) {
  struct answer a;
  stage_ask_wait(&p->s, 0, &(struct request_out){.code = REQUEST_UPDATE_BROKER_CONFIG, .body = span_text(line)}, &a);
  return a.code;
}

static bool says_stopped(struct couple *p) {
  struct answer a;
  stage_ask_wait(&p->s, 0, &(struct request_out){.code = REQUEST_GET_BROKER_RUNTIME_INFO}, &a);
  size_t at = 0;
  while (at + 7 <= a.body.len && memcmp(a.body.ptr + at, "STOPPED", 7) != 0) at++;
  return at + 7 <= a.body.len;
}

static void a_slave_is_seeded_again_on_command(void) {
  struct couple p;
  struct answer a;
  char line[64];
  pair_start(&p, NULL, NULL);
  for (int i = 0; i < 3; i++) CU_ASSERT(send(&p, "", &a) == RESPONSE_SUCCESS);
  stage_run(&p.s, 100);
  /* The master's disk is replaced by an empty one, and filled again. */
  struct buf why;
  buf_init(&why, 4096);
  struct store_config config = broker_store_config(p.s.broker);
  struct moment now = sim_host_now(p.s.host);
  p.s.broker->repl->ops->free(p.s.broker->repl);
  store_close(p.s.broker->store, now);
  p.s.broker->store = NULL;
  p.s.broker->repl = NULL;
  CU_ASSERT_FATAL(store_set_aside(&config, sim_host_disk(p.s.host), 1, &why) == STATUS_OK);
  CU_ASSERT_FATAL(broker_store_open(p.s.broker, now, &why) == STATUS_OK);
  CU_ASSERT_FATAL(broker_repl_start(p.s.broker, now) == STATUS_OK);
  for (int i = 0; i < 9; i++) CU_ASSERT(stage_send(&p.s, "T", 0, "other", "", &a) == RESPONSE_SUCCESS);
  sim_reset_connections(p.host, p.s.host);
  stage_run(&p.s, 13000);
  ask_slave(&p);
  int64_t end = store_log_max(p.slave->store);
  CU_ASSERT(p.slave->repl->ops->stopped(p.slave->repl) != NULL && says_stopped(&p));
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "body,body,body");
  /* Not with a number that means another log. */
  snprintf(line, sizeof line, "haReseed=%lld\n", (long long)end + 1);
  CU_ASSERT(update_config(&p, line) == RESPONSE_SUCCESS);
  stage_run(&p.s, 2000);
  CU_ASSERT(store_log_max(p.slave->store) == end && says_stopped(&p));
  snprintf(line, sizeof line, "haReseed=%lld\n", (long long)end);
  struct answer waiting;
  stage_pull_start(&p.s, "T", 0, 3, "*", 15000, &waiting);
  stage_run(&p.s, 100);
  CU_ASSERT(update_config(&p, line) == RESPONSE_SUCCESS);
  stage_run(&p.s, 3000);
  CU_ASSERT(!says_stopped(&p));
  CU_ASSERT(store_log_max(p.slave->store) == store_log_max(p.s.broker->store));
  CU_ASSERT(waiting.done && waiting.code == RESPONSE_SUCCESS);
  CU_ASSERT(stage_pull(&p.s, "T", 0, 0, "*", &a) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled_bodies(&a), "other,other,other,other,other,other,other,other,other");
  /* The old log is still there. */
  struct arena names;
  struct disk_entry *entries;
  size_t count, aside = 0;
  arena_init(&names, 1 << 20);
  CU_ASSERT(sim_host_disk(p.host)->ops->list(sim_host_disk(p.host), "/store", &names, &entries, &count) == STATUS_OK);
  for (size_t i = 0; i < count; i++) aside += entries[i].directory && span_starts(entries[i].name, "commitlog.");
  CU_ASSERT(aside == 1);
  arena_fini(&names);
  buf_fini(&why);
  pair_end(&p);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"sync master answers as Java", sync_master_answers_as_java},
      {"all wait at once", all_wait_at_once},
      {"sync master and sync flush are both waited for", sync_master_and_sync_flush_are_both_waited_for},
      {"two slaves can be asked for", two_slaves_can_be_asked_for},
      {"a slave takes no messages", a_slave_takes_no_messages},
      {"roles are those of 4.7.0", roles_are_those_of_4_7_0},
      {"a slave fetches the configuration", a_slave_fetches_the_configuration},
      {"progress at the slave is not lost", progress_at_the_slave_is_not_lost},
      {"a slave serves readers", a_slave_serves_readers},
      {"a slave is seeded again on command", a_slave_is_seeded_again_on_command},
      {NULL, NULL}};
  return run_tests("pair", tests, argc, argv);
}
