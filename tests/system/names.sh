# shellcheck shell=bash
# e. The name server goes and comes. f. Long polling.
# SPDX-License-Identifier: Apache-2.0

test_names() {
  local i
  start_namesrv || { failed "no name server"; return; }
  start_broker || { failed "no broker"; return; }
  expect "registered at start" "$PEER" route "$NAMESRV" TBW102 yes
  for i in 1 2 3; do
    expect "no route yet" "$PEER" route "$NAMESRV" "New$i" no
    expect "first send to New$i" "$PEER" roundtrip "$BROKER" "New$i" 4 1 json
    expect "route of New$i after its first send" "$PEER" route "$NAMESRV" "New$i" yes
  done
  stop "$NAMESRV_PID"
  expect "without a name server" "$PEER" roundtrip "$BROKER" New1 10 2 json
  start_namesrv || failed "the name server does not start again"
  expect "registered again after a restart" "$PEER" route "$NAMESRV" New3 yes
  kill -KILL "$NAMESRV_PID"
  finish "$NAMESRV_PID"
  expect "topic made without a name server" "$PEER" roundtrip "$BROKER" Lonely 4 1 json
  start_namesrv || failed "the name server does not start after kill -9"
  expect "registered again after kill -9" "$PEER" route "$NAMESRV" Lonely yes
  # The broker goes without a word: its route must go with the connection.
  kill -KILL "$BROKER_PID"
  finish "$BROKER_PID"
  expect "route of a killed broker" "$PEER" route "$NAMESRV" Lonely no
  start_broker || failed "the broker does not start again"
  expect "route of the restarted broker" "$PEER" route "$NAMESRV" Lonely yes
}

# A broker that is there before its name server.
test_names_late() {
  start_broker || { failed "no broker without a name server"; return; }
  expect "without a name server" "$PEER" roundtrip "$BROKER" Early 10 2 json
  start_namesrv || { failed "no name server"; return; }
  expect "registered when it came" "$PEER" route "$NAMESRV" Early yes
  [ "$(grep -c 'cannot register' "$DIR/broker.err")" -le 2 ] || failed "the log repeats itself while the name server is away"
}

test_long_polling() {
  start_broker || { failed "no broker"; return; }
  expect "long polling" "$PEER" poll "$BROKER" Polled
  say_details "$(cat "$DIR/expect.out")"
}

system_names() {
  run_test name-server-restart test_names
  run_test name-server-late test_names_late
  run_test long-polling test_long_polling
}
