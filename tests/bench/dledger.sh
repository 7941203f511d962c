#!/usr/bin/env bash
# What a DLedger group of three does: ours without fsync and with fsync by a majority, beside our ASYNC_MASTER and
# Java's 4.7.0 group, in one run on one machine.
#
#     BUILD_DIR=build/release tests/bench/dledger.sh [ours|java]
#
# All servers of a side run at once, and the loads take turns, so that a ratio is one of neighbours in time. ROUNDS (3)
# of SECONDS_EACH (4); IDLE_SECONDS (10) for what a group costs that has nothing to do.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$HERE/../interop/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
trap interop_cleanup EXIT
JAVA_SERVER_FLAGS=() # the JVM's own choices: full compiler, its default collector
SECONDS_EACH=${SECONDS_EACH:-4} ROUNDS=${ROUNDS:-3} IDLE_SECONDS=${IDLE_SECONDS:-10}
SIDES=${1:-"ours java"}
case $SIDES in ours | java | "ours java") ;; *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
GROUP_SECONDS=60 # until a group has a master
declare -A RATE P50 P99 RATIO IDLE MEMBERS

# start_group SIDE NAME [KEY=VALUE...]: three brokers; their ids in MEMBERS[SIDE/NAME].
start_group() {
  local side=$1 name=$2 i ports=() peers="" ledger
  shift 2
  for i in 0 1 2; do
    ports[i]=$(free_port) ledger=$(free_port)
    peers+="${peers:+;}n$i-127.0.0.1:$ledger"
  done
  for i in 0 1 2; do
    local dir=$INTEROP_TMP/$side-$name-$i
    write_broker_conf "${ports[i]}" "$NS" "$dir" "brokerName=$name" enableDLegerCommitLog=true "dLegerGroup=$name" "dLegerSelfId=n$i" \
      "dLegerPeers=$peers" mappedFileSizeCommitLog=1073741824 "$@"
    if [ "$side" = ours ]; then
      start_server "$dir" "$BUILD_DIR/mqbroker/mqbroker" -c "$dir/broker.conf" -n "$NS"
    else
      write_java_home "$dir"
      start_java "$dir" 1g org.apache.rocketmq.broker.BrokerStartup -c "$dir/broker.conf" -n "$NS"
    fi
    MEMBERS[$side/$name]+=" $STARTED_PID"
  done
  make_topic "$name" "${ports[@]}"
}

# make_topic NAME PORT...: at whoever of them leads
make_topic() {
  local name=$1 port end=$((SECONDS + GROUP_SECONDS))
  shift
  while [ $SECONDS -lt $end ]; do
    for port; do broker_request "$port" 17 "\"topic\":\"T-$name\",$TOPIC_FIELDS" 2>/dev/null | grep -q '"code":0' && return; done
    sleep 0.5
  done
  give_up "$name has no master that takes a topic"
}

# note SIDE NAME THREADS: one load; its rate is left in LAST
note() {
  local out key=$1/$2/$3
  out=$(load "$2" "$3" "$SECONDS_EACH")
  LAST=$(json "$out" rate)
  [ -n "$LAST" ] || give_up "$1 $2: $(tail -n 1 "$INTEROP_TMP/mqbench.err")"
  RATE[$key]+=" $LAST" P50[$key]+=" $(json "$out" p50_us)" P99[$key]+=" $(json "$out" p99_us)"
  echo "  $1 $2, $3 threads: $LAST msg/s, p50 $(json "$out" p50_us) us, p99 $(json "$out" p99_us) us, failed $(json "$out" failed)" >&2
}

ticks() { local pid sum=0; for pid; do sum=$((sum + $(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$pid/stat"))); done; echo $sum; }

# idle SIDE NAME: percent of a core that the three members use together
idle() {
  local before pids
  read -ra pids <<<"${MEMBERS[$1/$2]}"
  sleep 3
  before=$(ticks "${pids[@]}")
  sleep "$IDLE_SECONDS"
  IDLE[$1]=$(awk -v t=$(($(ticks "${pids[@]}") - before)) -v hz="$(getconf CLK_TCK)" -v s="$IDLE_SECONDS" 'BEGIN { printf "%.2f %%", 100 * t / hz / s }')
}

side() {
  local side=$1 round threads port names=(group) name group=
  NS=127.0.0.1:$(free_port)
  "start_${side/ours/our}_namesrv" "${NS##*:}" "$INTEROP_TMP/$side-ns" >&2 || give_up "the name server of $side does not start"
  start_group "$side" group
  idle "$side" group
  if [ "$side" = ours ]; then
    start_group ours synced dLegerFsync=majority
    port=$(free_port)
    start_our_broker "$port" "$NS" "$INTEROP_TMP/ours-async" brokerName=async mappedFileSizeCommitLog=1073741824 >&2 || give_up "no ASYNC_MASTER"
    make_topic async "$port"
    names+=(synced async)
  fi
  sleep 3
  for name in "${names[@]}"; do load "$name" 32 "$([ "$side" = java ] && echo 5 || echo 1)" >/dev/null; done
  for ((round = 0; round < ROUNDS; round++)); do
    for threads in 1 32 128; do
      for name in "${names[@]}"; do
        note "$side" "$name" $threads
        [ "$name" != group ] || group=$LAST
        [ "$name" != async ] || RATIO[$threads]+=" $(ratio "$group" "$LAST")"
      done
    done
  done
  while [ ${#INTEROP_PIDS[@]} -gt 0 ]; do stop_peer "${INTEROP_PIDS[-1]}"; done
  rm -rf "$INTEROP_TMP/$side"-*
}

# times A B: how many times as much, of two lists' medians
times() { [ -n "$1" ] && [ -n "$2" ] && awk -v a="$(median $1)" -v b="$(median $2)" 'BEGIN { printf "%.1f", a / b }' || echo -; }

table() {
  local threads key
  heading "1 KiB bodies, median (least-most) of $ROUNDS rounds of $SECONDS_EACH s."
  printf '| | ours | ours, fsync by majority | our ASYNC_MASTER | Java 4.7.0 | ours / Java | synced / Java | ours / ASYNC_MASTER |\n|---|---|---|---|---|---|---|---|\n'
  for threads in 1 32 128; do
    printf '| %s threads: msg/s | %s | %s | %s | %s | %s | %s | %s |\n' $threads "$(cell RATE ours/group/$threads)" "$(cell RATE ours/synced/$threads)" \
      "$(cell RATE ours/async/$threads)" "$(cell RATE java/group/$threads)" "$(times "${RATE[ours/group/$threads]:-}" "${RATE[java/group/$threads]:-}")" \
      "$(times "${RATE[ours/synced/$threads]:-}" "${RATE[java/group/$threads]:-}")" "$(cell RATIO $threads)"
    for key in P50 P99; do
      printf '| %s threads: %s us | %s | %s | %s | %s | | | |\n' $threads "${key,,}" "$(cell $key ours/group/$threads)" "$(cell $key ours/synced/$threads)" \
        "$(cell $key ours/async/$threads)" "$(cell $key java/group/$threads)"
    done
  done
  printf '| idle group of three, CPU of a core | %s | | | %s | | | |\n' "${IDLE[ours]:--}" "${IDLE[java]:--}"
}

interop_prepare || exit
note_load
for one in $SIDES; do side "$one"; done
table
