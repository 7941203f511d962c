#!/usr/bin/env bash
# The same load (mqbench) against Java RocketMQ 4.7.0 and against ours, in one
# run on one machine, and a Markdown table of both with the ratio.
#
#     BUILD_DIR=build/release tests/bench/run.sh [FILTER]...
#
# SECONDS_EACH (default 8): length of one timed load. Each side has its own
# servers; only the servers of the side that is being measured are running.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$HERE/../interop/lib.sh"
# shellcheck source=tests/bench/lib.sh
. "$HERE/lib.sh"
trap interop_cleanup EXIT
JAVA_SERVER_FLAGS=() # the JVM's own choices: full compiler, its default collector
SECONDS_EACH=${SECONDS_EACH:-8}
DRAIN=${DRAIN:-1000000}
TICKS=$(getconf CLK_TCK)
declare -A RESULT

wanted() { # NAME FILTER...: no filter means everything
  local name=$1; shift
  [ $# -eq 0 ] && return 0
  local f
  for f in "$@"; do [[ $name == *"$f"* ]] && return 0; done
  return 1
}

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
rss_mb() { awk '/VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/$1/status"; }

# measure SIDE NAME NAMESRV BROKER_PID mqbench arguments...
measure() {
  local side=$1 name=$2 ns=$3 pid=$4; shift 4
  local before after out messages
  before=$(cpu_ticks "$pid")
  out=$("$MQBENCH" -n "$ns" --json "$@" 2>"$INTEROP_TMP/mqbench.err" | tail -n 1)
  after=$(cpu_ticks "$pid")
  messages=$(json "$out" messages)
  if [ -z "$messages" ] || [ "$messages" = 0 ]; then
    echo "bench: $side $name failed: $(tail -n 1 "$INTEROP_TMP/mqbench.err")" >&2
    RESULT[$side/$name]="- - - - -"
    return
  fi
  local cpu
  cpu=$(awk -v t=$((after - before)) -v hz="$TICKS" -v n="$messages" 'BEGIN {printf "%.2f", t / hz * 1e6 / n}')
  RESULT[$side/$name]="$(json "$out" rate) $(json "$out" p50_us) $(json "$out" p99_us) $cpu $(json "$out" failed)"
  echo "  $side $name: $(json "$out" rate) msg/s, p50 $(json "$out" p50_us) us, p99 $(json "$out" p99_us) us, broker CPU $cpu us/msg" >&2
}

LOADS=(
  "sync-1-128B|--mode sync --threads 1 --size 128"
  "sync-32-128B|--mode sync --threads 32 --size 128"
  "sync-128-128B|--mode sync --threads 128 --size 128"
  "sync-32-1KiB|--mode sync --threads 32 --size 1024"
  "async-1000-128B|--mode async --window 1000 --size 128"
  "async-1000-1KiB|--mode async --window 1000 --size 1024"
)

# loads SIDE NAMESRV BROKER_PID FILTER...
loads() {
  local side=$1 ns=$2 pid=$3 entry name topic; shift 3
  "$MQBENCH" -n "$ns" -t Warm --mode async --seconds 10 --json >/dev/null 2>&1 # the JIT has seen the path
  for entry in "${LOADS[@]}"; do
    name=${entry%%|*}
    wanted "$name" "$@" || continue
    # shellcheck disable=SC2086
    measure "$side" "$name" "$ns" "$pid" -t "B-$name" --seconds "$SECONDS_EACH" ${entry#*|}
  done
  for topic in 128 1024; do
    name=consume-$topic
    wanted "$name" "$@" || continue
    "$MQBENCH" -n "$ns" -t "C$topic" --mode async --size "$topic" --count "$DRAIN" --json >/dev/null 2>&1
    measure "$side" "$name" "$ns" "$pid" -t "C$topic" --mode consume --threads 4 --count "$DRAIN" --group "G$topic"
  done
  name=latency-20k
  wanted "$name" "$@" && measure "$side" "$name" "$ns" "$pid" -t Latency --mode latency --threads 4 --rate 20000 --seconds "$SECONDS_EACH" --group GL
}

# side SIDE FILTER...: starts the servers, measures start and idle memory, runs the loads
side() {
  local side=$1 start=$1 ns br ns_pid br_pid begin; shift
  [ "$side" = ours ] && start=our
  ns=$(free_port) br=$(free_port)
  begin=$(now_ms)
  "start_${start}_namesrv" "$ns" "$INTEROP_TMP/$side-ns" || { echo "bench: the name server of $side does not start" >&2; return 1; }
  ns_pid=$STARTED_PID
  RESULT[$side/start-namesrv]=$(($(now_ms) - begin))
  begin=$(now_ms)
  "start_${start}_broker" "$br" "127.0.0.1:$ns" "$INTEROP_TMP/$side-br" || { echo "bench: the broker of $side does not start" >&2; return 1; }
  br_pid=$STARTED_PID
  RESULT[$side/start-broker]=$(($(now_ms) - begin))
  sleep 3
  RESULT[$side/idle-namesrv]=$(rss_mb "$ns_pid")
  RESULT[$side/idle-broker]=$(rss_mb "$br_pid")
  loads "$side" "127.0.0.1:$ns" "$br_pid" "$@"
  RESULT[$side/loaded-broker]=$(rss_mb "$br_pid")
  stop_peer "$br_pid"
  stop_peer "$ns_pid"
}

# Start to registered of our own broker, without the polling of the scripts: from its own log.
own_start_ms() {
  sed -nE 's/.* is up on port .* after ([0-9]+) ms.*/\1/p' "$INTEROP_TMP/ours-br/out" 2>/dev/null | head -n 1
}


table() {
  local entry name j o
  printf '\nMachine: %s cores, %s; %s. Client: mqbench (libmqclient) on the same machine, both sides.\n\n' "$(nproc)" \
    "$(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(date -u +%Y-%m-%d)"
  printf '| load | Java msg/s | ours msg/s | ratio | Java p50/p99 ms | ours p50/p99 ms | Java broker CPU us/msg | ours | ratio |\n|---|---|---|---|---|---|---|---|---|\n'
  for name in $(printf '%s\n' "${LOADS[@]%%|*}") consume-128 consume-1024 latency-20k; do
    [ -n "${RESULT[java/$name]:-}" ] || [ -n "${RESULT[ours/$name]:-}" ] || continue
    read -r -a j <<<"${RESULT[java/$name]:-- - - - -}"
    read -r -a o <<<"${RESULT[ours/$name]:-- - - - -}"
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$name" "${j[0]}" "${o[0]}" "$(ratio "${o[0]}" "${j[0]}")" \
      "$(ms "${j[1]}")/$(ms "${j[2]}")" "$(ms "${o[1]}")/$(ms "${o[2]}")" "${j[3]}" "${o[3]}" "$(ratio "${j[3]}" "${o[3]}")"
  done
  printf '\n| | Java | ours |\n|---|---|---|\n'
  for entry in "start-namesrv|name server: start to serving (ms, script polls)" "start-broker|broker: start to registered (ms, script polls)" \
    "idle-namesrv|name server: idle memory (MB)" "idle-broker|broker: idle memory (MB)" "loaded-broker|broker: memory after the loads (MB, mapped log counts)"; do
    name=${entry%%|*}
    printf '| %s | %s | %s |\n' "${entry#*|}" "${RESULT[java/$name]:--}" "${RESULT[ours/$name]:--}"
  done
  printf '| broker: start to listening by its own log (ms) | | %s |\n' "$(own_start_ms)"
}

ms() { [ "$1" = - ] && echo - || awk -v u="$1" 'BEGIN {printf "%.2f", u / 1000}'; }

interop_prepare || exit
side java "$@"
side ours "$@"
table
