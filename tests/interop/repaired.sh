#!/usr/bin/env bash
# A store that mqstore repaired, read by Java RocketMQ 4.7.0: every message that is left is consumed, the queues keep
# their offsets, and Java's recovery ends where ours does, after a clean stop and after a crash.
#
#     BUILD_DIR=build/release tests/interop/repaired.sh
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$HERE/lib.sh"
trap interop_cleanup EXIT
MQBENCH=$BUILD_DIR/tools/mqbench MQSTORE=$BUILD_DIR/tools/mqstore/mqstore
COUNT=20000
PASSED=0 FAILED=0

verdict() { # NAME STATUS DETAILS
  if [ "$2" = 0 ]; then PASSED=$((PASSED + 1)); echo "ok $1 ($3)"; else FAILED=$((FAILED + 1)); echo "FAIL $1: $3"; fi
}

record_offset() { "$MQSTORE" messages "$1" --topic Repaired --json --count "$2" | tail -n 1 | sed -E 's/.*"commitLogOffset":([0-9]+).*/\1/'; }
consumed() { sed -nE 's/.*"messages":([0-9]+).*/\1/p'; }

# repaired HOW: HOW the store reaches Java: clean or abort
repaired() {
  local how=$1 dir=$INTEROP_TMP/repaired-$1 ns br at end got
  ns=$(free_port) br=$(free_port)
  start_our_namesrv "$ns" "$dir/ns" || return
  start_our_broker "$br" "127.0.0.1:$ns" "$dir/br" || return
  local pid=$STARTED_PID
  "$MQBENCH" -n "127.0.0.1:$ns" -t Repaired --mode async --size 500 --count "$COUNT" --json >/dev/null 2>&1
  stop_peer "$pid"
  at=$(record_offset "$dir/br/store" 5000)
  printf '\377\377\377' | dd of="$dir/br/store/commitlog/00000000000000000000" bs=1 seek=$((at + 4)) conv=notrunc 2>/dev/null
  "$MQSTORE" repair "$dir/br/store" --skip --yes >"$dir/repair.out" 2>&1
  verdict "$how: repaired" $? "$(grep -c lost: "$dir/repair.out") queue lost a message"
  end=$("$MQSTORE" info "$dir/br/store" --json | tr ',' '\n' | sed -nE 's/.*"maxOffset":([0-9]+).*/\1/p' | head -n 1)
  [ "$how" = clean ] || : >"$dir/br/store/abort"
  start_java_broker "$br" "127.0.0.1:$ns" "$dir/br" || { verdict "$how: Java starts" 1 "see above"; return; }
  pid=$STARTED_PID
  got=$("$MQBENCH" -n "127.0.0.1:$ns" -t Repaired --mode consume --threads 2 --count "$COUNT" --seconds 40 --group "GR$how" --json 2>/dev/null |
    tail -n 1 | consumed)
  # One is lost; its place shows the next one of its queue, which comes twice or is recognised by its offset.
  [ "${got:-0}" -ge $((COUNT - 1)) ]
  verdict "$how: Java gives what is left" $? "${got:-no} of $((COUNT - 1)), the log ends at ${end:-?}"
  stop_peer "$pid"
  # What Java left is sound, and nothing was cut.
  "$MQSTORE" verify "$dir/br/store" >"$dir/verify.out" 2>&1
  verdict "$how: sound after Java" $? "$(tail -n 1 "$dir/verify.out")"
  got=$(record_offset "$dir/br/store" "$COUNT")
  [ -n "$got" ] && [ "$got" -gt "$at" ]
  verdict "$how: the last record is still there" $? "at offset $got"
}

interop_prepare || exit
repaired clean
repaired abort
echo "repaired: $PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
