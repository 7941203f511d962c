/* SPDX-License-Identifier: Apache-2.0
 *
 * Delayed messages, and those that consumers send back, in a group of three:
 * whoever dies when, what was acknowledged is delivered once, and not early.
 */
#define _GNU_SOURCE /* memmem */
#include "tests/unit/broker/trio.h"

#include "core/base/prng.h"
#include "tests/harness.h"

#include <stdlib.h>
#include <string.h>

#define LEVEL(number) "DELAY\001" number "\002"
#define DELAYS "/store/config/delayOffset.json"
#define QUIET_SAVES "flushDelayOffsetInterval=100000000\n"
#define EACH_HOUR "deleteWhen=00;01;02;03;04;05;06;07;08;09;10;11;12;13;14;15;16;17;18;19;20;21;22;23\n"

static int send(struct trio *t, const char *topic, const char *body, const char *properties) {
  struct answer a;
  return stage_send(&t->s, topic, 0, body, properties, &a);
}

static int64_t count_at(struct trio *t, int i, const char *topic) {
  return store_queue_max(t->places[i].broker->store, span_text(topic), 0);
}

/* On all that are up. */
static bool all_have(struct trio *t, const char *topic, int64_t count) {
  bool good = true;
  for (int i = 0; i < BROKERS; i++)
    if (t->places[i].broker != NULL && count_at(t, i, topic) != count) {
      printf("    n%d has %d of %d in %s\n", i, (int)count_at(t, i, topic), (int)count, topic);
      good = false;
    }
  return good;
}

static struct message record_at(struct trio *t, int i, const char *topic, int queue, int64_t offset) {
  struct store *s = t->places[i].broker->store;
  struct store_unit u;
  struct span record;
  struct message m = {0};
  size_t size;
  CU_ASSERT_FATAL(store_unit_at(s, span_text(topic), queue, offset, &u) == STATUS_OK);
  CU_ASSERT_FATAL(store_message_at(s, u.physical_offset, &record) == STATUS_OK);
  CU_ASSERT_FATAL(message_decode(record, true, &m, &size) == STATUS_OK);
  return m;
}

static int64_t delivered(struct trio *t, int i, int level) { return t->places[i].broker->delays.at[level].next; }

static void cut_off(struct trio *t, int one) {
  for (int i = 0; i < BROKERS; i++)
    if (i != one) sim_cut_both(t->places[one].host, t->places[i].host);
}

static void it_comes_when_it_is_due_and_all_members_know(void) {
  struct trio t;
  struct answer a;
  int leader = trio_start_with(&t, "");
  CU_ASSERT(send(&t, "T", "late", "TAGS\001A\002" LEVEL("2")) == RESPONSE_SUCCESS);
  int64_t due = record_at(&t, leader, SCHEDULE_TOPIC, 1, 0).store_ms + 5000 - SIM_EPOCH_MS;
  stage_run(&t.s, due - sim_now(t.s.world) - 1);
  CU_ASSERT(all_have(&t, "T", 0));
  stage_run(&t.s, 200);
  CU_ASSERT(all_have(&t, "T", 1));
  struct message m = record_at(&t, leader, "T", 0, 0);
  ASSERT_SPAN(m.body, "late");
  ASSERT_SPAN(m.properties, "TAGS\001A\002DELAY\0012\002REAL_TOPIC\001T\002REAL_QID\0010\002");
  stage_ask_wait(&t.s, 0, &(struct request_out){.code = REQUEST_GET_ALL_DELAY_OFFSET}, &a);
  CU_ASSERT(a.code == RESPONSE_SUCCESS);
  ASSERT_SPAN(a.body, "{\"offsetTable\":{2:1}}");
  for (int i = 0; i < BROKERS; i++) CU_ASSERT(delivered(&t, i, 2) == 1 && delivered(&t, i, 1) == -1);
  stage_run(&t.s, 20000);
  CU_ASSERT(all_have(&t, "T", 1));
  trio_end(&t);
}

/* Its leader dies long before, in the moment of, or after the delivery, which may be agreed on or not. */
static void the_leader_dies_around_the_delivery(void) {
  for (int at = -2; at < 14; at++) {
    struct trio t;
    int leader = trio_start_with(&t, "");
    CU_ASSERT(send(&t, "T", "a", LEVEL("1")) == RESPONSE_SUCCESS);
    CU_ASSERT(send(&t, "T", "b", LEVEL("1")) == RESPONSE_SUCCESS);
    int64_t due = record_at(&t, leader, SCHEDULE_TOPIC, 0, 0).store_ms + 1000 - SIM_EPOCH_MS;
    stage_run(&t.s, due - sim_now(t.s.world) + (at == -2 ? -500 : at));
    place_down(&t, leader, at % 2 == 0 ? SIM_KILL : SIM_POWER_OFF);
    elected(&t);
    stage_run(&t.s, 3000);
    CU_ASSERT(all_have(&t, "T", 2));
    place_again(&t, leader);
    stage_run(&t.s, 3000);
    CU_ASSERT(all_have(&t, "T", 2));
    trio_end(&t);
  }
}

/* It delivers, but nobody hears: the next leader does, and what the old one put is forgotten. */
static void what_no_majority_has_is_delivered_by_the_next(void) {
  struct trio t;
  int old = trio_start_with(&t, "");
  CU_ASSERT(send(&t, "T", "a", LEVEL("1")) == RESPONSE_SUCCESS);
  stage_run(&t.s, 850);
  cut_off(&t, old);
  for (int i = 0; i < 2000 && t.places[old].broker->delays.at[1].staged < 1; i++) stage_run(&t.s, 1);
  CU_ASSERT(t.places[old].broker->delays.at[1].staged == 1 && delivered(&t, old, 1) <= 0);
  for (int i = 0; i < ELECTION_MS && t.places[old].broker->member.leads; i++) stage_run(&t.s, 1);
  int leader = elected(&t);
  CU_ASSERT(leader != old && !t.places[old].broker->delays.running);
  stage_run(&t.s, 2000);
  CU_ASSERT(count_at(&t, leader, "T") == 1 && count_at(&t, old, "T") == 0);
  sim_heal_all(t.s.world);
  stage_run(&t.s, 5000);
  CU_ASSERT(all_have(&t, "T", 1));
  place_down(&t, leader, SIM_KILL);
  elected(&t);
  stage_run(&t.s, 5000);
  CU_ASSERT(all_have(&t, "T", 1));
  trio_end(&t);
}

static void places_restart(struct trio *t, enum sim_stop how) {
  for (int i = 0; i < BROKERS; i++) place_down(t, i, how);
  for (int i = 0; i < BROKERS; i++) place_again(t, i);
  elected(t);
}

/* Queues are read again from the checkpoint on; deliveries before it are known all the same. */
static void all_restart_and_nothing_comes_again(void) {
  static const enum sim_stop hows[] = {SIM_EXIT, SIM_KILL, SIM_POWER_OFF};
  for (size_t h = 0; h < sizeof hows / sizeof hows[0]; h++) {
    struct trio t;
    trio_start_with(&t, "dLegerFsync=majority\n" QUIET_SAVES);
    stage_run(&t.s, 12000);
    for (int i = 0; i < 3; i++) CU_ASSERT(send(&t, "T", "x", LEVEL("1")) == RESPONSE_SUCCESS);
    CU_ASSERT(send(&t, "LATER", "y", LEVEL("5")) == RESPONSE_SUCCESS);
    stage_run(&t.s, 2000);
    CU_ASSERT(all_have(&t, "T", 3));
    places_restart(&t, hows[h]);
    stage_run(&t.s, 70000); /* the checkpoint moves on */
    CU_ASSERT(all_have(&t, "T", 3) && all_have(&t, "LATER", 1));
    places_restart(&t, hows[h]);
    for (int i = 0; i < 10; i++) CU_ASSERT(send(&t, "OTHER", "z", NULL) == RESPONSE_SUCCESS);
    stage_run(&t.s, 5000);
    CU_ASSERT(all_have(&t, "T", 3) && all_have(&t, "LATER", 1));
    for (int i = 0; i < BROKERS; i++) CU_ASSERT(delivered(&t, i, 1) == 3 && delivered(&t, i, 5) == 1);
    trio_end(&t);
  }
}

/* As if the last writing of the file had failed: it says from where on the log knows better. A position that no history
 * of this log has is none. */
static void a_file_that_is_old_says_what_to_read_again(void) {
  for (int wrong = 0; wrong < 2; wrong++) {
    struct trio t;
    struct buf old[BROKERS];
    trio_start_with(&t, QUIET_SAVES);
    stage_run(&t.s, 12000);
    for (int i = 0; i < BROKERS; i++) {
      buf_init(&old[i], 4096);
      CU_ASSERT_FATAL(disk_read_whole(sim_host_disk(t.places[i].host), DELAYS, &old[i]) == STATUS_OK);
      buf_clear(&old[i]);
      buf_printf(&old[i], "{\"offsetTable\":{},\"position\":%d}", wrong ? 777 : 0);
    }
    for (int i = 0; i < 3; i++) CU_ASSERT(send(&t, "T", "x", LEVEL("1")) == RESPONSE_SUCCESS);
    stage_run(&t.s, 2000);
    for (int i = 0; i < 10; i++) CU_ASSERT(send(&t, "OTHER", "z", NULL) == RESPONSE_SUCCESS);
    stage_run(&t.s, 1000);
    for (int i = 0; i < BROKERS; i++) place_down(&t, i, SIM_EXIT);
    for (int i = 0; i < BROKERS; i++) {
      sim_boot(t.places[i].host);
      CU_ASSERT(disk_replace_whole(sim_host_disk(t.places[i].host), DELAYS, buf_span(&old[i]), true) == STATUS_OK);
      buf_fini(&old[i]);
      place_up_as(&t, i, ROLE_SLAVE);
      sim_reset_connections(t.places[i].host, NULL);
    }
    elected(&t);
    stage_run(&t.s, 3000);
    CU_ASSERT(all_have(&t, "T", 3));
    trio_end(&t);
  }
}

static void a_planned_stop_hands_over_in_the_middle(void) {
  for (int at = 0; at < 8; at++) {
    enum { MANY = 100 };
    struct trio t;
    static struct answer a[MANY];
    int leader = trio_start_with(&t, "");
    for (int i = 0; i < MANY; i++) stage_send_start(&t.s, "T", 0, "x", LEVEL("1"), &a[i]);
    stage_run(&t.s, 998 + at);
    struct place *p = &t.places[leader];
    CU_ASSERT(broker_hand_over(p->broker));
    sim_poke(p->host);
    for (int i = 0; i < 2000 && broker_hands_over(p->broker); i++) stage_run(&t.s, 1);
    CU_ASSERT(!broker_hands_over(p->broker));
    place_down(&t, leader, SIM_EXIT);
    elected(&t);
    place_again(&t, leader);
    stage_run(&t.s, 5000);
    for (int i = 0; i < MANY; i++) CU_ASSERT(a[i].done && a[i].code == RESPONSE_SUCCESS);
    CU_ASSERT(all_have(&t, "T", MANY));
    trio_end(&t);
  }
}

static int send_back(struct trio *t, int64_t offset, int limit) {
  struct consumer_send_msg_back_request h = {0};
  struct answer a;
  HEADER_SET(consumer_send_msg_back_request, &h, offset, offset);
  HEADER_SET(consumer_send_msg_back_request, &h, group, SPAN_LITERAL("G"));
  HEADER_SET(consumer_send_msg_back_request, &h, delayLevel, 0);
  HEADER_SET(consumer_send_msg_back_request, &h, maxReconsumeTimes, limit);
  struct request_out q = {
      .code = REQUEST_CONSUMER_SEND_MSG_BACK, .header = &consumer_send_msg_back_request_header, .fields = &h};
  stage_ask_wait(&t->s, 1, &q, &a);
  return a.code;
}

static void what_is_sent_back_comes_again_from_the_next_leader(void) {
  struct trio t;
  int leader = trio_start_with(&t, "");
  CU_ASSERT(send(&t, "T", "hard", NULL) == RESPONSE_SUCCESS);
  int64_t offset = record_at(&t, leader, "T", 0, 0).physical_offset;
  t.s.address = trio_addresses[(leader + 1) % BROKERS];
  CU_ASSERT(send_back(&t, offset, 1) == RESPONSE_SYSTEM_ERROR); /* a slave */
  t.s.address = trio_addresses[leader];
  CU_ASSERT(send_back(&t, offset, 1) == RESPONSE_SUCCESS);
  place_down(&t, leader, SIM_KILL); /* in the moment of the answer */
  int second = elected(&t);
  place_again(&t, leader);
  CU_ASSERT(topics_find(&t.places[second].broker->topics, SPAN_LITERAL("%RETRY%G")) != NULL);
  stage_run(&t.s, 12000);
  CU_ASSERT(all_have(&t, "%RETRY%G", 1));
  struct message m = record_at(&t, second, "%RETRY%G", 0, 0);
  ASSERT_SPAN(m.body, "hard");
  CU_ASSERT(m.reconsume_times == 1);
  CU_ASSERT(send_back(&t, m.physical_offset, 1) == RESPONSE_SUCCESS);
  place_down(&t, second, SIM_KILL);
  elected(&t);
  place_again(&t, second);
  stage_run(&t.s, 60000);
  CU_ASSERT(all_have(&t, "%RETRY%G", 1) && all_have(&t, "%DLQ%G", 1));
  trio_end(&t);
}

/* What a member missed is gone from the log: the leader's words in a later file tell it. */
static void a_member_that_missed_the_deliveries_is_told(void) {
  struct trio t;
  static char body[1500];
  int leader = trio_start_with(&t, "fileReservedTime=0\ncleanResourceInterval=1000\n" EACH_HOUR);
  int away = (leader + 1) % BROKERS;
  memset(body, 'y', sizeof body - 1);
  stage_run(&t.s, 500);
  place_down(&t, away, SIM_KILL);
  for (int i = 0; i < 5; i++) CU_ASSERT(send(&t, "D", "x", LEVEL("1")) == RESPONSE_SUCCESS);
  stage_run(&t.s, 2000);
  for (int i = 0; i < 400; i++) CU_ASSERT_FATAL(send(&t, "T", body, NULL) == RESPONSE_SUCCESS);
  stage_run(&t.s, 90000);
  CU_ASSERT(store_log_min(t.places[leader].broker->store) > 65536);
  place_again(&t, away);
  stage_run(&t.s, 5000);
  CU_ASSERT(delivered(&t, away, 1) == 5);
  trio_end(&t);
}

/* Its delayOffset.json is from before the group, when all delivered on their own. */
static void brokers_of_before_go_on_where_their_file_says(void) {
  struct trio t;
  trio_init(&t, "");
  for (int group = 0; group < 2; group++) {
    for (int i = 0; i < BROKERS; i++) {
      struct broker_settings *settings = t.places[i].settings;
      place_down(&t, i, SIM_EXIT);
      settings->enableDLegerCommitLog = group;
      settings->brokerId = group ? -1 : 0;
      sim_boot(t.places[i].host);
      place_up_as(&t, i, group ? ROLE_SLAVE : ROLE_ASYNC_MASTER);
      sim_reset_connections(t.places[i].host, NULL);
    }
    if (group) break;
    for (int i = 0; i < BROKERS; i++) {
      t.s.address = trio_addresses[i];
      CU_ASSERT(send(&t, "T", "x", LEVEL("1")) == RESPONSE_SUCCESS);
      stage_run(&t.s, 2000);
      CU_ASSERT(send(&t, "T", "y", LEVEL("4")) == RESPONSE_SUCCESS);
    }
    CU_ASSERT(all_have(&t, "T", 1));
  }
  int leader = elected(&t);
  stage_run(&t.s, 35000);
  CU_ASSERT(all_have(&t, "T", 2));
  place_down(&t, leader, SIM_KILL);
  elected(&t);
  stage_run(&t.s, 5000);
  CU_ASSERT(all_have(&t, "T", 2));
  trio_end(&t);
}

/* Java's leader says in another way how far it is. */
static void what_a_java_leader_told_counts(void) {
  struct trio t;
  struct json *root;
  struct arena arena;
  int leader = trio_start_with(&t, "");
  for (int i = 0; i < 3; i++) CU_ASSERT(send(&t, "T", "x", LEVEL("2")) == RESPONSE_SUCCESS);
  stage_run(&t.s, 1000);
  arena_init(&arena, 1 << 16);
  CU_ASSERT_FATAL(json_parse(SPAN_LITERAL("{\"offsetTable\":{2:2}}"), &JSON_LIMITS_DEFAULT, &arena, &root, NULL,
                             NULL) == STATUS_OK);
  for (int i = 0; i < BROKERS; i++)
    if (i != leader) delays_told(&t.places[i].broker->delays, root);
  arena_fini(&arena);
  place_down(&t, leader, SIM_KILL);
  elected(&t);
  stage_run(&t.s, 8000);
  CU_ASSERT(all_have(&t, "T", 1));
  trio_end(&t);
}

/* ---- any time, any order ---- */

enum { MESSAGES_MAX = 400, LEVELS = 3 };
static const int level_ms[LEVELS + 1] = {0, 1000, 2000, 4000};

struct sent {
  struct answer answer;
  int64_t at_ms;
  int level;
  int times; /* delivered */
};

struct storm {
  struct trio t;
  struct prng prng;
  struct sent sent[MESSAGES_MAX];
  int count;
};

static int down_count(const struct trio *t) {
  int down = 0;
  for (int i = 0; i < BROKERS; i++) down += t->places[i].broker == NULL;
  return down;
}

/* One that was cut off may think that it is, too. */
static int some_leader(struct storm *s) {
  int leader = -1;
  for (int i = 0; i < BROKERS; i++) {
    struct broker *b = s->t.places[i].broker;
    if (b != NULL && b->member.leads && (leader < 0 || prng_below(&s->prng, 2) == 0)) leader = i;
  }
  return leader;
}

static void storm_send(struct storm *s) {
  int leader = some_leader(s);
  char body[16], properties[32];
  if (s->count == MESSAGES_MAX || leader < 0) return;
  struct sent *m = &s->sent[s->count];
  s->t.s.address = trio_addresses[leader];
  m->level = 1 + (int)prng_below(&s->prng, LEVELS);
  m->at_ms = sim_now(s->t.s.world);
  snprintf(body, sizeof body, "%d", s->count++);
  snprintf(properties, sizeof properties, "DELAY\001%d\002", m->level);
  stage_send_start(&s->t.s, "T", 0, body, properties, &m->answer);
}

static void storm_trouble(struct storm *s) {
  static const enum sim_stop hows[] = {SIM_KILL, SIM_POWER_OFF, SIM_EXIT};
  struct trio *t = &s->t;
  int leader = some_leader(s), i = (int)prng_below(&s->prng, BROKERS);
  if (prng_below(&s->prng, 2) == 0 && leader >= 0) i = leader;
  switch (prng_below(&s->prng, 4)) {
  case 0:
    sim_heal_all(t->s.world);
    cut_off(t, i);
    break;
  case 1:
    sim_heal_all(t->s.world);
    break;
  default:
    if (t->places[i].broker == NULL) place_again(t, i);
    else if (down_count(t) == 0 || prng_below(&s->prng, 8) == 0) place_down(t, i, hows[prng_below(&s->prng, 3)]);
  }
}

static void storm_check(struct storm *s, int place) {
  struct store *store = s->t.places[place].broker->store;
  int64_t max = store_queue_max(store, SPAN_LITERAL("T"), 0), stored = 0;
  for (int i = 0; i < s->count; i++) s->sent[i].times = 0;
  for (int level = 1; level <= LEVELS; level++)
    stored += store_queue_max(store, SPAN_LITERAL(SCHEDULE_TOPIC), level - 1);
  CU_ASSERT(stored == max);
  for (int64_t at = 0; at < max; at++) {
    struct message m = record_at(&s->t, place, "T", 0, at);
    int32_t number = -1;
    CU_ASSERT_FATAL(span_to_i32(m.body, &number) && number >= 0 && number < s->count);
    struct sent *one = &s->sent[number];
    one->times++;
    CU_ASSERT(m.store_ms - SIM_EPOCH_MS >= one->at_ms + level_ms[one->level]);
  }
  for (int i = 0; i < s->count; i++) {
    bool acknowledged = s->sent[i].answer.done && s->sent[i].answer.code == RESPONSE_SUCCESS;
    CU_ASSERT(s->sent[i].times <= 1 && (!acknowledged || s->sent[i].times == 1));
  }
}

static int storm(uint64_t seed) {
  static struct storm s;
  unsigned failures = CU_get_number_of_failures();
  memset(&s, 0, sizeof s);
  prng_init(&s.prng, seed);
  trio_start_with(&s.t, "messageDelayLevel=1s 2s 4s\ndLegerFsync=majority\n");
  for (uint64_t i = 0; i < seed % 64; i++) prng_next(sim_chance(s.t.s.world));
  for (int step = 0; step < 60; step++) {
    for (int n = (int)prng_below(&s.prng, 12); n > 0; n--) storm_send(&s);
    stage_run(&s.t.s, (int64_t)prng_below(&s.prng, 400));
    if (prng_below(&s.prng, 3) == 0) storm_trouble(&s);
  }
  sim_heal_all(s.t.s.world);
  for (int i = 0; i < BROKERS; i++)
    if (s.t.places[i].broker == NULL) place_again(&s.t, i);
  stage_run(&s.t.s, ELECTION_MS);
  elected(&s.t);
  stage_run(&s.t.s, 15000);
  for (int i = 0; i < BROKERS; i++) storm_check(&s, i);
  int acknowledged = 0;
  for (int i = 0; i < s.count; i++) acknowledged += s.sent[i].answer.done && s.sent[i].answer.code == RESPONSE_SUCCESS;
  trio_end(&s.t);
  if (CU_get_number_of_failures() != failures) printf("    seed %llu fails\n", (unsigned long long)seed);
  return acknowledged;
}

/* TRIO_SEEDS=FIRST-LAST runs others. */
static void whoever_dies_when_each_comes_once(void) {
  unsigned long long first = 1, last = 12;
  const char *seeds = getenv("TRIO_SEEDS");
  if (seeds != NULL) CU_ASSERT_FATAL(sscanf(seeds, "%llu-%llu", &first, &last) == 2);
  int acknowledged = 0;
  for (unsigned long long seed = first; seed <= last; seed++) acknowledged += storm(seed);
  CU_ASSERT(acknowledged > 20);
  if (seeds != NULL) printf("    %d acknowledged\n", acknowledged);
}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      {"it comes when it is due and all members know", it_comes_when_it_is_due_and_all_members_know},
      {"the leader dies around the delivery", the_leader_dies_around_the_delivery},
      {"what no majority has is delivered by the next", what_no_majority_has_is_delivered_by_the_next},
      {"all restart and nothing comes again", all_restart_and_nothing_comes_again},
      {"a file that is old says what to read again", a_file_that_is_old_says_what_to_read_again},
      {"a planned stop hands over in the middle", a_planned_stop_hands_over_in_the_middle},
      {"what is sent back comes again from the next leader", what_is_sent_back_comes_again_from_the_next_leader},
      {"a member that missed the deliveries is told", a_member_that_missed_the_deliveries_is_told},
      {"brokers of before go on where their file says", brokers_of_before_go_on_where_their_file_says},
      {"what a Java leader told counts", what_a_java_leader_told_counts},
      {"whoever dies when, each comes once", whoever_dies_when_each_comes_once},
      {NULL, NULL}};
  return run_tests("trio_delays", tests, argc, argv);
}
