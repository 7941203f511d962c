# shellcheck shell=bash
#
# Our broker killed under load, its store read by Java.  Sourced by run.sh.
#
# In each cycle a producer sends to a topic of its own and writes down what was
# acknowledged; in the middle of that the broker gets SIGKILL.  The Java broker
# opens a copy of what is left, while our broker recovers the original for the
# next cycle.  In the end our broker has to serve every acknowledged message of
# all cycles, and after a clean stop Java has to find them too.

KILLS=${INTEROP_KILLS:-3}
KILL_PRODUCERS=("our-sync -m sync -k 4" "java-async -m async" "our-async -m async" "java-sync -m sync -k 4"
  "our-batch -m batch -k 2")
# Load enough that a producer does not end before the broker.
KILL_COUNT=1000000
# Lines of the file of acknowledged messages to wait for before the kill.
KILL_AFTER=3000
# Small segments, so that some are full when the broker dies.
KILL_CONF=(mappedFileSizeCommitLog=8388608 mappedFileSizeConsumeQueue=60000)

kill_producer_of() {
  echo "${KILL_PRODUCERS[($1 - 1) % ${#KILL_PRODUCERS[@]}]}"
}

kill_topic_of() {
  echo "it_kill9_$1"
}

kill_topics() {
  local cycle list=""
  for ((cycle = 1; cycle <= KILLS; cycle++)); do
    list+=",$(kill_topic_of "$cycle")"
  done
  java_peer Topics -n "$NS" -b "$BROKER" -t "${list#,}" -q 4 >"$DIR/topics.log" 2>&1
}

kill_start_broker() {
  start_our_broker "${BROKER##*:}" "$NS" "$DIR/broker" "${KILL_CONF[@]}" >"$DIR/start.log" || return
  BROKER_PID=$STARTED_PID
  # The name server may have remembered the broker that was killed.
  wait_port "${BROKER##*:}" 15 "$BROKER_PID"
}

acked_count() {
  { wc -l <"$1" || echo 0; } 2>/dev/null
}

# kill_under_load CYCLE: fails if nothing was acknowledged or the producer ended too early.
kill_under_load() {
  local cycle=$1 producer arguments acked=$DIR/acked.$1 pid end=$((SECONDS + 30))
  read -r producer arguments <<<"$(kill_producer_of "$cycle")"
  # shellcheck disable=SC2086 # the arguments are several words
  peer "$(kind_of "$producer")" produce -n "$NS" -t "$(kill_topic_of "$cycle")" -g "pg_kill9_$cycle" -c $KILL_COUNT \
    -s 200 --prefix "k$cycle" --acked "$acked" $arguments >"$DIR/produce.$cycle" 2>&1 </dev/null &
  pid=$!
  until [ "$(acked_count "$acked")" -ge $KILL_AFTER ]; do
    sleep 0.1
    if [ $SECONDS -ge $end ] || ! kill -0 $pid 2>/dev/null; then
      break
    fi
  done
  sleep "0.$((RANDOM % 10))"
  local alive=yes
  kill -0 $pid 2>/dev/null || alive=no
  kill_peer "$BROKER_PID"
  pkill -TERM -P $pid
  wait $pid 2>/dev/null
  [ $alive = yes ] && [ "$(acked_count "$acked")" -ge $KILL_AFTER ]
}

# Turns the lines of read_store.sh into results: kill_report NAME FILE.
kill_report() {
  local name=$1 verdict topic details
  grep -q -a -e '^ok read-store' -e '^FAIL read-store' "$2" || fail "$name" "$(brief "$2")"
  while read -r verdict topic details; do
    topic=${topic%:}
    case "$verdict $topic" in
      "ok read-store/"*) ok "$name/${topic#*/}" "$details" ;;
      "FAIL read-store/"*) fail "$name/${topic#*/}" "$details" ;;
    esac
  done <"$2" 2>/dev/null
}

# kill_expect CYCLE...: what read_store.sh has to find of each.
kill_expect() {
  local cycle
  for cycle; do
    echo "$(kill_topic_of "$cycle")=$(acked_count "$DIR/acked.$cycle")+@$DIR/acked.$cycle"
  done
}

# java_reads DIR CYCLE...: the topics of these cycles, by a Java broker on a copy of the store.
java_reads() {
  local store=$1
  shift
  # No port may be taken twice while our broker does not hold its own.
  # shellcheck disable=SC2046 # one word each
  INTEROP_LAST_PORT=$INTEROP_LAST_PORT "$INTEROP_SRC/read_store.sh" "$store" $(kill_expect "$@") </dev/null
}

kill_cycle() {
  local cycle=$1 producer name
  producer=$(kill_producer_of "$cycle")
  name=kill9/$cycle-${producer%% *}
  if ! kill_under_load "$cycle"; then
    fail "$name" "no load before the kill: $(brief "$DIR/produce.$cycle")"
    return 1
  fi
  cp -a --sparse=always "$DIR/broker/store" "$DIR/killed.$cycle" || return
  if ! kill_start_broker; then
    fail "$name" "no start after the kill: $(brief "$DIR/start.log")"
    return 1
  fi
  ok "$name" "killed after $(acked_count "$DIR/acked.$cycle") acknowledged, started again"
}

# Everything acknowledged in any cycle, from our broker, which has recovered after every kill.
our_broker_serves() {
  local cycle name result acked
  for ((cycle = 1; cycle <= KILLS; cycle++)); do
    name=kill9/recovered/$(kill_topic_of "$cycle") acked=$DIR/acked.$cycle
    if result=$(our_peer consume -n "$NS" -t "$(kill_topic_of "$cycle")" -g "cg_kill9_$cycle" --mode pull \
      --expect "$(acked_count "$acked")" --at-least 1 --must-have "$acked" 2>"$DIR/recovered.err"); then
      ok "$name" "$result"
    else
      fail "$name" "$result $(brief "$DIR/recovered.err")"
    fi
  done
}

kill_cycles() {
  local cycle reader=""
  for ((cycle = 1; cycle <= KILLS; cycle++)); do
    kill_cycle "$cycle" || return
    # Java reads while the next cycle runs.
    [ -z "$reader" ] || wait "$reader"
    { java_reads "$DIR/killed.$cycle" "$cycle"; rm -rf "$DIR/killed.$cycle"; } >"$DIR/read.$cycle" 2>&1 &
    reader=$!
  done
  our_broker_serves
  stop_peer "$BROKER_PID"
  # shellcheck disable=SC2046 # numbers
  java_reads "$DIR/broker/store" $(seq "$KILLS") >"$DIR/read.stopped" 2>&1
  wait "$reader"
  for ((cycle = 1; cycle <= KILLS; cycle++)); do
    kill_report "kill9/java-reads-killed" "$DIR/read.$cycle"
  done
  kill_report "kill9/java-reads-stopped" "$DIR/read.stopped"
}

run_kill9() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]}
  selected kill9 || return
  if [ $SECONDS -gt "$DEADLINE" ]; then
    fail kill9 "no time left"
    return
  fi
  DIR=$INTEROP_TMP/kill9
  mkdir -p "$DIR/ns" "$DIR/broker"
  NS=127.0.0.1:$(free_port)
  BROKER=127.0.0.1:$(free_port)
  if ! start_our_namesrv "${NS##*:}" "$DIR/ns" >"$DIR/start.log" || ! kill_start_broker; then
    fail kill9 "servers: $(brief "$DIR/start.log")"
  elif ! kill_topics; then
    fail kill9 "topics: $(brief "$DIR/topics.log")"
  else
    kill_cycles
  fi
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# kill9 took $((SECONDS - begin)) s"
}
