# shellcheck shell=bash
#
# Access control: Java's clients with AclClientRPCHook against our broker, our
# client against Java's broker, with the right keys, wrong ones and without the
# permission; and mqadmin changing our accounts.  Sourced by run.sh.

ACL_COUNT=2000

acl_names() {
  local name
  for name in acl/java-clients acl/java-wrong-key acl/java-no-permission acl/mqadmin acl/our-client acl/our-wrong-key \
    acl/our-no-permission; do
    ! selected $name || echo $name
  done
}

# acl_home DIR: the rules of a broker.
acl_home() {
  mkdir -p "$1/home/conf"
  cat >"$1/home/conf/plain_acl.yml" <<EOT
globalWhiteRemoteAddresses: []
accounts:
- accessKey: interopRoot
  secretKey: rootSecret
  admin: true
- accessKey: interopAlice
  secretKey: aliceSecret
  defaultTopicPerm: DENY
  defaultGroupPerm: SUB
  topicPerms:
  - it_acl=PUB|SUB
  - it_acl_sub=SUB
EOT
}

# acl_as ACCESS SECRET COMMAND...
acl_as() {
  ACCESS_KEY=$1 SECRET_KEY=$2 "${@:3}"
}

# acl_through NAMESRV KIND: produce and consume with the right key.
acl_through() {
  acl_as interopAlice aliceSecret peer "$2" produce -n "$1" -t it_acl -g pg_acl -c $ACL_COUNT --prefix a &&
    acl_as interopAlice aliceSecret peer "$2" consume -n "$1" -t it_acl -g cg_acl --expect $ACL_COUNT --timeout $CONSUME_TIMEOUT
}

# acl_refused NAMESRV KIND SECRET TOPIC WORDS: a producer that may not, and is told why.
acl_refused() {
  local out
  if out=$(acl_as interopAlice "$3" peer "$2" produce -n "$1" -t "$4" -g pg_acl -c 2 --prefix a --timeout 10 2>&1 </dev/null); then
    echo "nothing was refused"
    return 1
  fi
  grep -o "$5" <<<"$out" | head -n 1 | grep . || { echo "not refused with \"$5\": $(tail -n 3 <<<"$out")"; return 1; }
}

# mqadmin signs with the keys of its tools.yml.
acl_mqadmin() {
  local file=$DIR/our/home/conf/plain_acl.yml
  [ -d "$INTEROP_TMP/java-client" ] || write_java_home "$INTEROP_TMP/java-client"
  printf 'accessKey: interopRoot\nsecretKey: rootSecret\n' >"$INTEROP_TMP/java-client/home/conf/tools.yml"
  mqadmin_java updateAclConfig -b "$ACL_BROKER" -a interopBob -s bobSecret -t it_acl=PUB,it_acl_sub=PUB -n "$ACL_NS" || return
  rm -f "$INTEROP_TMP/java-client/home/conf/tools.yml"
  grep -q 'accessKey: interopBob' "$file" || { echo "the account is not in the file"; return 1; }
  acl_as interopBob bobSecret java_peer Produce -n "$ACL_NS" -t it_acl_sub -g pg_acl -c 10 --prefix b </dev/null
}

# acl_run NAME
acl_run() {
  case $1 in
    */java-clients) acl_through "$ACL_NS" java ;;
    */java-wrong-key) acl_refused "$ACL_NS" java wrongSecret it_acl 'Check signature failed for accessKey=interopAlice' ;;
    */java-no-permission) acl_refused "$ACL_NS" java aliceSecret it_acl_sub 'No default permission for topic:it_acl_sub' ;;
    */mqadmin) acl_mqadmin ;;
    */our-client) acl_through "$ACL_JAVA_NS" our ;;
    */our-wrong-key) acl_refused "$ACL_JAVA_NS" our wrongSecret it_acl 'Check signature failed for accessKey=interopAlice' ;;
    */our-no-permission) acl_refused "$ACL_JAVA_NS" our aliceSecret it_acl_sub 'No default permission for topic:it_acl_sub' ;;
  esac >"$DIR/${1#*/}.out" 2>"$DIR/${1#*/}.err" </dev/null
}

# One name server for each broker, so that a client cannot choose the wrong one.
acl_start() {
  local port
  acl_home "$DIR/our"
  acl_home "$DIR/java"
  port=$(free_port) ACL_NS=127.0.0.1:$port
  start_our_namesrv "$port" "$DIR/ns" || return
  ACL_BROKER=127.0.0.1:$(free_port)
  start_our_broker "${ACL_BROKER##*:}" "$ACL_NS" "$DIR/our" aclEnable=true || return
  acl_as interopRoot rootSecret java_peer Topics -n "$ACL_NS" -b "$ACL_BROKER" -t it_acl,it_acl_sub -q 4 || return
  acl_names | grep -q acl/our- || return 0
  port=$(free_port) ACL_JAVA_NS=127.0.0.1:$port
  start_our_namesrv "$port" "$DIR/ns2" || return
  port=$(free_port)
  start_java_broker "$port" "$ACL_JAVA_NS" "$DIR/java" aclEnable=true || return
  acl_as interopRoot rootSecret java_peer Topics -n "$ACL_JAVA_NS" -b "127.0.0.1:$port" -t it_acl,it_acl_sub -q 4
}

run_acl() {
  local begin=$SECONDS first=${#INTEROP_PIDS[@]} name base
  [ -n "$(acl_names)" ] || return
  DIR=$INTEROP_TMP/acl
  mkdir -p "$DIR/ns" "$DIR/ns2" "$DIR/our" "$DIR/java"
  if acl_start >"$DIR/start.log" 2>&1; then
    for name in $(acl_names); do
      base=$DIR/${name#*/}
      if acl_run "$name"; then
        ok "$name" "$(tail -n 1 "$base.out")"
      else
        fail "$name" "$(tail -n 1 "$base.out" | cut -c 1-300) $(brief "$base.err")"
      fi
    done
  else
    fail acl "servers: $(brief "$DIR/start.log")"
  fi
  while [ ${#INTEROP_PIDS[@]} -gt "$first" ]; do
    stop_peer "${INTEROP_PIDS[-1]}"
  done
  echo "# acl took $((SECONDS - begin)) s"
}
