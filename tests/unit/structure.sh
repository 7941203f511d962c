#!/usr/bin/env bash
# The structure that ARCHITECTURE.md promises, proved: who includes whom, what the rooms ask of the system, what the
# client library exports, names, and sizes. Run by make check; by hand: BUILD_DIR=build/release tests/unit/structure.sh
# SPDX-License-Identifier: Apache-2.0
set -u
export LC_ALL=C
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$(cd "${BUILD_DIR:-${top_builddir:-.}}" && pwd)
cd "$SOURCE" || exit 1
TMP=$(mktemp -d "${TMPDIR:-/tmp}/structure.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
PASSED=0 FAILED=0
FILE_LINES_MAX=600 FUNCTION_LINES_MAX=100
PROGRAM_FOLDERS=(core host libdledger mqbroker mqnamesrv libmqclient)

# check NAME FILE: the file lists what is wrong; empty is good.
check() {
  if [ -s "$2" ]; then
    FAILED=$((FAILED + 1))
    printf 'FAIL %s\n' "$1"
    head -n 20 "$2" | sed 's/^/    /'
  else
    PASSED=$((PASSED + 1))
    printf 'ok %s\n' "$1"
  fi
}

sources() { find "$@" -name '*.[ch]' | sort; }

# ---------------------------------------------------------------- includes

# FILE INCLUDED, one a line.
edges() {
  sources "${PROGRAM_FOLDERS[@]}" include examples tools |
    xargs awk '/^#[ \t]*include[ \t]+["<]/ { f = $0; sub(/^[^"<]*["<]/, "", f); sub(/[">].*/, "", f)
      if (f ~ /^(mqclient|dledger)\//) f = "include/" f
      if (f ~ /^(core|host|libdledger|mqbroker|mqnamesrv|libmqclient|include|examples|tools)\// ) print FILENAME, f }'
}

# Which rooms a room may include: itself and those beneath it. The longest folder that matches is the room. Files
# that wire the rooms to the real world (programs and the client's threads) are rooms of their own here.
may_include() {
  cat <<'TABLE'
core/base
core/port: core/base
core/wire: core/base core/port
core/filter: core/base core/wire
core/config: core/base core/port core/wire
core/remoting: core/base core/port core/wire
host/uv: core/base core/port
host/sim: core/base core/port
include/dledger
libdledger/raft: core/base
libdledger: core/base core/port core/wire core/config core/remoting include/dledger libdledger/raft
mqnamesrv: core/base core/port core/wire core/config core/remoting
mqnamesrv/main.c: core/base core/port core/wire core/config core/remoting mqnamesrv host/uv
mqbroker/store: core/base core/port core/wire
mqbroker/state: core/base core/port core/wire core/filter core/remoting
mqbroker/delay: core/base core/port core/wire mqbroker/state mqbroker/store
mqbroker/transaction: core/base core/port core/wire mqbroker/state mqbroker/store
mqbroker/gate: core/base core/port core/wire core/remoting
mqbroker/door: core/base core/port core/wire core/remoting mqbroker/handle
mqbroker/repl: core/base core/port libdledger libdledger/raft mqbroker/store
mqbroker/handle: core/base core/port core/wire core/filter core/config core/remoting mqbroker mqbroker/delay mqbroker/door mqbroker/gate mqbroker/repl mqbroker/state mqbroker/store mqbroker/transaction
mqbroker: core/base core/port core/wire core/filter core/config core/remoting mqbroker/delay mqbroker/door mqbroker/gate mqbroker/handle mqbroker/repl mqbroker/state mqbroker/store mqbroker/transaction
mqbroker/main.c: core/base core/port core/wire core/config core/remoting mqbroker mqbroker/store mqbroker/standalone.h host/uv
mqbroker/standalone.c: core/base core/port core/wire core/config core/remoting mqbroker mqbroker/standalone.h host/uv mqnamesrv
mqbroker/standalone.h: core/base core/config mqbroker
include/mqclient
libmqclient: core/base core/port core/wire core/config core/remoting include/mqclient
libmqclient/api: core/base core/port core/wire core/config core/remoting include/mqclient libmqclient host/uv
libdledger/api: core/base core/port core/wire core/remoting libdledger libdledger/raft include/dledger host/uv
examples: include/mqclient include/dledger
tools: include/mqclient
tools/mqstore: core/base core/port core/wire libdledger
tools/mqstore/main.c: core/base core/port core/wire host/uv tools/mqstore
TABLE
}

# The client's files around its core, which have a loop and threads.
client_api_files() {
  awk '/^libmqclient_lib(mqclient|clientapi)_la_SOURCES/ { on = 1 } on { print; if (!/\\$/) on = 0 }' libmqclient/local.mk |
    grep -oE 'libmqclient/[a-z_]+\.[ch]'
}

check_includes() {
  edges >"$TMP/edges"
  may_include >"$TMP/may"
  client_api_files >"$TMP/api"
  awk -v api="$TMP/api" '
    function room(f,  best, r) {
      if (f in is_api) return "libmqclient/api"
      best = ""
      for (r in rooms) if ((f == r || index(f, r "/") == 1) && length(r) > length(best)) best = r
      return best
    }
    BEGIN { while ((getline f < api) > 0) is_api[f] = 1 }
    NR == FNR { n = split($0, w, /[: ]+/); rooms[w[1]] = 1; allowed[w[1], w[1]] = 1
                for (i = 2; i <= n; i++) allowed[w[1], w[i]] = 1; next }
    { from = room($1); to = room($2)
      if (from == "" || to == "") print $1 " or " $2 ": belongs to no room in may_include"
      else if (!((from, to) in allowed)) print $1 " (" from ") includes " $2 " (" to ")" }
  ' "$TMP/may" "$TMP/edges" >"$TMP/wrong"
  [ "$(wc -l <"$TMP/edges")" -gt 100 ] || echo "only $(wc -l <"$TMP/edges") includes found: the check is broken" >>"$TMP/wrong"
  check "includes go down only" "$TMP/wrong"
  tsort "$TMP/edges" 2>"$TMP/cycle" >/dev/null
  check "no cycle among $(cut -d' ' -f1 "$TMP/edges" | sort -u | wc -l) including files" "$TMP/cycle"
  while read -r file header; do [ -e "$header" ] || echo "$file includes $header, which does not exist"; done <"$TMP/edges" >"$TMP/missing"
  check "includes exist" "$TMP/missing"
}

# The only places of what a machine has.
check_system_headers() {
  client_api_files >"$TMP/api"
  sources "${PROGRAM_FOLDERS[@]}" | grep -vE '^host/uv/|^mqbroker/main.c$|^mqnamesrv/main.c$' | grep -vxFf "$TMP/api" |
    xargs grep -nE '^#[ \t]*include[ \t]+<(uv\.h|unistd\.h|fcntl\.h|pthread\.h|threads\.h|time\.h|signal\.h|poll\.h|dirent\.h|sys/(socket|stat|mman|types|time|uio|epoll|file)\.h|netinet/.*|netdb\.h)>' >"$TMP/wrong"
  check "system headers only in host/uv, main.c and the client's API" "$TMP/wrong"
  sources "${PROGRAM_FOLDERS[@]}" tools examples | xargs grep -lE '^#[ \t]*include[ \t]+<(zlib|libdeflate)\.h>' |
    grep -vE '^core/wire/(compress|crc32_zlib|crc32_libdeflate)\.c$' >"$TMP/zlib"
  check "zlib and libdeflate only in core/wire/{compress,crc32_*}.c" "$TMP/zlib"
  sources "${PROGRAM_FOLDERS[@]}" tools examples | xargs grep -lE '^#[ \t]*include[ \t]+<uv\.h>' | grep -v '^host/uv/' >"$TMP/uv"
  check "libuv only in host/uv" "$TMP/uv"
}

# ---------------------------------------------------------------- symbols

# What a room may ask of the system: memory, text, sorting, addresses as text. No clock, file, socket, thread, chance.
LIBC='malloc|calloc|realloc|free|mem(cpy|move|set|cmp|chr|mem|rchr)|str(len|cmp|ncmp|casecmp|ncasecmp|chr|rchr|dup|ndup|nlen|str|tol|toll|toul|toull|tod)|v?snprintf|qsort|bsearch|abort|inet_(pton|ntop)|floor|ceil|pow|log|log10|fabs'
# What the compiler adds.
COMPILER='__assert_fail|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(mem|str|vs?n?printf|snprintf|vsnprintf)[a-z]*_chk|__isoc(99|23)_.*|__(asan|ubsan|tsan|sanitizer)_.*|_Unwind_Resume|__tls_get_addr|__gcov_.*|__errno_location'
ZLIB='crc32(_z)?|compress2?|compressBound|(in|de)flate.*|uncompress2?|libdeflate_crc32'

# room_symbols NAME ARCHIVE BENEATH...: everything undefined is defined in the archives or allowed.
room_symbols() {
  local name=$1 archive=$2 lib
  shift 2
  : >"$TMP/wrong"
  for lib in "$archive" "$@"; do
    [ -e "$BUILD/$lib" ] || { echo "$lib is not built"; continue; }
    nm --defined-only "$BUILD/$lib" 2>/dev/null | awk 'NF == 3 { print $3 }'
  done >"$TMP/defined"
  grep 'is not built$' "$TMP/defined" >>"$TMP/wrong"
  nm -A -u "$BUILD/$archive" 2>/dev/null | awk '{ member = $1; sub(/^.*:([^:]*\.a:)?/, "", member); n = split($1, p, ":"); print p[n - 1] == "" ? p[n] : p[n - 1], $NF }' |
    awk -v defined="$TMP/defined" -v libc="^($LIBC|$COMPILER)$" -v zlib="^($ZLIB)$" '
      BEGIN { while ((getline s < defined) > 0) ours[s] = 1 }
      { seen++ }
      $2 in ours || $2 ~ libc { next }
      $1 ~ /(compress|crc32_(zlib|libdeflate))\.o$/ && $2 ~ zlib { next }
      { print $1 " needs " $2 }
      END { if (!seen) print "no symbols were read: the check is broken" }' >>"$TMP/wrong"
  check "$name asks the system for nothing but memory and text" "$TMP/wrong"
}

BASE=core/.libs/libbase.a PORT=core/.libs/libport.a WIRE=core/.libs/libwire.a FILTER=core/.libs/libfilter.a CONFIG=core/.libs/libconfig.a REMOTING=core/.libs/libremoting.a

check_symbols() {
  room_symbols core/base $BASE
  room_symbols core/port $PORT $BASE
  room_symbols core/wire $WIRE $PORT $BASE
  room_symbols core/filter $FILTER $WIRE $PORT $BASE
  room_symbols core/config $CONFIG $WIRE $PORT $BASE
  room_symbols core/remoting $REMOTING $WIRE $PORT $BASE
  room_symbols libdledger/raft libdledger/.libs/libraft.a $BASE
  room_symbols libdledger libdledger/.libs/libdledger.a libdledger/.libs/libraft.a $REMOTING $CONFIG $WIRE $PORT $BASE
  room_symbols mqbroker/store mqbroker/.libs/libstore.a $WIRE $PORT $BASE
  room_symbols mqbroker/repl mqbroker/.libs/librepl.a mqbroker/.libs/libstore.a libdledger/.libs/libdledger.a libdledger/.libs/libraft.a $REMOTING $CONFIG $WIRE $PORT $BASE
  room_symbols mqbroker mqbroker/.libs/libbroker.a $REMOTING $FILTER $CONFIG $WIRE $PORT $BASE
  room_symbols mqnamesrv mqnamesrv/.libs/libmqnamesrv.a $REMOTING $CONFIG $WIRE $PORT $BASE
  room_symbols libmqclient libmqclient/.libs/libclientcore.a $REMOTING $CONFIG $WIRE $PORT $BASE
}

# Rooms have no state of their own: nothing writable that outlives a call.
check_globals() {
  local lib
  for lib in $BASE $PORT $WIRE $FILTER $CONFIG $REMOTING libdledger/.libs/libdledger.a libdledger/.libs/libraft.a mqbroker/.libs/libbroker.a mqnamesrv/.libs/libmqnamesrv.a libmqclient/.libs/libclientcore.a; do
    # .data.rel.ro holds constants with addresses in them; sysv names the sections.
    nm -f sysv "$BUILD/$lib" 2>/dev/null | awk -F'|' -v lib="$lib" '{ gsub(/ /, "") }
      $7 ~ /^(\.data|\.bss|\.tbss|\.tdata|COMMON)/ && $7 !~ /^\.data\.rel/ && $4 !~ /SECTION/ { print lib ": " $1 " is writable" }'
  done | grep -vE '__(asan|ubsan|tsan|odr_asan|sancov)|\.lubsan|\.LASAN' >"$TMP/globals"
  check "rooms have no writable globals" "$TMP/globals"
}

check_exports() {
  local library=$BUILD/libmqclient/.libs/libmqclient.so
  : >"$TMP/wrong"
  [ -e "$library" ] || echo "$library is not built" >>"$TMP/wrong"
  nm -D --defined-only "$library" 2>/dev/null | awk '{ print $3 }' | sed 's/@.*//' >"$TMP/exports"
  grep -vE '^mq_|^__(asan|ubsan|odr_asan|tsan)_' "$TMP/exports" >>"$TMP/wrong"
  grep -qx mq_producer_send "$TMP/exports" || echo "mq_producer_send is not exported" >>"$TMP/wrong"
  # What a header declares is there, and what is there is declared.
  sed -E 's://.*|/\*.*\*/::' include/mqclient/*.h | grep -oE '\bmq_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$TMP/declared"
  while read -r name; do grep -qx "$name" "$TMP/declared" || echo "$name is exported, but no public header has it"; done < <(grep '^mq_' "$TMP/exports") >>"$TMP/wrong"
  check "libmqclient.so exports mq_* only, as its headers say" "$TMP/wrong"
}

# ---------------------------------------------------------------- names and sizes

# Everything we wrote; in a repository exactly what it holds.
our_files() {
  git -C "$SOURCE" ls-files 2>/dev/null | grep . || find . -type f \( -path './build*' -o -path './.git/*' -o -path './autom4te.cache/*' \) -prune -o \
    -type f \( -name '*.[ch]' -o -name '*.sh' -o -name '*.mk' -o -name '*.ac' -o -name '*.md' -o -name '*.java' -o -name '*.js' -o -name '*.scd' \) -print | sed 's:^\./::'
}

check_names() {
  our_files >"$TMP/files"
  grep -iE '(^|/)(common|util|utils|utilities|misc|helper|helpers)([._-][^/]*)?(/|$)' "$TMP/files" >"$TMP/wrong"
  [ "$(wc -l <"$TMP/files")" -gt 200 ] || echo "only $(wc -l <"$TMP/files") files found: the check is broken" >>"$TMP/wrong"
  check "nothing is called common, util, misc or helper" "$TMP/wrong"
  # /home/mq and the like are examples in tests of paths; these are the ways into somebody's machine.
  xargs -d '\n' grep -nIE '/home/[a-z]+/(src|git|work|dev)|/root/[a-z]+/|/work/(main|shared)|/tmp/w/|/Users/' <"$TMP/files" 2>/dev/null |
    grep -v '^tests/unit/structure.sh:' >"$TMP/wrong"
  check "no paths of a machine" "$TMP/wrong"
}

check_sizes() {
  sources "${PROGRAM_FOLDERS[@]}" | xargs wc -l | awk -v max=$FILE_LINES_MAX '$2 != "total" && $1 > max { print $2 " has " $1 " lines" }' >"$TMP/wrong"
  check "no file above $FILE_LINES_MAX lines" "$TMP/wrong"
  # A function begins with a line that starts at the left edge and has a parenthesis, and ends with the next } there.
  sources "${PROGRAM_FOLDERS[@]}" tools examples | grep '\.c$' | xargs awk -v max=$FUNCTION_LINES_MAX '
    FNR == 1 { start = 0 }
    /^[a-zA-Z_].*\(/ && !/;[ \t]*$/ && !/^(typedef|#)/ { start = FNR; name = $0 }
    /^}/ { if (start) { functions++; if (FNR - start + 1 > max) print FILENAME ":" start ": " FNR - start + 1 " lines: " name } start = 0 }
    END { if (functions < 500) print "only " functions + 0 " functions found: the check is broken" }' >"$TMP/wrong"
  check "no function above $FUNCTION_LINES_MAX lines" "$TMP/wrong"
}

check_includes
check_system_headers
check_symbols
check_globals
check_exports
check_names
check_sizes
echo "structure: $PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
