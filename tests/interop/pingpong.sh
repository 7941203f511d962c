# shellcheck shell=bash
#
# Java's broker and ours take turns on one store directory.  Sourced by run.sh.
#
# In each round the other implementation starts on what the last one left.
# First it must serve every message that was ever acknowledged and every
# message that anybody has ever seen, each at the same queue and offset, and
# the group must be where it was.  Then a producer sends, the group's offsets
# are set to the ends of the queues, and in the middle of the load the broker
# gets SIGKILL, or, in every second pair of rounds, a clean stop: so each of
# the two has to take over from a killed and from a stopped other.  Queues are
# extended (INTEROP_EXT=0: not): a filter reads the tags in the other's ext
# units.  After each end mqstore must find the store sound.  What Java puts into
# the key index a second time when it starts after a kill (the last record of
# the newest index file it keeps) is a note of verify, see mqstore(1).

ROUNDS=${INTEROP_ROUNDS:-4}
PINGPONG_PRODUCERS=("our-sync -m sync -k 4" "java-async -m async" "our-batch -m batch -k 2" "java-sync -m sync -k 4"
  "our-async -m async" "java-batch -m batch -k 2")
PINGPONG_TOPIC=it_pingpong
PINGPONG_GROUP=cg_pingpong
PINGPONG_QUEUES=4
# More than a producer can send before the broker goes.
PINGPONG_COUNT=1000000
# Acknowledged messages to wait for.
PINGPONG_AFTER=2000
# Java saves consumer offsets 10 s after its start for the first time.
PINGPONG_SAVED=25
# Small files, so that some are full in each round.
PINGPONG_CONF=(mappedFileSizeCommitLog=4194304 mappedFileSizeConsumeQueue=20000 maxMessageSize=1048576
  maxHashSlotNum=5000 maxIndexNum=20000 flushConsumerOffsetInterval=1000)

if [ "${INTEROP_EXT:-1}" = 1 ]; then
  PINGPONG_CONF+=(enableConsumeQueueExt=true mappedFileSizeConsumeQueueExt=30000)
fi

pingpong_kind() {
  [ $(($1 % 2)) = 1 ] && echo java || echo our
}

pingpong_end() {
  [ $((($1 + 1) / 2 % 2)) = 1 ] && echo kill || echo stop
}

# pingpong_name ROUND
pingpong_name() {
  echo "pingpong/$1-$(pingpong_kind "$1")-$(pingpong_end "$1")"
}

pingpong_start() {
  "start_$1_broker" "${BROKER##*:}" "$NS" "$DIR/broker" "${PINGPONG_CONF[@]}" >"$DIR/start.log" 2>&1 || return
  BROKER_PID=$STARTED_PID
  # The name server may have remembered the other one.
  wait_port "${BROKER##*:}" 15 "$BROKER_PID"
}

pingpong_places() {
  storepeer places "$BROKER" $PINGPONG_TOPIC $PINGPONG_QUEUES >"$1" 2>"$DIR/places.err"
}

# pingpong_missing OLD NEW: lines of OLD that NEW does not have.
pingpong_missing() {
  comm -23 <(sort -u "$1") <(sort -u "$2")
}

# pingpong_verify ROUND: the broker that has just started, against all that was before.
pingpong_verify() {
  local places=$DIR/places.$1 lost moved
  if ! pingpong_places "$places"; then
    echo "cannot be read: $(brief "$DIR/places.err")"
    return 1
  fi
  lost=$(pingpong_missing "$DIR/acked" <(cut -d ' ' -f 4 "$places"))
  moved=$(pingpong_missing "$DIR/seen" "$places")
  if [ -n "$lost" ]; then
    echo "$(wc -l <<<"$lost") acknowledged messages are lost: $(head -n 3 <<<"$lost" | tr '\n' ' ')"
  elif [ -n "$moved" ]; then
    echo "$(wc -l <<<"$moved") messages are not where they were: $(head -n 3 <<<"$moved" | tr '\n' ';')"
  elif cut -d ' ' -f 4 "$places" | sort | uniq -d | grep -q .; then
    echo "messages are there twice: $(cut -d ' ' -f 4 "$places" | sort | uniq -d | head -n 3 | tr '\n' ' ')"
  elif awk '$1 != queue && $2 != 0 { bad = 1 } { queue = $1 } END { exit !bad }' "$places"; then
    echo "a queue does not begin at offset 0"
  elif [ -s "$DIR/committed" ] && ! storepeer committed "$BROKER" $PINGPONG_TOPIC $PINGPONG_GROUP $PINGPONG_QUEUES \
    2>&1 | cmp -s - "$DIR/committed"; then
    echo "the group is not where it was: wanted $(tr '\n' ';' <"$DIR/committed")"
  else
    cp "$places" "$DIR/seen"
    return 0
  fi
  return 1
}

# pingpong_by_tag ROUND: every second message has TagB; the broker finds them by what its queues know.
pingpong_by_tag() {
  local result must=$DIR/must-have.$1
  cat "$DIR"/acked.* | grep '[13579]$' >"$must"
  result=$(peer our consume -n "$NS" -t $PINGPONG_TOPIC -g cg_pingpong_b --mode pull --at-least 1 --sub TagB \
    --expect "$(wc -l <"$must")" --must-have "$must" 2>"$DIR/by-tag.err") ||
    { echo "by tag: $result $(brief "$DIR/by-tag.err")"; return 1; }
}

# Waits until consumerOffset.json has the group's offsets: a kill would lose younger ones, which is allowed.
pingpong_saved() {
  local want end=$((SECONDS + PINGPONG_SAVED))
  want="\"$PINGPONG_TOPIC@$PINGPONG_GROUP\":{$(tr ' ' : <"$DIR/committed" | paste -s -d ,)}"
  until { tr -d '\t\n' <"$DIR/broker/store/config/consumerOffset.json"; } 2>/dev/null | grep -q -F "$want"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.2
  done
}

pingpong_commit() {
  storepeer commit "$BROKER" $PINGPONG_TOPIC $PINGPONG_GROUP $PINGPONG_QUEUES >"$DIR/committed" 2>"$DIR/commit.err" ||
    { echo "commit: $(brief "$DIR/commit.err")"; return 1; }
}

# pingpong_send ROUND COUNT ARGUMENTS...
pingpong_send() {
  local round=$1 count=$2 kinds=${#PINGPONG_PRODUCERS[@]} producer arguments
  read -r producer arguments <<<"${PINGPONG_PRODUCERS[(round + kinds - 1) % kinds]}"
  # shellcheck disable=SC2086 # the arguments are several words
  peer "$(kind_of "$producer")" produce -n "$NS" -t $PINGPONG_TOPIC -g pg_pingpong -c "$count" -s 200 \
    --prefix "r$round" --acked "$DIR/acked.$round" $arguments >"$DIR/produce.$round" 2>&1 </dev/null
}

# pingpong_acked FILE: the client writes P:QUEUE:SEQ, the key of the message is P-QUEUE-SEQ.
pingpong_acked() {
  awk -F : 'NF == 3 && $3 != "" { print $1 "-" $2 "-" $3 }' "$1" >>"$DIR/acked"
}

# pingpong_load ROUND: ends the broker while a producer sends.  What was seen before the end goes into "seen".
pingpong_load() {
  local round=$1 acked=$DIR/acked.$1 pid why="" end=$((SECONDS + 30))
  pingpong_send "$round" $PINGPONG_COUNT &
  pid=$!
  until [ "$(acked_count "$acked")" -ge $PINGPONG_AFTER ] || [ $SECONDS -ge $end ] || ! kill -0 $pid 2>/dev/null; do
    sleep 0.1
  done
  pingpong_places "$DIR/seen.$round" || why="cannot be read under load: $(brief "$DIR/places.err")"
  cat "$DIR/seen.$round" >>"$DIR/seen"
  # A stop saves what a kill may lose.
  [ "$(pingpong_end "$round")" = kill ] || why+=$(pingpong_commit)
  kill -0 $pid 2>/dev/null || why="the producer ended by itself: $(brief "$DIR/produce.$round")"
  "$(pingpong_end "$round")_peer" "$BROKER_PID"
  pkill -TERM -P $pid
  wait $pid 2>/dev/null
  [ "$(acked_count "$acked")" -ge $PINGPONG_AFTER ] || why="no load: $(brief "$DIR/produce.$round")"
  pingpong_acked "$acked"
  "$BUILD_DIR/tools/mqstore/mqstore" verify "$DIR/broker/store" >"$DIR/verify.$round" 2>&1 ||
    why+="mqstore: $(grep -v ^note: "$DIR/verify.$round" | head -n 3 | tr '\n' ';')"
  [ -z "$why" ] || { echo "$why"; return 1; }
}

# The first broker needs a topic and messages to commit.
pingpong_begin() {
  java_peer Topics -n "$NS" -b "$BROKER" -t $PINGPONG_TOPIC -q $PINGPONG_QUEUES >"$DIR/topics.log" 2>&1 || return
  pingpong_send 0 500 || return
  pingpong_acked "$DIR/acked.0"
}

# pingpong_round ROUND: says what is wrong.
pingpong_round() {
  local round=$1
  pingpong_verify "$round" && pingpong_by_tag "$round" && pingpong_commit || return
  if [ "$(pingpong_end "$round")" = kill ] && ! pingpong_saved; then
    echo "consumerOffset.json did not get the offsets of $PINGPONG_GROUP"
    return 1
  fi
  pingpong_load "$round"
}

pingpong_rounds() {
  local round name
  for ((round = 1; round <= ROUNDS; round++)); do
    name=$(pingpong_name "$round")
    if ! pingpong_start "$(pingpong_kind "$round")"; then
      fail "$name" "no start: $(brief "$DIR/start.log")"
      return
    fi
    if [ "$round" = 1 ] && ! pingpong_begin; then
      fail "$name" "no topic: $(brief "$DIR/topics.log")"
      return
    fi
    pingpong_round "$round" >"$DIR/why"
    if [ -s "$DIR/why" ]; then
      fail "$name" "$(tr '\n' ' ' <"$DIR/why")"
      return
    fi
    ok "$name" "$(wc -l <"$DIR/places.$round") messages where they were, then $(acked_count "$DIR/acked.$round") more"
  done
  pingpong_last "$round"
}

# The other one once more, and a real consumer of each kind.
pingpong_last() {
  local kind why consumer result
  kind=$(pingpong_kind "$1")
  if ! pingpong_start "$kind"; then
    fail "pingpong/last-$kind" "no start: $(brief "$DIR/start.log")"
    return
  fi
  if why=$(pingpong_verify "$1" && pingpong_by_tag "$1"); then
    ok "pingpong/last-$kind" "$(wc -l <"$DIR/places.$1") messages where they were"
  else
    fail "pingpong/last-$kind" "$why"
  fi
  cat "$DIR"/acked.* >"$DIR/must-have"
  for consumer in java our; do
    if result=$(peer $consumer consume -n "$NS" -t $PINGPONG_TOPIC -g "cg_pingpong_$consumer" --mode pull --at-least 1 \
      --expect "$(wc -l <"$DIR/must-have")" --must-have "$DIR/must-have" 2>"$DIR/consume.err"); then
      ok "pingpong/last-$kind/$consumer-pull" "$result"
    else
      fail "pingpong/last-$kind/$consumer-pull" "$result $(brief "$DIR/consume.err")"
    fi
  done
}

run_pingpong() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]}
  selected pingpong || return
  if [ $SECONDS -gt "$DEADLINE" ]; then
    fail pingpong "no time left"
    return
  fi
  DIR=$INTEROP_TMP/pingpong
  mkdir -p "$DIR/ns" "$DIR/broker"
  : >"$DIR/acked"
  : >"$DIR/seen"
  NS=127.0.0.1:$(free_port)
  BROKER=127.0.0.1:$(free_port)
  if ! start_our_namesrv "${NS##*:}" "$DIR/ns" >"$DIR/start.log"; then
    fail pingpong "name server: $(brief "$DIR/start.log")"
  else
    pingpong_rounds
  fi
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# pingpong took $((SECONDS - begin)) s"
}
