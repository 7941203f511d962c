#!/bin/bash
#
# Interop pairings: every kind of client against every mix of servers.
#
#     run.sh [FILTER...]
#
# runs the pairings whose name contains one of the FILTERs, or all of them.
# A name is SERVERS/PRODUCER/CONSUMER, for example ours-ours/java-sync/node.
# SERVERS is NAMESRV-BROKER ("javans-ourbroker" ...); "java-ours" is an all Java
# server side with our client on at least one end.  The set "java-java" has
# nothing of ours in it: it checks the harness and runs only if it is named.
# "SERVERS/group/..." are consumers of different kinds in one group, and
# "kill9" kills our broker under load INTEROP_KILLS (3) times, see kill9.sh.
# "storediff" compares the stores of both brokers byte by byte, "pingpong" lets
# them take turns on one store INTEROP_ROUNDS (4) times.  "replication" are master
# and slave of different kinds, killed under load of INTEROP_REPLICATED messages.
# "ledger" and "dledger-mixed" are DLedger 0.1 and libdledger without brokers,
# "dledger/..." groups of brokers of both kinds, INTEROP_MIXED messages each.
#
# Prints "ok NAME: details" or "FAIL NAME: reason" for each pairing and
# "N passed, N failed" at the end.  INTEROP_SCALE=10 sends 10 % of the messages.

set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/interop/kill9.sh
. "$INTEROP_SRC/kill9.sh"
# shellcheck source=tests/interop/shared_group.sh
. "$INTEROP_SRC/shared_group.sh"
# shellcheck source=tests/interop/storediff/storediff.sh
. "$INTEROP_SRC/storediff/storediff.sh"
# shellcheck source=tests/interop/pingpong.sh
. "$INTEROP_SRC/pingpong.sh"
# shellcheck source=tests/interop/replication.sh
. "$INTEROP_SRC/replication.sh"
# shellcheck source=tests/interop/sql_filters.sh
. "$INTEROP_SRC/sql_filters.sh"
# shellcheck source=tests/interop/retries.sh
. "$INTEROP_SRC/retries.sh"
# shellcheck source=tests/interop/transactions.sh
. "$INTEROP_SRC/transactions.sh"
# shellcheck source=tests/interop/acl.sh
. "$INTEROP_SRC/acl.sh"
# shellcheck source=tests/interop/dledger_brokers.sh
. "$INTEROP_SRC/dledger_brokers.sh"

FILTERS=("$@")
# Which members are Java's, in the short run of everything; both, when it is named.
DLEDGER_MIXED_GROUPS=("0 1")
[ $# -eq 0 ] || DLEDGER_MIXED_GROUPS=("0" "0 1")
SCALE=${INTEROP_SCALE:-100}
CONSUME_TIMEOUT=45
# When this many seconds have gone, what is left fails without being tried.
DEADLINE=${INTEROP_DEADLINE:-1500}
PASSED=0
FAILED=0
SERVERS=(ours-ours javans-ourbroker ourns-javabroker java-ours java-java)

# Clients that may run side by side: on two cores more of them only time out.
PARALLEL=5

# Bulk producers: NAME COUNT MODE-ARGUMENTS.  Java and our client each send
# 100,000 messages, and each of these is read by every consumer below.
PRODUCERS="
java-sync    20000 -m sync -k 4
java-async   50000 -m async
java-batch   30000 -m batch
our-sync     40000 -m sync -k 4
our-async    60000 -m async
node         10000 -k 4
"
CONSUMERS="java-push java-pull node our-push our-pull"

# Special ways of sending and receiving; fewer messages are enough for them.
# The selector sends to a topic that nobody made: the broker must create it.
# What it sends is ordered, and the special consumers read that; 1000 messages
# in each of 4 queues, so that a tag and "num > 4" both select half of them.
SPECIAL_PRODUCERS="
java-selector 4000 -m selector
java-oneway   4000 -m oneway
our-selector  4000 -m selector
our-oneway    4000 -m oneway
our-batch     4000 -m batch
"
SPECIAL_CONSUMERS="java-orderly java-litepull java-broadcast java-tag java-sql node-tag node-sql node-broadcast
our-orderly our-broadcast our-tag our-sql"

# ------------------------------------------------------------------ reporting

ok() {
  PASSED=$((PASSED + 1))
  echo "ok $1: $2"
}

fail() {
  FAILED=$((FAILED + 1))
  echo "FAIL $1: $2"
}

# The interesting lines of a log, on one line; of a Java exception the reasons.
brief() {
  grep -a -v -e '^RocketMQLog' -e '^$' -e '^[[:space:]]at ' "$1" 2>/dev/null | head -n 4 | cut -c 1-300 | tr '\n' ';'
}

# ------------------------------------------------------------------ selection

kind_of() {
  echo "${1%%-*}"
}

# namesrv_of SERVERS, broker_of SERVERS: whose they are, our or java.
namesrv_of() {
  case $1 in
    ours-ours | ourns-*) echo our ;;
    *) echo java ;;
  esac
}

broker_of() {
  case $1 in
    ours-ours | *-ourbroker) echo our ;;
    *) echo java ;;
  esac
}

selected() {
  local name=$1 filter
  [ ${#FILTERS[@]} -gt 0 ] || [[ $name != java-java/* ]] || return 1
  [ ${#FILTERS[@]} -eq 0 ] && return
  for filter in "${FILTERS[@]}"; do
    [[ $name == *"$filter"* ]] && [[ $name != java-java/* || $filter == java-java* ]] && return
  done
  return 1
}

is_special() {
  [[ " $SPECIAL_PRODUCERS $SPECIAL_CONSUMERS " == *[[:space:]]"$1"[[:space:]]* ]]
}

# With all Java servers, one set holds the pairings with our client, the other
# the rest.  The mixed sets only have to show that the two servers understand
# each other, so one way of sending per client is enough (and less is sent, see
# scaled).
belongs() {
  local servers=$1 ours=no
  [[ $2 == our-* || $3 == our-* ]] && ours=yes
  case $servers in
    java-ours) [ $ours = yes ] ;;
    java-java) [ $ours = no ] ;;
    javans-* | ourns-*) [[ $2 == *-sync || $2 == node ]] && ! is_special "$3" ;;
  esac
}

consumers_of() {
  case $1 in
    *-selector) echo "java-pull our-pull $SPECIAL_CONSUMERS" ;;
    *-oneway | our-batch) echo "java-pull our-pull" ;;
    *) echo "$CONSUMERS" ;;
  esac
}

# Prints the selected consumers of a producer.
pairs_of() {
  local servers=$1 producer=$2 consumer
  for consumer in $(consumers_of "$producer"); do
    belongs "$servers" "$producer" "$consumer" || continue
    selected "$servers/$producer/$consumer" && echo "$consumer"
  done
}

all_producers() {
  printf '%s%s' "$PRODUCERS" "$SPECIAL_PRODUCERS" | grep .
}

pairs_of_servers() {
  local producer consumer
  while read -r producer _; do
    for consumer in $(pairs_of "$1" "$producer"); do
      echo "$1/$producer/$consumer"
    done
  done < <(all_producers)
  shared_pairs "$1"
  mqadmin_is_selected "$1" && echo "$1/mqadmin"
}

scaled() {
  local servers=$1 count=$2
  case $servers in
    javans-* | ourns-*) count=$((count / 5)) ;;
  esac
  echo $((count * SCALE / 100))
}

# ------------------------------------------------------------------- pairings

# The set's servers; their addresses are left in NS and BROKER.
start_servers() {
  local servers=$1 ns broker ns_port broker_port
  ns=$(namesrv_of "$servers")
  broker=$(broker_of "$servers")
  ns_port=$(free_port)
  broker_port=$(free_port)
  NS=127.0.0.1:$ns_port
  BROKER=127.0.0.1:$broker_port
  "start_${ns}_namesrv" "$ns_port" "$DIR/ns" || return
  "start_${broker}_broker" "$broker_port" "$NS" "$DIR/broker" enablePropertyFilter=true
}

topic_of() {
  echo "it_${SET}_$1"
}

make_topics() {
  local list="" producer
  while read -r producer _; do
    [[ $producer == *-selector ]] || list+=",$(topic_of "$producer")"
  done < <(all_producers)
  java_peer Topics -n "$NS" -b "$BROKER" -t "${list#,}" -q 8 >"$DIR/topics.log" 2>&1
}

produce() {
  local producer=$1 count=$2
  shift 2
  peer "$(kind_of "$producer")" produce -n "$NS" -t "$(topic_of "$producer")" -g "pg_${SET}_$producer" \
    -c "$count" -s 200 --prefix "$producer" "$@" >"$DIR/$producer.out" 2>"$DIR/$producer.err" </dev/null
}

# Order can only be promised where one message was sent after the other.
is_ordered() {
  [[ $1 != *-async && $1 != *-oneway ]]
}

# consume PRODUCER CONSUMER COUNT.  The group must not be used in another set,
# since a broadcast consumer keeps its offsets in its home directory.
consume() {
  local producer=$1 consumer=$2 expect=$3 order=0 mode=push sub='*'
  is_ordered "$producer" && order=1
  case $consumer in
    *-pull) mode=pull ;;
    *-orderly) ;;
    *-litepull) mode=litepull ;;
    *-broadcast) mode=broadcast order=0 ;;
    *-tag) sub=TagB order=0 expect=$((expect / 2)) ;;
    *-sql) sub='sql:num > 4 AND uni IS NOT NULL' order=0 expect=$((expect / 2)) ;;
    *) order=0 ;;
  esac
  peer "$(kind_of "$consumer")" consume -n "$NS" -t "$(topic_of "$producer")" -g "cg_${SET}_${producer}_$consumer" \
    --expect "$expect" --timeout $CONSUME_TIMEOUT --mode "$mode" --sub "$sub" --check-order $order
}

# One consumer in the background; result and time are read back by report_pair.
run_consumer() {
  local base=$DIR/$1.$2 begin=$SECONDS
  consume "$@" >"$base.out" 2>"$base.err" </dev/null
  echo "$? $((SECONDS - begin))" >"$base.rc"
}

report_pair() {
  local name=$1 base=$2 rc time result
  read -r rc time <"$base.rc"
  result=$(tail -n 1 "$base.out")
  if [ "$rc" = 0 ]; then
    ok "$name" "$result ${time}s"
  else
    fail "$name" "exit $rc $result $(brief "$base.err")"
  fi
}

fail_pairs() {
  local servers=$1 producer=$2 reason=$3 consumer
  for consumer in $(pairs_of "$servers" "$producer"); do
    fail "$servers/$producer/$consumer" "$reason"
  done
}

# Sends once, then lets the consumers read side by side: each one spends most
# of its time waiting, for the JVM, the rebalance or late duplicates.
run_producer() {
  local servers=$1 producer=$2 count consumer pids=()
  count=$3
  is_special "$producer" || count=$(scaled "$servers" "$count")
  shift 3
  local consumers
  consumers=$(pairs_of "$servers" "$producer")
  [ -n "$consumers" ] || return
  if [ $SECONDS -gt "$DEADLINE" ]; then
    fail_pairs "$servers" "$producer" "no time left"
    return
  fi
  if ! produce "$producer" "$count" "$@"; then
    fail_pairs "$servers" "$producer" "produce: $(tail -n 1 "$DIR/$producer.out") $(brief "$DIR/$producer.err")"
    return
  fi
  for consumer in $consumers; do
    [ ${#pids[@]} -lt $PARALLEL ] || { wait "${pids[@]}"; pids=(); }
    run_consumer "$producer" "$consumer" "$count" &
    pids+=($!)
  done
  wait "${pids[@]}"
  for consumer in $consumers; do
    report_pair "$servers/$producer/$consumer" "$DIR/$producer.$consumer"
  done
}

# -------------------------------------------------------------------- mqadmin

MQADMIN_SERVERS="ours-ours java-java"
MQADMIN_CHECKS="updateTopic topicList clusterList topicRoute topicStatus consumerProgress brokerStatus queryMsgByKey"

mqadmin_is_selected() {
  local check
  [[ " $MQADMIN_SERVERS " == *" $1 "* ]] || return 1
  for check in $MQADMIN_CHECKS; do
    selected "$1/mqadmin/$check" && return
  done
  return 1
}

# mqadmin_ask SUBCOMMAND ARGS...: leaves the answer in mqadmin.SUBCOMMAND.
mqadmin_ask() {
  local out=$DIR/mqadmin.$1
  mqadmin_java "$1" -n "$NS" "${@:2}" >"$out" 2>"$out.err" </dev/null
}

# answer_has SERVERS SUBCOMMAND PATTERN: the answer, as one line, must match.
answer_has() {
  local name=$1/mqadmin/$2 pattern=$3 out=$DIR/mqadmin.$2
  selected "$name" || return
  if tr '\n' ' ' <"$out" | grep -q -E -e "$pattern"; then
    ok "$name" "matches /$pattern/"
  else
    fail "$name" "no match for /$pattern/: $(brief "$out") $(brief "$out.err")"
  fi
}

# sum_is NAME FILE COLUMN WANT: adds up a column of an mqadmin table (# starts the heading).
sum_is() {
  local sum
  selected "$1" || return
  sum=$(awk -v column="$3" '/broker-a/ { sum += $column } END { print sum + 0 }' "$2")
  if [ "$sum" = "$4" ]; then
    ok "$1" "sum of column $3 is $sum"
  else
    fail "$1" "sum of column $3 is $sum, not $4: $(brief "$2")"
  fi
}

# Java's mqadmin against the servers, with 2000 messages sent and consumed by Java.
run_mqadmin() {
  local servers=$1 topic=it_mqadmin group=cg_mqadmin n=2000 pids=()
  mqadmin_ask updateTopic -b "$BROKER" -t $topic -r 8 -w 8
  answer_has "$servers" updateTopic "create topic to $BROKER success"
  java_peer Produce -n "$NS" -t $topic -g pg_mqadmin -c $n --prefix m >"$DIR/mqadmin.out" 2>&1 &&
    java_peer Consume -n "$NS" -t $topic -g $group --expect $n --mode push >>"$DIR/mqadmin.out" 2>&1 ||
    echo "# mqadmin: sending and consuming failed: $(brief "$DIR/mqadmin.out")"

  # mqadmin takes seconds to exit, so ask everything at once.
  mqadmin_ask topicList & pids+=($!)
  mqadmin_ask clusterList & pids+=($!)
  mqadmin_ask topicRoute -t $topic & pids+=($!)
  mqadmin_ask topicStatus -t $topic & pids+=($!)
  wait "${pids[@]}"; pids=()
  mqadmin_ask consumerProgress -g $group & pids+=($!)
  mqadmin_ask brokerStatus -b "$BROKER" & pids+=($!)
  mqadmin_ask queryMsgByKey -t $topic -k m-3-17 & pids+=($!)
  wait "${pids[@]}"

  answer_has "$servers" topicList "(^| )$topic "
  answer_has "$servers" clusterList "InteropCluster +broker-a +0 +$BROKER +V4_7_0"
  answer_has "$servers" topicRoute "$BROKER.*\"readQueueNums\":8.*\"writeQueueNums\":8"
  answer_has "$servers" topicStatus "broker-a +7 +0 +$((n / 8)) "
  sum_is "$servers/mqadmin/topicStatus-sum" "$DIR/mqadmin.topicStatus" 4 $n
  answer_has "$servers" consumerProgress "Diff Total: 0"
  sum_is "$servers/mqadmin/consumerProgress-sum" "$DIR/mqadmin.consumerProgress" 5 $n
  answer_has "$servers" brokerStatus "brokerVersionDesc +: V4_7_0.*putMessageTimesTotal +: [0-9]{4,}"
  answer_has "$servers" queryMsgByKey "[0-9A-F]{32} +3 +17 "
}

# ----------------------------------------------------------------------- main

run_servers() {
  local servers=$1 producer count arguments pairs pair reason="" first=${#INTEROP_PIDS[@]} begin=$SECONDS
  pairs=$(pairs_of_servers "$servers")
  [ -n "$pairs" ] || return
  SET=$servers
  DIR=$INTEROP_TMP/$servers
  mkdir -p "$DIR/ns" "$DIR/broker"
  if ! start_servers "$servers" >"$DIR/start.log"; then
    reason="servers: $(brief "$DIR/start.log")"
  elif ! make_topics; then
    reason="topics: $(brief "$DIR/topics.log")"
  fi
  if [ -n "$reason" ]; then
    for pair in $pairs; do
      fail "$pair" "$reason"
    done
  else
    while read -r producer count arguments; do
      # shellcheck disable=SC2086 # the arguments are several words
      run_producer "$servers" "$producer" "$count" $arguments
    done < <(all_producers)
    for pair in $(shared_pairs "$servers"); do
      run_shared "$pair"
    done
    mqadmin_is_selected "$servers" && run_mqadmin "$servers"
  fi
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# $servers took $((SECONDS - begin)) s"
}

# run_script NAME SCRIPT ARGS...: a script that prints results of its own; nothing else may fail in it.
run_script() {
  local name=$1 script=$2 out begin=$SECONDS
  shift 2
  selected "$name" || return
  if [ $SECONDS -gt "$DEADLINE" ]; then
    fail "$name" "no time left"
    return
  fi
  out=$(INTEROP_LAST_PORT=$INTEROP_LAST_PORT BUILD_DIR=$(cd "$BUILD_DIR" && pwd) "$INTEROP_SRC/$script" "$@" </dev/null 2>&1) || true
  printf '%s\n' "$out"
  PASSED=$((PASSED + $(grep -c '^ok ' <<<"$out")))
  FAILED=$((FAILED + $(grep -c '^FAIL ' <<<"$out")))
  grep -qE '(^|: )[1-9][0-9]* passed, ' <<<"$out" || fail "$name" "did not report"
  echo "# $name took $((SECONDS - begin)) s"
}

main() {
  local servers
  SECONDS=0
  trap interop_cleanup EXIT
  trap 'exit 130' INT TERM
  interop_prepare || exit
  for servers in "${SERVERS[@]}"; do
    run_servers "$servers"
  done
  run_kill9
  run_storediff
  run_pingpong
  run_replication
  run_script repaired repaired.sh # Java reads a store that mqstore repaired
  run_sql
  run_retries
  run_transactions
  run_acl
  run_script codes codes.sh
  run_script ledger ledger.sh
  run_script dledger-mixed dledger_mixed.sh "${DLEDGER_MIXED_GROUPS[@]}"
  run_dledger_brokers
  echo "$PASSED passed, $FAILED failed"
  [ $FAILED -eq 0 ] && [ $PASSED -gt 0 ]
}

main
