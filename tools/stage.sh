# shellcheck shell=bash
# What the shows of this folder share: processes of a stage in $DIR, and how they are told about. Sourced, not run.
# The show sets SHOW (its name), DIR (where everything happens) and PATIENCE (tenths of a second).
# SPDX-License-Identifier: Apache-2.0

declare -A PIDS=()

kill_all() {
  local pid
  for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
}

if [ -t 1 ]; then BOLD=$'\033[1m' DIM=$'\033[2m' PLAIN=$'\033[0m'; else BOLD='' DIM='' PLAIN=''; fi
step() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
say() { printf '  %s\n' "$*"; }
show() { sed -u "s/^/  $DIM| $PLAIN/"; }

give_up() {
  local log
  printf '\n%s: %s\n' "$SHOW" "$1" >&2
  for log in "$DIR"/*.log; do
    [ ! -s "$log" ] || { echo "--- $(basename "$log")"; tail -n 5 "$log"; } >&2
  done
  exit 1
}

# wait_for TEXT FILE NAME: until the file has the text; fails when process NAME ended before.
wait_for() {
  local i
  for ((i = 0; i < PATIENCE * 10; i++)); do
    grep -qE "$1" "$2" 2>/dev/null && return 0
    kill -0 "${PIDS[$3]}" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}

# start NAME COMMAND...: output to NAME.log
start() {
  local name=$1
  shift
  "$@" >"$DIR/$name.log" 2>&1 &
  PIDS[$name]=$!
}

# finish NAME SIGNAL: sends the signal, waits, gives the exit status.
finish() {
  local pid=${PIDS[$1]} status
  kill "-$2" "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  status=$?
  unset "PIDS[$1]"
  return $status
}

memory() { awk '/^VmRSS/ { printf "%.1f MB", $2 / 1024 }' "/proc/${PIDS[$1]}/status"; }
