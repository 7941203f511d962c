# shellcheck shell=bash
# g. Three brokers with one log (DLedger): the master is killed again and again under load. Nothing that was acknowledged is
#    lost, no queue offset is given twice, the next master is in the name server and takes messages.
# SPDX-License-Identifier: Apache-2.0

KILLS=${KILLS:-3}
WITNESS=$BUILD_DIR/tools/mqwitness

# member_start I
member_start() {
  spawn "broker$1" "$MQBROKER" -c "$DIR/broker$1.conf"
  MEMBERS[$1]=$SPAWNED
}

# member_conf I [KEY=VALUE...] > FILE
member_conf() {
  local i=$1
  shift
  printf '%s\n' "listenPort=${CLIENT_PORTS[i]}" "bindAddress=127.0.0.1" "brokerIP1=127.0.0.1" "brokerName=group" \
    "namesrvAddr=$NAMESRV" "storePathRootDir=$DIR/store$i" "storePathCommitLog=$DIR/store$i/commitlog" \
    "logFile=$DIR/broker$i.log" enableDLegerCommitLog=true dLegerGroup=group "dLegerSelfId=n$i" \
    "dLegerPeers=n0-127.0.0.1:${LEDGER_PORTS[0]};n1-127.0.0.1:${LEDGER_PORTS[1]};n2-127.0.0.1:${LEDGER_PORTS[2]}" \
    mappedFileSizeCommitLog=16777216 "$@"
}

# Ports for three members, none of which runs yet.
members_place() {
  local i
  CLIENT_PORTS=() LEDGER_PORTS=() MEMBERS=()
  for i in 0 1 2; do
    CLIENT_PORTS[i]=$(($("$PEER" ports 4) + 2))
    LEDGER_PORTS[i]=$("$PEER" ports 1)
  done
}

# Lines of a log from which on "(id 0)" was registered: how often some broker became the registered master.
masters_registered() { cat "$DIR"/broker?.log 2>/dev/null | grep -c 'registered broker group (id 0)'; }

# The newest registration of a master: "MILLISECONDS I".
newest_master() {
  local i line best=0 who=
  for i in 0 1 2; do
    line=$(grep 'registered broker group (id 0)' "$DIR/broker$i.log" 2>/dev/null | tail -n 1)
    [ -n "$line" ] || continue
    line=$(date -d "${line%% *}" +%s%3N)
    [ "$line" -gt "$best" ] && best=$line who=$i
  done
  echo "$best $who"
}

# await_master COUNT: more than COUNT registrations have happened.
await_master() {
  local n
  for ((n = 0; n < 600; n++)); do
    [ "$(masters_registered)" -gt "$1" ] && return 0
    sleep 0.05
  done
  return 1
}

test_group_kills() {
  local i n killed before took=() planned=() at signal
  members_place
  start_namesrv || { failed "no name server"; return; }
  for i in 0 1 2; do
    member_conf "$i" "$@" >"$DIR/broker$i.conf"
    member_start "$i"
  done
  await_master 0 || { failed "nobody is elected: $(tail -qn 1 "$DIR"/broker?.log)"; return; }
  spawn witness "$WITNESS" -n "$NAMESRV" --rate 500 --threads 4 --seconds $((KILLS * 9 + 30)) --settle 60 --quiet
  local witness=$SPAWNED
  sleep 2
  for ((n = 0; n < KILLS; n++)); do
    read -r _ killed < <(newest_master)
    before=$(masters_registered)
    signal=KILL
    [ $((n % 3)) != 2 ] || signal=TERM
    at=$(date +%s%3N)
    kill -"$signal" "${MEMBERS[killed]}"
    await_master "$before" || { failed "kill $n: no other master: $(tail -qn 1 "$DIR"/broker?.log)"; break; }
    read -r i _ < <(newest_master)
    if [ "$signal" = KILL ]; then took+=($((i - at))); else planned+=($((i - at))); fi
    finish "${MEMBERS[killed]}"
    member_start "$killed"
    sleep 2
  done
  kill -INT "$witness"
  finish "$witness" || failed "the witness: $(tail -n 12 "$DIR/witness.out" | tr '\n' ' ')"
  say_details "$KILLS ends of the master; ms until the next was registered: killed $(sort -n <(printf '%s\n' "${took[@]}") | tr '\n' ' ')planned ${planned[*]:-none}; $(grep acknowledged "$DIR/witness.out")"
  for i in 0 1 2; do stop "${MEMBERS[i]}" || failed "broker $i: exit status $? on SIGTERM"; done
}

JAVA_TOPICS="Dl_h135 Dm_8s73 SCHEDULE_TOPIC_XXXX"

# The directories that a Java group left are served by ours; the member that was behind catches up.
test_group_takeover() {
  local i topic units
  tar -xzf "$SYSTEM_SRC/../golden/store/store-e-dledger.tar.gz" -C "$DIR" || { failed "no golden directories"; return; }
  members_place
  start_namesrv || { failed "no name server"; return; }
  for i in 0 1 2; do
    member_conf "$i" dLegerGroup=RaftNode00 "storePathRootDir=$DIR/n$i" "storePathCommitLog=$DIR/n$i/commitlog" \
      mappedFileSizeCommitLog=65536 maxMessageSize=32768 mappedFileSizeConsumeQueue=1280 maxHashSlotNum=64 \
      maxIndexNum=256 >"$DIR/broker$i.conf"
    member_start "$i"
  done
  await_master 0 || { failed "nobody is elected: $(tail -qn 1 "$DIR"/broker?.log)"; return; }
  expect "the witness" "$WITNESS" -n "$NAMESRV" --rate 200 --threads 2 --seconds 3 --settle 20 --quiet
  for i in 0 1 2; do stop "${MEMBERS[i]}" || failed "broker $i: exit status $? on SIGTERM"; done
  # 120 records were Java's: the same bytes with all three, and in the queues.
  for i in 0 1 2; do
    cmp "$DIR/n0/dledger-n0/data/00000000000000000000" "$DIR/n$i/dledger-n$i/data/00000000000000000000" ||
      failed "the logs of n0 and n$i differ"
    cmp "$DIR/n0/dledger-n0/data/00000000000000131072" "$DIR/n$i/dledger-n$i/data/00000000000000131072" ||
      failed "the logs of n0 and n$i differ"
    # The witness's newest messages may not have reached who was stopped first.
    for topic in $JAVA_TOPICS; do
      diff -r "$DIR/n0/consumequeue/$topic" "$DIR/n$i/consumequeue/$topic" >&2 || failed "the queues of n0 and n$i differ in $topic"
    done
  done
  units=$(for topic in $JAVA_TOPICS; do cat "$DIR/n0/consumequeue/$topic"/*/*; done | od -An -v -tx1 -w20 |
    grep -vcE '^( 00){20}$')
  # One of them was delayed, and is delivered now.
  [ "$units" = 121 ] || failed "the queues have $units of Java's 120 messages and the one that was due"
  say_details "120 records of a Java group"
}

system_dledger() {
  run_test dledger-takeover test_group_takeover
  run_test dledger-kills test_group_kills
  run_test dledger-kills-synced test_group_kills dLegerFsync=majority
}
