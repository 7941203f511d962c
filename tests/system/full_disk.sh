# shellcheck shell=bash
# f. A disk that fills up: a tmpfs of its own, in a mount namespace that only the broker sees. Needs root.
# SPDX-License-Identifier: Apache-2.0

# start_in NAMESPACE_PID: the broker of $DIR/broker.conf, in the namespace of that process.
start_in() {
  spawn broker nsenter -t "$1" -m -- "$MQBROKER" -c "$DIR/broker.conf"
  BROKER_PID=$SPAWNED
  "$PEER" ready "$BROKER"
}

refused_well() {
  expect_text "$1" '^refused after [0-9]+: service not available now: .*[0-9]% (full|used).*make room.*fileReservedTime' \
    "the refusal does not say what is full and what to do"
}

test_full_disk() {
  local holder first=0 filled refused before after
  mkdir -p "$DIR/store"
  spawn holder unshare --mount --propagation private \
    sh -c "mount -t tmpfs -o size=64m none '$DIR/store' && : >'$DIR/mounted' && exec sleep 600"
  holder=$SPAWNED
  for _ in $(seq 100); do [ ! -e "$DIR/mounted" ] || break; sleep 0.05; done
  [ -e "$DIR/mounted" ] || { failed "no tmpfs: $(cat "$DIR/holder.err")"; return; }
  broker_conf mappedFileSizeCommitLog=1048576 mappedFileSizeConsumeQueue=20000 maxMessageSize=65536 maxHashSlotNum=5000 \
    maxIndexNum=20000 cleanResourceInterval=200 cleanFileForciblyEnable=false >"$DIR/broker.conf"
  start_in "$holder" || { failed "no broker: $(tail -n 2 "$DIR/broker.err")"; return; }

  # Nothing may be removed: refused in words, readers go on.
  "$PEER" fill "$BROKER" FullTopic 0 "$DIR/notes" >"$DIR/fill.out" 2>"$DIR/fill.err" || failed "fill: $(cat "$DIR/fill.err")"
  refused_well "$DIR/fill.out"
  filled=$(wc -l <"$DIR/notes")
  [ "$filled" -gt 20000 ] || failed "refused after only $filled messages of 2 KiB on 64 MiB"
  expect "reading from a full disk" "$PEER" kept "$BROKER" FullTopic "$DIR/notes"
  before=$(cat "$DIR/expect.out")
  [ "$before" = "from 0: $filled" ] || failed "$filled were acknowledged, there is $before"
  first=1000000
  "$PEER" fill "$BROKER" FullTopic $first "$DIR/notes" >"$DIR/again.out" 2>&1 || failed "still full: $(cat "$DIR/again.out")"
  refused_well "$DIR/again.out"

  # Killed on a full disk.
  kill -KILL "$BROKER_PID"
  finish "$BROKER_PID"
  start_in "$holder" || { failed "no start on a full disk: $(tail -n 2 "$DIR/broker.err")"; return; }
  expect "after kill -9 on a full disk" "$PEER" kept "$BROKER" FullTopic "$DIR/notes"
  first=2000000
  "$PEER" fill "$BROKER" FullTopic $first "$DIR/notes" >"$DIR/third.out" 2>&1 || failed "after kill -9: $(cat "$DIR/third.out")"
  refused_well "$DIR/third.out"

  # Old files may be removed: it goes on by itself, and stays usable.
  first=3000000
  expect "files may be removed" "$PEER" update "$BROKER" cleanFileForciblyEnable=true broker
  expect "sends work again" "$PEER" resume "$BROKER" FullTopic $first "$DIR/notes" 15000
  refused=$(cat "$DIR/expect.out")
  sleep 1
  expect "what was not removed is there" "$PEER" kept "$BROKER" FullTopic "$DIR/notes"
  after=$(cat "$DIR/expect.out")
  [ "${after%%:*}" != "from 0" ] || failed "nothing was removed and yet there is room"
  expect_text "$DIR/broker.err" 'commit log file 00000000000000000000 removed' "the removal of the first file is not in the log"
  stop "$BROKER_PID" || failed "SIGTERM: exit status $?"
  start_in "$holder" || { failed "no start after cleaning: $(tail -n 2 "$DIR/broker.err")"; return; }
  expect "after a restart" "$PEER" kept "$BROKER" FullTopic "$DIR/notes"
  say_details "$filled until full; then $refused; kept $after"
}

system_full_disk() {
  if unshare --mount --propagation private mount -t tmpfs -o size=1m none /mnt 2>/dev/null; then
    run_test full-disk test_full_disk
  else
    echo "SKIPPED full-disk: it needs root and a mount namespace (unshare --mount)"
  fi
}
