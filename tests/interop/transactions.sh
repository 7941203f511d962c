# shellcheck shell=bash
#
# Transactions: Java's producers and ours on our broker and on Java's; producers
# that die and leave others of their group to answer; and a store in which
# messages are prepared under one broker and ended under the other. Sourced by
# run.sh.

TRANSACT_COUNT=40
TRANSACT_CONF=(transactionTimeOut=1000 transactionCheckInterval=2000)

transact_names() {
  local name
  for name in transact/{java-ours,our-ours,killed-ours,our-java,ours-then-java,java-then-ours}; do
    ! selected "$name" || echo "$name"
  done
}

# transact_peer KIND MODE TOPIC ARGS...
transact_peer() {
  case $1 in
    java) java_peer Transact -n "$NS" -t "$3" -g "pg_$3" --mode "$2" "${@:4}" ;;
    our) our_peer transact -n "$NS" -t "$3" -g "pg_$3" --mode "$2" "${@:4}" ;;
  esac </dev/null
}

# transact_consume KIND TOPIC COUNT: these and no others.
transact_consume() {
  peer "$1" consume -n "$NS" -t "$2" -g "cg_$2" --expect "$3" --timeout "$CONSUME_TIMEOUT" </dev/null
}

# A producer leaves everything open and is killed.
transact_open_killed() {
  local peer tries
  transact_peer "$1" open "$2" -c "$TRANSACT_COUNT" --prefix x 2>"$DIR/$2.open" &
  peer=$!
  for ((tries = 0; tries < 300; tries++)); do
    ! grep -q "^sent $TRANSACT_COUNT$" "$DIR/$2.open" || break
    sleep 0.1
  done
  pkill -KILL -P "$(pgrep -P "$peer")"
  wait "$peer" 2>/dev/null
  grep "^sent $TRANSACT_COUNT$" "$DIR/$2.open"
}

# transact_run NAME TOPIC, with the servers of its kind running.
transact_run() {
  case $1 in
    */java-ours) transact_peer java mixed "$2" -c "$TRANSACT_COUNT" --prefix x &&
      transact_consume our "$2" $((TRANSACT_COUNT / 2)) ;;
    */our-ours) transact_peer our mixed "$2" -c "$TRANSACT_COUNT" --prefix x &&
      transact_consume java "$2" $((TRANSACT_COUNT / 2)) ;;
    */our-java) transact_peer our mixed "$2" -c "$TRANSACT_COUNT" --prefix x &&
      transact_consume our "$2" $((TRANSACT_COUNT / 2)) ;;
    */killed-ours) transact_open_killed java "$2" &&
      transact_peer our answer "$2" --expect "$TRANSACT_COUNT" &&
      transact_consume our "$2" "$TRANSACT_COUNT" ;;
    */ours-then-java | */java-then-ours) transact_peer java mixed "$2" -c "$TRANSACT_COUNT" --prefix y &&
      transact_open_killed our "$2" &&
      sleep 5 && # some rounds without an answer
      stop_peer "$TRANSACT_BROKER" && transact_broker "$TRANSACT_NEXT" &&
      transact_peer java answer "$2" --expect "$TRANSACT_COUNT" &&
      transact_consume our "$2" $((TRANSACT_COUNT * 3 / 2)) ;;
  esac
}

# transact_broker our|java: on the directory of this pair.
transact_broker() {
  "start_$1_broker" "${BROKER##*:}" "$NS" "$DIR/broker" "${TRANSACT_CONF[@]}" && TRANSACT_BROKER=$STARTED_PID
}

# Each has servers of its own: brokers are stopped in between.
transact_pair() {
  local name=$1 kind=our topic=it_${1#*/} ns_port
  topic=${topic//-/_}
  case $name in
    */our-java | */java-then-ours) kind=java ;;
  esac
  TRANSACT_NEXT=our
  [ "$kind" = java ] || TRANSACT_NEXT=java
  DIR=$INTEROP_TMP/$name
  mkdir -p "$DIR/ns" "$DIR/broker"
  ns_port=$(free_port)
  NS=127.0.0.1:$ns_port
  BROKER=127.0.0.1:$(free_port)
  if start_our_namesrv "$ns_port" "$DIR/ns" >"$DIR/out" 2>&1 && transact_broker "$kind" >>"$DIR/out" 2>&1 &&
    java_peer Topics -n "$NS" -b "$BROKER" -t "$topic" -q 1 >>"$DIR/out" 2>&1 </dev/null &&
    transact_run "$name" "$topic" >>"$DIR/out" 2>"$DIR/err"; then
    ok "$name" "$(tail -n 1 "$DIR/out")"
  else
    fail "$name" "$(tail -n 1 "$DIR/out" | cut -c 1-300) $(brief "$DIR/err")"
  fi
}

run_transactions() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]} name
  [ -n "$(transact_names)" ] || return
  for name in $(transact_names); do
    transact_pair "$name"
    while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
      stop_peer "${INTEROP_PIDS[-1]}"
    done
  done
  echo "# transactions took $((SECONDS - begin)) s"
}
