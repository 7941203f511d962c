#!/usr/bin/env bash
# A tour of ten seconds: name server, broker, ten messages, kill -9, and the messages are still there.
# usage: tools/demo.sh BUILD_DIR        (./dev demo builds first)
# SPDX-License-Identifier: Apache-2.0
set -u
export LC_ALL=C
unset NAMESRV_ADDR

[ -d "${1:-}" ] || { echo "usage: $0 BUILD_DIR" >&2; exit 2; }
BUILD=$(cd "$1" && pwd)
MQNAMESRV=$BUILD/mqnamesrv/mqnamesrv MQBROKER=$BUILD/mqbroker/mqbroker EXAMPLES=$BUILD/examples
for program in "$MQNAMESRV" "$MQBROKER" "$EXAMPLES/producer" "$EXAMPLES/push_consumer" "$EXAMPLES/pull_consumer"; do
  [ -x "$program" ] || { echo "demo: $program is missing; build it first: ./dev build" >&2; exit 1; }
done

DIR=$(mktemp -d "${TMPDIR:-/tmp}/mqdemo.XXXXXX") || exit 1
BEGAN=${EPOCHREALTIME/[.,]/}
TOPIC=DemoTopic MESSAGES=10 PATIENCE=100 # tenths of a second
SHOW=demo
# shellcheck source=tools/stage.sh
. "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

clean_up() {
  kill_all
  rm -rf "$DIR"
}
trap clean_up EXIT
trap 'echo; echo "demo: interrupted"; exit 130' INT TERM HUP

# A name server finds a free port by itself; for the broker we try some.
start_namesrv() {
  printf '%s\n' listenPort=0 bindAddress=127.0.0.1 "kvConfigPath=$DIR/kvConfig.json" >"$DIR/namesrv.conf"
  start namesrv "$MQNAMESRV" -c "$DIR/namesrv.conf"
  wait_for 'boot success' "$DIR/namesrv.log" namesrv || give_up "the name server does not start"
  NAMESRV=$(sed -nE 's/.*listening on ([0-9.:]+),.*/\1/p' "$DIR/namesrv.log")
}

broker_up() {
  start broker "$MQBROKER" -c "$DIR/broker.conf"
  wait_for 'is up on port' "$DIR/broker.log" broker && wait_for 'registered broker' "$DIR/broker.log" broker
}

start_broker() {
  local tries=8 port
  while [ $((tries--)) -gt 0 ]; do
    port=$((12000 + RANDOM % 20000))
    printf '%s\n' "listenPort=$port" bindAddress=127.0.0.1 brokerIP1=127.0.0.1 brokerName=demo-broker \
      "namesrvAddr=$NAMESRV" "storePathRootDir=$DIR/store" "storePathCommitLog=$DIR/store/commitlog" >"$DIR/broker.conf"
    broker_up && { BROKER=127.0.0.1:$port; return; }
    grep -q 'cannot listen' "$DIR/broker.log" || break
    wait "${PIDS[broker]}" 2>/dev/null
    unset "PIDS[broker]"
  done
  give_up "the broker does not start"
}

started_in() { sed -nE 's/.* is up on port .* after ([0-9]+) ms.*/\1 ms/p' "$DIR/broker.log" | tail -n 1; }

# GET_ROUTEINTO_BY_TOPIC by hand, to show that there is no magic: a length, a header length, JSON, JSON.
show_route() {
  local header="{\"code\":105,\"extFields\":{\"topic\":\"$TOPIC\"},\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,\"version\":353}"
  exec 3<>"/dev/tcp/${NAMESRV%:*}/${NAMESRV#*:}" || return 1
  # shellcheck disable=SC2059
  printf "$(printf '\\x00\\x00\\x00\\x%02x\\x00\\x00\\x00\\x%02x' $((${#header} + 4)) ${#header})" >&3
  printf '%s' "$header" >&3
  local length
  length=$((16#$(head -c 4 <&3 | od -An -tx1 | tr -d ' \n')))
  head -c "$length" <&3 | tail -c +5 | sed -E 's/^.*(\{"brokerDatas")/\1/; s/,"(brokerName|queueDatas|filterServerTable)"/,\n "\1"/g'
  exec 3<&-
  echo
}

read_topic() { timeout 10 "$EXAMPLES/pull_consumer" -n "$NAMESRV" -t "$TOPIC" -g demo_reader 2>&1; }

# ---------------------------------------------------------------- the story

step "1. A name server and a broker"
start_namesrv
say "name server on $NAMESRV: $(sed -nE 's/.*started in ([0-9.]+ ms).*/started in \1/p' "$DIR/namesrv.log"), $(memory namesrv)"
start_broker
say "broker      on $BROKER: started in $(started_in), $(memory broker)"
show <<<"$(grep -v '^bindAddress' "$DIR/broker.conf" | sed "s#$DIR#\$DIR#")"

step "2. Ten messages: examples/producer"
timeout 10 "$EXAMPLES/producer" -n "$NAMESRV" -t "$TOPIC" -c $MESSAGES >"$DIR/producer.log" 2>&1 || give_up "the producer failed"
show <"$DIR/producer.log"

step "3. The route that the name server gives for $TOPIC"
show_route >"$DIR/route.log" 2>&1
grep -q brokerAddrs "$DIR/route.log" || give_up "the name server gives no route"
show <"$DIR/route.log"

step "4. Consumed: examples/push_consumer"
start consumer "$EXAMPLES/push_consumer" -n "$NAMESRV" -t "$TOPIC" -g demo_group
for ((i = 0; i < PATIENCE; i++)); do
  [ "$(grep -c 'Hello RocketMQ' "$DIR/consumer.log")" -lt $MESSAGES ] || break
  sleep 0.1
done
[ "$(grep -c 'Hello RocketMQ' "$DIR/consumer.log")" -eq $MESSAGES ] || give_up "not all messages were consumed"
finish consumer INT || give_up "the consumer ended badly"
grep 'Hello RocketMQ' "$DIR/consumer.log" | show

step "5. kill -9 the broker, and start it again"
say "$MESSAGES messages were acknowledged; the broker (process ${PIDS[broker]}) is given no time to say good-bye"
{ finish broker KILL; } 2>/dev/null
broker_up || give_up "the broker does not start again"
say "up again after $(started_in); found in the log: $(sed -nE 's/.*abnormal recovery[^:]*: ([0-9]+ records).*/\1/p' "$DIR/broker.log" | head -n 1)"

step "6. The messages are still there: examples/pull_consumer"
read_topic >"$DIR/reader.log" || give_up "the messages cannot be read"
[ "$(grep -c 'Hello RocketMQ' "$DIR/reader.log")" -eq $MESSAGES ] || give_up "messages are missing"
show <"$DIR/reader.log"

step "7. Stopped"
finish broker TERM || give_up "the broker ended badly"
finish namesrv TERM || give_up "the name server ended badly"
say "in the store, as Java's broker would find it (it can go on with these files):"
(cd "$DIR" && find store -type f ! -name '*.bak' | sort | xargs -d '\n' du --apparent-size -h | awk '{ printf "%6s  %s\n", $1, $2 }') | show
printf '\n%sThat was all, in %s ms.%s Try it yourself: mqbroker --standalone, then the programs in examples/.\n' \
  "$BOLD" $(((${EPOCHREALTIME/[.,]/} - BEGAN) / 1000)) "$PLAIN"
