/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/broker/trio.h"

#include "tests/harness.h"

#define PEERS "dLegerPeers=n0-10.0.0.1:20911;n1-10.0.0.5:20911;n2-10.0.0.6:20911\n"
#define GROUP "enableDLegerCommitLog=true\ndLegerGroup=g\n" PEERS

const char *const trio_addresses[BROKERS] = {"10.0.0.1:10911", "10.0.0.5:10911", "10.0.0.6:10911"};

void place_up_as(struct trio *t, int i, enum broker_role role) {
  struct place *p = &t->places[i];
  p->settings->brokerRole = role;
  p->broker = stage_broker_up(p->host, p->settings, (uint64_t)i + 8);
  if (i == 0) t->s.broker = p->broker;
}

static void place_up(struct trio *t, int i) { place_up_as(t, i, ROLE_SLAVE); }

void place_down(struct trio *t, int i, enum sim_stop how) {
  struct place *p = &t->places[i];
  stage_broker_down(p->host, p->broker, how);
  p->broker = NULL;
}

void place_again(struct trio *t, int i) {
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

int leader_of(struct trio *t) {
  int leader = -1;
  for (int i = 0; i < BROKERS; i++) {
    struct broker *b = t->places[i].broker;
    if (b == NULL || !b->member.leads) continue;
    CU_ASSERT(leader < 0);
    leader = i;
  }
  return leader;
}

int elected(struct trio *t) {
  for (int i = 0; i < ELECTION_MS && leader_of(t) < 0; i++) stage_run(&t->s, 1);
  int leader = leader_of(t);
  CU_ASSERT_FATAL(leader >= 0);
  t->s.address = trio_addresses[leader];
  stage_run(&t->s, 300);
  return leader;
}

void trio_init(struct trio *t, const char *extra) {
  char first[512];
  *t = (struct trio){0};
  snprintf(first, sizeof first, "dLegerSelfId=n0\n%s%s", GROUP, extra);
  stage_start(&t->s, first);
  t->places[0].host = t->s.host;
  t->places[0].settings = &t->s.settings;
  t->places[0].broker = t->s.broker;
  for (int i = 1; i < BROKERS; i++) place_init(t, i, extra);
}

int trio_start_with(struct trio *t, const char *extra) {
  trio_init(t, extra);
  return elected(t);
}

void trio_end(struct trio *t) {
  for (int i = 1; i < BROKERS; i++) {
    if (t->places[i].broker != NULL) place_down(t, i, SIM_EXIT);
    config_fini(&t->places[i].own);
  }
  if (t->places[0].broker == NULL) place_again(t, 0);
  stage_end(&t->s);
}
