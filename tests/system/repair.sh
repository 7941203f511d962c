# shellcheck shell=bash
# g. A log damaged in the middle: refused in words and left alone, repaired by mqstore, usable again.
# SPDX-License-Identifier: Apache-2.0

MQSTORE=$BUILD_DIR/tools/mqstore/mqstore

LOG_FILE_BYTES=1048576

# damaged_store HOW: a store with a changed byte in the body of one record; HOW it was stopped: TERM or KILL.
damaged_store() {
  local load file messages
  start_broker flushDiskType=SYNC_FLUSH mappedFileSizeCommitLog=$LOG_FILE_BYTES mappedFileSizeConsumeQueue=10000 maxMessageSize=65536 ||
    { failed "no broker: $(tail -n 2 "$DIR/broker.err")"; return 1; }
  spawn load "$PEER" load "$BROKER" RepairTopic 3 16 "$DIR/notes"
  load=$SPAWNED
  for _ in $(seq 200); do [ "$(find "$DIR/store/commitlog" -type f | wc -l)" -lt 4 ] || break; sleep 0.05; done
  stop "$load" || failed "load: $(cat "$DIR/load.err")"
  kill "-$1" "$BROKER_PID"
  finish "$BROKER_PID"
  rm -f "$DIR/store/marks" # as if Java had closed it: the end of the log is looked for
  # A start after a stop reads the newest files only, and after a kill the queues know the older messages only.
  messages=(tail -n 500)
  [ "$1" = TERM ] || messages=(sed -n '500,$p')
  DAMAGE=$("$MQSTORE" messages "$DIR/store" --json | "${messages[@]}" | sed -nE '1s/.*"commitLogOffset":([0-9]+).*/\1/p')
  printf -v file %020d $((DAMAGE - DAMAGE % LOG_FILE_BYTES))
  printf '\377' | dd of="$DIR/store/commitlog/$file" bs=1 seek=$((DAMAGE % LOG_FILE_BYTES + 90)) conv=notrunc 2>/dev/null
}

# The broker ends by itself, says how to go on, and has changed nothing but its lock.
refused_start() {
  local before after
  before=$(cd "$DIR/store" && find . -type f ! -name lock -exec cksum {} + | sort)
  spawn broker "$MQBROKER" -c "$DIR/broker.conf"
  FINISH_LIMIT=30 finish "$SPAWNED" && failed "a damaged store was opened"
  expect_text "$DIR/broker.err" "damaged at offset $DAMAGE: .*Nothing was changed.*mqstore repair $DIR/store" "the refusal does not say what to do"
  after=$(cd "$DIR/store" && find . -type f ! -name lock -exec cksum {} + | sort)
  [ "$before" = "$after" ] || failed "the refused start changed: $(diff <(echo "$before") <(echo "$after") | head -n 3)"
}

# test_repair STOP WAY
test_repair() {
  local lost
  damaged_store "$1" || return
  # After kill -9 the checkpoint is a minute old at most: it vouches for what was synced before.
  [ "$1" = TERM ] && refused_start
  "$MQSTORE" repair "$DIR/store" >"$DIR/told.out" 2>&1 && failed "repair finds no damage"
  expect_text "$DIR/told.out" "^  lost: topic RepairTopic queue [0-9]+: messages" "it does not say what is lost"
  expect "repair --$2" "$MQSTORE" repair "$DIR/store" "--$2" --yes
  lost=$(grep -c '^  lost:' "$DIR/store"/repaired/*/report.txt)
  expect "the repaired store is sound" "$MQSTORE" verify "$DIR/store"
  spawn broker "$MQBROKER" -c "$DIR/broker.conf"
  BROKER_PID=$SPAWNED
  "$PEER" ready "$BROKER" || failed "no start after the repair: $(tail -n 2 "$DIR/broker.err")"
  expect "messages go through the repaired store" "$PEER" roundtrip "$BROKER" AfterRepair 1000 32 json
  stop "$BROKER_PID" || failed "SIGTERM: exit status $?"
  expect "the store is sound after that" "$MQSTORE" verify "$DIR/store"
  say_details "$1, --$2: $lost ranges of messages lost, $(find "$DIR/store/commitlog" -type f | wc -l) log files left"
}

system_repair() {
  run_test repair-skip test_repair TERM skip
  run_test repair-cut test_repair TERM cut
  run_test repair-skip-after-kill test_repair KILL skip
}
