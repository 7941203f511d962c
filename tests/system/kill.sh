# shellcheck shell=bash
# b. SIGKILL at random moments under load: what was acknowledged is there.
# SPDX-License-Identifier: Apache-2.0

KILL_CYCLES=${KILL_CYCLES:-$(sanitized && echo 8 || echo 30)}

# A random number below $1; RANDOM begins with SYSTEM_SEED.
random_below() { echo $((RANDOM % $1)); }

# test_kill FLUSH CYCLES
test_kill() {
  local flush=$1 cycles=$2 i early=0 load
  local settings=("flushDiskType=$flush" mappedFileSizeCommitLog=1048576 mappedFileSizeConsumeQueue=10000
    maxMessageSize=65536 flushIntervalConsumeQueue=50 flushConsumerOffsetInterval=100)
  start_broker "${settings[@]}" || { failed "no broker: $(tail -n 2 "$DIR/broker.err")"; return; }
  spawn load "$PEER" load "$BROKER" KillTopic 3 16 "$DIR/notes"
  load=$SPAWNED
  for ((i = 0; i < cycles; i++)); do
    # Every third is killed while it is still starting.
    if [ $((i % 3)) = 2 ]; then sleep "0.0$(printf %02d "$(random_below 30)")"; early=$((early + 1))
    else "$PEER" ready "$BROKER" && sleep "0.$(printf %03d $((40 + $(random_below 200))))"; fi
    kill -0 "$BROKER_PID" 2>/dev/null || { failed "cycle $i: the broker ended by itself: $(tail -n 2 "$DIR/broker.err")"; break; }
    kill -0 "$load" 2>/dev/null || { failed "cycle $i: $(cat "$DIR/load.err")"; break; }
    kill -KILL "$BROKER_PID"
    finish "$BROKER_PID"
    spawn broker "$MQBROKER" -c "$DIR/broker.conf"
    BROKER_PID=$SPAWNED
  done
  "$PEER" ready "$BROKER" 2>/dev/null || failed "the broker does not start again: $(tail -n 2 "$DIR/broker.err")"
  sleep 0.2
  stop "$load" || failed "load: $(cat "$DIR/load.err")"
  expect "after $cycles kills" "$PEER" verify "$BROKER" KillTopic "$DIR/notes"
  say_details "$cycles kills, $early while starting: $(cat "$DIR/load.out"): $(cat "$DIR/expect.out"): $(find "$DIR/store/commitlog" -type f | wc -l) log files"

  # The comparison itself can fail.
  { cat "$DIR/notes"; echo "0 999999999 0 0"; } >"$DIR/lost"
  "$PEER" verify "$BROKER" KillTopic "$DIR/lost" 2>"$DIR/lost.err" && failed "verify does not notice a lost message"
  expect_text "$DIR/lost.err" LOST "verify does not say LOST"
  sed '1s/ [0-9]*$/ 4000000000/' "$DIR/notes" >"$DIR/replaced"
  "$PEER" verify "$BROKER" KillTopic "$DIR/replaced" 2>"$DIR/replaced.err" && failed "verify does not notice a replaced message"
  expect_text "$DIR/replaced.err" REPLACED "verify does not say REPLACED"

  # The same once more after a clean stop, and after derived files are lost.
  stop "$BROKER_PID" || failed "SIGTERM: exit status $?"
  start_broker "${settings[@]}" || failed "no start after the clean stop"
  expect "after a clean stop" "$PEER" verify "$BROKER" KillTopic "$DIR/notes"
  kill -KILL "$BROKER_PID"
  finish "$BROKER_PID"
  rm -rf "$DIR/store/consumequeue" "$DIR/store/checkpoint"
  start_broker "${settings[@]}" || failed "no start without consume queues: $(tail -n 2 "$DIR/broker.err")"
  expect "with rebuilt consume queues" "$PEER" verify "$BROKER" KillTopic "$DIR/notes"
}

system_kill() {
  RANDOM=$SYSTEM_SEED
  run_test kill-async-flush test_kill ASYNC_FLUSH "$KILL_CYCLES"
  run_test kill-sync-flush test_kill SYNC_FLUSH "$KILL_CYCLES"
}
