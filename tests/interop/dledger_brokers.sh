# shellcheck shell=bash
#
# DLedger groups of three brokers, Java's and ours.  Sourced by run.sh.
#
# "dledger/java-java-our" and "dledger/java-our-our": under the load of our producer and Java's, each kind leads in
# turn; a follower is killed (of the other kind, where there is one) and started again, then the leader.
# "dledger/rolling": three Java brokers are replaced by ours one by one, on the same directories, and back, under load.
# "dledger/tables": what a Java leader is told outside its log reaches our follower soon, also when that leader is new.
# In the end every member's log is the same, byte by byte, and so are its queues; everything that was acknowledged is
# there, once, and no queue offset is left out.
#
# INTEROP_MIXED is the number of messages (3000; the full test is 100000), in which the kills happen; more are sent
# while a broker starts.  "dledger/java-java-java" has nothing of ours in it and runs only if it is named.

MIXED=${INTEROP_MIXED:-3000}
MIXED_GROUPS="rolling java-java-our java-our-our tables java-java-java"
# Leaders' lives in one group: each kind's turn comes.
MIXED_ROUNDS=$((MIXED < 10000 ? 2 : 6))
MIXED_TOPIC=it_dledger
MIXED_CONF=(brokerName=group enableDLegerCommitLog=true dLegerGroup=group mappedFileSizeCommitLog=8388608
  mappedFileSizeConsumeQueue=60000 flushConsumerOffsetInterval=1000)
# Seconds until a group has a new master (Java notices after 6 s and may vote more than once), until a member has all.
MIXED_PATIENCE=60
MIXED_TRIES=8
MIXED_FEW=100 # messages that show that a group is at work
MIXED_MISSED=2500 # more than a Java leader sends ahead (1000)
MIXED_SLOW=50 # messages a second, on a busy machine
MIXED_TABLES_SOON=10 # seconds; Java's own followers may need 40

# mixed_start I: KIND, PORT and PEERS say how; the process is left in MEMBER.  Does not wait.
mixed_start() {
  local i=$1 dir=$DIR/n$1
  write_broker_conf "${PORT[i]}" "$NS" "$dir" "${MIXED_CONF[@]}" "dLegerSelfId=n$i" "dLegerPeers=$PEERS"
  if [ "${KIND[i]}" = our ]; then
    start_server "$dir" "$BUILD_DIR/mqbroker/mqbroker" -c "$dir/broker.conf" -n "$NS"
  else
    write_java_home "$dir"
    start_java "$dir" 512m org.apache.rocketmq.broker.BrokerStartup -c "$dir/broker.conf" -n "$NS"
  fi
  MEMBER[i]=$STARTED_PID
}

# Nobody died but those who were killed.
mixed_alive() {
  local i
  for i in 0 1 2; do
    [ -z "${MEMBER[i]:-}" ] || kill -0 "${MEMBER[i]}" 2>/dev/null ||
      { WHY="n$i (${KIND[i]}) ended: $(tail -n 3 "$DIR/n$i/out" | cut -c 1-300 | tr '\n' ';')"; return 1; }
  done
}

# mixed_until WHAT COMMAND...
mixed_until() {
  local what=$1 end=$((SECONDS + ${PATIENCE:-$MIXED_PATIENCE}))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || { WHY="$what"; return 1; }
    mixed_alive || return
    sleep 0.2
  done
}

# The member that is registered as the master is left in MASTER.
mixed_master() {
  local i port
  port=$(cluster_info "${NS##*:}" | grep -a -oE '[{,]"?0"?:"127\.0\.0\.1:[0-9]+"' | grep -oE '[0-9]+"$')
  for i in 0 1 2; do
    [ "${PORT[i]}\"" = "$port" ] && [ -n "${MEMBER[i]}" ] && MASTER=$i && return
  done
  return 1
}

mixed_acked() { cat "$DIR"/acked.* 2>/dev/null | wc -l; }
mixed_reached() { [ "$(mixed_acked)" -ge "$1" ]; }

# mixed_progress WHERE [COUNT]: so many more messages are acknowledged
mixed_progress() {
  local PATIENCE=$((MIXED_PATIENCE + ${2:-$MIXED_STEP} / MIXED_SLOW))
  mixed_until "$1: the group takes no messages: $(tail -qn 2 "$DIR"/load.*.err | cut -c 1-300 | tr '\n' ';')" \
    mixed_reached $(($(mixed_acked) + ${2:-$MIXED_STEP}))
}

# mixed_load KIND: in the background until mixed_load_end
mixed_load() {
  PEER_TIMEOUT=3600 peer "$1" produce -n "$NS" -t $MIXED_TOPIC -g "pg_$1" -c 100000000 -s 300 -m sync -k "$MIXED_THREADS" \
    --prefix "$1" --timeout 3600 --patient 1 --acked "$DIR/acked.$1" >"$DIR/load.$1" 2>"$DIR/load.$1.err" </dev/null &
  LOADS+=($!)
}

mixed_load_end() {
  local load
  [ ${#LOADS[@]} -gt 0 ] || return
  for load in "${LOADS[@]}"; do pkill -TERM -P "$load"; done
  wait "${LOADS[@]}" 2>/dev/null
  LOADS=()
}

# mixed_begin KIND KIND KIND: a group with a topic and load
mixed_begin() {
  local i
  KIND=("$@") MEMBER=() LOADS=() HISTORY=
  for i in 0 1 2; do mixed_start $i; done
  mixed_until "nobody is elected: $(brief "$DIR/n0/broker.log")" mixed_master || return
  mixed_until "the topic cannot be made" mixed_topic || return
  mixed_load java # it looks for the topic's queues once
  mixed_until "no load: $(brief "$DIR/load.java.err")" [ -s "$DIR/acked.java" ] || return
  mixed_load our
  mixed_progress "at first"
}

# The master may have registered before it takes anything.
mixed_topic() {
  mixed_master && broker_request "${PORT[MASTER]}" 17 "\"topic\":\"$MIXED_TOPIC\",$TOPIC_FIELDS" | grep -a -q '"code":0' &&
    our_peer produce -n "$NS" -t $MIXED_TOPIC -g pg_probe -c 4 --prefix probe >/dev/null 2>&1
}

# mixed_crash I: kill -9; another one must lead if it was the master
mixed_crash() {
  local old=$1 led=no
  [ "$MASTER" != "$old" ] || led=yes
  kill_peer "${MEMBER[old]}"
  MEMBER[old]=
  HISTORY+="kill ${KIND[old]}$([ $led = yes ] && echo " leader"), "
  [ $led = no ] || mixed_until "nobody leads after the death of n$old (${KIND[old]})" mixed_master
}

# Ours notice a leader's death first, so where one of them and one of Java's are left it is ours that is elected; unless
# it has missed something.
mixed_crash_for_java() {
  local old=$MASTER i behind=
  for i in 0 1 2; do
    [ "${KIND[i]}" != our ] || [ $i = "$old" ] || behind=$i
  done
  [ -z "$behind" ] || { mixed_crash "$behind" && mixed_progress "without n$behind (our)" "$MIXED_FEW"; } || return
  kill_peer "${MEMBER[old]}"
  MEMBER[old]=
  HISTORY+="kill ${KIND[old]} leader, "
  [ -z "$behind" ] || mixed_start "$behind"
  mixed_until "nobody leads after the death of n$old (${KIND[old]})" mixed_master || return
  mixed_start "$old"
}

# mixed_lead KIND: until one of this kind leads
mixed_lead() {
  local kind=$1 tries old
  for ((tries = 0; tries < MIXED_TRIES; tries++)); do
    mixed_until "there is no master" mixed_master || return
    [ "${KIND[MASTER]}" != "$kind" ] || return 0
    old=$MASTER
    if [ "$kind" = java ] && [ "$tries" -gt 0 ]; then
      mixed_crash_for_java || return
    else
      mixed_crash "$old" || return
      mixed_start "$old"
    fi
    mixed_progress "n$old (${KIND[old]}) was killed" "$MIXED_FEW" || return
  done
  WHY="no $kind broker was elected $MIXED_TRIES times"
  return 1
}

# mixed_follower: one of the other kind than the leader's, if there is one
mixed_follower() {
  local i
  FOLLOWER=$(((MASTER + 1) % 3))
  for i in 0 1 2; do
    [ "${KIND[i]}" = "${KIND[MASTER]}" ] || FOLLOWER=$i
  done
}

# mixed_round KIND: one of this kind leads; a follower dies and comes back, then the leader.
mixed_round() {
  local old
  mixed_lead "$1" || return
  mixed_follower
  old=$FOLLOWER
  mixed_crash "$old" && mixed_progress "with two of three" || return
  mixed_start "$old"
  mixed_progress "n$old (${KIND[old]}) is back" || return
  mixed_until "n$old does not catch up" mixed_is_close "$old" || return
  mixed_master && old=$MASTER && mixed_crash "$old" && mixed_progress "after the leader n$old (${KIND[old]})" || return
  mixed_start "$old"
  mixed_progress "n$old (${KIND[old]}), which led, is back"
}

# mixed_replace I KIND
mixed_replace() {
  local i=$1
  mixed_until "there is no master" mixed_master || return
  stop_peer "${MEMBER[i]}"
  MEMBER[i]=
  HISTORY+="n$i ${KIND[i]} to $2$([ "$MASTER" = "$i" ] && echo " (led)"), "
  KIND[i]=$2
  mixed_start "$i"
  mixed_progress "n$i is $2's now" && mixed_until "n$i ($2) does not catch up" mixed_is_close "$i"
}

# mixed_ends DIR DIR: what compare says: EQUAL, END1, END2
mixed_ends() {
  "$BUILD_DIR/tools/mqstore/mqstore" --json compare "$DIR/n$1/store" "$DIR/n$2/store" 2>"$DIR/compare.err" >"$DIR/compare"
  sed -nE 's/.*"equal": ?([a-z]+).*"end1": ?([0-9]+), ?"end2": ?([0-9]+).*/\1 \2 \3/p' "$DIR/compare"
}

# mixed_is_close I: it follows the master, under load
mixed_is_close() {
  local equal end1 end2
  [ -d "$DIR/n$1/store/dledger-n$1/data" ] || return
  mixed_master || return
  [ "$MASTER" != "$1" ] || return 0
  read -r equal end1 end2 < <(mixed_ends "$MASTER" "$1")
  [ "${end2:-0}" -gt $((${end1:-0} - 1000000)) ]
}

# mixed_all_equal [END]: with the same end; or up to the first end, which is not before END
mixed_all_equal() {
  local i equal end1 end2
  for i in 1 2; do
    read -r equal end1 end2 < <(mixed_ends 0 $i)
    [ "${equal:-}" = true ] || return
    if [ $# -gt 0 ]; then [ "$end1" -ge "$1" ] && [ "$end2" -ge "$1" ] || return
    else [ "$end1" = "$end2" ] || return; fi
  done
  MIXED_END=$end1
}

# Queues: the same files with the same bytes; what is behind the last unit is zero in both.
mixed_queues_equal() {
  local i file
  for file in "$DIR"/n0/store/consumequeue/$MIXED_TOPIC/*/*; do
    for i in 1 2; do
      cmp "$file" "$DIR/n$i/${file#"$DIR"/n0/}" >"$DIR/cmp" 2>&1 || return
    done
  done
}

mixed_read() {
  local result
  result=$(peer "$1" consume -n "$NS" -t $MIXED_TOPIC -g "cg_$1" --mode pull --expect 1 --at-least 1 --must-have "$DIR/acked" \
    --timeout 100 2>"$DIR/read.err" </dev/null)
  # One queue's messages came from several brokers ("disorder"); what may not be is anything else.
  grep -q '"duplicates":0,.*"corrupt":0,"lost":0' <<<"$result" ||
    { WHY="$1 consumer: $result $(brief "$DIR/read.err")"; return 1; }
  STORED=$(sed -nE 's/.*"distinct":([0-9]+).*/\1/p' <<<"$result")
}

# The load is over: everything is the same everywhere, and stays so.
mixed_end() {
  local i end
  mixed_load_end
  cat "$DIR"/acked.* >"$DIR/acked"
  mixed_until "the logs do not become the same" mixed_all_equal || { WHY+=": $(mixed_ends 0 1; mixed_ends 0 2)"; return 1; }
  end=$MIXED_END
  mixed_until "there is no master at last" mixed_master || return
  mixed_read our && mixed_read java || return
  for i in 0 1 2; do [ $i = "$MASTER" ] || stop_peer "${MEMBER[i]}"; done
  stop_peer "${MEMBER[MASTER]}"
  # What the last ones said when they stopped nobody may have agreed on; all that was agreed on ends at "end" or later.
  mixed_all_equal "$end" || { WHY="the logs differ at last, they were the same to $end: $(mixed_ends 0 1; mixed_ends 0 2)"; return 1; }
  mixed_queues_equal || { WHY="the queues differ: $(cat "$DIR/cmp")"; return 1; }
  for i in 0 1 2; do
    "$BUILD_DIR/tools/mqstore/mqstore" verify "$DIR/n$i/store" >"$DIR/verify" 2>&1 ||
      { WHY="the store of n$i: $(tail -n 3 "$DIR/verify" | tr '\n' ' ')"; return 1; }
  done
}

mixed_group() {
  local round kinds=("$@") kind
  MIXED_STEP=$((MIXED / (MIXED_ROUNDS * 5)))
  mixed_begin "$@" || return
  for ((round = 0; round < MIXED_ROUNDS; round++)); do
    kind=${kinds[$((round % 2 * 2))]}
    mixed_round "$kind" || return
  done
  mixed_end
}

mixed_rolling() {
  local i
  MIXED_STEP=$((MIXED / 7))
  mixed_begin java java java || return
  for i in 0 1 2; do mixed_replace $i our || return; done
  for i in 2 1 0; do mixed_replace $i java || return; done
  mixed_end
}

# mixed_told I: it has saved what the leader was told
mixed_told() {
  local config=$DIR/n$1/store/config
  grep -q '"it_late"' "$config/topics.json" && grep -q '"it_late_group"' "$config/subscriptionGroup.json" &&
    tr -d ' \n\t' <"$config/consumerOffset.json" | grep -qE '"it_late@it_late_group":\{"?2"?:0'
} 2>/dev/null

# One Java leader follows the other, and n2, which is ours, does not lead in between.
mixed_tables() {
  local tries old begin
  MIXED_STEP=100
  mixed_begin java java our || return
  for ((tries = 0; tries < MIXED_TRIES; tries++)); do
    mixed_lead java || return
    old=$MASTER
    # It sleeps until the leader has given up sending: so it misses something that the other has.
    kill -STOP "${MEMBER[2]}"
    mixed_progress "with n2 (our) asleep" $MIXED_MISSED
    kill_peer "${MEMBER[old]}"
    MEMBER[old]=
    kill -CONT "${MEMBER[2]}"
    HISTORY+="kill java leader, "
    mixed_until "nobody leads after the death of n$old (java)" mixed_master || return
    mixed_start "$old"
    mixed_progress "n$old (java) was killed" "$MIXED_FEW" || return
    mixed_master || return
    [ "${KIND[MASTER]}" != java ] || [ "$MASTER" = "$old" ] || break
  done
  begin=$SECONDS
  broker_request "${PORT[MASTER]}" 17 "\"topic\":\"it_late\",$TOPIC_FIELDS" >/dev/null
  broker_request "${PORT[MASTER]}" 200 '' '{"groupName":"it_late_group","consumeEnable":true,"retryQueueNums":1,"retryMaxTimes":16}' >/dev/null
  broker_request "${PORT[MASTER]}" 15 '"consumerGroup":"it_late_group","topic":"it_late","queueId":"2","commitOffset":"0"' >/dev/null
  [ "$tries" -lt $MIXED_TRIES ] || { WHY="no Java broker followed the other $MIXED_TRIES times"; return 1; }
  mixed_until "our follower is not told of topic, group and offset" mixed_told 2 || return
  HISTORY+="told after $((SECONDS - begin)) s, "
  [ $((SECONDS - begin)) -le $MIXED_TABLES_SOON ] || { WHY="told after $((SECONDS - begin)) s"; return 1; }
  mixed_end
}

run_dledger_brokers() {
  local group name begin first what
  local -a KIND=() PORT=() MEMBER=() LOADS=()
  local PEERS WHY HISTORY MASTER FOLLOWER STORED MIXED_END MIXED_STEP MIXED_THREADS=$((MIXED < 10000 ? 1 : 4))
  for group in $MIXED_GROUPS; do
    name=dledger/$group begin=$SECONDS first=${#INTEROP_PIDS[@]}
    selected "$name" || continue
    # In the short run of everything each kind leads and follows in "rolling".
    [ "$group" = rolling ] || [ "$MIXED" -ge 10000 ] || [ ${#FILTERS[@]} -gt 0 ] || continue
    [ "$group" != java-java-java ] || [[ " ${FILTERS[*]} " == *java-java-java* ]] || continue
    if [ $SECONDS -gt "$DEADLINE" ]; then
      fail "$name" "no time left"
      continue
    fi
    DIR=$INTEROP_TMP/dledger-$group NS=127.0.0.1:$(free_port)
    mkdir -p "$DIR/ns" "$DIR/n0" "$DIR/n1" "$DIR/n2"
    PORT=("$(free_port)" "$(free_port)" "$(free_port)")
    PEERS="n0-127.0.0.1:$(free_port);n1-127.0.0.1:$(free_port);n2-127.0.0.1:$(free_port)"
    WHY="name server"
    if start_our_namesrv "${NS##*:}" "$DIR/ns" >"$DIR/start.log"; then
      WHY=
      what=mixed_$group
      [[ $group != *-* ]] || what="mixed_group ${group//-/ }"
      $what || WHY=${WHY:-failed}
    fi
    mixed_load_end
    if [ -z "$WHY" ]; then ok "$name" "$(mixed_acked) acknowledged, $STORED stored, $HISTORY$MIXED_END bytes, $((SECONDS - begin))s"
    else fail "$name" "$WHY; $HISTORY"; fi
    while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do stop_peer "${INTEROP_PIDS[-1]}"; done
  done
}
