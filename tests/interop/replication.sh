# shellcheck shell=bash
#
# Master and slave of different kinds, both killed under load.  Sourced by run.sh.
#
# In each pairing MASTER-SLAVE a SYNC_MASTER gets INTEROP_REPLICATED messages (3000; the full test is 100000).  On
# the way the slave is killed and started again, then the master.  In the end the slave's log is the master's, byte
# by byte; everything that was acknowledged can be read from either one while the other is dead; topics, groups and
# offsets have come over.  "java-java" has nothing of ours in it and runs only if it is named.

REPLICATED=${INTEROP_REPLICATED:-3000}
REPLICATION_PAIRS="our-our java-our our-java java-java"
# In the short test the load is light, so that less is stored while a JVM starts.
REPLICATION_THREADS=$((REPLICATED < 10000 ? 1 : 4))
REPLICATION_TOPIC=it_replication
# A few files, the last one not full; the same on both sides.
REPLICATION_CONF=(mappedFileSizeCommitLog=8388608 mappedFileSizeConsumeQueue=60000 flushConsumerOffsetInterval=1000)
# Seconds until a slave must have found its master, and have fetched the configuration (every 10 s).
REPLICATION_PATIENCE=30

# replication_start WHO: master or slave; kinds and ports are in KIND, PORT; the process in MEMBER.
replication_start() {
  local who=$1 conf=("${REPLICATION_CONF[@]}" brokerRole=SYNC_MASTER)
  [ "$who" = master ] || conf+=(brokerRole=SLAVE brokerId=1)
  "start_${KIND[$who]}_broker" "${PORT[$who]}" "$NS" "$DIR/$who" "${conf[@]}" >"$DIR/start.log" || return
  MEMBER[$who]=$STARTED_PID
  # The name server may have remembered the one that was killed.
  wait_port "${PORT[$who]}" 15 "$STARTED_PID"
}

# replication_until WHAT COMMAND...
replication_until() {
  local what=$1 end=$((SECONDS + REPLICATION_PATIENCE))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || { WHY="$what"; return 1; }
    sleep 0.2
  done
}

# Messages are acknowledged by both.
replication_works() {
  our_peer produce -n "$NS" -t it_probe -g pg_probe -c 4 --prefix "probe" >"$DIR/probe.log" 2>&1 </dev/null
}

# replication_load PREFIX COUNT: in the background, its process in LOAD; what is acknowledged goes to the file acked.
replication_load() {
  our_peer produce -n "$NS" -t "$REPLICATION_TOPIC" -g "pg_$1" -c "$2" -s 300 -m sync -k $REPLICATION_THREADS --prefix "$1" \
    --acked "$DIR/acked" >"$DIR/load.$1" 2>&1 </dev/null &
  LOAD=$!
}

# replication_kill WHO AFTER: kills it when so many messages are acknowledged
replication_kill() {
  local who=$1 after=$2 end=$((SECONDS + 60))
  until [ "$(acked_count "$DIR/acked")" -ge "$after" ]; do
    if [ $SECONDS -ge $end ] || ! kill -0 "$LOAD" 2>/dev/null; then
      WHY="no load before the kill of the $who: $(acked_count "$DIR/acked") acknowledged; $(cat "$DIR"/load.* | tail -n 3 | tr '\n' ' ')"
      return 1
    fi
    sleep 0.02
  done
  kill -0 "$LOAD" 2>/dev/null || { WHY="the load ended before the kill of the $who"; return 1; }
  kill_peer "${MEMBER[$who]}"
}

# Under load the slave, then the master; then the rest of the messages.
replication_kills() {
  local have
  replication_load a 100000000 # it does not end by itself
  replication_kill slave $((REPLICATED / 4)) || return
  sleep 0.5
  replication_start slave || { WHY="the slave does not start again: $(brief "$DIR/start.log")"; return 1; }
  have=$(acked_count "$DIR/acked")
  replication_kill master $((have + REPLICATED / 4)) || return
  pkill -TERM -P "$LOAD"
  wait "$LOAD" 2>/dev/null
  replication_start master || { WHY="the master does not start again: $(brief "$DIR/start.log")"; return 1; }
  replication_until "no replication after the kills: $(brief "$DIR/probe.log")" replication_works || return
  have=$(acked_count "$DIR/acked")
  [ "$have" -lt "$REPLICATED" ] || have=$((REPLICATED - 1000))
  replication_load c $((REPLICATED - have))
  wait "$LOAD" || { WHY="with both alive: $(brief "$DIR/load.c")"; return 1; }
}

# replication_read GROUP MODE: everything acknowledged; how many there are is left in STORED by pull, known to push.
replication_read() {
  local result args=(--mode "$2" --expect "${STORED:-1}" --must-have "$DIR/acked")
  [ "$2" = push ] || args+=(--at-least 1)
  result=$(our_peer consume -n "$NS" -t "$REPLICATION_TOPIC" -g "$1" "${args[@]}" 2>"$DIR/read.err") ||
    { WHY="$1: $result $(brief "$DIR/read.err")"; return 1; }
  STORED=$(sed -nE 's/.*"distinct":([0-9]+).*/\1/p' <<<"$result")
}

# The logs have the same bytes and, with "whole", the same end.
logs_are_equal() {
  "$BUILD_DIR/tools/mqstore/mqstore" --json compare "$DIR/master/store" "$DIR/slave/store" >"$DIR/compare" 2>&1 || return
  [ "${1:-}" != whole ] || awk -F'[:,}]' '{ for (i = 1; i < NF; i++) { if ($i ~ /end1/) a = $(i + 1); if ($i ~ /end2/) b = $(i + 1) } } END { exit !(a > 0 && a == b) }' "$DIR/compare"
}

# saved WHO FILE: a configuration file without its blanks
saved() { [ ! -e "$DIR/$1/store/config/$2" ] || tr -d ' \n\t' 2>/dev/null <"$DIR/$1/store/config/$2"; }

offsets_are_equal() {
  local pattern='"it_replication@cg_master":\{[^}]*\}' master slave
  master=$(saved master consumerOffset.json | grep -oE "$pattern")
  slave=$(saved slave consumerOffset.json | grep -oE "$pattern")
  [ -n "$master" ] && [ "$(tr -d '"{}' <<<"$master" | cut -d: -f2- | tr ',' '\n' | sort)" = \
    "$(tr -d '"{}' <<<"$slave" | cut -d: -f2- | tr ',' '\n' | sort)" ]
}

replication_config_came() {
  saved slave topics.json | grep -q "\"$REPLICATION_TOPIC\":" &&
    saved slave subscriptionGroup.json | grep -q '"it_group":' && offsets_are_equal
}

# replication_pair MASTER SLAVE: WHY tells what failed
replication_pair() {
  KIND=([master]=$1 [slave]=$2) WHY=servers STORED=
  start_our_namesrv "${NS##*:}" "$DIR/ns" >"$DIR/start.log" || return
  replication_start master || return
  broker_request "${PORT[master]}" 17 "\"topic\":\"$REPLICATION_TOPIC\",$TOPIC_FIELDS" >/dev/null
  broker_request "${PORT[master]}" 17 "\"topic\":\"it_probe\",$TOPIC_FIELDS" >/dev/null
  broker_request "${PORT[master]}" 200 '' '{"groupName":"it_group","consumeEnable":true,"retryQueueNums":1,"retryMaxTimes":16}' >/dev/null
  replication_start slave || return
  replication_until "no replication: $(brief "$DIR/probe.log")" replication_works || return
  replication_kills || return
  replication_read cg_master pull || return
  replication_until "the slave does not get all: $(brief "$DIR/compare")" logs_are_equal whole || return
  replication_until "topics, groups or offsets do not come" replication_config_came || return
  kill_peer "${MEMBER[master]}"
  replication_read cg_slave push || return
  replication_start master || { WHY="the master does not start: $(brief "$DIR/start.log")"; return 1; }
  replication_until "no replication at last: $(brief "$DIR/probe.log")" replication_works || return
  stop_peer "${MEMBER[master]}"
  stop_peer "${MEMBER[slave]}"
  logs_are_equal whole || { WHY="the logs differ at last: $(cat "$DIR/compare")"; return 1; }
  "$BUILD_DIR/tools/mqstore/mqstore" verify "$DIR/slave/store" >"$DIR/verify" 2>&1 || { WHY="the slave's store: $(tail -n 3 "$DIR/verify" | tr '\n' ' ')"; return 1; }
  WHY=
}

run_replication() {
  local pair name begin first
  declare -A KIND=() PORT=() MEMBER=()
  for pair in $REPLICATION_PAIRS; do
    name=replication/$pair begin=$SECONDS first=${#INTEROP_PIDS[@]}
    selected "$name" || continue
    # The short run of everything leaves out what tests/system/failover.sh does.
    [ "$pair" != our-our ] || [ "$REPLICATED" -ge 10000 ] || [ ${#FILTERS[@]} -gt 0 ] || continue
    [ "$pair" != java-java ] || [[ " ${FILTERS[*]} " == *java-java* ]] || continue
    if [ $SECONDS -gt "$DEADLINE" ]; then
      fail "$name" "no time left"
      continue
    fi
    DIR=$INTEROP_TMP/replication-$pair NS=127.0.0.1:$(free_port)
    mkdir -p "$DIR/ns" "$DIR/master" "$DIR/slave"
    PORT=([master]=$(free_port) [slave]=$(free_port))
    replication_pair "${pair%-*}" "${pair#*-}"
    if [ -z "$WHY" ]; then ok "$name" "$(acked_count "$DIR/acked") acknowledged, $(tr -d '\n' <"$DIR/compare") $((SECONDS - begin))s"
    else fail "$name" "$WHY"; fi
    while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do stop_peer "${INTEROP_PIDS[-1]}"; done
  done
}
