#!/usr/bin/env bash
# Java's DLedger 0.1 and our ledger take turns on one directory, each left cleanly or killed; each reads all that is
# there and appends. At the end our follower's copy has the same data bytes, and mqstore finds nothing wrong.
# SPDX-License-Identifier: Apache-2.0
#
#     ledger.sh       prints "ok NAME" or "FAIL NAME: reason", then "N passed, N failed"
set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
PASSED=0 FAILED=0
PEER=$BUILD_DIR/tests/interop/ledgerpeer
MQSTORE=$BUILD_DIR/tools/mqstore/mqstore

# verdict NAME OK REASON
verdict() {
  if [ "$2" = yes ]; then
    PASSED=$((PASSED + 1))
    echo "ok ledger/$1"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL ledger/$1: $3"
  fi
}

java_turn() {
  timeout 60 java "${JAVA_SERVER_FLAGS[@]}" "${JAVA_OPENS[@]}" -cp "$INTEROP_DIR/lib/*:$INTEROP_DIR/classes" \
    LedgerServer --dir "$INTEROP_TMP/ledger" --port "$PORT" --append "$1" --end "$2" 2>"$INTEROP_TMP/java.err" |
    grep '^found'
}

our_turn() { timeout 60 "$PEER" "$INTEROP_TMP/ledger/dledger-n0" "$1" "$2" 2>"$INTEROP_TMP/our.err"; }

# turn WHO APPEND END NUMBER: it must find what the one before it left, and the checksums of ours.
turn() {
  local who=$1 count=$2 end=$3 name="$4-$1-$3" said
  said=$("${who}_turn" "$count" "$end")
  LAST=$((LAST + count))
  [ "$who" = java ] || CHECKSUMS_NEXT=$((CHECKSUMS + count))
  case $said in
    "found $((LAST - count)) checksums $CHECKSUMS end $LAST term "*) verdict "$name" yes ;;
    *) verdict "$name" no "wanted end $LAST and $CHECKSUMS checksums, got $said $(tail -n 3 "$INTEROP_TMP/java.err" "$INTEROP_TMP/our.err" 2>/dev/null | tr '\n' ';')" ;;
  esac
  CHECKSUMS=$CHECKSUMS_NEXT
}

same_bytes() {
  local file
  for file in "$INTEROP_TMP"/ledger/dledger-n0/data/*; do
    cmp "$file" "$INTEROP_TMP/copy/dledger-n0/data/${file##*/}" || return 1
  done
}

main() {
  local number=0 end
  trap interop_cleanup EXIT
  interop_prepare || exit
  PORT=$(free_port)
  LAST=-1 CHECKSUMS=0 CHECKSUMS_NEXT=0
  for end in close halt; do
    turn our 40 "$end" $((++number))
    turn java 7 "$end" $((++number))
    turn our 5 halt $((++number))
    turn java 30 halt $((++number))
  done
  our_turn 0 close >/dev/null
  mkdir -p "$INTEROP_TMP/copy"
  if "$PEER" "$INTEROP_TMP/ledger/dledger-n0" copy "$INTEROP_TMP/copy/dledger-n0" >/dev/null &&
    same_bytes >"$INTEROP_TMP/cmp" 2>&1; then verdict copy yes
  else verdict copy no "$(cat "$INTEROP_TMP/cmp")"; fi
  if "$MQSTORE" verify "$INTEROP_TMP/ledger" >"$INTEROP_TMP/verify" 2>&1; then verdict mqstore yes
  else verdict mqstore no "$(cat "$INTEROP_TMP/verify")"; fi
  echo "$PASSED passed, $FAILED failed"
  [ $FAILED -eq 0 ] && [ $PASSED -gt 0 ]
}

main
