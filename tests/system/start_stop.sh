# shellcheck shell=bash
# a. Arguments, configuration files, start and stop.
# SPDX-License-Identifier: Apache-2.0

# expect_exit STATUS NAME COMMAND...: output to $DIR/NAME.out, .err; `not0` is any failure.
expect_exit() {
  local want=$1 name=$2 status
  shift 2
  timeout 20 "$@" >"$DIR/$name.out" 2>"$DIR/$name.err"
  status=$?
  [ "$status" != 124 ] || { failed "$name: does not end"; return 1; }
  if [ "$want" = not0 ]; then [ "$status" != 0 ] || failed "$name: exit status 0 for a mistake"
  else [ "$status" = "$want" ] || failed "$name: exit status $status, not $want"; fi
}

test_options() {
  local p name
  for p in "$MQBROKER" "$MQNAMESRV"; do
    name=$(basename "$p")
    expect_exit 0 "$name-h" "$p" -h
    expect_text "$DIR/$name-h.out" '^usage: ' "-h prints no usage"
    expect_text "$DIR/$name-h.out" '-c, --configFile' "-h does not name -c"
    expect_exit 0 "$name-p" "$p" -p
    expect_text "$DIR/$name-p.out" '^listenPort=[0-9]+$' "-p does not print listenPort"
    expect_exit 0 "$name-m" "$p" -m
    [ "$(wc -l <"$DIR/$name-m.out")" -lt "$(wc -l <"$DIR/$name-p.out")" ] || failed "$name -m prints as much as -p"
    expect_exit not0 "$name-x" "$p" --no-such-option
    expect_exit not0 "$name-y" "$p" surplus
    expect_text "$DIR/$name-y.err" 'surplus' "an unexpected argument is not named"
  done
}

# Which mistake gives which sentence.
test_bad_files() {
  local p name
  for p in "$MQBROKER" "$MQNAMESRV"; do
    name=$(basename "$p")
    printf '# comment\n\nlisenPort=1\n' >"$DIR/unknown.conf"
    expect_exit 0 "$name-unknown" "$p" -c "$DIR/unknown.conf" -p
    expect_text "$DIR/$name-unknown.err" "WARN .*unknown.conf:3: .*lisenPort.*listenPort" "no warning for an unknown key"
    printf 'listenPort=12345\nserverChannelMaxIdleTimeSeconds=many\n' >"$DIR/bad.conf"
    expect_exit not0 "$name-bad" "$p" -c "$DIR/bad.conf"
    expect_text "$DIR/$name-bad.err" "ERROR .*bad.conf:2: .*serverChannelMaxIdleTimeSeconds.*many" "no error for a bad value"
    printf 'listenPort=70000\n' >"$DIR/range.conf"
    expect_exit not0 "$name-range" "$p" -c "$DIR/range.conf"
    expect_text "$DIR/$name-range.err" "ERROR .*range.conf:1: .*listenPort.*70000" "no error for a value out of range"
    printf 'rocketmqHome=\\uZZZZ\n' >"$DIR/escape.conf"
    expect_exit not0 "$name-escape" "$p" -c "$DIR/escape.conf"
    expect_text "$DIR/$name-escape.err" "escape.conf:1: " "no error for a broken escape"
    expect_exit not0 "$name-missing" "$p" -c "$DIR/no-such-file.conf"
    expect_text "$DIR/$name-missing.err" "no-such-file.conf.*-c" "a missing file is not named"
  done
}

# One file with every key of Java's: nothing is unknown or refused, the values come back, what has no effect says why.
test_keys() {
  local p program key mark kind value n=0 ignored
  for p in "$MQBROKER" "$MQNAMESRV"; do
    program=$(basename "$p") program=${program#mq}
    : >"$DIR/$program.conf"
    while read -r prog key _ _ value; do
      [ "$prog" != "$program" ] || printf '%s=%s\n' "$key" "$value" >>"$DIR/$program.conf"
    done <"$SYSTEM_SRC/keys-4.7.0.txt"
    expect_exit 0 "$program-all" "$p" -c "$DIR/$program.conf" -p
    expect_exit 0 "$program-defaults" env -u NAMESRV_ADDR "$p" -p
    expect_exit 0 "$program-important" "$p" -c "$DIR/$program.conf" -m
    ! grep -E 'unknown key|ERROR' "$DIR/$program-all.err" >"$DIR/refused" || failed "keys of 4.7.0 are refused: $(head -n 2 "$DIR/refused")"
    while read -r prog key mark kind value; do
      [ "$prog" = "$program" ] || continue
      n=$((n + 1))
      [ "$key" = configStorePath ] || # the file given with -c
        grep -qxF -- "$key=$value" "$DIR/$program-all.out" || failed "$key=$value does not come back with -p"
      [ "$kind" != default ] || grep -qxF -- "$key=$value" "$DIR/$program-defaults.out" || failed "the default of $key is not Java's $value"
      [ "$mark" != important ] || grep -q "^$key=" "$DIR/$program-important.out" || failed "-m does not print $key"
    done <"$SYSTEM_SRC/keys-4.7.0.txt"
    ignored=$(grep -c "has no effect: " "$DIR/$program-all.err")
    [ "$ignored" -gt 0 ] || failed "no key is answered with the reason why it has no effect"
    grep 'has no effect' "$DIR/$program-all.err" | grep -vqE "$program.conf:[0-9]+: key '[A-Za-z0-9]+' has no effect: .{12,}" &&
      failed "a key without effect comes without its line or reason"
  done
  [ "$n" -eq 181 ] || failed "$n keys looked at, not 181"
  say_details "$n keys"
}

# What this version cannot honour refuses to start instead of running without it.
test_refused_keys() {
  local setting
  for setting in enableDLegerCommitLog=true brokerRole=SLAVE aclEnable=true useTLS=true \
    maxMessageSize=2000000000 brokerIP1=not-an-address brokerName=no/name; do
    [ "$setting" != maxMessageSize=2000000000 ] || setting=$'mappedFileSizeCommitLog=1048576\nmaxMessageSize=4194304'
    broker_conf "$setting" >"$DIR/refused.conf"
    expect_exit not0 refused "$MQBROKER" -c "$DIR/refused.conf"
    expect_text "$DIR/refused.err" "ERROR .*(${setting%%=*}|maxMessageSize)" "the refusal of ${setting##*$'\n'} does not name it"
  done
}

# A mistake in the rules of access control is told with its line, and no secret is.
test_refused_rules() {
  printf '%s\n' accounts: '- accessKey: operator' '  secretKey: topsecret' '  admin: perhaps' >"$DIR/rules.yml"
  broker_conf aclEnable=true "aclFile=$DIR/rules.yml" >"$DIR/rules.conf"
  expect_exit not0 rules "$MQBROKER" -c "$DIR/rules.conf"
  expect_text "$DIR/rules.err" 'ERROR .*rules.yml: line 4: admin must be true or false' "the line of the mistake is not told"
  ! grep -q topsecret "$DIR/rules.err" || failed "the log has a secret"
}

test_start_stop() {
  start_namesrv || { failed "no name server: $(tail -n 2 "$DIR/namesrv.err")"; return; }
  start_broker || { failed "no broker: $(tail -n 2 "$DIR/broker.err")"; return; }
  expect_text "$DIR/namesrv.out" 'The Name Server boot success' "the line that Java's scripts wait for is missing"
  expect "route of the broker" "$PEER" route "$NAMESRV" TBW102 yes
  [ -e "$DIR/store/abort" ] || failed "no abort file while running"
  expect "JSON" "$PEER" roundtrip "$BROKER" StartStop 100 10 json
  expect "ROCKETMQ" "$PEER" roundtrip "$BROKER" StartStop 100 10 rocketmq
  expect "the VIP port" "$PEER" roundtrip "127.0.0.1:$((BROKER_PORT - 2))" StartStop 100 10 json

  # The same store, another port; another store, the same port.
  broker_conf "listenPort=$((BROKER_PORT + 1))" >"$DIR/second.conf"
  expect_exit not0 second "$MQBROKER" -c "$DIR/second.conf"
  expect_text "$DIR/second.err" "ERROR .*cannot start.*store.* another" "a second broker on the store is not refused in words"
  broker_conf "storePathRootDir=$DIR/other" "storePathCommitLog=$DIR/other/commitlog" >"$DIR/port.conf"
  expect_exit not0 port "$MQBROKER" -c "$DIR/port.conf"
  expect_text "$DIR/port.err" "ERROR .*cannot listen on .*$BROKER_PORT.*in use" "a port in use is not said in words"
  cp "$DIR/namesrv.conf" "$DIR/namesrv2.conf"
  expect_exit not0 nsport "$MQNAMESRV" -c "$DIR/namesrv2.conf"
  expect_text "$DIR/nsport.err" "$NAMESRV_PORT.*in use" "the name server does not say that its port is in use"
  expect "the first broker goes on" "$PEER" roundtrip "$BROKER" StartStop 100 10 json

  stop "$BROKER_PID" || failed "SIGTERM: the broker's exit status is $?"
  [ ! -e "$DIR/store/abort" ] || failed "the abort file is still there after SIGTERM"
  expect "the route is gone" "$PEER" route "$NAMESRV" TBW102 no
  expect_text "$DIR/namesrv.err" "unregisters" "the broker did not unregister"
  grep -q ERROR "$DIR/broker.err" && failed "errors in the log of a quiet life: $(grep ERROR "$DIR/broker.err" | head -n 1)"

  start_broker || failed "the broker does not start again"
  expect "messages after a restart" "$PEER" roundtrip "$BROKER" StartStop 10 1 json
  kill -INT "$BROKER_PID"
  finish "$BROKER_PID" || failed "SIGINT: the broker's exit status is $?"
  stop "$NAMESRV_PID" || failed "SIGTERM: the name server's exit status is $?"
}

# Changed while running: kept in the file of -c, or refused whole.
test_live_config() {
  start_namesrv || { failed "no name server"; return; }
  start_broker flushConsumerOffsetInterval=3000 || { failed "no broker"; return; }
  expect "a live key" "$PEER" update "$BROKER" flushConsumerOffsetInterval=4321 broker
  expect_text "$DIR/broker.conf" '^flushConsumerOffsetInterval=4321$' "what was changed remotely is not in the broker's file"
  expect "a live key of the name server" "$PEER" update "$NAMESRV" orderMessageEnable=true namesrv
  expect_text "$DIR/namesrv.conf" '^orderMessageEnable=true$' "what was changed remotely is not in the name server's file"
  cp "$DIR/broker.conf" "$DIR/before.conf"
  local change
  for change in listenPort=1 flushConsumerOffsetInterval=many noSuchKey=1 $'flushConsumerOffsetInterval=77\nlistenPort=1'; do
    "$PEER" update "$BROKER" "$change" broker 2>"$DIR/update.err" && failed "the broker takes $change while running"
    expect_text "$DIR/update.err" "answered [0-9]+: .*(listenPort|flushConsumerOffsetInterval|noSuchKey)" "the refusal of $change does not name the key"
  done
  cmp -s "$DIR/before.conf" "$DIR/broker.conf" || failed "a refused change has changed the file"
  stop "$BROKER_PID"
  expect_exit 0 again "$MQBROKER" -c "$DIR/broker.conf" -p
  expect_text "$DIR/again.out" '^flushConsumerOffsetInterval=4321$' "the file that was rewritten does not say what was changed"
  ! grep -E 'ERROR|unknown' "$DIR/again.err" || failed "the file that was rewritten cannot be read back"
  spawn broker "$MQBROKER" -c "$DIR/broker.conf"
  BROKER_PID=$SPAWNED
  expect "start with the rewritten file" "$PEER" ready "$BROKER"
  expect "work with the rewritten file" "$PEER" roundtrip "$BROKER" Live 4 1 json
}

system_start_stop() {
  run_test options test_options
  run_test bad-files test_bad_files
  run_test keys-4.7.0 test_keys
  run_test refused-keys test_refused_keys
  run_test refused-rules test_refused_rules
  run_test start-stop test_start_stop
  run_test live-config test_live_config
}
