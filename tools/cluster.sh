#!/usr/bin/env bash
# One of the clusters of packaging/conf on this machine: name server, brokers, messages all the time, the first master
# killed with -9 and started again, and what became of the messages.
# usage: tools/cluster.sh BUILD_DIR NAME [--keep]     (./dev cluster builds first; --keep: no story, runs until Ctrl-C)
# SPDX-License-Identifier: Apache-2.0
set -u
export LC_ALL=C
unset NAMESRV_ADDR

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CONF=$TOP/packaging/conf
names() { (cd "$CONF" && printf '%s ' *); }
if [ $# -lt 2 ] || [ ! -d "$1" ] || [ ! -d "$CONF/$2" ]; then
  echo "usage: $0 BUILD_DIR NAME [--keep]; NAME is one of: $(names)" >&2
  exit 2
fi
BUILD=$(cd "$1" && pwd) NAME=$2 KEEP=${3:-}
NAMESRV=127.0.0.1:9876
DIR=$TOP/build/cluster/$NAME
SHOW=cluster PATIENCE=100 RATE=1000 BEFORE=5 DOWN=8 AFTER=7 # seconds of the story
# shellcheck source=tools/stage.sh
. "$TOP/tools/stage.sh"
trap kill_all EXIT
trap 'echo; exit 130' INT TERM HUP

value() { sed -nE "s/^$2=(.*)/\1/p" "$CONF/$NAME/$1"; }

launch_broker() {
  : >"$DIR/${1%.*}.log"
  start "${1%.*}" "$BUILD/mqbroker/mqbroker" -c "$CONF/$NAME/$1"
}

await_broker() {
  local name=${1%.*}
  wait_for 'registered broker' "$DIR/$name.log" "$name" || give_up "broker $name does not start"
}

start_broker() {
  launch_broker "$1"
  await_broker "$1"
}

# ask ADDRESS CODE FIELDS: a request; prints the body of the answer. A length, a header length, JSON, and back.
ask() {
  local header="{\"code\":$2,\"extFields\":{$3},\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,\"version\":353}" length
  exec 3<>"/dev/tcp/${1%:*}/${1#*:}" || return 1
  # shellcheck disable=SC2059
  printf "$(printf '\\x00\\x00\\x%02x\\x%02x\\x00\\x00\\x%02x\\x%02x' $(((${#header} + 4) / 256)) $(((${#header} + 4) % 256)) \
    $((${#header} / 256)) $((${#header} % 256)))" >&3
  printf '%s' "$header" >&3
  length=$((16#$(head -c 4 <&3 | od -An -tx1 | tr -d ' \n')))
  head -c "$length" <&3 | tail -c +5
  exec 3<&-
}

# UPDATE_AND_CREATE_TOPIC at every master, so that both take part (a topic made by its first message is at one broker).
create_topic() {
  local file
  for file in "$CONF/$NAME"/*; do
    file=$(basename "$file")
    [ "$(value "$file" brokerRole)" != SLAVE ] || continue
    ask "127.0.0.1:$(value "$file" listenPort)" 17 '"topic":"WitnessTopic","defaultTopic":"TBW102","readQueueNums":"4",
"writeQueueNums":"4","perm":"6","topicFilterType":"SINGLE_TAG","topicSysFlag":"0","order":"false"' >/dev/null
  done
}

# port_of_master BROKER_NAME: as the name server knows it now (GET_BROKER_CLUSTER_INFO).
port_of_master() {
  ask "$NAMESRV" 106 '' | grep -oE "\"brokerAddrs\":\{[^}]*\},\"brokerName\":\"$1\"" | grep -oE '[{,]0:"[^"]*"' | grep -oE '[0-9]+"$' | tr -d '"'
}

file_of_port() { grep -l "^listenPort=$1\$" "$CONF/$NAME"/* | head -n 1 | xargs -r basename; }

slaves() { grep -l '^brokerRole=SLAVE$' "$CONF/$NAME"/* | xargs -r -n 1 basename; }

# master_of FILE: the file of a slave's master
master_of() { grep -lx "brokerName=$(value "$1" brokerName)" "$CONF/$NAME"/* | grep -vxF "$CONF/$NAME/$1" | head -n 1 | xargs basename; }

# Every slave's log beside its master's, one line each. Fails if any two differ.
compare_logs() {
  local slave master line status=0
  for slave in $(slaves); do
    master=$(master_of "$slave")
    line=$("$BUILD/tools/mqstore/mqstore" compare "$(value "$master" storePathRootDir)" "$(value "$slave" storePathRootDir)") || status=1
    say "mqstore compare, ${master%.*} and ${slave%.*}: $(tail -n +3 <<<"$line" | head -n 1)$(awk '/ to [0-9]+$/ && NR < 3 { end[NR] = $NF }
      END { if (end[1] > end[2]) printf ", the slave is %d bytes behind", end[1] - end[2]; else if (end[1] < end[2]) printf ", the slave is %d bytes ahead", end[2] - end[1] }' <<<"$line")"
  done
  return $status
}

# The broker that the story kills: the master of the first broker name; in a DLedger group that is who was elected.
first_master() {
  local brokers port i
  brokers=$(sed -nE 's/^brokerName=//p' "$CONF/$NAME"/* | head -n 1)
  for ((i = 0; i < PATIENCE; i++)); do
    port=$(port_of_master "$brokers")
    [ -n "$port" ] && { file_of_port "$port"; return; }
    sleep 0.1
  done
  give_up "the name server knows no master of $brokers"
}

show_brokers() {
  local file name
  for file in "$CONF/$NAME"/*; do
    file=$(basename "$file") name=${file%.*}
    printf '%-12s %-12s %-13s port %-6s %s\n' "$name" "$(value "$file" brokerName)" "$(value "$file" brokerRole)" \
      "$(value "$file" listenPort)" "$(memory "$name")"
  done
}

[ ! -e "$DIR" ] || rm -rf "$DIR"
mkdir -p "$DIR"
cd "$DIR" || exit 1 # the stores are named relative to here

step "1. A name server and the brokers of packaging/conf/$NAME"
printf '%s\n' listenPort="${NAMESRV#*:}" bindAddress=127.0.0.1 kvConfigPath=kvConfig.json >namesrv.conf
start namesrv "$BUILD/mqnamesrv/mqnamesrv" -c namesrv.conf
wait_for 'boot success' namesrv.log namesrv || give_up "the name server does not start; is port ${NAMESRV#*:} in use?"
# All at once: one of a DLedger group alone is nobody.
for file in "$CONF/$NAME"/*; do launch_broker "$(basename "$file")"; done
for file in "$CONF/$NAME"/*; do await_broker "$(basename "$file")"; done
MASTER=$(first_master) || exit 1
show_brokers | show
create_topic
say "logs and stores are in build/cluster/$NAME"

if [ "$KEEP" = --keep ]; then
  say "name server: $NAMESRV. Ctrl-C stops everything."
  while :; do sleep 1; done
fi

step "2. $RATE messages a second; after $BEFORE s ${MASTER%.*} is killed with -9 and comes back $DOWN s later"
for slave in $(slaves); do
  [ "$(master_of "$slave")" != "$MASTER" ] || say "meanwhile consumers get from ${slave%.*} what only ${MASTER%.*} had"
done
# Line by line as it happens, from the file that start() writes.
: >witness.log
start witness "$BUILD/tools/mqwitness" -n "$NAMESRV" --rate $RATE --seconds $((BEFORE + DOWN + AFTER))
tail -f --pid="${PIDS[witness]}" -n +1 witness.log | show &
SHOWING=$!
sleep "$BEFORE"
{ finish "${MASTER%.*}" KILL; } 2>/dev/null
say "$(date +%T) kill -9 ${MASTER%.*}"
sleep "$DOWN"
start_broker "$MASTER"
say "$(date +%T) ${MASTER%.*} is back: $(grep -oE 'after [0-9]+ ms' "${MASTER%.*}.log" | head -n 1)"
wait "${PIDS[witness]}"
STATUS=$?
unset 'PIDS[witness]'
wait "$SHOWING"

step "3. Stopped"
for file in "$CONF/$NAME"/*; do
  name=$(basename "$file")
  finish "${name%.*}" TERM || give_up "broker ${name%.*} ended badly"
done
finish namesrv TERM || give_up "the name server ended badly"
compare_logs || give_up "a slave's log is not its master's"
[ "$STATUS" -eq 0 ] || give_up "messages were lost: see above"
say "Nothing acknowledged was lost. Once more, to play with it: ./dev cluster $NAME --keep"
