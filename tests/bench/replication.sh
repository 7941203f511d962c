#!/usr/bin/env bash
# What replication costs: SYNC_MASTER beside ASYNC_MASTER, a longer way between master and slave, and how fast an
# empty slave catches up while producers go on. Java's 4.7.0 pair beside ours, in one run on one machine.
#
#     BUILD_DIR=build/release tests/bench/replication.sh [ours|java] [throughput|catchup]
#
# All pairs of a side run at once, and the loads take turns, so that a ratio is one of neighbours in time. ROUNDS
# (3) of SECONDS_EACH (2); WINDOW (w2000) sends under way in the load that waits for nothing; FILL_MIB (2048) for the
# catch-up; ADDED_US (2000) of round trip by the relay, which takes
# CPU time of its own: the same relay without delay stands beside it.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$HERE/../interop/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
trap interop_cleanup EXIT
JAVA_SERVER_FLAGS=() # the JVM's own choices: full compiler, its default collector
SECONDS_EACH=${SECONDS_EACH:-2} ROUNDS=${ROUNDS:-3} WINDOW=${WINDOW:-w2000} FILL_MIB=${FILL_MIB:-2048} ADDED_US=${ADDED_US:-2000}
SIDES="ours java" PARTS="throughput catchup"
for word; do
  case $word in
    ours | java) SIDES=$word ;;
    throughput | catchup) PARTS=$word ;;
    *) sed -n 's/^# \{0,1\}//p' "$0" | head -n 12 >&2; exit 2 ;;
  esac
done
declare -A RATE RATIO P99 SHOWN

# start_relay PORT TO_PORT ADDED_US
start_relay() {
  # It stands for a wire, which waits for no CPU: first in line where that is allowed.
  local first=(chrt -f 10)
  "${first[@]}" true 2>/dev/null || first=()
  "${first[@]}" "$BUILD_DIR/tests/bench/relay" "$1" "$2" $(($3 / 2)) &
  STARTED_PID=$!
  INTEROP_PIDS+=("$STARTED_PID")
  wait_port "$1" 5 "$STARTED_PID" || give_up "the relay does not start"
}

# start_member SIDE NAME PORT LINE...: a broker that registers as the name's first word
start_member() {
  local side=$1 name=$2 port=$3
  shift 3
  mkdir -p "$INTEROP_TMP/$side-$name"
  "start_${side/ours/our}_broker" "$port" "$NS" "$INTEROP_TMP/$side-$name" "brokerName=${name%%-*}" \
    mappedFileSizeCommitLog=1073741824 "$@" >&2 || give_up "$side $name does not start"
}

# The same without waiting for its registration: an empty slave is busy from its first moment.
start_broker_early() {
  wait_registered() { :; }
  start_member "$@"
  eval "$WAIT_REGISTERED"
}
WAIT_REGISTERED=$(declare -f wait_registered)

# start_pair SIDE NAME ROLE [ADDED_US]: a master and a slave that serve topics of this name; a relay if told.
start_pair() {
  local side=$1 name=$2 role=$3 added=${4:-} port slave_port relay_port slave=()
  port=$(free_port) slave_port=$(free_port)
  start_member "$side" "$name" "$port" "brokerRole=$role"
  if [ -n "$added" ]; then
    relay_port=$(free_port)
    start_relay "$relay_port" $((port + 1)) "$added"
    slave=("haMasterAddress=127.0.0.1:$relay_port")
  fi
  start_member "$side" "$name-s" "$slave_port" brokerRole=SLAVE brokerId=1 "${slave[@]}"
  ask_topic "$port" "T-$name"
}

# ask_topic PORT TOPIC: so that the topic is at this broker alone
ask_topic() { broker_request "$1" 17 "\"topic\":\"$2\",$TOPIC_FIELDS" | grep -q '"code":0' || give_up "no topic $2 at port $1"; }

# note SIDE NAME SENDERS: one load; its rate is left in LAST
note() {
  local out
  out=$(load "$2" "$3" "$SECONDS_EACH")
  LAST=$(json "$out" rate)
  [ -n "$LAST" ] || give_up "$1 $2: $(tail -n 1 "$INTEROP_TMP/mqbench.err")"
  RATE[$1/$2/$3]+=" $LAST"
  P99[$1/$2/$3]+=" $(json "$out" p99_us)"
  echo "  $1 $2, $3 senders: $LAST msg/s, p99 $(json "$out" p99_us) us, failed $(json "$out" failed)" >&2
}

# bound SENDERS RATE: the share that is left to senders who wait, when each answer takes ADDED_US more: at 60,000 msg/s
# 128 of them have theirs in 2.1 ms, so 2 ms more leave half of it, whatever a broker does.
bound() { awk -v n="$1" -v rate="$2" -v us="$ADDED_US" 'BEGIN { own = n / rate; printf "%.2f", own / (own + us / 1e6) }'; }

throughput() {
  local side=$1 round threads async name
  start_pair "$side" async ASYNC_MASTER
  start_pair "$side" sync SYNC_MASTER
  start_pair "$side" near SYNC_MASTER 0
  start_pair "$side" far SYNC_MASTER "$ADDED_US"
  sleep 3
  for name in async sync near far; do load "$name" 32 "$([ "$side" = java ] && echo 4 || echo 1)" >/dev/null; done
  for ((round = 0; round < ROUNDS; round++)); do
    for threads in 32 128; do
      note "$side" async $threads; async=$LAST
      note "$side" sync $threads
      RATIO[$side/sync/$threads]+=" $(ratio "$LAST" "$async")"
    done
    for threads in 128 $WINDOW; do
      note "$side" near $threads; async=$LAST
      note "$side" far $threads
      RATIO[$side/far/$threads]+=" $(ratio "$LAST" "$async")"
    done
    RATIO[$side/bound/128]+=" $(bound 128 "${RATE[$side/near/128]##* }")"
  done
}

# log_max PORT: where the broker's log ends (GET_BROKER_RUNTIME_INFO)
log_max() { broker_request "$1" 28 '' | grep -aoE '"commitLogMaxOffset":"[0-9]+"' | grep -oE '[0-9]+'; }

# An empty slave beside a master that holds FILL_MIB. Java's asks for the last file only: there, one file has it all.
# Bodies are short enough that clients do not compress them.
catchup() {
  local side=$1 port slave_port before during begin end target got fill=$FILL_MIB load conf=()
  [ "$side" = ours ] || { conf=(mappedFileSizeCommitLog=2147479552); [ "$fill" -lt 1900 ] || fill=1900; }
  port=$(free_port) slave_port=$(free_port)
  start_member "$side" full "$port" brokerRole=ASYNC_MASTER "${conf[@]}"
  ask_topic "$port" T-full
  sleep 1
  "$MQBENCH" -n "$NS" -t T-full --mode async --window 200 --size 3900 --count $((fill * 262)) --json >/dev/null 2>"$INTEROP_TMP/mqbench.err" ||
    give_up "$side: the log cannot be filled: $(tail -n 1 "$INTEROP_TMP/mqbench.err")"
  before=$(load full 8 5)
  target=$(log_max "$port")
  echo "  $side: the log holds $target bytes" >&2
  load full 8 8 >"$INTEROP_TMP/during" &
  load=$!
  start_broker_early "$side" full-s "$slave_port" brokerRole=SLAVE brokerId=1 "haMasterAddress=127.0.0.1:$((port + 1))" "${conf[@]}"
  got=0 begin=$(now_ms)
  while [ "$got" -lt "$target" ] && [ $(($(now_ms) - begin)) -lt 60000 ]; do
    sleep 0.02
    got=$(log_max "$slave_port")
    [ "${got:=0}" -gt 0 ] || begin=$(now_ms)
  done
  end=$(now_ms)
  wait "$load"
  during=$(cat "$INTEROP_TMP/during")
  SHOWN[$side/catchup]=$(awk -v b="$got" -v ms=$((end - begin)) 'BEGIN { printf "%.0f MB/s (%.0f MB in %.1f s)", b / ms / 1e3, b / 1e6, ms / 1e3 }')
  SHOWN[$side/p99]="$(json "$before" p99_us), $(json "$during" p99_us)"
  echo "  $side catch-up: ${SHOWN[$side/catchup]}; producers' p99 before and during: ${SHOWN[$side/p99]} us" >&2
}

side() {
  local ns part first=${#INTEROP_PIDS[@]}
  ns=$(free_port) NS=127.0.0.1:$ns
  "start_${1/ours/our}_namesrv" "$ns" "$INTEROP_TMP/$1-ns" >&2 || give_up "the name server of $1 does not start"
  for part in $PARTS; do
    "$part" "$1"
    while [ ${#INTEROP_PIDS[@]} -gt $((first + 1)) ]; do stop_peer "${INTEROP_PIDS[-1]}"; done
  done
  stop_peer "${INTEROP_PIDS[-1]}"
  rm -rf "$INTEROP_TMP/$1"-*
}

table() {
  local row key name what
  heading "1 KiB bodies, median (least-most) of $ROUNDS rounds of $SECONDS_EACH s."
  printf '| | ours | Java 4.7.0 |\n|---|---|---|\n'
  for row in "async/32|ASYNC_MASTER, 32 threads" "sync/32|SYNC_MASTER, 32 threads" "async/128|ASYNC_MASTER, 128 threads" \
    "sync/128|SYNC_MASTER, 128 threads" "near/128|SYNC_MASTER, 128 threads, relay" "far/128|SYNC_MASTER, 128 threads, relay with $ADDED_US us" \
    "near/$WINDOW|SYNC_MASTER, ${WINDOW#w} under way, relay" "far/$WINDOW|SYNC_MASTER, ${WINDOW#w} under way, relay with $ADDED_US us"; do
    key=${row%%|*} name=${row#*|}
    printf '| %s: msg/s | %s | %s |\n' "$name" "$(cell RATE "ours/$key")" "$(cell RATE "java/$key")"
    printf '| %s: p99 us | %s | %s |\n' "$name" "$(cell P99 "ours/$key")" "$(cell P99 "java/$key")"
  done
  for row in "sync/32|sync / async, 32 threads (target 0.90)" "sync/128|sync / async, 128 threads (target 0.90)" \
    "far/128|longer way / not longer, 128 threads (target 0.80)" "bound/128|the most that 128 waiting threads leave of it" \
    "far/$WINDOW|longer way / not longer, ${WINDOW#w} under way"; do
    key=${row%%|*} name=${row#*|}
    printf '| **%s** | %s | %s |\n' "$name" "$(cell RATIO "ours/$key")" "$(cell RATIO "java/$key")"
  done
  for row in "catchup|catch-up of an empty slave (target 300 MB/s)" "p99|producers' p99 us before, during (target 2x)"; do
    what=${row%%|*}
    printf '| **%s** | %s | %s |\n' "${row#*|}" "${SHOWN[ours/$what]:--}" "${SHOWN[java/$what]:--}"
  done
}

interop_prepare || exit
note_load
for one in $SIDES; do side "$one"; done
table
