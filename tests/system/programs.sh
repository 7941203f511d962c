# shellcheck shell=bash
# d. The examples, and mqbroker --standalone.
# SPDX-License-Identifier: Apache-2.0

EXAMPLE_LINES_MAX=100
EXAMPLES=$BUILD_DIR/examples

# wait_lines FILE COUNT PATTERN: until so many lines match.
wait_lines() {
  local i
  for ((i = 0; i < 300; i++)); do
    [ "$(grep -acE "$3" "$1")" -lt "$2" ] || return 0
    sleep 0.1
  done
  return 1
}

# use_examples NAMESRV: each program once, with what the others did.
use_examples() {
  local names=$1 push
  spawn push "$EXAMPLES/push_consumer" -n "$names" -t Examples -g push_group
  push=$SPAWNED
  expect "producer" timeout 30 "$EXAMPLES/producer" -n "$names" -t Examples -c 20
  [ "$(grep -c 'queue' "$DIR/expect.out")" -eq 20 ] || failed "producer printed $(wc -l <"$DIR/expect.out") lines"
  expect "async_producer" timeout 30 "$EXAMPLES/async_producer" -n "$names" -t Examples -c 500
  expect_text "$DIR/expect.out" '^500 stored, 0 failed' "async_producer"
  expect "pull_consumer" timeout 30 "$EXAMPLES/pull_consumer" -n "$names" -t Examples
  [ "$(grep -c 'Hello RocketMQ' "$DIR/expect.out")" -eq 520 ] || failed "pull_consumer got $(grep -c 'Hello RocketMQ' "$DIR/expect.out") of 520 messages"
  wait_lines "$DIR/push.out" 520 'Hello RocketMQ' || failed "push_consumer got $(grep -ac 'Hello RocketMQ' "$DIR/push.out") of 520 messages $(tail -n 2 "$DIR/push.err")"
  kill -INT "$push"
  finish "$push" || failed "push_consumer: exit status $? after Ctrl-C"
  [ "$(grep -ac 'Hello RocketMQ' "$DIR/push.out")" -eq 520 ] || failed "push_consumer got messages twice"
}

test_example_help() {
  local source name n=0
  for source in "$SYSTEM_SRC"/../../examples/*.c; do
    name=$(basename "$source" .c) n=$((n + 1))
    # kv is a whole service; the others are read in one go.
    [ "$name" = kv ] || [ "$(wc -l <"$source")" -lt "$EXAMPLE_LINES_MAX" ] || failed "$name.c has $(wc -l <"$source") lines"
    expect "$name --help" timeout 10 "$EXAMPLES/$name" --help
    expect_text "$DIR/expect.out" "^usage: $name" "$name --help"
    timeout 10 "$EXAMPLES/$name" -Z >"$DIR/wrong.out" 2>&1 && failed "$name takes an unknown option"
  done
  [ "$n" -ge 4 ] || failed "$n examples"
  say_details "$n programs"
}

test_examples() {
  start_namesrv || { failed "no name server"; return; }
  start_broker || { failed "no broker"; return; }
  expect "route" "$PEER" route "$NAMESRV" TBW102 yes
  use_examples "$NAMESRV"
  stop "$BROKER_PID"
  stop "$NAMESRV_PID"
  # Nobody is there: a sentence, not a hang.
  timeout 60 "$EXAMPLES/producer" -n "$NAMESRV" -c 1 >"$DIR/nobody.out" 2>&1
  [ $? = 1 ] || failed "producer without a name server does not end with status 1"
  grep -q . "$DIR/nobody.out" || failed "producer without a name server says nothing"
}

# In an empty directory, without HOME to fall back to; ports from a file, so that other runs are not disturbed.
test_standalone() {
  local alone
  mkdir "$DIR/empty"
  printf '%s\n' "listenPort=$BROKER_PORT" "namesrvAddr=$NAMESRV" >"$DIR/ports.conf"
  spawn broker env -C "$DIR/empty" -u NAMESRV_ADDR HOME=/nonexistent "$MQBROKER" --standalone -c "$DIR/ports.conf"
  alone=$SPAWNED
  expect "broker" "$PEER" ready "$BROKER"
  expect "name server" "$PEER" route "$NAMESRV" TBW102 yes
  use_examples "$NAMESRV"
  stop "$alone" || failed "exit status $? after SIGTERM"
  [ -d "$DIR/empty/mqdata/store/commitlog" ] || failed "the store is not below ./mqdata: $(ls "$DIR/empty")"
  [ "$(ls "$DIR/empty")" = mqdata ] || failed "more than mqdata in the directory: $(ls "$DIR/empty")"
  spawn broker env -C "$DIR/empty" -u NAMESRV_ADDR HOME=/nonexistent "$MQBROKER" --standalone -c "$DIR/ports.conf"
  alone=$SPAWNED
  expect "route after a restart" "$PEER" route "$NAMESRV" Examples yes
  expect "messages after a restart" timeout 30 "$EXAMPLES/pull_consumer" -n "$NAMESRV" -t Examples
  [ "$(grep -c 'Hello RocketMQ' "$DIR/expect.out")" -eq 520 ] || failed "$(grep -c 'Hello RocketMQ' "$DIR/expect.out") of 520 messages after a restart"
  stop "$alone" || failed "exit status $? after SIGTERM"
}

system_programs() {
  run_test example-help test_example_help
  run_test examples test_examples
  run_test standalone test_standalone
}
