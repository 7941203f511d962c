# shellcheck shell=bash
# g. Many topics, queues and offsets: all there after kill -9, descriptors bounded, idle when nothing happens.
# SPDX-License-Identifier: Apache-2.0

SCALE_TOPICS=${SCALE_TOPICS:-1000} SCALE_QUEUES=8
SCALE_DESCRIPTORS_MAX=400 # 256 queue files are kept open at most
SCALE_WAKES_MAX=60        # in the two seconds that are watched

scale_descriptors() { # SENTENCE
  local n
  n=$(find "/proc/$BROKER_PID/fd" -mindepth 1 2>/dev/null | wc -l)
  [ "$n" -lt "$SCALE_DESCRIPTORS_MAX" ] || failed "$1: $n descriptors"
  DESCRIPTORS=$n
}

scale_wakes() { awk '$1 == "voluntary_ctxt_switches:" {print $2}' "/proc/$BROKER_PID/status"; }

# Settled when two seconds bring only the few wake-ups of an idle program: every second of statistics, and some for
# name servers. What work is left decides how often that is tried, not the clock of this machine.
scale_idle() {
  local tries before wakes
  for ((tries = 0; tries < 20; tries++)); do
    before=$(scale_wakes)
    sleep 2
    wakes=$(($(scale_wakes) - before))
    [ "$wakes" -gt "$SCALE_WAKES_MAX" ] || { WAKES=$wakes; return; }
  done
  failed "never idle: $wakes wake-ups in 2 s"
}

test_scale() {
  local settings=(mappedFileSizeCommitLog=16777216 defaultTopicQueueNums=$SCALE_QUEUES)
  start_namesrv || { failed "no name server"; return; }
  start_broker "${settings[@]}" || { failed "no broker: $(tail -n 2 "$DIR/broker.err")"; return; }
  expect "messages" "$PEER" many messages "$BROKER" Scale "$SCALE_TOPICS" $SCALE_QUEUES 256
  expect "offsets" "$PEER" many offsets "$BROKER" Scale "$SCALE_TOPICS" $SCALE_QUEUES 256
  scale_descriptors "after sending"
  kill -KILL "$BROKER_PID"
  finish "$BROKER_PID"
  start_broker "${settings[@]}" || failed "no start after kill -9: $(tail -n 2 "$DIR/broker.err")"
  expect "after kill -9" "$PEER" counted "$BROKER" Scale "$SCALE_TOPICS" $SCALE_QUEUES
  scale_descriptors "after reading every queue"
  scale_idle
  stop "$BROKER_PID" || failed "SIGTERM: exit status $?"
  start_broker "${settings[@]}" || failed "no start after the clean stop: $(tail -n 2 "$DIR/broker.err")"
  scale_descriptors "after a clean start"
  [ "$DESCRIPTORS" -lt 64 ] || failed "a start opens queue files: $DESCRIPTORS descriptors"
  expect "after a clean stop" "$PEER" counted "$BROKER" Scale "$SCALE_TOPICS" $SCALE_QUEUES
  expect "all routes" "$PEER" many routes "$NAMESRV" Scale "$SCALE_TOPICS" $SCALE_QUEUES 64
  say_details "$((SCALE_TOPICS * SCALE_QUEUES)) queues, $WAKES wake-ups in 2 s"
}

system_scale() { run_test scale test_scale; }
