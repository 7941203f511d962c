#!/usr/bin/env bash
# How long a start takes after kill -9: the store is filled over the wire, the
# broker is killed, and the next one says itself how long it took to be up.
#
#     BUILD_DIR=build/release tests/bench/recovery.sh
#
# BYTES (default 1 GiB): size of the log. SIZES: bodies, bytes. BASE_PORT: three ports from here on. The files are
# warm: they were just written. Nothing is compared with Java here: it takes tens of seconds.
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
BUILD=$(cd "${BUILD_DIR:-build/release}" && pwd) || exit 1
BYTES=${BYTES:-1073741824}
SIZES=${SIZES:-"1024 200"}
PORT=${BASE_PORT:-21350}
OVERHEAD=141 # of a record around its body, with the topic and properties of mqbench
TMP=$(mktemp -d "${TMPDIR:-/tmp}/bench-recovery.XXXXXX")
PIDS=()
cleanup() {
  [ ${#PIDS[@]} -eq 0 ] || kill -9 "${PIDS[@]}" 2>/dev/null
  wait 2>/dev/null
  rm -rf "$TMP"
}
trap cleanup EXIT

# wait_for FILE TEXT PID SECONDS
wait_for() {
  local i
  for ((i = 0; i < $4 * 20; i++)); do
    grep -q "$2" "$1" 2>/dev/null && return 0
    kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
  echo "bench: \"$2\" was not said" >&2
  tail -n 5 "$1" >&2
  return 1
}

broker_start() { # OUT
  "$BUILD/mqbroker/mqbroker" -c "$TMP/broker.conf" -n "127.0.0.1:$PORT" >"$1" 2>&1 &
  BROKER=$!
  PIDS+=("$BROKER")
  wait_for "$1" "is up on port" "$BROKER" 300
}

broker_stop() { # SIGNAL
  kill "-$1" "$BROKER" 2>/dev/null
  wait "$BROKER" 2>/dev/null
}

# User and system time of the broker so far: on a machine that is busy with other things this is what to compare.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{printf "%d", ($14 + $15) * 1000 / hz}' "/proc/$BROKER/stat"; }
up_ms() { sed -nE 's/.* is up on port .* after ([0-9]+) ms.*/\1/p' "$1" | head -n 1; }

printf 'listenPort=%s\n' "$PORT" >"$TMP/namesrv.conf"
"$BUILD/mqnamesrv/mqnamesrv" -c "$TMP/namesrv.conf" >"$TMP/namesrv.out" 2>&1 &
PIDS+=("$!")
printf 'brokerIP1=127.0.0.1\nlistenPort=%s\nstorePathRootDir=%s/store\nstorePathCommitLog=%s/store/commitlog\n' \
  "$((PORT + 3))" "$TMP" "$TMP" >"$TMP/broker.conf"
printf '| body, bytes | records | start after kill -9, ms | its CPU time, ms | clean start, ms | clean start without our marks, ms |\n|---|---|---|---|---|---|\n'
for size in $SIZES; do
  count=$((BYTES / (size + OVERHEAD)))
  broker_start "$TMP/fill.out" || exit 1
  "$BUILD/tools/mqbench" -n "127.0.0.1:$PORT" -t Recovery --mode async --size "$size" --count "$count" --json >"$TMP/load.out" 2>&1
  broker_stop KILL
  broker_start "$TMP/killed.out" || exit 1
  cpu=$(cpu_ms)
  broker_stop TERM
  broker_start "$TMP/clean.out" || exit 1
  broker_stop TERM
  rm -f "$TMP/store/marks"
  broker_start "$TMP/java.out" || exit 1
  broker_stop TERM
  printf '| %s | %s | %s | %s | %s | %s |\n' "$size" "$count" "$(up_ms "$TMP/killed.out")" "$cpu" "$(up_ms "$TMP/clean.out")" "$(up_ms "$TMP/java.out")"
  [ -z "${VERBOSE:-}" ] || sed -n '1,20p' "$TMP/killed.out" >&2
  [ -z "${VERBOSE:-}" ] || { cat "$TMP/load.out"; du -sh "$TMP"/store/*; } >&2
  rm -rf "$TMP/store"
done
