# shellcheck shell=bash
#
# Shell functions to run Java, node and our own RocketMQ servers and clients.
# Source it from bash; then:
#
#     trap interop_cleanup EXIT
#     interop_prepare || exit
#     ns=$(free_port); start_java_namesrv "$ns" "$INTEROP_TMP/ns"
#     br=$(free_port); start_our_broker "$br" "127.0.0.1:$ns" "$INTEROP_TMP/br" flushDiskType=ASYNC_FLUSH
#     java_peer Produce -n "127.0.0.1:$ns" ...
#
# Every start_* function leaves the process id in STARTED_PID, waits (bounded)
# until the server can be used, and returns non-zero if it cannot.
#
# Environment: BUILD_DIR (our build tree, default the repository root),
# INTEROP_DIR (downloads and classes, default build/interop in the repository),
# PEER_TIMEOUT (seconds one client may run, default 120), KEEP=1 (keep the
# temporary directory), CI=true (a missing tool is a failure, not a skip).

INTEROP_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
INTEROP_ROOT=$(cd "$INTEROP_SRC/../.." && pwd)
BUILD_DIR=${BUILD_DIR:-$INTEROP_ROOT}
INTEROP_DIR=${INTEROP_DIR:-$INTEROP_ROOT/build/interop}
PEER_TIMEOUT=${PEER_TIMEOUT:-120}
INTEROP_TMP=$(mktemp -d "${TMPDIR:-/tmp}/interop.XXXXXX")
# A script that is run by another one shares its file of the last port.
INTEROP_LAST_PORT=${INTEROP_LAST_PORT:-$INTEROP_TMP/last_port}
INTEROP_PIDS=()
STARTED_PID=

# How long our broker may take to start; a benchmark with many queues gives it more.
OUR_START_SECONDS=30
# Servers that start quickly; a benchmark empties this, so that Java runs as it does in production.
JAVA_SERVER_FLAGS=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)
# RocketMQ 4.7.0 and its netty reach into these packages; JDK 17 asks for leave.
JAVA_OPENS=(
  --add-opens=java.base/java.nio=ALL-UNNAMED
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
  --add-opens=java.base/java.lang=ALL-UNNAMED
  --add-opens=java.base/java.util=ALL-UNNAMED
  --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED
  --add-exports=java.base/jdk.internal.ref=ALL-UNNAMED
)

# ---------------------------------------------------------------- preparation

interop_skip() {
  if [ "${CI:-}" = true ]; then
    echo "FAIL: $1"
    return 1
  fi
  echo "SKIP: $1"
  return 77
}

# Returns 0 if all is there, 77 (or 1 with CI=true) after a message if not.
interop_prepare() {
  local tool
  for tool in java javac mvn node npm; do
    command -v "$tool" >/dev/null || { interop_skip "interop needs $tool"; return; }
  done
  mkdir -p "$INTEROP_DIR"
  fetch_jars || { interop_skip "mvn could not fetch RocketMQ 4.7.0, see $INTEROP_DIR/mvn.log"; return; }
  fetch_node_modules || { interop_skip "npm could not fetch ali-ons, see $INTEROP_DIR/npm.log"; return; }
  # From here on nothing depends on the network, so a problem is a failure.
  compile_peers || { echo "FAIL: the Java peers do not compile"; return 1; }
}

# A stamp is newer than everything it was made from.
is_fresh() {
  local stamp=$1 from
  shift
  [ -e "$stamp" ] || return 1
  for from; do
    [ "$stamp" -nt "$from" ] || return 1
  done
}

fetch_jars() {
  local lib=$INTEROP_DIR/lib
  is_fresh "$lib/.stamp" "$INTEROP_SRC/java/pom.xml" && return
  rm -rf "$lib"
  timeout 600 mvn -B -f "$INTEROP_SRC/java/pom.xml" dependency:copy-dependencies \
    -DoutputDirectory="$lib" >"$INTEROP_DIR/mvn.log" 2>&1 || return
  touch "$lib/.stamp"
}

fetch_node_modules() {
  local dir=$INTEROP_DIR/node file
  if ! is_fresh "$dir/.stamp" "$INTEROP_SRC"/node/package*.json; then
    rm -rf "$dir"
    mkdir -p "$dir"
    cp "$INTEROP_SRC"/node/package*.json "$dir"
    (cd "$dir" && timeout 300 npm ci --no-audit --no-fund --ignore-scripts) \
      >"$INTEROP_DIR/npm.log" 2>&1 || return
    touch "$dir/.stamp"
  fi
  # The scripts must lie beside node_modules to find it.
  for file in "$INTEROP_SRC"/node/*.js; do
    cp "$file" "$dir"
  done
}

compile_peers() {
  local classes=$INTEROP_DIR/classes
  is_fresh "$classes/.stamp" "$INTEROP_SRC"/java/*.java "$INTEROP_DIR/lib/.stamp" && return
  rm -rf "$classes"
  mkdir -p "$classes"
  javac -nowarn -encoding UTF-8 -cp "$INTEROP_DIR/lib/*" -d "$classes" "$INTEROP_SRC"/java/*.java \
    >"$INTEROP_DIR/javac.log" 2>&1 || { cat "$INTEROP_DIR/javac.log"; return 1; }
  touch "$classes/.stamp"
}

# ---------------------------------------------------------------------- ports

port_is_open() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints a port P with P-2 (VIP) and P+1 (HA) free as well.  The last one is
# remembered, because the caller has not bound it yet when somebody asks for the
# next, perhaps at the same time.
free_port() {
  local port tries
  exec {lock}<>"$INTEROP_LAST_PORT"
  flock "$lock"
  port=$(cat "$INTEROP_LAST_PORT")
  port=${port:-$((20000 + RANDOM % 1100 * 10))}
  for ((tries = 0; tries < 1000; tries++)); do
    port=$((port + 10 < 32000 ? port + 10 : 20000))
    port_is_open $((port - 2)) || port_is_open "$port" || port_is_open $((port + 1)) || break
  done
  echo "$port" | tee "$INTEROP_LAST_PORT"
  exec {lock}>&-
}

# wait_port PORT SECONDS [PID]: gives up early when PID is gone.
wait_port() {
  local end=$((SECONDS + $2))
  until port_is_open "$1"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    [ -z "${3:-}" ] || kill -0 "$3" 2>/dev/null || return 1
    sleep 0.1
  done
}

# Asks a name server for its brokers (request code 106) and prints the answer;
# written by hand, because a JVM just for this question would take a second.
cluster_info() {
  local header='{"code":106,"flag":0,"language":"OTHER","opaque":1,"version":353}'
  local len=${#header}
  # shellcheck disable=SC2059 # the lengths are below 256, the format is the data
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit
    printf "\\0\\0\\0\\x$(printf %x $((len + 4)))\\0\\0\\0\\x$(printf %x "$len")%s" "$header" >&3
    timeout 2 dd bs=65536 count=1 <&3 2>/dev/null
  ) 2>/dev/null | tr -d '\0'
}

# wait_registered NAMESRV_PORT BROKER_PORT SECONDS [PID]
wait_registered() {
  local end=$((SECONDS + $3))
  until cluster_info "$1" | grep -a -q "127\.0\.0\.1:$2\""; do
    [ "$SECONDS" -lt "$end" ] || return 1
    [ -z "${4:-}" ] || kill -0 "$4" 2>/dev/null || return 1
    sleep 0.2
  done
}

# -------------------------------------------------------------------- servers

# A ROCKETMQ_HOME with just what the Java mains insist on: log configuration.
write_java_home() {
  local dir=$1 name
  mkdir -p "$dir/home/conf"
  for name in broker namesrv tools; do
    cat >"$dir/home/conf/logback_$name.xml" <<EOF
<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>$dir/$name.log</file>
    <encoder><pattern>%d %p %t %logger{0} - %m%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="FILE"/></root>
</configuration>
EOF
  done
}

# start_server DIR COMMAND...: in the background with DIR as its home.
start_server() {
  local dir=$1
  shift
  (cd "$dir" && exec env HOME="$dir" ROCKETMQ_HOME="$dir/home" "$@") >>"$dir/out" 2>&1 </dev/null &
  STARTED_PID=$!
  INTEROP_PIDS+=("$STARTED_PID")
}

# A server lives for a minute or two, not long enough for the second compiler to pay.
start_java() {
  local dir=$1 heap=$2
  shift 2
  start_server "$dir" java "-Xms$heap" "-Xmx$heap" "${JAVA_SERVER_FLAGS[@]}" "${JAVA_OPENS[@]}" \
    -Duser.home="$dir" -Dfile.encoding=UTF-8 -Drocketmq.client.logRoot="$dir/logs" \
    -cp "$INTEROP_DIR/lib/*" "$@"
}

# The server did not come up: say why, clean up.
server_failed() {
  echo "$1 did not start; end of its output:"
  tail -n 20 "$2/out"
  stop_peer "$STARTED_PID"
  return 1
}

write_namesrv_conf() {
  mkdir -p "$2/home/conf"
  printf '%s\n' "listenPort=$1" "kvConfigPath=$2/kvConfig.json" >"$2/namesrv.conf"
}

# write_broker_conf PORT NAMESRV DIR [LINE...]: later lines win, so the caller's are last.
write_broker_conf() {
  local port=$1 namesrv=$2 dir=$3
  shift 3
  mkdir -p "$dir/home/conf"
  cat >"$dir/broker.conf" <<EOF
brokerClusterName=InteropCluster
brokerName=broker-a
brokerId=0
brokerRole=ASYNC_MASTER
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
listenPort=$port
haListenPort=$((port + 1))
namesrvAddr=$namesrv
storePathRootDir=$dir/store
storePathCommitLog=$dir/store/commitlog
flushDiskType=ASYNC_FLUSH
mappedFileSizeCommitLog=67108864
autoCreateTopicEnable=true
waitTimeMillsInSendQueue=5000
diskMaxUsedSpaceRatio=95
EOF
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$dir/broker.conf"
}

# start_java_namesrv PORT DIR
start_java_namesrv() {
  write_namesrv_conf "$1" "$2"
  write_java_home "$2"
  start_java "$2" 256m org.apache.rocketmq.namesrv.NamesrvStartup -c "$2/namesrv.conf"
  wait_port "$1" 30 "$STARTED_PID" || server_failed "Java name server" "$2"
}

# start_our_namesrv PORT DIR
start_our_namesrv() {
  write_namesrv_conf "$1" "$2"
  start_server "$2" "$BUILD_DIR/mqnamesrv/mqnamesrv" -c "$2/namesrv.conf"
  wait_port "$1" 15 "$STARTED_PID" || server_failed "our name server" "$2"
}

# start_java_broker PORT HOST:NAMESRV_PORT DIR [CONF_LINE...]
start_java_broker() {
  local port=$1 namesrv=$2 dir=$3
  write_broker_conf "$@"
  write_java_home "$dir"
  start_java "$dir" 1g org.apache.rocketmq.broker.BrokerStartup -c "$dir/broker.conf" -n "$namesrv"
  wait_registered "${namesrv##*:}" "$port" 60 "$STARTED_PID" || server_failed "Java broker" "$dir"
}

# start_our_broker PORT HOST:NAMESRV_PORT DIR [CONF_LINE...]
start_our_broker() {
  local port=$1 namesrv=$2 dir=$3
  write_broker_conf "$@"
  start_server "$dir" "$BUILD_DIR/mqbroker/mqbroker" -c "$dir/broker.conf" -n "$namesrv"
  wait_registered "${namesrv##*:}" "$port" "$OUR_START_SECONDS" "$STARTED_PID" || server_failed "our broker" "$dir"
}

# stop_peer PID: TERM, and KILL if that has not helped after 15 s.
stop_peer() {
  local pid=$1 tries known=()
  kill "$pid" 2>/dev/null
  for ((tries = 0; tries < 150; tries++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  # Forget the number: the system may give it to somebody else.
  for known_pid in "${INTEROP_PIDS[@]}"; do
    [ "$known_pid" = "$pid" ] || known+=("$known_pid")
  done
  INTEROP_PIDS=("${known[@]}")
}

# kill_peer PID: KILL at once, as a crash.
kill_peer() {
  # The wait keeps bash from reporting the death later.
  { kill -KILL "$1"; wait "$1"; } 2>/dev/null
  stop_peer "$1"
}

# Ends the clients that the caller still runs in the background.
stop_clients() {
  local job
  for job in $(jobs -p); do
    [[ " ${INTEROP_PIDS[*]} " != *" $job "* ]] || continue
    # The client itself is a child of the background shell.
    pkill -TERM -P "$job"
    kill "$job"
    wait "$job"
  done 2>/dev/null
}

# For the EXIT trap: stops all servers, last started first, and removes the files.
interop_cleanup() {
  local i
  stop_clients
  for ((i = ${#INTEROP_PIDS[@]} - 1; i >= 0; i--)); do
    stop_peer "${INTEROP_PIDS[i]}"
  done
  if [ "${KEEP:-}" = 1 ]; then
    echo "kept: $INTEROP_TMP" >&2
  else
    rm -rf "$INTEROP_TMP"
  fi
}

# What UPDATE_AND_CREATE_TOPIC (17) needs but the name.
# shellcheck disable=SC2034
TOPIC_FIELDS='"defaultTopic":"TBW102","readQueueNums":"4","writeQueueNums":"4","perm":"6","topicFilterType":"SINGLE_TAG","topicSysFlag":"0","order":"false"'

# broker_request PORT CODE FIELDS [BODY]: by hand, because a JVM just for this would take a second.  Prints the answer.
broker_request() {
  local header="{\"code\":$2,\"extFields\":{$3},\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,\"version\":353}" body=${4:-} size
  size=$((${#header} + 4 + ${#body}))
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit
    # shellcheck disable=SC2059 # the lengths are the format
    printf "$(printf '\\x00\\x00\\x%02x\\x%02x\\x00\\x00\\x%02x\\x%02x' $((size / 256)) $((size % 256)) $((${#header} / 256)) $((${#header} % 256)))" >&3
    printf '%s%s' "$header" "$body" >&3
    timeout 2 dd bs=65536 count=1 <&3 2>/dev/null
  ) 2>/dev/null | tr -d '\0'
}

# -------------------------------------------------------------------- clients

# A client lives for seconds: start fast rather than run fast.  An orderly
# consumer that starts slowly misses the first round of queue locking; the next
# one would be 20 s later.
java_client() {
  local home=$INTEROP_TMP/java-client
  [ -d "$home" ] || write_java_home "$home"
  ROCKETMQ_HOME=$home/home HOME=$home timeout -k 5 "$PEER_TIMEOUT" \
    java -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${JAVA_OPENS[@]}" \
    -Duser.home="$home" -Dfile.encoding=UTF-8 \
    -Dlogback.configurationFile="$home/home/conf/logback_tools.xml" \
    -Drocketmq.client.logRoot="$home/logs" -Drocketmq.client.logUseSlf4j=true \
    -Drocketmq.client.rebalance.lockInterval=2000 \
    -cp "$INTEROP_DIR/classes:$INTEROP_DIR/lib/*" "$@"
}

# java_peer Produce|Consume|Topics ARGS...
java_peer() {
  java_client "$@"
}

# mqadmin_java SUBCOMMAND ARGS...
mqadmin_java() {
  java_client org.apache.rocketmq.tools.command.MQAdminStartup "$@"
}

# node_peer produce|consume ARGS...
node_peer() {
  local script=$1
  shift
  HOME=$INTEROP_TMP timeout -k 5 "$PEER_TIMEOUT" node "$INTEROP_DIR/node/$script.js" "$@"
}

# our_peer produce|consume ARGS...
our_peer() {
  HOME=$INTEROP_TMP timeout -k 5 "$PEER_TIMEOUT" "$BUILD_DIR/tests/interop/mqpeer" "$@"
}

# peer KIND produce|consume ARGS...: KIND is java, node or our.
peer() {
  local kind=$1 what=$2
  shift 2
  case $kind in
    java) java_peer "${what^}" "$@" ;;
    *) "${kind}_peer" "$what" "$@" ;;
  esac
}
