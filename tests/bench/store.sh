#!/usr/bin/env bash
# The store in numbers: how long many queues take to load, what they cost when
# nothing happens, and SYNC_FLUSH throughput of ours and of Java 4.7.0 in turns.
#
#     BUILD_DIR=build/release tests/bench/store.sh [load] [scale] [flush]
#
# QUEUE_TOPICS (2500) and SCALE_TOPICS (10000) with 8 queues each, OFFSETS
# (100000), IDLE_SECONDS (20), FLUSH_SECONDS (5) per load, FLUSH_ROUNDS (2).
# Under six minutes with these values. On a machine that does other things,
# believe the better of several numbers.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$HERE/../interop/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
trap interop_cleanup EXIT
JAVA_SERVER_FLAGS=() # the JVM's own choices: full compiler, its default collector
# shellcheck disable=SC2034 # used by lib.sh; 80,000 queues after kill -9 on a busy machine
OUR_START_SECONDS=300
PEER=$BUILD_DIR/tests/system/peer
QUEUE_TOPICS=${QUEUE_TOPICS:-2500} SCALE_TOPICS=${SCALE_TOPICS:-10000} OFFSETS=${OFFSETS:-100000}
IDLE_SECONDS=${IDLE_SECONDS:-20} FLUSH_SECONDS=${FLUSH_SECONDS:-5} FLUSH_ROUNDS=${FLUSH_ROUNDS:-2}
QUEUES=8
TICKS=$(getconf CLK_TCK)
ROWS=()

row() { ROWS+=("| $1 | $2 |"); echo "  $1: $2" >&2; }
ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
status_kb() { awk -v k="$2:" '$1 == k {print $2}' "/proc/$1/status"; }
memory() { echo "$(($(status_kb "$1" RssAnon) / 1024)) MB own, $(($(status_kb "$1" RssFile) / 1024)) MB mapped"; }
descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
took_ms() { sed -nE 's/.* in ([0-9]+) ms$/\1/p' <<<"$1"; }

# The last start of the broker in DIR to listening, by its own log.
up_ms() { sed -nE 's/.* is up on port .* after ([0-9]+) ms.*/\1/p' "$1/out" | tail -n 1; }

# broker DIR [LINE...]: BR_PID, BROKER.
broker() {
  local dir=$1; shift
  start_our_broker "$BR_PORT" "127.0.0.1:$NS_PORT" "$dir" defaultTopicQueueNums=$QUEUES "$@" || return
  BR_PID=$STARTED_PID
}

new_servers() {
  NS_PORT=$(free_port) BR_PORT=$(free_port)
  BROKER=127.0.0.1:$BR_PORT
  start_our_namesrv "$NS_PORT" "$INTEROP_TMP/ns-$NS_PORT" || return
  NS_PID=$STARTED_PID
}

# starts DIR LABEL: three starts after a clean stop and three after kill -9. The broker runs before and after.
starts() {
  local dir=$1 label=$2 clean='' killed='' i
  for i in 1 2 3; do
    stop_peer "$BR_PID"
    broker "$dir" || return
    clean+=" $(up_ms "$dir")"
  done
  for i in 1 2 3; do
    kill_peer "$BR_PID"
    broker "$dir" || return
    killed+=" $(up_ms "$dir")"
  done
  row "$label: start after a clean stop, ms" "$clean"
  row "$label: start after kill -9, ms" "$killed"
}

bench_load() {
  local dir=$INTEROP_TMP/load out
  new_servers && broker "$dir" || return
  out=$("$PEER" many messages "$BROKER" L "$QUEUE_TOPICS" $QUEUES 256) || return
  row "$((QUEUE_TOPICS * QUEUES)) queues made by one message each, ms" "$(took_ms "$out")"
  starts "$dir" "$((QUEUE_TOPICS * QUEUES)) queues"
  out=$("$PEER" counted "$BROKER" L "$QUEUE_TOPICS" $QUEUES) || { echo "bench: messages are missing" >&2; return 1; }
  stop_peer "$BR_PID"
  stop_peer "$NS_PID"
}

# settle PID: until tails and checkpoint are through with their work, a minute and a half at most.
settle() {
  local i before
  for ((i = 0; i < 90; i++)); do
    before=$(status_kb "$1" voluntary_ctxt_switches)
    sleep 1
    [ $(($(status_kb "$1" voluntary_ctxt_switches) - before)) -gt 20 ] || return 0
  done
}

# idle PID NAME: CPU and wake-ups while nothing happens.
idle() {
  local cpu wakes
  cpu=$(ticks "$1") wakes=$(status_kb "$1" voluntary_ctxt_switches)
  sleep "$IDLE_SECONDS"
  row "$2: idle CPU, %" "$(awk -v t=$(($(ticks "$1") - cpu)) -v hz="$TICKS" -v s="$IDLE_SECONDS" 'BEGIN {printf "%.2f", t / hz / s * 100}')"
  row "$2: wake-ups a second" "$(awk -v n=$(($(status_kb "$1" voluntary_ctxt_switches) - wakes)) -v s="$IDLE_SECONDS" 'BEGIN {printf "%.1f", n / s}')"
}

bench_scale() {
  local dir=$INTEROP_TMP/scale out all=$((SCALE_TOPICS * QUEUES)) cpu per_table=$((OFFSETS / QUEUES))
  new_servers && broker "$dir" || return
  row "empty: memory, descriptors" "$(memory "$BR_PID"), $(descriptors "$BR_PID")"
  out=$("$PEER" many topics "$BROKER" S "$SCALE_TOPICS" $QUEUES 32) || return
  row "$SCALE_TOPICS topics created, 32 requests at a time, ms" "$(took_ms "$out")"
  cpu=$(ticks "$NS_PID")
  out=$("$PEER" many topics "$BROKER" One 100 $QUEUES 1) || return
  row "100 more, one at a time, ms" "$(took_ms "$out") (name server CPU $((($(ticks "$NS_PID") - cpu) * 1000 / TICKS)) ms)"
  out=$("$PEER" many messages "$BROKER" S "$SCALE_TOPICS" $QUEUES 256) || return
  row "$all queues made by one message each, ms" "$(took_ms "$out")"
  out=$("$PEER" many offsets "$BROKER" O "$per_table" $QUEUES 256) || return
  row "$((per_table * QUEUES)) consumer offsets committed, ms" "$(took_ms "$out")"
  out=$("$PEER" many routes "127.0.0.1:$NS_PORT" S "$SCALE_TOPICS" $QUEUES 32) || return
  row "$SCALE_TOPICS routes looked up, ms" "$(took_ms "$out")"
  # One offset per save is enough to have the whole file written again.
  (for ((i = 0; i < 4; i++)); do "$PEER" many offsets "$BROKER" "P$i" 1 $QUEUES 1; sleep 5; done) >/dev/null &
  row "answers while the offsets are saved every 5 s" "$("$PEER" answers "$BROKER" 20 | sed 's/.*us: /us: /')"
  wait $!
  row "topics.json, consumerOffset.json, KiB" "$(du -k --apparent-size "$dir/store/config/topics.json" "$dir/store/config/consumerOffset.json" | awk '{printf "%s ", $1}')"
  settle "$BR_PID"
  row "broker: memory, descriptors" "$(memory "$BR_PID"), $(descriptors "$BR_PID")"
  row "name server: memory, descriptors" "$(memory "$NS_PID"), $(descriptors "$NS_PID")"
  idle "$BR_PID" broker
  starts "$dir" "$all queues"
  row "broker after the last start: memory, descriptors" "$(memory "$BR_PID"), $(descriptors "$BR_PID")"
  stop_peer "$BR_PID"
  stop_peer "$NS_PID"
}

# flush_side SIDE ROUND: RATE[SIDE/threads] collects rates.
declare -A RATE
flush_side() {
  local side=$1 round=$2 start=$1 threads out
  [ "$side" = ours ] && start=our
  NS_PORT=$(free_port) BR_PORT=$(free_port)
  "start_${start}_namesrv" "$NS_PORT" "$INTEROP_TMP/$side-ns-$round" || return
  NS_PID=$STARTED_PID
  "start_${start}_broker" "$BR_PORT" "127.0.0.1:$NS_PORT" "$INTEROP_TMP/$side-br-$round" flushDiskType=SYNC_FLUSH \
    mappedFileSizeCommitLog=1073741824 || return
  BR_PID=$STARTED_PID
  "$MQBENCH" -n "127.0.0.1:$NS_PORT" -t Warm --mode sync --threads 32 --seconds 6 --json >/dev/null 2>&1
  for threads in 1 32 128; do
    out=$("$MQBENCH" -n "127.0.0.1:$NS_PORT" -t "F$threads" --mode sync --threads "$threads" --size 128 \
      --seconds "$FLUSH_SECONDS" --json 2>/dev/null | tail -n 1 | sed -nE 's/.*"rate":"?([0-9]+).*/\1/p')
    RATE[$side/$threads]+=" ${out:-0}"
    echo "  $side, SYNC_FLUSH, $threads threads: ${out:-0} msg/s" >&2
  done
  stop_peer "$BR_PID"
  stop_peer "$NS_PID"
}

bench_flush() {
  local round threads
  interop_prepare || return
  for ((round = 0; round < FLUSH_ROUNDS; round++)); do
    flush_side java "$round" && flush_side ours "$round" || return
  done
  printf '\n| SYNC_FLUSH, 128 B | Java msg/s | ours msg/s | ratio of the sums |\n|---|---|---|---|\n'
  for threads in 1 32 128; do
    printf '| %s threads |%s |%s | %s |\n' "$threads" "${RATE[java/$threads]}" "${RATE[ours/$threads]}" \
      "$(awk -v j="${RATE[java/$threads]}" -v o="${RATE[ours/$threads]}" 'BEGIN {
        n = split(j, a); for (i = 1; i <= n; i++) x += a[i]; n = split(o, b); for (i = 1; i <= n; i++) y += b[i]
        if (x > 0) printf "%.1f", y / x; else print "-"}')"
  done
}

[ $# -gt 0 ] || set -- load scale flush
for part in "$@"; do "bench_$part" || { echo "bench: $part failed" >&2; exit 1; }; done
[ ${#ROWS[@]} -eq 0 ] || { printf '\n| store | |\n|---|---|\n'; printf '%s\n' "${ROWS[@]}"; }
