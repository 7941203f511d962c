/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sim/test_sim.h"

#include "tests/harness.h"
#include "tests/unit/sim/probe.h"

void cut_delays_and_heal_delivers(void) {
  struct pair pair;
  pair_start(&pair, 1);
  sim_cut_both(pair.client_host, pair.server_host);
  probe_send(&pair.client, pair.conn, "a");
  sim_run_until(pair.world, 60000);
  probe_send(&pair.client, pair.conn, "b");
  sim_run_until(pair.world, 100000);
  CU_ASSERT_EQUAL(pair.server.conns[0].in.len, 0);
  sim_heal(pair.client_host, pair.server_host);
  probe_send(&pair.client, pair.conn, "c"); /* overtakes nobody */
  sim_run_until(pair.world, 102000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "abc");
  ASSERT_SPAN(buf_span(&pair.client.events), "");
  pair_fini(&pair);
}

void cut_one_way_lets_the_other_through(void) {
  struct pair pair;
  pair_start(&pair, 2);
  sim_cut(pair.client_host, pair.server_host);
  probe_send(&pair.client, pair.conn, "lost");
  probe_send(&pair.server, pair.server.conns[0].id, "heard");
  sim_run_until(pair.world, 5000);
  CU_ASSERT_EQUAL(pair.server.conns[0].in.len, 0);
  ASSERT_SPAN(buf_span(&pair.client.conns[0].in), "heard");
  sim_heal_all(pair.world);
  sim_run_until(pair.world, 6000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "lost");
  pair_fini(&pair);
}

static int64_t refused_at(struct pair *pair, int64_t until_ms) {
  while (pair->client.events.len == 0 && sim_now(pair->world) < until_ms && sim_step(pair->world)) continue;
  return sim_now(pair->world);
}

void connect_times_out_when_cut(void) {
  for (int way = 0; way < 2; way++) {
    struct pair pair;
    pair_start(&pair, 3);
    int64_t start_ms = sim_now(pair.world);
    if (way == 0)
      sim_cut(pair.client_host, pair.server_host);
    else
      sim_cut(pair.server_host, pair.client_host);
    probe_connect(&pair.client, "s", 1000);
    CU_ASSERT_EQUAL(refused_at(&pair, 60000), start_ms + 3000);
    ASSERT_SPAN(buf_span(&pair.client.events), "x(connect timed out)");
    pair_fini(&pair);
  }
}

void connect_survives_a_short_cut(void) {
  struct pair pair;
  pair_start(&pair, 4);
  sim_cut_both(pair.client_host, pair.server_host);
  probe_connect(&pair.client, "s", 1000);
  sim_run_until(pair.world, sim_now(pair.world) + 500);
  sim_heal_all(pair.world);
  sim_run_until(pair.world, sim_now(pair.world) + 2000);
  ASSERT_SPAN(buf_span(&pair.client.events), "c");
  pair_fini(&pair);
}

void killed_program_ends_its_connections(void) {
  int resets = 0, ends = 0;
  for (uint64_t seed = 0; seed < 20; seed++) {
    struct pair pair;
    pair_start(&pair, seed);
    sim_stop(pair.server_host, SIM_KILL);
    sim_run_until(pair.world, 2000);
    resets += span_is(buf_span(&pair.client.events), "x(connection reset by peer)");
    ends += span_is(buf_span(&pair.client.events), "x(closed by peer)");
    buf_clear(&pair.client.events);
    probe_connect(&pair.client, "s", 1000);
    sim_run_until(pair.world, 4000);
    ASSERT_SPAN(buf_span(&pair.client.events), "x(connection refused)");
    sim_boot(pair.server_host);
    probe_fini(&pair.server);
    probe_start(&pair.server, pair.server_host);
    probe_listen(&pair.server, 1000);
    buf_clear(&pair.client.events);
    probe_connect(&pair.client, "s", 1000);
    sim_run_until(pair.world, 6000);
    ASSERT_SPAN(buf_span(&pair.client.events), "c");
    pair_fini(&pair);
  }
  CU_ASSERT_EQUAL(resets + ends, 20);
  CU_ASSERT(resets > 2 && ends > 2);
}

void exit_sends_what_was_sent(void) {
  struct pair pair;
  pair_start(&pair, 5);
  sim_conditions(pair.world)->window = 2;
  probe_send(&pair.client, pair.conn, "good bye");
  sim_stop(pair.client_host, SIM_EXIT);
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "good bye");
  ASSERT_SPAN(buf_span(&pair.server.events), "x(closed by peer)");
  CU_ASSERT_EQUAL(sim_connection_count(pair.world), 0);
  pair_fini(&pair);
}

void power_off_leaves_peers_half_open(void) {
  struct pair pair;
  pair_start(&pair, 6);
  sim_stop(pair.server_host, SIM_POWER_OFF);
  probe_send(&pair.client, pair.conn, "anybody there?");
  sim_run_until(pair.world, 100000);
  ASSERT_SPAN(buf_span(&pair.client.events), ""); /* silence */
  sim_boot(pair.server_host);
  sim_run_until(pair.world, 101000);
  ASSERT_SPAN(buf_span(&pair.client.events), "x(connection reset by peer)"); /* the new kernel knows nothing of it */
  pair_fini(&pair);
}

void unanswered_peer_is_given_up(void) {
  struct pair pair;
  pair_start(&pair, 7);
  sim_conditions(pair.world)->give_up_ms = 50000;
  sim_cut_both(pair.client_host, pair.server_host);
  probe_send(&pair.client, pair.conn, "hello?");
  int64_t start_ms = sim_now(pair.world);
  int64_t end_ms = refused_at(&pair, 200000);
  CU_ASSERT(end_ms >= start_ms + 50000 && end_ms < start_ms + 50100);
  ASSERT_SPAN(buf_span(&pair.client.events), "x(timed out: the peer does not answer)");
  ASSERT_SPAN(buf_span(&pair.server.events), "");
  pair_fini(&pair);
}

void resets_reach_both_ends(void) {
  struct pair pair;
  pair_start(&pair, 8);
  conn_id second = probe_connect(&pair.client, "s", 1000);
  sim_run_until(pair.world, 1000);
  buf_clear(&pair.client.events);
  buf_clear(&pair.server.events);
  CU_ASSERT_EQUAL(sim_reset_connections(pair.client_host, pair.server_host), 2);
  sim_run_until(pair.world, 2000);
  ASSERT_SPAN(buf_span(&pair.client.events), "x(connection reset by peer)x(connection reset by peer)");
  ASSERT_SPAN(buf_span(&pair.server.events), "x(connection reset by peer)x(connection reset by peer)");
  CU_ASSERT_EQUAL(sim_reset_connections(pair.client_host, NULL), 0);
  probe_send(&pair.client, second, "ignored");
  CU_ASSERT_EQUAL(sim_connection_count(pair.world), 0);
  pair_fini(&pair);
}

void random_resets_never_reorder(void) {
  int resets = 0;
  for (uint64_t seed = 0; seed < 30; seed++) {
    struct pair pair;
    pair_start(&pair, seed);
    sim_conditions(pair.world)->reset_chance = 100;
    sim_conditions(pair.world)->split_chance = 3000;
    for (int i = 0; i < 60; i++) {
      char text[2] = {(char)('0' + i), 0};
      probe_send(&pair.client, pair.conn, text);
      sim_run_until(pair.world, sim_now(pair.world) + 1);
    }
    sim_run_until(pair.world, 5000);
    const struct buf *in = &pair.server.conns[0].in;
    for (size_t i = 0; i < in->len; i++) CU_ASSERT_EQUAL(in->ptr[i], '0' + i); /* a prefix, always */
    bool reset = span_is(buf_span(&pair.server.events), "x(connection reset by peer)");
    CU_ASSERT(reset || in->len == 60);
    CU_ASSERT_EQUAL(reset, pair.client.events.len > 0);
    resets += reset;
    pair_fini(&pair);
  }
  CU_ASSERT(resets > 3 && resets < 27);
}

void stopped_host_ignores_calls(void) {
  struct pair pair;
  pair_start(&pair, 9);
  struct net *net = pair.client.net;
  struct disk *disk = sim_host_disk(pair.client_host);
  struct disk_file *file;
  CU_ASSERT_EQUAL(disk->ops->open(disk, "f", DISK_CREATE, 0, &file), STATUS_OK);
  sim_stop(pair.client_host, SIM_KILL);
  CU_ASSERT_FALSE(sim_is_up(pair.client_host));
  probe_send(&pair.client, pair.conn, "from the grave");
  CU_ASSERT_EQUAL(net->ops->connect(net, "s", 1000, 100), 0);
  CU_ASSERT_EQUAL(net->ops->listen(net, "", 5, 1, NULL, NULL), STATUS_SHUTDOWN);
  struct span text = SPAN_LITERAL("x");
  CU_ASSERT_EQUAL(disk->ops->write(disk, file, 0, &text, 1), STATUS_IO);
  CU_ASSERT_EQUAL(disk->ops->sync(disk, file), STATUS_IO);
  struct disk_file *other;
  CU_ASSERT_EQUAL(disk->ops->open(disk, "g", DISK_CREATE, 0, &other), STATUS_IO);
  disk->ops->close(disk, file); /* closing is always allowed */
  sim_run_until(pair.world, 2000);
  CU_ASSERT_EQUAL(pair.server.conns[0].in.len, 0);
  pair_fini(&pair);
}

void stalled_program_sleeps_on(void) {
  struct pair pair;
  pair_start(&pair, 10);
  int64_t start_ms = sim_now(pair.world);
  sim_stall(pair.server_host, 30000);
  probe_send(&pair.client, pair.conn, "wake up");
  sim_run_until(pair.world, start_ms + 29999);
  CU_ASSERT_EQUAL(pair.server.conns[0].in.len, 0);
  sim_run_until(pair.world, start_ms + 30000);
  ASSERT_SPAN(buf_span(&pair.server.conns[0].in), "wake up");
  pair_fini(&pair);
}
