#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Groups of three with members of both kinds: Java's own DLedger 0.1 server and examples/kv. ROUNDS times one member is
# killed with -9 and started again, entries are appended through DLedger's protocol in between, and in the end the
# data files must be the same bytes on all three.
#
#     dledger_mixed.sh [JAVA_MEMBERS...]      default: "0" "0 1" (one Java member, two Java members)
set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap interop_cleanup EXIT
interop_prepare || exit
PASSED=0 FAILED=0 GROUP=kv ROUNDS=${ROUNDS:-3}

# member ID: starts it with DIR, PEERS, JAVA_MEMBERS of the caller.
member() {
  case " $JAVA_MEMBERS " in
    *" $1 "*)
      start_java "$DIR/home$1" 256m -Dledger.disk.ratio.check=0.98 -Dledger.disk.ratio.clean=0.98 \
        io.openmessaging.storage.dledger.DLedger --group $GROUP --id "n$1" --peers "$PEERS" --store-base-dir "$DIR" ;;
    *) start_server "$DIR/home$1" "$BUILD_DIR/examples/kv" "n$1" "$PEERS" "${CLIENT_PORTS[$1]}" "$DIR" ;;
  esac
  PIDS[$1]=$STARTED_PID
}

append() { node "$INTEROP_SRC/node/dledger_append.js" $GROUP "${PORTS[0]},${PORTS[1]},${PORTS[2]}" "$1" 60; }

# data_sum ID BYTES
data_sum() { head -c "$2" "$DIR/dledger-n$1/data/00000000000000000000" 2>/dev/null | md5sum | cut -d' ' -f1; }

mixed() {
  local i round out leader victim total=0 end
  DIR=$INTEROP_TMP/mixed-${JAVA_MEMBERS// /} PORTS=() CLIENT_PORTS=() PIDS=()
  for i in 0 1 2; do
    PORTS+=("$(free_port)")
    CLIENT_PORTS+=("$(free_port)")
    mkdir -p "$DIR/home$i"
  done
  PEERS="n0-127.0.0.1:${PORTS[0]};n1-127.0.0.1:${PORTS[1]};n2-127.0.0.1:${PORTS[2]}"
  for i in 0 1 2; do member $i; done
  for ((round = 1; round <= ROUNDS; round++)); do
    out=$(append 300) || { echo "round $round: $out"; return 1; }
    total=$((total + 300))
    leader=${out#leader n} leader=${leader%% *}
    victim=$leader
    [ $((round % 3)) -ne 0 ] || victim=$(((leader + 1) % 3))
    kill_peer "${PIDS[$victim]}"
    if [ $((round % 2)) -eq 1 ]; then
      out=$(append 100) || { echo "round $round with two members: $out"; return 1; }
      total=$((total + 100))
    fi
    member "$victim"
  done
  out=$(append 100) || { echo "at the end: $out"; return 1; }
  total=$((total + 100))
  for ((end = SECONDS + 30; SECONDS < end; )); do
    [ "$(data_sum 0 1000000)" = "$(data_sum 1 1000000)" ] && [ "$(data_sum 1 1000000)" = "$(data_sum 2 1000000)" ] && break
    sleep 0.5
  done
  for i in 0 1 2; do stop_peer "${PIDS[$i]}"; done
  [ "$(data_sum 0 1000000)" = "$(data_sum 1 1000000)" ] && [ "$(data_sum 1 1000000)" = "$(data_sum 2 1000000)" ] ||
    { echo "the data files differ"; return 1; }
  echo "$total entries, $ROUNDS kills, the same bytes on all"
}

[ $# -gt 0 ] || set -- "0" "0 1"
for JAVA_MEMBERS in "$@"; do
  if mixed >"$INTEROP_TMP/details"; then # not in a subshell: the trap must know the processes
    PASSED=$((PASSED + 1))
    echo "ok dledger-mixed/java-${JAVA_MEMBERS// /}: $(cat "$INTEROP_TMP/details")"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL dledger-mixed/java-${JAVA_MEMBERS// /}: $(cat "$INTEROP_TMP/details")"
  fi
done
echo "dledger_mixed: $PASSED passed, $FAILED failed"
[ $FAILED -eq 0 ]
