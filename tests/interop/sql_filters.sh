# shellcheck shell=bash
#
# SQL92 filters: Java's clients against our broker, our client against Java's.
# Sourced by run.sh.
#
# Every expression is asked of both brokers by clients of both kinds; how many
# messages it selects follows from the payload (num is SEQ % 10, the tag changes
# with each SEQ).  Oddities of Java's parser are among them: an error is no match,
# and what follows a complete expression is not looked at.  Then both brokers take
# turns on one consumerFilter.json: a group comes back to the filter it had.

SQL_TOPIC=it_sql
SQL_GROUP=cg_sql_handover
# In 4 queues, so that each queue has whole tens.
SQL_COUNT=400
SQL_CONF=(enablePropertyFilter=true enableConsumeQueueExt=true enableCalcFilterBitMap=true)
# Percent of the messages, and the expression.
SQL_EXPRESSIONS=(
  "50 num > 4 AND uni IS NOT NULL"
  "60 num BETWEEN 2 AND 3 OR TAGS = 'TagB'"
  "10 num IN ('1', '7') AND num NOT IN ('7', '8')"
  "20 NOT (num <> 5) OR num = 6 AND missing IS NULL"
  "10 num = 5 OR uni > 5"
  "50 num > 4 LIKE 'x%'"
)
# CLIENT-MODE and the broker it is tried on; a JVM costs seconds, so Java's share the expressions.
SQL_CONSUMERS="java-push/our java-pull/our our-push/our our-pull/our our-push/java our-pull/java"

# sql_names: everything that is selected.
sql_names() {
  local consumer name
  for consumer in $SQL_CONSUMERS; do
    name=sql/${consumer#*/}-broker/${consumer%/*}
    ! selected "$name" || echo "$name"
  done
  for name in sql/our-broker/refused sql/handover; do
    ! selected "$name" || echo "$name"
  done
}

sql_start() {
  "start_$1_broker" "${BROKER##*:}" "$NS" "$DIR/broker.$2" "${SQL_CONF[@]}" >"$DIR/start.log" 2>&1 || return
  BROKER_PID=$STARTED_PID
  wait_port "${BROKER##*:}" 15 "$BROKER_PID"
}

sql_produce() {
  our_peer produce -n "$NS" -t $SQL_TOPIC -g pg_sql -c $SQL_COUNT --prefix "$1" >>"$DIR/produce.log" 2>&1 </dev/null
}

# sql_consume CLIENT-MODE GROUP EXPECT EXPRESSION
sql_consume() {
  peer "${1%-*}" consume -n "$NS" -t $SQL_TOPIC -g "$2" --expect "$3" --timeout "$CONSUME_TIMEOUT" --mode "${1#*-}" --sub "sql:$4"
}

# sql_one NAME CLIENT-MODE NUMBER: in the background; says what is wrong in a file.
sql_one() {
  local line=${SQL_EXPRESSIONS[$3]} base=$DIR/${1//\//.}.$3
  sql_consume "$2" "cg_sql_${2}_$3" $((SQL_COUNT * ${line%% *} / 100)) "${line#* }" >"$base.out" 2>"$base.err" </dev/null ||
    echo "\"${line#* }\": $(tail -n 1 "$base.out") $(brief "$base.err")" >"$base.why"
}

# sql_check NAME CLIENT-MODE: all expressions, or every other one of Java's two consumers.
sql_check() {
  local name=$1 consumer=$2 i first=0 step=1 asked=0 pids=() why
  case $consumer in
    java-push) step=2 ;;
    java-pull) first=1 step=2 ;;
  esac
  for ((i = first; i < ${#SQL_EXPRESSIONS[@]}; i += step)); do
    sql_one "$name" "$consumer" $i &
    pids+=($!)
    asked=$((asked + 1))
  done
  wait "${pids[@]}"
  why=$(cat "$DIR/${name//\//.}".*.why 2>/dev/null)
  if [ -z "$why" ]; then
    ok "$name" "$asked expressions"
  else
    fail "$name" "$(tr '\n' ';' <<<"$why")"
  fi
}

# A push consumer of Java asks before it starts, and shows its user what we say. Its threads go on then; it is ended.
sql_refused() {
  local name=sql/our-broker/refused out=$DIR/refused.out
  selected $name || return
  PEER_TIMEOUT=12 java_peer Consume -n "$NS" -t $SQL_TOPIC -g cg_sql_refused --expect 1 --timeout 10 --mode push \
    --sub "sql:num > 'x'" >"$out" 2>&1 </dev/null
  if grep -q 'CODE: 23 *DESC: Invalid MessageSelector. Character 7: a string has no order' "$out"; then
    ok $name "$(grep -o 'DESC: Invalid.*' "$out" | head -n 1 | cut -c 1-80)"
  else
    fail $name "$(brief "$out")"
  fi
}

# sql_on_broker KIND: the selected consumers of that broker.
sql_on_broker() {
  local kind=$1 consumer names
  names=$(sql_names | grep "^sql/$kind-broker/") || return
  if ! sql_start "$kind" "$kind"; then
    fail "sql/$kind-broker" "no start: $(brief "$DIR/start.log")"
    return
  fi
  if java_peer Topics -n "$NS" -b "$BROKER" -t $SQL_TOPIC -q 4 >"$DIR/topics.log" 2>&1 && sql_produce first; then
    for consumer in $SQL_CONSUMERS; do
      grep -q -x "sql/$kind-broker/${consumer%/*}" <<<"$names" && [ "${consumer#*/}" = "$kind" ] &&
        sql_check "sql/$kind-broker/${consumer%/*}" "${consumer%/*}"
    done
    [ "$kind" != our ] || sql_refused
  else
    fail "sql/$kind-broker" "no messages: $(brief "$DIR/topics.log") $(brief "$DIR/produce.log")"
  fi
  stop_peer "$BROKER_PID"
}

# The group's entry without what may change: when it died, and in which order Java puts things.
sql_entry() {
  tr -d '\t\n' <"$DIR/broker.both/store/config/consumerFilter.json" | grep -o "\"$SQL_GROUP\":{[^}]*}[^}]*}" |
    sed -E 's/"dead":[a-z]+,"deadTime":[0-9]+/-/; s/"clientVersion":[0-9]+/-/'
}

# sql_turn KIND ROUND: a broker that finds the filter of the one before; the group consumes what is there and what
# comes; then more comes for the next broker.
sql_turn() {
  local kind=$1 round=$2 out=$DIR/handover.$2 expect=$((SQL_COUNT / 2))
  [ "$round" = 1 ] || expect=$SQL_COUNT
  sql_start "$kind" both || { echo "$kind broker does not start: $(brief "$DIR/start.log")"; return 1; }
  [ "$round" != 1 ] || java_peer Topics -n "$NS" -b "$BROKER" -t $SQL_TOPIC -q 4 >"$DIR/topics.log" 2>&1
  sql_produce "turn$round" || { echo "produce: $(brief "$DIR/produce.log")"; return 1; }
  sql_consume our-push $SQL_GROUP $expect "num > 4" >"$out" 2>"$out.err" </dev/null ||
    { echo "$kind broker: $(tail -n 1 "$out") $(brief "$out.err")"; return 1; }
  sql_produce "left$round" || { echo "produce: $(brief "$DIR/produce.log")"; return 1; }
  stop_peer "$BROKER_PID"
  sql_entry >"$DIR/entry.$round"
  [ -s "$DIR/entry.$round" ] || { echo "$kind broker did not save the filter"; return 1; }
}

sql_handover() {
  local name=sql/handover kind round=0
  selected $name || return
  for kind in our java our; do
    round=$((round + 1))
    if ! sql_turn $kind $round >"$DIR/why"; then
      fail $name "turn $round: $(cat "$DIR/why")"
      return
    fi
    # Born once: whoever starts anew would lose what the extended queue's bits are for.
    if ! cmp -s "$DIR/entry.1" "$DIR/entry.$round"; then
      fail $name "turn $round: $(cat "$DIR/entry.$round"), was $(cat "$DIR/entry.1")"
      return
    fi
  done
  ok $name "our, Java's and our broker kept $(cut -c 1-60 "$DIR/entry.1")..."
}

run_sql() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]} ns_port
  [ -n "$(sql_names)" ] || return
  DIR=$INTEROP_TMP/sql
  mkdir -p "$DIR/ns" "$DIR/broker.our" "$DIR/broker.java" "$DIR/broker.both"
  ns_port=$(free_port)
  NS=127.0.0.1:$ns_port
  BROKER=127.0.0.1:$(free_port)
  if start_our_namesrv "$ns_port" "$DIR/ns" >"$DIR/ns.log"; then
    sql_on_broker our
    sql_on_broker java
    sql_handover
  else
    fail sql "name server: $(brief "$DIR/ns.log")"
  fi
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# sql took $((SECONDS - begin)) s"
}
