# shellcheck shell=bash
# c. Hostile input, while an honest peer works beside it.
# SPDX-License-Identifier: Apache-2.0

# Bounds of this test: anonymous memory (mapped log files belong to the page cache), log lines.
RSS_BOUND_KIB=$(sanitized && echo 1048576 || echo 65536)
BACKLOG_BYTES=1048576
FRAME_TIMEOUT_MS=1000
IDLE_CONNECTIONS=${IDLE_CONNECTIONS:-10000}
LOG_LINES_MAX=2000 # the attacks open some 1700 connections to each server; one line each at most

ATTACKS="lengths truncated headers random json rocketmq codes sends pulls loris"

start_both() {
  start_namesrv "connectionsMax=$((IDLE_CONNECTIONS + 1000))" "backlogMax=$BACKLOG_BYTES" || { failed "no name server"; return 1; }
  start_broker "frameTimeoutMillis=$FRAME_TIMEOUT_MS" "connectionBacklogMaxBytes=$BACKLOG_BYTES" mappedFileSizeCommitLog=16777216 ||
    { failed "no broker"; return 1; }
  expect "before" "$PEER" roundtrip "$BROKER" Honest 2000 32 json
  expect "route before" "$PEER" route "$NAMESRV" Honest yes
  spawn steady "$PEER" steady "$BROKER" Honest "$NAMESRV"
  STEADY=$SPAWNED
  spawn watch-broker "$PEER" watch "$BROKER_PID" "$RSS_BOUND_KIB"
  WATCH_BROKER=$SPAWNED
  spawn watch-namesrv "$PEER" watch "$NAMESRV_PID" "$RSS_BOUND_KIB"
  WATCH_NAMESRV=$SPAWNED
}

# The honest peer was never disturbed, memory was bounded, both still serve and end well.
end_both() {
  local server
  stop "$STEADY" || failed "the honest peer was disturbed: $(cat "$DIR/steady.err")"
  stop "$WATCH_BROKER" || failed "broker: $(cat "$DIR/watch-broker.err")"
  stop "$WATCH_NAMESRV" || failed "name server: $(cat "$DIR/watch-namesrv.err")"
  expect "after" "$PEER" roundtrip "$BROKER" Honest 2000 32 rocketmq
  expect "route after" "$PEER" route "$NAMESRV" Honest now
  stop "$BROKER_PID" || failed "the broker's exit status is $?"
  stop "$NAMESRV_PID" || failed "the name server's exit status is $?"
  for server in broker namesrv; do
    [ "$(wc -l <"$DIR/$server.err")" -le "$LOG_LINES_MAX" ] || failed "$(wc -l <"$DIR/$server.err") lines in the log of the $server"
    # What peers send must not forge lines or move the cursor of who reads the log.
    grep -avqE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z (DEBUG|INFO |WARN |ERROR) ' "$DIR/$server.err" && failed "forged lines in the log of the $server"
    grep -aqP '[\x00-\x08\x0b-\x1f\x7f]' "$DIR/$server.err" && failed "control characters in the log of the $server"
  done
  DETAILS="honest peer: $(cat "$DIR/steady.out"); memory: broker $(cat "$DIR/watch-broker.out"), name server $(cat "$DIR/watch-namesrv.out")${DETAILS:+; $DETAILS}"
}

test_attacks() {
  local kind
  start_both || return
  for kind in $ATTACKS; do
    expect "$kind at the broker" "$PEER" attack "$BROKER" "$kind" "$SYSTEM_SEED" broker
    expect "$kind at the name server" "$PEER" attack "$NAMESRV" "$kind" "$SYSTEM_SEED" namesrv
    expect "after $kind" "$PEER" roundtrip "$BROKER" Honest 20 5 json
  done
  end_both
  say_details "$DETAILS; $(wc -l <"$DIR/broker.err") and $(wc -l <"$DIR/namesrv.err") log lines"
}

test_idle() {
  local idle i
  start_both || return
  spawn idle "$PEER" idle "$IDLE_CONNECTIONS" "$BROKER" "$NAMESRV"
  idle=$SPAWNED
  for ((i = 0; i < 300; i++)); do
    [ ! -s "$DIR/idle.out" ] || break
    kill -0 "$idle" 2>/dev/null || break
    sleep 0.1
  done
  [ -s "$DIR/idle.out" ] || failed "idle connections: $(cat "$DIR/idle.err")"
  expect "beside them" "$PEER" roundtrip "$BROKER" Honest 200 8 json
  expect "route beside them" "$PEER" route "$NAMESRV" Honest now
  stop "$idle" || failed "$(cat "$DIR/idle.err")"
  end_both
  say_details "$(cat "$DIR/idle.out"), the hard limit of open files is $(ulimit -Hn); $DETAILS"
}

test_slow_reader() {
  start_both || return
  # Longer than frameTimeoutMillis: who is not read from is not late.
  expect "slow reader" "$PEER" slow "$BROKER" Honest 3
  say_details "$(cat "$DIR/expect.out")"
  end_both
}

system_hostile() {
  ulimit -Sn "$(ulimit -Hn)" 2>/dev/null
  run_test hostile-attacks test_attacks
  run_test hostile-idle test_idle
  run_test hostile-slow-reader test_slow_reader
}
