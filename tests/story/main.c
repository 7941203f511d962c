/* SPDX-License-Identifier: Apache-2.0
 *
 * The stories. Each names what happens, then what is seen.
 */
#include "tests/harness.h"
#include "tests/story/stage.h"

static void a_producer_finds_its_broker(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *broker = stage_broker(&s, "broker", false);
  struct machine *producer = stage_producer(&s, "producer", 0);
  at_start(0, names);
  at_start(100, broker);
  at_start(1000, producer);
  at_send(2000, producer);
  at_send(3000, producer);
  expect(&s, 4000, "names broker producer",
         "[0] names > starts\n"
         "[100] broker > starts\n"
         "[101] broker > accepted from broker:32769\n"
         "[101] names > accepted from broker:32770\n"
         "[102] broker > open to broker:10911\n"
         "[102] broker > open to names:9876\n"
         "[105] broker > closed by broker\n"
         "[1000] producer > starts\n"
         "[2002] names > accepted from producer:32769\n"
         "[2003] producer > open to names:9876\n"
         "[2008] broker > accepted from producer:32770\n"
         "[2009] producer > open to broker:10911\n"
         "[2011] producer > message 0 is in broker queue 0 offset 0\n"
         "[3003] producer > message 1 is in broker queue 0 offset 1\n");
  stage_end(&s);
}

static void a_dead_name_server_is_passed_by(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *first = stage_names(&s, "names-1"), *second = stage_names(&s, "names-2");
  struct machine *broker = stage_broker(&s, "broker", false);
  struct machine *early = stage_producer(&s, "early", 0), *late = stage_producer(&s, "late", 1);
  at_start(0, first);
  at_start(0, second);
  at_start(100, broker);
  at_start(1000, early);
  at_send(2000, early);
  expect(&s, 3000, "early",
         "[1000] early > starts\n"
         "[2003] early > open to names-1:9876\n"
         "[2009] early > open to broker:10911\n"
         "[2011] early > message 0 is in broker queue 0 offset 0\n");
  at_stop(3000, first, SIM_KILL);
  at_send(4000, early); /* it knows the way: nobody needs to be asked */
  at_start(5000, late);
  at_send(5000, late);
  expect(&s, 40000, "early late",
         "[3001] early > ends: connection reset by peer\n"
         "[4003] early > message 1 is in broker queue 0 offset 1\n"
         "[5000] late > starts\n"
         "[5003] late > ends: connection refused\n"
         "[5005] late > open to names-2:9876\n"
         "[5009] late > open to broker:10911\n"
         "[5011] late > message 0 is in broker queue 0 offset 2\n"
         "[31002] early > ends: connection refused\n"
         "[31004] early > open to names-2:9876\n");
  stage_end(&s);
}

static void a_waiting_pull_is_woken_by_a_message(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *broker = stage_broker(&s, "broker", false);
  struct machine *producer = stage_producer(&s, "producer", 0);
  struct machine *consumer = stage_consumer(&s, "consumer");
  at_start(0, names);
  at_start(100, broker);
  at_start(1000, producer);
  at_send(1000, producer); /* so that the topic exists */
  at_start(3000, consumer);
  expect(&s, 10000, "producer consumer",
         "[1000] producer > starts\n"
         "[1003] producer > open to names:9876\n"
         "[1009] producer > open to broker:10911\n"
         "[1011] producer > message 0 is in broker queue 0 offset 0\n"
         "[3000] consumer > starts\n"
         "[3003] consumer > open to names:9876\n"
         "[3007] consumer > open to broker:10911\n"
         "[3505] consumer > got 1 messages from broker queue 0 offset 0\n");
  at_send(12345, producer);
  expect(&s, 20000, "producer consumer",
         "[12348] producer > message 1 is in broker queue 0 offset 1\n"
         "[12348] consumer > got 1 messages from broker queue 0 offset 1\n");
  stage_end(&s);
}

static void clients_go_on_after_a_broker_restart(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *broker = stage_broker(&s, "broker", false);
  struct machine *producer = stage_producer(&s, "producer", 0);
  struct machine *consumer = stage_consumer(&s, "consumer");
  at_start(0, names);
  at_start(100, broker);
  at_start(1000, producer);
  at_send(1000, producer);
  at_start(3000, consumer);
  expect(&s, 10000, "producer consumer",
         "[1000] producer > starts\n"
         "[1003] producer > open to names:9876\n"
         "[1009] producer > open to broker:10911\n"
         "[1011] producer > message 0 is in broker queue 0 offset 0\n"
         "[3000] consumer > starts\n"
         "[3003] consumer > open to names:9876\n"
         "[3007] consumer > open to broker:10911\n"
         "[3505] consumer > got 1 messages from broker queue 0 offset 0\n");
  at_stop(10000, broker, SIM_KILL);
  at_send(11000, producer);
  at_start(15000, broker);
  at_send(17000, producer);
  expect(&s, 30000, "broker producer consumer",
         "[10000] broker > is killed\n"
         "[10001] producer > ends: connection reset by peer\n"
         "[10001] consumer > ends: connection reset by peer\n"
         "[10303] consumer > ends: connection refused\n"
         "[10605] consumer > ends: connection refused\n"
         "[10907] consumer > ends: connection refused\n"
         "[11003] producer > ends: connection refused\n"
         "[11003] producer > message 1 failed: cannot connect to broker\n"
         "[11209] consumer > ends: connection refused\n"
         "[11811] consumer > ends: connection refused\n"
         "[12713] consumer > ends: connection refused\n"
         "[14515] consumer > ends: connection refused\n"
         "[15000] broker > starts\n"
         "[15001] broker > accepted from broker:32771\n"
         "[15002] broker > open to broker:10911\n"
         "[15002] broker > open to names:9876\n"
         "[15005] broker > closed by broker\n"
         "[16616] broker > accepted from consumer:32778\n"
         "[16617] consumer > open to broker:10911\n"
         "[17002] broker > accepted from producer:32772\n"
         "[17003] producer > open to broker:10911\n"
         "[17005] producer > message 2 is in broker queue 0 offset 1\n"
         "[17005] consumer > got 1 messages from broker queue 0 offset 1\n");
  stage_end(&s);
}

static void a_synchronous_flush_waits_for_the_disk(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *broker = stage_broker(&s, "broker", true);
  struct machine *producer = stage_producer(&s, "producer", 0);
  at_start(0, names);
  at_start(100, broker);
  at_start(1000, producer);
  at_send(1000, producer);
  sim_run_until(s.world, 2000);
  sim_disk_sync_delay(broker->host, 400, 400);
  at_send(3000, producer);
  at_send(3100, producer); /* while the disk is busy: the next sync covers it */
  at_send(3200, producer); /* and this one, too */
  expect(&s, 5000, "producer",
         "[1000] producer > starts\n"
         "[1003] producer > open to names:9876\n"
         "[1009] producer > open to broker:10911\n"
         "[1013] producer > message 0 is in broker queue 0 offset 0\n"
         "[3403] producer > message 1 is in broker queue 0 offset 1\n"
         "[3803] producer > message 2 is in broker queue 0 offset 2\n"
         "[3803] producer > message 3 is in broker queue 0 offset 3\n");
  at_stop(5000, broker, SIM_POWER_OFF);
  at_start(6000, broker);
  at_send(8000, producer);
  expect(&s, 12000, "broker producer",
         "[5000] broker > loses power\n"
         "[6000] broker > starts\n"
         "[6001] broker > accepted from broker:32771\n"
         "[6002] broker > open to broker:10911\n"
         "[6002] broker > open to names:9876\n"
         "[6005] broker > closed by broker\n"
         "[8003] producer > ends: connection reset by peer\n"
         "[8004] broker > accepted from producer:32771\n"
         "[8005] producer > open to broker:10911\n"
         "[8407] producer > message 4 is in broker queue 0 offset 4\n");
  stage_end(&s);
}

/* Nobody says good-bye when the power goes: the name server finds out after two minutes without a word. */
static void a_silent_broker_is_forgotten(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *broker = stage_broker(&s, "broker", true);
  struct machine *first = stage_producer(&s, "first", 0), *second = stage_producer(&s, "second", 1);
  struct machine *third = stage_producer(&s, "third", 2);
  at_start(0, names);
  at_start(100, broker);
  at_start(1000, first);
  at_send(1000, first);
  expect(&s, 10000, "names first",
         "[0] names > starts\n"
         "[101] names > accepted from broker:32770\n"
         "[1000] first > starts\n"
         "[1002] names > accepted from first:32769\n"
         "[1003] first > open to names:9876\n"
         "[1009] first > open to broker:10911\n"
         "[1013] first > message 0 is in broker queue 0 offset 0\n");
  at_stop(10000, broker, SIM_POWER_OFF);
  at_start(60000, second);
  at_send(60000, second);
  at_start(150000, third);
  at_send(150000, third);
  expect(&s, 155000, "names second third",
         "[60000] second > starts\n"
         "[60002] names > accepted from second:32769\n"
         "[60003] second > open to names:9876\n"
         "[63001] second > message 0 failed: broker did not answer in time\n"
         "[63005] second > ends: connect timed out\n"
         "[93000] second > ends: connect timed out\n"
         "[123000] second > ends: connect timed out\n"
         "[150000] third > starts\n"
         "[150002] names > accepted from third:32769\n"
         "[150003] third > open to names:9876\n"
         "[150007] third > message 0 failed: no route to topic story: "
         "No topic route info in name server for the topic: TBW102\n"
         "[153000] second > ends: connect timed out\n");
  stage_end(&s);
}

/* The slave asks again until a name server knows the master, then copies what is there; a send is answered when the slave
 * has it. */
static void a_sync_master_waits_for_its_slave(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *master = stage_broker(&s, "broker", false);
  struct machine *slave = stage_slave(&s, "slave", true);
  struct machine *producer = stage_producer(&s, "producer", 0);
  at_start(0, names);
  at_start(0, slave);
  at_start(1000, master);
  at_start(2500, producer);
  at_send(3000, producer);
  at_send(6000, producer);
  expect(&s, 8000, "slave producer",
         "[0] slave > starts\n"
         "[1] slave > accepted from slave:32769\n"
         "[2] slave > open to slave:10911\n"
         "[2] slave > open to names:9876\n"
         "[5] slave > closed by slave\n"
         "[2008] slave > open to broker:10912\n"
         "[2500] producer > starts\n"
         "[3002] slave > open to broker:10909\n"
         "[3002] slave > open to broker:10911\n"
         "[3003] producer > open to names:9876\n"
         "[3009] producer > open to broker:10911\n"
         "[3013] producer > message 0 is in broker queue 0 offset 0\n"
         "[6005] producer > message 1 is in broker queue 0 offset 1\n");
  at_stop(8000, slave, SIM_KILL);
  at_send(9000, producer);
  at_start(10000, slave);
  at_send(13000, producer);
  expect(&s, 15000, "slave producer",
         "[8000] slave > is killed\n"
         "[9003] producer > message 2 is in broker queue 0 offset 2 (not promised)\n"
         "[10000] slave > starts\n"
         "[10001] slave > accepted from slave:32774\n"
         "[10002] slave > open to slave:10911\n"
         "[10002] slave > open to names:9876\n"
         "[10005] slave > closed by slave\n"
         "[10006] slave > open to broker:10912\n"
         "[13002] slave > open to broker:10909\n"
         "[13002] slave > open to broker:10911\n"
         "[13005] producer > message 3 is in broker queue 0 offset 3\n");
  stage_end(&s);
}

/* What the slave has is read from it when the master is gone, and the reader comes back to the master. */
static void readers_go_on_at_the_slave(void) {
  struct stage s;
  stage_begin(&s);
  struct machine *names = stage_names(&s, "names");
  struct machine *master = stage_broker(&s, "broker", false);
  struct machine *slave = stage_slave(&s, "slave", false);
  struct machine *producer = stage_producer(&s, "producer", 0);
  struct machine *consumer = stage_consumer(&s, "consumer");
  at_start(0, names);
  at_start(0, master);
  at_start(100, slave);
  at_start(1000, producer);
  at_send(1000, producer);
  at_send(15000, producer); /* by now the slave knows the topic */
  at_stop(16000, master, SIM_KILL);
  at_start(17000, consumer);
  expect(&s, 30000, "consumer",
         "[17000] consumer > starts\n"
         "[17003] consumer > open to names:9876\n"
         "[17007] consumer > open to slave:10911\n"
         "[17505] consumer > got 2 messages from broker queue 0 offset 0\n");
  at_start(30000, master);
  at_send(35000, producer);
  expect(&s, 70000, "consumer producer",
         "[35005] producer > open to broker:10911\n"
         "[35007] producer > message 2 is in broker queue 0 offset 2\n"
         "[35008] consumer > got 1 messages from broker queue 0 offset 2\n"
         "[47005] consumer > open to broker:10911\n");
  stage_end(&s);
}

#define TEST(f) {#f, f}

int main(int argc, char **argv) {
  static const struct test tests[] = {
      TEST(a_producer_finds_its_broker),
      TEST(a_dead_name_server_is_passed_by),
      TEST(a_waiting_pull_is_woken_by_a_message),
      TEST(clients_go_on_after_a_broker_restart),
      TEST(a_synchronous_flush_waits_for_the_disk),
      TEST(a_silent_broker_is_forgotten),
      TEST(a_sync_master_waits_for_its_slave),
      TEST(readers_go_on_at_the_slave),
      {0},
  };
  return run_tests("story", tests, argc, argv);
}
