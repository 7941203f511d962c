# shellcheck shell=bash
# Shell functions of the system tests: temporary directories, free ports, processes that are surely ended.
# SPDX-License-Identifier: Apache-2.0

SYSTEM_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# make check runs us in the build directory; by hand: BUILD_DIR=build/release tests/system/run.sh
BUILD_DIR=$(cd "${BUILD_DIR:-${top_builddir:-.}}" && pwd)
PEER=$BUILD_DIR/tests/system/peer
MQBROKER=$BUILD_DIR/mqbroker/mqbroker
MQNAMESRV=$BUILD_DIR/mqnamesrv/mqnamesrv

# A sanitizer makes everything slower and keeps memory of its own: fewer cycles, wider bounds.
sanitized() { ldd "$MQBROKER" 2>/dev/null | grep -qE 'lib(a|l|t|ub)san'; }

SYSTEM_TMP=$(mktemp -d "${TMPDIR:-/tmp}/system.XXXXXX")
PIDS=()
PASSED=0 FAILED=0
WHY= # of the first failed expectation of the running test
TEST=
DIR= # of the running test

# ---------------------------------------------------------------- processes

# spawn NAME COMMAND...: in the background, output to $DIR/NAME.out and $DIR/NAME.err; its id in SPAWNED.
spawn() {
  local name=$1
  shift
  "$@" >"$DIR/$name.out" 2>"$DIR/$name.err" &
  SPAWNED=$!
  PIDS+=("$SPAWNED")
}

# ended PID: it is gone, or waits to be reaped.
ended() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  [[ ${stat##*) } == Z* ]]
}

# What a process that does not end is doing, and its end.
end_stuck() {
  failed "process $1 ($(tr '\0' ' ' <"/proc/$1/cmdline")) does not end: $(grep -hE '^(State|Threads)' "/proc/$1/status" | tr '\n' ' ')" \
    "$(for task in "/proc/$1/task"/*; do echo "$(<"$task/comm") in $(cat "$task/wchan" 2>/dev/null);"; done)"
  ! command -v gdb >/dev/null || gdb -p "$1" -batch -ex 'thread apply all bt' 2>/dev/null | grep -E '^(#|Thread)'
  kill -KILL "$1"
}

# finish PID: waits for it, FINISH_LIMIT seconds at most; its status.
FINISH_LIMIT=${FINISH_LIMIT:-300}
finish() {
  local i status limit=$((SECONDS + FINISH_LIMIT))
  until ended "$1"; do
    [ $SECONDS -lt $limit ] || { end_stuck "$1"; break; }
    sleep 0.02
  done
  wait "$1" 2>/dev/null
  status=$?
  for i in "${!PIDS[@]}"; do [ "${PIDS[i]}" != "$1" ] || unset "PIDS[i]"; done
  return "$status"
}

# stop PID: SIGTERM, and its status.
stop() {
  kill -TERM "$1" 2>/dev/null
  finish "$1"
}

end_all() {
  local pid
  for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null; done
  PIDS=()
}

system_cleanup() {
  end_all
  [ -n "${KEEP:-}" ] || rm -rf "$SYSTEM_TMP"
}
trap system_cleanup EXIT
trap 'echo "FAIL $TEST: interrupted"; exit 1' INT TERM HUP

# ---------------------------------------------------------------- servers

# new_ports: sets NAMESRV_PORT, BROKER_PORT and the addresses NAMESRV and BROKER.
new_ports() {
  NAMESRV_PORT=$("$PEER" ports 1) && BROKER_PORT=$("$PEER" ports 4) || return 1
  BROKER_PORT=$((BROKER_PORT + 2)) # VIP is two below, replication one above
  NAMESRV=127.0.0.1:$NAMESRV_PORT BROKER=127.0.0.1:$BROKER_PORT
}

# start_namesrv [KEY=VALUE...]: NAMESRV_PID. Waits until it listens.
start_namesrv() {
  printf '%s\n' "listenPort=$NAMESRV_PORT" "bindAddress=127.0.0.1" "kvConfigPath=$DIR/kvConfig.json" "$@" >"$DIR/namesrv.conf"
  spawn namesrv "$MQNAMESRV" -c "$DIR/namesrv.conf"
  NAMESRV_PID=$SPAWNED
  "$PEER" ready "$NAMESRV"
}

# broker_conf [KEY=VALUE...] > FILE
broker_conf() {
  printf '%s\n' "listenPort=$BROKER_PORT" "bindAddress=127.0.0.1" "brokerIP1=127.0.0.1" "brokerName=system-broker" \
    "namesrvAddr=$NAMESRV" "storePathRootDir=$DIR/store" "storePathCommitLog=$DIR/store/commitlog" "$@"
}

# start_broker [KEY=VALUE...]: BROKER_PID. Waits until it listens.
start_broker() {
  broker_conf "$@" >"$DIR/broker.conf"
  spawn broker "$MQBROKER" -c "$DIR/broker.conf"
  BROKER_PID=$SPAWNED
  "$PEER" ready "$BROKER"
}

# ---------------------------------------------------------------- expectations

# A test is a function of expectations; the first that fails is reported and the rest of the test goes on.
failed() {
  [ -n "$WHY" ] || WHY=$*
  printf '    %s\n' "$*"
  return 1
}

# expect SENTENCE COMMAND...: the command succeeds.
expect() {
  local sentence=$1
  shift
  "$@" >"$DIR/expect.out" 2>"$DIR/expect.err" || failed "$sentence: $(tail -n 2 "$DIR/expect.out" "$DIR/expect.err" -q | tr '\n' ' ')"
}

# expect_text FILE PATTERN SENTENCE: a line matches.
expect_text() {
  grep -qE -- "$2" "$1" || failed "$3 (no line like \"$2\" in $(basename "$1"): $(tail -n 2 "$1" | tr '\n' ' '))"
}

# say_details TEXT: shown behind the name of the test.
say_details() { DETAILS=$(tr '\n' ';' <<<"$*" | sed 's/;$//'); }

# run_test NAME FUNCTION [ARGUMENT...]
run_test() {
  TEST=$1 WHY='' DETAILS=''
  DIR=$SYSTEM_TMP/$TEST
  mkdir -p "$DIR"
  shift
  new_ports || WHY="no free ports"
  [ -n "$WHY" ] || "$@"
  end_all
  if [ -z "$WHY" ]; then
    PASSED=$((PASSED + 1))
    printf 'ok %s%s\n' "$TEST" "${DETAILS:+ ($DETAILS)}"
  else
    FAILED=$((FAILED + 1))
    printf 'FAIL %s: %s\n' "$TEST" "$WHY"
    [ ! -s "$DIR/broker.err" ] || tail -n 5 "$DIR/broker.err" | sed 's/^/    broker: /' | cut -c1-300
  fi
  [ -n "${KEEP:-}" ] || rm -rf "$DIR"
}
