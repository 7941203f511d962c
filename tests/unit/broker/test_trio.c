/* SPDX-License-Identifier: Apache-2.0
 *
 * Three brokers that keep one log by DLedger, asked as clients and operators do.
 */
#include "tests/unit/broker/stage.h"

#include "tests/harness.h"

#define PEERS "dLegerPeers=n0-10.0.0.1:20911;n1-10.0.0.5:20911;n2-10.0.0.6:20911\n"
#define GROUP "enableDLegerCommitLog=true\ndLegerGroup=g\n" PEERS

enum { BROKERS = 3, ELECTION_MS = 5000 };

struct place {
  struct sim_host *host;
  struct broker_settings own; /* but the first's are the stage's */
  struct broker_settings *settings;
  struct broker *broker;
};

struct trio {
  struct stage s;
  struct place places[BROKERS];
};

static const char *const addresses[BROKERS] = {"10.0.0.1:10911", "10.0.0.5:10911", "10.0.0.6:10911"};

static void place_up_as(struct trio *t, int i, enum broker_role role) {
  struct place *p = &t->places[i];
  p->settings->brokerRole = role;
  p->broker = stage_broker_up(p->host, p->settings, (uint64_t)i + 8);
  if (i == 0) t->s.broker = p->broker;
}

static void place_up(struct trio *t, int i) { place_up_as(t, i, ROLE_SLAVE); }

static void place_down(struct trio *t, int i, enum sim_stop how) {
  struct place *p = &t->places[i];
  stage_broker_down(p->host, p->broker, how);
  p->broker = NULL;
}

static void place_again(struct trio *t, int i) {
  sim_boot(t->places[i].host);
  place_up(t, i);
  sim_reset_connections(t->places[i].host, NULL);
}

static void place_init(struct trio *t, int i, const char *extra) {
  struct place *p = &t->places[i];
  char lines[1024];
  snprintf(lines, sizeof lines,
           "brokerName=b\nbrokerIP1=10.0.0.%d\nstorePathRootDir=/store\nstorePathCommitLog=/store/commitlog\n"
           "mappedFileSizeCommitLog=65536\nmaxMessageSize=32768\nmappedFileSizeConsumeQueue=1280\nmaxHashSlotNum=64\n"
           "maxIndexNum=256\ndLegerSelfId=n%d\n%s%s",
           i + 4, i, GROUP, extra);
  p->host = sim_host_new(t->s.world, i == 1 ? "second" : "third");
  p->settings = &p->own;
  CU_ASSERT_FATAL(config_init(p->settings, &broker_settings_table) == STATUS_OK);
  CU_ASSERT_FATAL(config_apply(p->settings, span_text(lines), "test", NULL) == STATUS_OK);
  CU_ASSERT_FATAL(broker_settings_complete(p->settings, "host", "10.0.0.5", "/home", NULL) == STATUS_OK);
  place_up(t, i);
}

/* Who leads, and nobody else does. */
static int leader_of(struct trio *t) {
  int leader = -1;
  for (int i = 0; i < BROKERS; i++) {
    struct broker *b = t->places[i].broker;
    if (b == NULL || !b->member.leads) continue;
    CU_ASSERT(leader < 0);
    leader = i;
  }
  return leader;
}

static int elected(struct trio *t) {
  for (int i = 0; i < ELECTION_MS && leader_of(t) < 0; i++) stage_run(&t->s, 1);
  int leader = leader_of(t);
  CU_ASSERT_FATAL(leader >= 0);
  t->s.address = addresses[leader];
  stage_run(&t->s, 300);
  return leader;
}

static void trio_init(struct trio *t, const char *extra) {
  char first[512];
  *t = (struct trio){0};
  snprintf(first, sizeof first, "dLegerSelfId=n0\n%s%s", GROUP, extra);
  stage_start(&t->s, first);
  t->places[0].host = t->s.host;
  t->places[0].settings = &t->s.settings;
  t->places[0].broker = t->s.broker;
  for (int i = 1; i < BROKERS; i++) place_init(t, i, extra);
}

static int trio_start_with(struct trio *t, const char *extra) {
  trio_init(t, extra);
  return elected(t);
}

static int trio_start(struct trio *t) { return trio_start_with(t, ""); }

static void trio_end(struct trio *t) {
  for (int i = 1; i < BROKERS; i++) {
    if (t->places[i].broker != NULL) place_down(t, i, SIM_EXIT);
    config_fini(&t->places[i].own);
  }
  if (t->places[0].broker == NULL) place_again(t, 0);
  stage_end(&t->s);
}

static int send(struct trio *t, const char *topic, int queue, const char *body) {
  struct answer a;
  return stage_send(&t->s, topic, queue, body, "", &a);
}

static const char *pulled(struct trio *t, const char *topic, int queue) {
  struct answer a;
  int code = stage_pull(&t->s, topic, queue, 0, "*", &a);
  return code == RESPONSE_SUCCESS ? pulled_bodies(&a) : "";
}

static void three_elect_one_and_share_its_log(void) {
  struct trio t;
  struct answer a;
  int leader = trio_start(&t);
  CU_ASSERT(t.places[leader].settings->brokerRole == ROLE_SYNC_MASTER && t.places[leader].settings->brokerId == 0);
  CU_ASSERT(send(&t, "T", 0, "one") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_send(&t.s, "T", 0, "two", "", &a) == RESPONSE_SUCCESS);
  ASSERT_SPAN(answer_ext(&a, "queueOffset"), "1");
  stage_run(&t.s, 1000);
  for (int i = 0; i < BROKERS; i++) {
    struct broker *b = t.places[i].broker;
    CU_ASSERT(store_log_max(b->store) == store_log_max(t.places[leader].broker->store));
    t.s.address = addresses[i];
    CU_ASSERT_STRING_EQUAL(pulled(&t, "T", 0), "one,two");
    CU_ASSERT(topics_find(&b->topics, SPAN_LITERAL("T")) != NULL);
    if (i == leader) continue;
    CU_ASSERT(b->settings->brokerRole == ROLE_SLAVE && b->settings->brokerId == i + 1);
    CU_ASSERT(send(&t, "T", 0, "no") == RESPONSE_SERVICE_NOT_AVAILABLE);
    CU_ASSERT(send(&t, "NEW", 0, "no") == RESPONSE_SERVICE_NOT_AVAILABLE);
    CU_ASSERT(topics_find(&b->topics, SPAN_LITERAL("NEW")) == NULL);
  }
  trio_end(&t);
}

/* Over many files, with the leader killed each time; what was acknowledged is there, once, and offsets go on. */
static void leaders_die_and_nothing_is_lost(void) {
  enum { ROUNDS = 6, SENDS = 40 };
  struct trio t;
  int acknowledged = 0;
  int leader = trio_start(&t);
  for (int round = 0; round < ROUNDS; round++) {
    char body[2048];
    for (int i = 0; i < SENDS; i++) {
      struct answer a;
      snprintf(body, sizeof body, "%d:%01800d", acknowledged, i);
      CU_ASSERT_FATAL(stage_send(&t.s, "T", 0, body, "", &a) == RESPONSE_SUCCESS);
      int32_t offset = -1;
      CU_ASSERT(span_to_i32(answer_ext(&a, "queueOffset"), &offset) && offset == acknowledged);
      acknowledged++;
    }
    place_down(&t, leader, round % 2 == 0 ? SIM_KILL : SIM_EXIT);
    int old = leader;
    leader = elected(&t);
    CU_ASSERT(leader != old);
    place_again(&t, old);
  }
  stage_run(&t.s, 5000);
  for (int i = 0; i < BROKERS; i++) {
    struct store *store = t.places[i].broker->store;
    CU_ASSERT(store_queue_max(store, SPAN_LITERAL("T"), 0) == acknowledged);
    t.s.address = addresses[i];
    for (int at = 0; at < acknowledged;) {
      struct answer a;
      struct message m;
      size_t size, from = 0;
      CU_ASSERT_FATAL(stage_pull(&t.s, "T", 0, at, "*", &a) == RESPONSE_SUCCESS);
      for (; from < a.body.len; from += size, at++) {
        char begin[16];
        int n = snprintf(begin, sizeof begin, "%d:", at);
        CU_ASSERT_FATAL(message_decode(span_from(a.body, from), true, &m, &size) == STATUS_OK);
        CU_ASSERT(m.queue_offset == at && memcmp(m.body.ptr, begin, (size_t)n) == 0);
      }
    }
  }
  trio_end(&t);
}

static int create_topic(struct trio *t, const char *name, int queues) {
  struct answer a;
  struct create_topic_request h = {.topic = span_text(name),
                                   .defaultTopic = SPAN_LITERAL("TBW102"),
                                   .readQueueNums = queues,
                                   .writeQueueNums = queues,
                                   .perm = 6,
                                   .topicFilterType = SPAN_LITERAL("SINGLE_TAG"),
                                   .present = UINT64_MAX};
  struct request_out q = {
      .code = REQUEST_UPDATE_AND_CREATE_TOPIC, .header = &create_topic_request_header, .fields = &h};
  stage_ask_wait(&t->s, 0, &q, &a);
  return a.code;
}

static int create_group(struct trio *t, const char *json) {
  struct answer a;
  struct request_out q = {.code = REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, .body = span_text(json)};
  stage_ask_wait(&t->s, 0, &q, &a);
  return a.code;
}

static int commit_offset(struct trio *t, const char *topic, int64_t offset) {
  struct answer a;
  struct update_consumer_offset_request h = {.consumerGroup = SPAN_LITERAL("G"),
                                             .topic = span_text(topic),
                                             .queueId = 0,
                                             .commitOffset = offset,
                                             .present = UINT64_MAX};
  struct request_out q = {
      .code = REQUEST_UPDATE_CONSUMER_OFFSET, .header = &update_consumer_offset_request_header, .fields = &h};
  stage_ask_wait(&t->s, 0, &q, &a);
  return a.code;
}

/* W8 and the issue: Java's new leader makes the topic anew, with four queues. */
static void a_new_leader_knows_what_the_old_one_acknowledged(void) {
  for (int what = 0; what < 3; what++) {
    struct trio t;
    int leader = trio_start(&t);
    if (what == 0) CU_ASSERT(create_topic(&t, "EIGHT", 8) == RESPONSE_SUCCESS);
    if (what == 1) CU_ASSERT(create_group(&t, "{\"groupName\":\"G9\",\"retryMaxTimes\":9}") == RESPONSE_SUCCESS);
    if (what == 2) CU_ASSERT(send(&t, "AUTO", 3, "x") == RESPONSE_SUCCESS);
    place_down(&t, leader, SIM_KILL); /* in the very moment of the answer */
    int next = elected(&t);
    struct broker *b = t.places[next].broker;
    if (what == 0) {
      const struct topic *topic = topics_find(&b->topics, SPAN_LITERAL("EIGHT"));
      CU_ASSERT(topic != NULL && topic->read_queues == 8 && topic->write_queues == 8);
    }
    if (what == 1) {
      const struct group *group = groups_find(&b->groups, SPAN_LITERAL("G9"));
      CU_ASSERT(group != NULL && group->retry_max_times == 9);
    }
    if (what == 2) {
      const struct topic *topic = topics_find(&b->topics, SPAN_LITERAL("AUTO"));
      CU_ASSERT(topic != NULL && topic->read_queues == 4);
      CU_ASSERT_STRING_EQUAL(pulled(&t, "AUTO", 3), "x");
    }
    place_again(&t, leader);
    stage_run(&t.s, 2000);
    CU_ASSERT(map_count(&t.places[leader].broker->topics.table) == map_count(&b->topics.table));
    trio_end(&t);
  }
}

static void offsets_and_deletions_travel(void) {
  struct trio t;
  int leader = trio_start(&t);
  CU_ASSERT(send(&t, "T", 0, "x") == RESPONSE_SUCCESS && send(&t, "GONE", 0, "y") == RESPONSE_SUCCESS);
  CU_ASSERT(commit_offset(&t, "T", 1) == RESPONSE_SUCCESS);
  struct answer a;
  struct delete_topic_request h = {.topic = SPAN_LITERAL("GONE"), .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_DELETE_TOPIC_IN_BROKER, .header = &delete_topic_request_header, .fields = &h};
  stage_ask_wait(&t.s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  stage_run(&t.s, 1500);
  for (int i = 0; i < BROKERS; i++) {
    struct broker *b = t.places[i].broker;
    CU_ASSERT(offsets_get(&b->offsets, SPAN_LITERAL("G"), SPAN_LITERAL("T"), 0) == 1);
    CU_ASSERT(topics_find(&b->topics, SPAN_LITERAL("GONE")) == NULL);
    CU_ASSERT(store_queue_max(b->store, SPAN_LITERAL("GONE"), 0) == 0);
  }
  place_down(&t, leader, SIM_KILL);
  elected(&t);
  CU_ASSERT(send(&t, "GONE", 0, "z") == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled(&t, "GONE", 0), "z");
  trio_end(&t);
}

/* A leader without a majority acknowledges nothing; its promises to nobody are taken back. */
static int prepare(struct trio *t, const char *body) {
  struct answer a;
  const char *half = "TRAN_MSG\001true\002PGROUP\001PG\002UNIQ_KEY\001U\002";
  return stage_send(&t->s, "T", 0, body, half, &a);
}

static int end(struct trio *t, const struct asked *q, int how) {
  struct answer a;
  struct end_transaction_request h = {.producerGroup = SPAN_LITERAL("PG"),
                                      .tranStateTableOffset = q->h.tranStateTableOffset,
                                      .commitLogOffset = q->h.commitLogOffset,
                                      .commitOrRollback = how,
                                      .fromTransactionCheck = true,
                                      .msgId = SPAN_LITERAL("U"),
                                      .present = UINT64_MAX};
  struct request_out out = {.code = REQUEST_END_TRANSACTION, .header = &end_transaction_request_header, .fields = &h};
  stage_ask_wait(&t->s, 0, &out, &a);
  return a.code;
}

/* What was prepared at one leader is asked for by the next, as often as the first had not, and ended there. */
static void transactions_outlive_their_leader(void) {
  struct trio t;
  int leader = trio_start_with(&t, "transactionTimeOut=1000\ntransactionCheckInterval=2000\n");
  const struct peer *producer = &t.s.peers[1];
  CU_ASSERT(prepare(&t, "a") == RESPONSE_SUCCESS && prepare(&t, "b") == RESPONSE_SUCCESS);
  CU_ASSERT(stage_producer_heartbeat(&t.s, 1, "PG") == RESPONSE_SUCCESS);
  stage_run(&t.s, 4500);
  CU_ASSERT_FATAL(producer->asked_count >= 2);
  CU_ASSERT(end(&t, &producer->asked[0], SYS_TRANSACTION_COMMIT) == RESPONSE_SUCCESS);
  int before = producer->asked_count, old = leader;
  place_down(&t, leader, SIM_KILL);
  leader = elected(&t);
  CU_ASSERT(stage_producer_heartbeat(&t.s, 1, "PG") == RESPONSE_SUCCESS);
  stage_run(&t.s, 2500);
  CU_ASSERT_FATAL(producer->asked_count == before + 1);
  const struct asked *q = &producer->asked[before];
  ASSERT_SPAN(q->m.body, "b");
  int32_t times = 0;
  CU_ASSERT(span_to_i32(property_get(q->m.properties, "TRANSACTION_CHECK_TIMES"), &times) && times >= 2);
  CU_ASSERT(end(&t, q, SYS_TRANSACTION_COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT(end(&t, q, SYS_TRANSACTION_COMMIT) == RESPONSE_SUCCESS);
  CU_ASSERT_STRING_EQUAL(pulled(&t, "T", 0), "a,b");
  place_again(&t, old);
  stage_run(&t.s, 10000);
  CU_ASSERT(producer->asked_count == before + 1);
  for (int i = 0; i < BROKERS; i++) {
    const struct broker *b = t.places[i].broker;
    CU_ASSERT(offsets_get(&b->offsets, SPAN_LITERAL("CID_RMQ_SYS_TRANS"), SPAN_LITERAL("RMQ_SYS_TRANS_HALF_TOPIC"),
                          0) == 2);
    CU_ASSERT(b->transactions.running == (i == leader));
  }
  trio_end(&t);
}

static void a_leader_that_is_cut_off_acknowledges_nothing(void) {
  struct trio t;
  struct answer a;
  int old = trio_start(&t);
  CU_ASSERT(send(&t, "T", 0, "kept") == RESPONSE_SUCCESS);
  for (int i = 0; i < BROKERS; i++)
    if (i != old) sim_cut_both(t.places[old].host, t.places[i].host);
  int64_t since = sim_now(t.s.world);
  CU_ASSERT(stage_send(&t.s, "T", 0, "lost", "", &a) == RESPONSE_SYSTEM_ERROR);
  CU_ASSERT(a.at_ms - since <= 3500);
  stage_send(&t.s, "NEVER", 0, "lost", "", &a);
  CU_ASSERT(a.code == RESPONSE_SERVICE_NOT_AVAILABLE || a.code == RESPONSE_SYSTEM_ERROR);
  int leader = elected(&t);
  CU_ASSERT(leader != old);
  CU_ASSERT(send(&t, "T", 0, "next") == RESPONSE_SUCCESS);
  sim_heal_all(t.s.world);
  stage_run(&t.s, 5000);
  for (int i = 0; i < BROKERS; i++) {
    t.s.address = addresses[i];
    CU_ASSERT_STRING_EQUAL(pulled(&t, "T", 0), "kept,next");
    CU_ASSERT(topics_find(&t.places[i].broker->topics, SPAN_LITERAL("NEVER")) == NULL);
  }
  trio_end(&t);
}

static void all_die_at_once_with_what_was_not_synced(void) {
  struct trio t;
  trio_start_with(&t, "dLegerFsync=majority\n");
  for (int i = 0; i < 50; i++) CU_ASSERT(send(&t, "T", i % 4, "x") == RESPONSE_SUCCESS);
  for (int i = 0; i < BROKERS; i++) place_down(&t, i, SIM_POWER_OFF);
  for (int i = 0; i < BROKERS; i++) place_again(&t, i);
  elected(&t);
  int64_t sum = 0;
  for (int i = 0; i < 4; i++) sum += store_queue_max(t.places[leader_of(&t)].broker->store, SPAN_LITERAL("T"), i);
  CU_ASSERT(sum == 50);
  CU_ASSERT(send(&t, "T", 0, "y") == RESPONSE_SUCCESS);
  trio_end(&t);
}

static void places_restart(struct trio *t, bool group) {
  for (int i = 0; i < BROKERS; i++) {
    struct broker_settings *settings = t->places[i].settings;
    if (t->places[i].broker != NULL) place_down(t, i, SIM_EXIT);
    settings->enableDLegerCommitLog = group;
    settings->brokerId = group ? -1 : 0;
    sim_boot(t->places[i].host);
    place_up_as(t, i, group ? ROLE_SLAVE : ROLE_ASYNC_MASTER);
    sim_reset_connections(t->places[i].host, NULL);
  }
}

/* A cluster of before, whose brokers have the same log (here: the same lengths), becomes a group; twice, the second
 * time after files of the group. */
static void a_log_from_before_comes_first(void) {
  struct trio t;
  struct answer a;
  char body[1500];
  trio_init(&t, "");
  memset(body, 'x', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  places_restart(&t, false);
  for (int i = 0; i < BROKERS; i++) {
    t.s.address = addresses[i];
    for (int n = 0; n < 60; n++) CU_ASSERT(send(&t, "T", 0, body) == RESPONSE_SUCCESS); /* more than one file */
  }
  places_restart(&t, true);
  int leader = elected(&t);
  for (int round = 0; round < 2; round++) {
    for (int n = 0; n < 60; n++) {
      CU_ASSERT_FATAL(stage_send(&t.s, "T", 0, body, "KEYS\1late\2", &a) == RESPONSE_SUCCESS);
      int32_t offset = -1;
      CU_ASSERT(span_to_i32(answer_ext(&a, "queueOffset"), &offset) && offset == 60 + 60 * round + n);
    }
    if (round == 0) {
      place_down(&t, leader, SIM_KILL);
      place_again(&t, leader);
      leader = elected(&t);
    }
  }
  stage_run(&t.s, 3000);
  for (int i = 0; i < BROKERS; i++) {
    t.s.address = addresses[i];
    struct store *store = t.places[i].broker->store;
    CU_ASSERT(store_log_min(store) == 0 && store_queue_max(store, SPAN_LITERAL("T"), 0) == 180);
    for (int at = 0; at < 180; at += 20) CU_ASSERT(stage_pull(&t.s, "T", 0, at, "*", &a) == RESPONSE_SUCCESS);
  }
  places_restart(&t, true);
  elected(&t);
  for (int i = 0; i < BROKERS; i++) CU_ASSERT(store_queue_max(t.places[i].broker->store, SPAN_LITERAL("T"), 0) == 180);
  trio_end(&t);
}

static void send_much(struct trio *t, int count) {
  char body[1500];
  memset(body, 'y', sizeof body - 1);
  body[sizeof body - 1] = '\0';
  for (int n = 0; n < count; n++) CU_ASSERT_FATAL(send(t, "T", n % 2, body) == RESPONSE_SUCCESS);
}

/* Retention on all members; one that was away so long that what it lacks is gone begins where the leader's log does. */
static void old_files_go_and_a_member_that_missed_them_comes_back(void) {
  struct trio t;
  struct answer a;
  int leader = trio_start_with(&t,
                               "fileReservedTime=0\ncleanResourceInterval=1000\n"
                               "deleteWhen=00;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23\n");
  int away = (leader + 1) % BROKERS, other = (leader + 2) % BROKERS;
  send_much(&t, 100);
  CU_ASSERT(create_topic(&t, "GONE", 3) == RESPONSE_SUCCESS);
  stage_run(&t.s, 1000);
  place_down(&t, away, SIM_KILL);
  struct delete_topic_request h = {.topic = SPAN_LITERAL("GONE"), .present = UINT64_MAX};
  struct request_out q = {.code = REQUEST_DELETE_TOPIC_IN_BROKER, .header = &delete_topic_request_header, .fields = &h};
  stage_ask_wait(&t.s, 0, &q, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  send_much(&t, 300);
  stage_run(&t.s, 90000);
  struct store *store = t.places[leader].broker->store;
  int64_t min = store_log_min(store);
  CU_ASSERT(min > 0 && store_log_min(t.places[other].broker->store) > 0);
  CU_ASSERT(store_queue_min(store, SPAN_LITERAL("T"), 0) > 0);
  place_again(&t, away);
  stage_run(&t.s, 5000);
  struct store *back = t.places[away].broker->store;
  CU_ASSERT(store_log_max(back) == store_log_max(store) && store_log_min(back) >= min);
  place_down(&t, leader, SIM_KILL);
  leader = elected(&t);
  send_much(&t, 10);
  stage_run(&t.s, 1000);
  for (int i = 0; i < BROKERS; i++) {
    if (t.places[i].broker == NULL) continue;
    CU_ASSERT(store_queue_max(t.places[i].broker->store, SPAN_LITERAL("T"), 0) == 205);
    CU_ASSERT(topics_find(&t.places[i].broker->topics, SPAN_LITERAL("GONE")) == NULL);
    t.s.address = addresses[i];
    int64_t first = store_queue_min(t.places[i].broker->store, SPAN_LITERAL("T"), 0);
    CU_ASSERT(stage_pull(&t.s, "T", 0, first, "*", &a) == RESPONSE_SUCCESS);
    CU_ASSERT(stage_pull(&t.s, "T", 0, 204, "*", &a) == RESPONSE_SUCCESS);
  }
  for (int i = 0; i < BROKERS; i++) {
    if (t.places[i].broker == NULL) place_again(&t, i);
    place_down(&t, i, SIM_EXIT);
    place_again(&t, i);
  }
  elected(&t);
  stage_run(&t.s, 2000);
  for (int i = 0; i < BROKERS; i++) CU_ASSERT(store_queue_max(t.places[i].broker->store, SPAN_LITERAL("T"), 1) == 205);
  trio_end(&t);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"three elect one and share its log", three_elect_one_and_share_its_log},
      {"leaders die and nothing is lost", leaders_die_and_nothing_is_lost},
      {"a new leader knows what the old one acknowledged", a_new_leader_knows_what_the_old_one_acknowledged},
      {"offsets and deletions travel", offsets_and_deletions_travel},
      {"transactions outlive their leader", transactions_outlive_their_leader},
      {"a leader that is cut off acknowledges nothing", a_leader_that_is_cut_off_acknowledges_nothing},
      {"all die at once with what was not synced", all_die_at_once_with_what_was_not_synced},
      {"a log from before comes first", a_log_from_before_comes_first},
      {"old files go and a member that missed them comes back", old_files_go_and_a_member_that_missed_them_comes_back},
      {NULL, NULL}};
  return run_tests("trio", tests, argc, argv);
}
