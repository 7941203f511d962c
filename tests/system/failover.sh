# shellcheck shell=bash
# g. The master of a SYNC_MASTER pair is killed under load, again and again: the slave has every message that was
# acknowledged, consumers go on there, and what they committed there is not lost when the master is back.
# SPDX-License-Identifier: Apache-2.0

KILLS=${KILLS:-3} # kill -9 of the master
FAILOVER_MS=3000  # consumers have gone on after so long
FAILOVER_TOPIC=FailoverTopic
# A listener that takes 2 ms for a message, and twice as many messages: there is always something to consume.
WITNESS_OPTIONS=(--work 2 --rate 4000 --threads 8 --settle 60)

# start_member NAME PORT KEY=VALUE...: a broker of the pair, its id in SPAWNED. Waits until it listens.
start_member() {
  local name=$1 BROKER_PORT=$2
  shift 2
  broker_conf "storePathRootDir=$DIR/$name" "storePathCommitLog=$DIR/$name/commitlog" mappedFileSizeCommitLog=8388608 \
    "$@" >"$DIR/$name.conf"
  [ ! -e "$DIR/$name.out" ] || cat "$DIR/$name.out" "$DIR/$name.err" >>"$DIR/$name.before"
  spawn "$name" "$MQBROKER" -c "$DIR/$name.conf"
  "$PEER" ready "127.0.0.1:$BROKER_PORT"
}

start_master() { start_member master "$BROKER_PORT" brokerRole=SYNC_MASTER && MASTER_PID=$SPAWNED; }
start_slave() { start_member slave "$SLAVE_PORT" brokerRole=SLAVE brokerId=1 && SLAVE_PID=$SPAWNED; }

# until_true SECONDS COMMAND...
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

slave_follows() { grep -qE 'slave .* goes on from offset' "$DIR/master.out" "$DIR/master.err"; }
slave_knows() { grep -q "\"$1\"" "$DIR/slave/config/topics.json"; }
now_ms() { date +%s%3N; }

# kill_master CYCLE: under load; the notes of what was acknowledged grow.
kill_master() {
  local load
  spawn load "$PEER" load "$BROKER" "$FAILOVER_TOPIC" 3 16 "$DIR/notes.new" "$(($1 * 10000000))"
  load=$SPAWNED
  sleep "1.$(printf %03d "$(random_below 1000)")"
  kill -0 "$load" 2>/dev/null || failed "kill $1: the load ended early: $(cat "$DIR/load.err")"
  kill -KILL "$MASTER_PID"
  finish "$MASTER_PID"
  stop "$load" || failed "kill $1: load: $(cat "$DIR/load.err")"
  cat "$DIR/notes.new" >>"$DIR/notes"
}

# What mqwitness says of one kill: nothing lost, no long pause.
judge_witness() {
  local last pause
  last=$(tail -n 1 "$DIR/witness.out")
  pause=$(sed -nE 's/.*consuming ([0-9]+)\.([0-9]{2}) s.*/\1\20/p' <<<"$last")
  PAUSES+=("${pause:-none}")
  [ "$((10#${pause:-999999}))" -le $FAILOVER_MS ] || failed "kill $1: consumers paused: $last"
}

failover_cycle() {
  local witness cycle=$1
  spawn witness "$BUILD_DIR/tools/mqwitness" -n "$NAMESRV" -t WitnessTopic --seconds 6 "${WITNESS_OPTIONS[@]}"
  witness=$SPAWNED
  sleep 1
  kill_master "$cycle"
  # The slave alone: every acknowledged message of all the kills, and the two logs are one.
  expect "kill $cycle: on the slave" "$PEER" verify "$SLAVE" "$FAILOVER_TOPIC" "$DIR/notes"
  VERIFIED=$(cat "$DIR/expect.out")
  expect "kill $cycle: the logs" "$BUILD_DIR/tools/mqstore/mqstore" compare "$DIR/master" "$DIR/slave"
  sleep 3
  start_master || failed "kill $cycle: the master does not start again: $(tail -n 2 "$DIR/master.err")"
  finish "$witness" || failed "kill $cycle: $(tail -n 2 "$DIR/witness.out" "$DIR/witness.err" -q | tr '\n' ' ')"
  judge_witness "$cycle"
  until_true 10 slave_follows || failed "kill $cycle: the slave does not come back: $(tail -n 1 "$DIR/slave.err")"
}

# The topic exists. On a busy machine the time may be too short.
first_messages() {
  FIRST=$((FIRST + 100000))
  spawn load "$PEER" load "$BROKER" "$FAILOVER_TOPIC" 1 1 "$DIR/notes" $FIRST
  sleep 0.3
  stop "$SPAWNED"
}

# A pair that knows both topics.
start_pair() {
  start_namesrv || { failed "no name server"; return; }
  SLAVE_PORT=$("$PEER" ports 4) || { failed "no free ports"; return; }
  SLAVE_PORT=$((SLAVE_PORT + 2)) SLAVE=127.0.0.1:$SLAVE_PORT
  start_master || { failed "no master: $(tail -n 2 "$DIR/master.err")"; return; }
  start_slave || { failed "no slave: $(tail -n 2 "$DIR/slave.err")"; return; }
  until_true 20 slave_follows || { failed "no replication: $(tail -n 2 "$DIR/slave.err")"; return; }
  FIRST=0
  until_true 20 first_messages || failed "first messages: $(cat "$DIR/load.err")"
  "$BUILD_DIR/tools/mqwitness" -n "$NAMESRV" -t WitnessTopic --seconds 1 --quiet >"$DIR/first.out" || failed "first messages: $(cat "$DIR/first.out")"
  until_true 20 slave_knows WitnessTopic || failed "the slave does not learn of topics"
}

test_failover() {
  local cycle
  PAUSES=() VERIFIED=none
  start_pair
  [ -z "$WHY" ] || return
  for ((cycle = 1; cycle <= KILLS && ${#WHY} == 0; cycle++)); do failover_cycle "$cycle"; done
  expect "after the kills, on the master" "$PEER" verify "$BROKER" "$FAILOVER_TOPIC" "$DIR/notes"
  say_details "$KILLS kills: slave: $VERIFIED; longest pauses of consumers: ${PAUSES[*]} ms"
  # The comparison itself can fail.
  echo "0 999999999 0 0" >>"$DIR/notes"
  "$PEER" verify "$SLAVE" "$FAILOVER_TOPIC" "$DIR/notes" 2>"$DIR/lost.err" && failed "verify does not notice a lost message"
  expect_text "$DIR/lost.err" LOST "verify does not say LOST"
}

# offsets_of NAME GROUP: what the broker has saved of the group, summed over the queues.
offsets_of() {
  cat "$DIR/$1/config/consumerOffset.json" 2>/dev/null | tr -d '\n\t ' | sed -nE "s/.*\"WitnessTopic@$2\":\{([^}]*)\}.*/\1/p" | tr ',' '\n' |
    awk -F: '{ sum += $2 } END { print sum + 0 }'
}

same_offsets() { [ "$(offsets_of master mqwitness)" -ge "$1" ]; }

# What a group committed while there was only the slave: the master has it when it is back.
test_failover_offsets() {
  local before after
  start_pair
  [ -z "$WHY" ] || return
  before=$(offsets_of slave mqwitness)
  spawn witness "$BUILD_DIR/tools/mqwitness" -n "$NAMESRV" -t WitnessTopic --seconds 2 "${WITNESS_OPTIONS[@]}" --settle 10
  sleep 3
  kill -KILL "$MASTER_PID"
  finish "$MASTER_PID"
  finish "$SPAWNED" || failed "consumers do not end at the slave: $(tail -n 1 "$DIR/witness.out")"
  stop "$SLAVE_PID" || failed "SIGTERM of the slave: exit status $?"
  after=$(offsets_of slave mqwitness)
  [ "$after" -gt "$before" ] || failed "nothing was committed to the slave ($before, $after)"
  # The slave comes back before its master does: it remembers.
  start_slave || failed "the slave does not start again"
  start_master || failed "the master does not start again"
  until_true 30 same_offsets "$after" || failed "the master has $(offsets_of master mqwitness) of $after"
  say_details "$after committed"
}

system_failover() {
  RANDOM=$SYSTEM_SEED
  run_test failover test_failover
  run_test failover-offsets test_failover_offsets
}
