# shellcheck shell=bash
#
# The same requests to a Java broker and to ours must leave the same bytes on
# disk.  Sourced by run.sh.
#
# One broker after the other gets the same address, the same small files and
# the scripted load of "storepeer load"; then a Java producer and a Java
# consumer add what a real client does.  Both stop cleanly, and "storediff"
# compares their directories.

STOREDIFF_SLOTS=500
# Small files, so that there are many fillers and full queues.
STOREDIFF_CONF=(mappedFileSizeCommitLog=1048576 mappedFileSizeConsumeQueue=2000 maxMessageSize=524288
  "maxHashSlotNum=$STOREDIFF_SLOTS" maxIndexNum=2000)
STOREDIFF_CLIENT_MESSAGES=800

storepeer() {
  timeout -k 5 "$PEER_TIMEOUT" "$BUILD_DIR/tests/interop/storediff/storepeer" "$@"
}

# storediff_clients OUT: what a Java client sends and consumes, one queue after the other.
storediff_clients() {
  local n=$STOREDIFF_CLIENT_MESSAGES
  java_peer Produce -n "$NS" -t sd_java -g sd_java_producer -c "$n" -s 150 -m sync --prefix s &&
    java_peer Produce -n "$NS" -t sd_java -g sd_java_producer -c "$n" -s 150 -m batch --prefix b &&
    java_peer Consume -n "$NS" -t sd_java -g sd_java_consumer --expect $((2 * n)) --mode push
}

# storediff_fill java|our FROM_PORT: leaves the store in $DIR/KIND/store, the answers in $DIR/KIND.answers.
storediff_fill() {
  local kind=$1 from=$2 ok=yes
  mkdir -p "$DIR/$kind"
  if ! "start_${kind}_broker" "${BROKER##*:}" "$NS" "$DIR/$kind" "${STOREDIFF_CONF[@]}" >"$DIR/$kind.log" 2>&1 ||
    ! wait_port "${BROKER##*:}" 15 "$STARTED_PID"; then
    fail "storediff/$kind" "no start: $(brief "$DIR/$kind.log")"
    return 1
  fi
  storepeer load "$BROKER" "$from" >"$DIR/$kind.answers" 2>"$DIR/$kind.err" || ok=no
  [ $ok = no ] || storediff_clients >>"$DIR/$kind.log" 2>"$DIR/$kind.err" </dev/null || ok=no
  stop_peer "$STARTED_PID"
  [ $ok = yes ] || fail "storediff/$kind" "load: $(tail -n 1 "$DIR/$kind.log") $(brief "$DIR/$kind.err")"
  [ $ok = yes ]
}

storediff_answers() {
  if cmp -s "$DIR/java.answers" "$DIR/our.answers"; then
    ok storediff/answers "$(wc -l <"$DIR/java.answers") answers with the same codes, ids and offsets"
  else
    fail storediff/answers "$(diff "$DIR/java.answers" "$DIR/our.answers" | head -n 12 | tr '\n' ';')"
  fi
}

storediff_stores() {
  local out=$DIR/diff.out
  if "$BUILD_DIR/tests/interop/storediff/storediff" "$DIR/java/store" "$DIR/our/store" $STOREDIFF_SLOTS sd_java \
    >"$out" 2>&1; then
    ok storediff/store "$(grep '^compared' "$out")"
  else
    fail storediff/store "$(tail -n 1 "$out"): $(head -n 20 "$out" | tr '\n' ';')"
  fi
  sed -n 's/^may differ/# storediff: may differ/p' "$out"
}

# storediff_notices FILE OFFSET: one other byte in a copy of our store must be found.
storediff_notices() {
  local file=$1 offset=$2 copy=$DIR/damaged out=$DIR/damaged.out
  rm -rf "$copy"
  cp -a --sparse=always "$DIR/our/store" "$copy" || return
  printf '\x5a' | dd of="$copy/$file" bs=1 seek="$offset" conv=notrunc status=none
  "$BUILD_DIR/tests/interop/storediff/storediff" "$DIR/java/store" "$copy" $STOREDIFF_SLOTS sd_java >"$out" 2>&1
  if [ $? = 1 ] && grep -q "^DIFF $file" "$out"; then
    ok "storediff/notices/$file" "$(grep -m 1 "^DIFF $file" "$out")"
  else
    fail "storediff/notices/$file" "byte $offset is another one, but: $(brief "$out")"
  fi
}

run_storediff() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]} from
  selected storediff || return
  if [ $SECONDS -gt "$DEADLINE" ]; then
    fail storediff "no time left"
    return
  fi
  DIR=$INTEROP_TMP/storediff
  mkdir -p "$DIR/ns"
  NS=127.0.0.1:$(free_port)
  BROKER=127.0.0.1:$(free_port)
  from=$(free_port)
  if ! start_our_namesrv "${NS##*:}" "$DIR/ns" >"$DIR/start.log"; then
    fail storediff "name server: $(brief "$DIR/start.log")"
  elif storediff_fill java "$from" && storediff_fill our "$from"; then
    storediff_answers
    storediff_stores
    storediff_notices commitlog/00000000000000000000 20
    storediff_notices consumequeue/sd_four/0/00000000000000000000 9
    storediff_notices config/topics.json 40
    storediff_notices "index/$(find "$DIR/our/store/index" -type f -printf '%f\n' | sort | head -n 1)" 43
    storediff_notices checkpoint 100
  fi
  echo "# storediff: an IPv6 host is not compared: Java 4.7.0 sets its flags on the synchronous put path only," \
    "a send from IPv6 overflows its buffer and blocks the broker"
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# storediff took $((SECONDS - begin)) s"
}
