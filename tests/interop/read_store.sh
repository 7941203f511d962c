#!/bin/bash
#
# Can the Java broker read a store that our broker left behind?
#
#     read_store.sh [-o] DIR TOPIC=COUNT[+][@ACKED_FILE]... [-- CONF_LINE...]
#
# DIR is the storePathRootDir of a broker that does not run any more, however it
# ended.  A copy of it is given to a Java broker, and a Java pull consumer reads
# each topic from the first to the last offset.  COUNT is the exact number of
# messages, with "+" the smallest; ACKED_FILE (from "produce --acked") lists
# messages that must be there.  The messages must come from one of our
# producers, since their content is checked.  -o checks the order in each queue.
# CONF_LINEs are added to the broker.conf.
#
# Prints "ok NAME: details" or "FAIL NAME: reason" per topic, then
# "N passed, N failed".

set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  sed -n '3,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit 2
}

first_file_size() {
  find "$1" -type f 2>/dev/null | sort | head -n 1 | xargs -r stat -c %s
}

# A broker ignores store files of another size than the configured one.
size_conf() {
  local size
  size=$(first_file_size "$1/commitlog")
  [ -z "$size" ] || echo "mappedFileSizeCommitLog=$size"
  size=$(first_file_size "$1/consumequeue")
  [ -z "$size" ] || echo "mappedFileSizeConsumeQueue=$size"
}

# read_topic NAMESRV TOPIC=COUNT[+][@FILE]
read_topic() {
  local namesrv=$1 topic=${2%%=*} count=${2#*=} file="" args=() result
  if [[ $count == *@* ]]; then
    file=${count#*@}
    count=${count%%@*}
    args+=(--must-have "$file")
  fi
  [[ $count != *+ ]] || args+=(--at-least 1)
  count=${count%+}
  if result=$(java_peer Consume -n "$namesrv" -t "$topic" -g "read_$topic" --mode pull --timeout 60 \
    --expect "$count" --check-order "$ORDER" "${args[@]}" 2>"$INTEROP_TMP/read.err"); then
    PASSED=$((PASSED + 1))
    echo "ok read-store/$topic: $result"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL read-store/$topic: wanted $2, got $result $(head -n 5 "$INTEROP_TMP/read.err" | tr '\n' ';')"
  fi
}

main() {
  local store expects=() ns_port broker_port expect extra
  ORDER=0 PASSED=0 FAILED=0
  [ "${1:-}" != -o ] || { ORDER=1; shift; }
  if [ $# -lt 2 ] || [ ! -d "$1/commitlog" ]; then
    usage
  fi
  store=$1
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    expects+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift

  trap interop_cleanup EXIT
  trap 'exit 130' INT TERM
  interop_prepare || exit
  ns_port=$(free_port)
  broker_port=$(free_port)
  mkdir -p "$INTEROP_TMP/ns" "$INTEROP_TMP/broker"
  cp -a --sparse=always "$store" "$INTEROP_TMP/broker/store" || exit
  mapfile -t extra < <(size_conf "$store")
  start_java_namesrv "$ns_port" "$INTEROP_TMP/ns" || exit
  start_java_broker "$broker_port" "127.0.0.1:$ns_port" "$INTEROP_TMP/broker" "${extra[@]}" "$@" || exit
  for expect in "${expects[@]}"; do
    read_topic "127.0.0.1:$ns_port" "$expect"
  done
  echo "$PASSED passed, $FAILED failed"
  [ $FAILED -eq 0 ]
}

main "$@"
