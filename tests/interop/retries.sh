# shellcheck shell=bash
#
# Delayed messages, retries and dead letters: Java's clients and our producer
# against our broker. Sourced by run.sh.
#
# Only what may not happen fails: early, lost or repeated messages. How late they
# were is printed.

RETRY_DELAYED=40
RETRY_COUNT=30

retry_names() {
  local name
  for name in retry/java-delay retry/our-delay retry/java-retry; do
    ! selected $name || echo $name
  done
}

# retry_peer MODE TOPIC ARGS...
retry_peer() {
  java_peer Retries -n "$NS" -t "$2" -g "cg_$2" --mode "$1" --timeout "$CONSUME_TIMEOUT" "${@:3}" </dev/null
}

retry_our_delay() {
  our_peer produce -n "$NS" -t it_our_delay -g pg_our_delay -c "$RETRY_DELAYED" --prefix d --delay 2 &&
    retry_peer delay it_our_delay --expect "$RETRY_DELAYED"
}

# retry_run NAME: in the background.
retry_run() {
  case $1 in
    */java-delay) retry_peer delay it_java_delay -c "$RETRY_DELAYED" ;;
    */our-delay) retry_our_delay ;;
    */java-retry) retry_peer retry it_java_retry -c "$RETRY_COUNT" ;;
  esac >"$DIR/${1#*/}.out" 2>"$DIR/${1#*/}.err" </dev/null
}

run_retries() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]} ns_port name base pids=()
  [ -n "$(retry_names)" ] || return
  DIR=$INTEROP_TMP/retries
  mkdir -p "$DIR/ns" "$DIR/broker"
  ns_port=$(free_port)
  NS=127.0.0.1:$ns_port
  BROKER=127.0.0.1:$(free_port)
  if start_our_namesrv "$ns_port" "$DIR/ns" >"$DIR/start.log" &&
    start_our_broker "${BROKER##*:}" "$NS" "$DIR/broker" >>"$DIR/start.log" &&
    java_peer Topics -n "$NS" -b "$BROKER" -t it_java_delay,it_our_delay,it_java_retry -q 4 >>"$DIR/start.log" 2>&1; then
    for name in $(retry_names); do
      retry_run "$name" &
      pids+=("$name=$!")
    done
  else
    fail retry "servers: $(brief "$DIR/start.log")"
  fi
  for name in "${pids[@]}"; do
    base=$DIR/$(basename "${name%=*}")
    if wait "${name#*=}"; then
      ok "${name%=*}" "$(tail -n 1 "$base.out")"
    else
      fail "${name%=*}" "$(tail -n 1 "$base.out" | cut -c 1-300) $(brief "$base.err")"
    fi
  done
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# retries took $((SECONDS - begin)) s"
}
