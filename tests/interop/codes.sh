#!/bin/bash
#
# Every request code, at Java's servers and at ours: the same requests in the same order, in both serialisations, and
# the answers compared leaf by leaf (code, remark, ext fields, JSON bodies).  What differs must be in the tables of
# docs/compatibility.md, and what is there must differ.
#
#     codes.sh [KEEP_DIR]
#
# With a directory the answers are kept there.  Prints "ok"/"FAIL" per server and "N passed, N failed".

set -u
# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
trap interop_cleanup EXIT

LIST=$INTEROP_ROOT/docs/compatibility.md
KEPT=${1:-$INTEROP_TMP/answers}
PASSED=0 FAILED=0
mkdir -p "$KEPT"

# rules KIND: the patterns of a table's rows "| `KIND:PATTERN` | ...", one a line; "KIND?:PATTERN" need not differ.
rules() { sed -n "s/^| \`$1\(?\{0,1\}\):\([^\`]*\)\`.*/\2 \1/p" "$LIST"; }

# answers KIND PORT WHO
answers() {
  local mode
  for mode in json rocketmq; do
    "$BUILD_DIR/tests/interop/codepeer" "127.0.0.1:$2" "$mode" "$INTEROP_SRC/codes_$1.txt" || return
  done | LC_ALL=C sort >"$KEPT/$1.$3"
}

# compare KIND: FAIL lines for what differs without a rule, and for rules without a difference.
compare() {
  local kind=$1 line path rule found differing=0 unexplained=0 patterns=() used=() i
  mapfile -t patterns < <(rules "$kind")
  for i in "${!patterns[@]}"; do
    [[ ${patterns[i]} != *' ?' ]] || used[i]=1
    patterns[i]=${patterns[i]% *}
  done
  while IFS= read -r line; do
    differing=$((differing + 1))
    path=${line#?} path=${path%%=*} found=
    for i in "${!patterns[@]}"; do
      rule=${patterns[i]}
      # shellcheck disable=SC2053 # a pattern
      [[ $path == $rule ]] && found=1 used[i]=1
    done
    [ -n "$found" ] && continue
    unexplained=$((unexplained + 1))
    [ "$unexplained" -gt 200 ] || echo "    $line"
  done < <(LC_ALL=C diff "$KEPT/$kind.java" "$KEPT/$kind.ours" | sed -n 's/^< /-/p; s/^> /+/p')
  for i in "${!patterns[@]}"; do
    [ -n "${used[i]:-}" ] && continue
    unexplained=$((unexplained + 1))
    echo "    nothing differs by $kind:${patterns[i]}"
  done
  local all
  all=$(LC_ALL=C sort -u "$KEPT/$kind.java" "$KEPT/$kind.ours" | wc -l)
  if [ "$unexplained" -eq 0 ] && [ "$all" -gt 100 ]; then
    PASSED=$((PASSED + 1))
    echo "ok codes/$kind: $(grep -c '/code=' "$KEPT/$kind.java") answers, $all leaves, $differing differ as listed"
  else
    FAILED=$((FAILED + 1))
    echo "FAIL codes/$kind: $(grep -c '/code=' "$KEPT/$kind.java") answers, $all leaves, $unexplained of $differing unexplained"
  fi
}

# Seconds until Java's broker has registered for the second time, which brings back what requests took away, and has the
# samples without which its runtime info fails.
JAVA_SETTLES=12

# ask_both WHO: a name server and a broker of a kind, asked.
ask_both() {
  local who=$1 ns br dir=$INTEROP_TMP/$1
  ns=$(free_port) br=$(free_port)
  mkdir -p "$dir/ns" "$dir/br"
  "start_${who}_namesrv" "$ns" "$dir/ns" &&
    "start_${who}_broker" "$br" "127.0.0.1:$ns" "$dir/br" registerNameServerPeriod=60000 || return
  [ "$who" = our ] || sleep "$JAVA_SETTLES"
  answers broker "$br" "$who" && answers namesrv "$ns" "$who"
}

interop_prepare || exit
for who in java our; do
  ask_both "$who" || { echo "FAIL codes: the $who side did not answer to the end"; exit 1; }
done
for kind in broker namesrv; do
  mv "$KEPT/$kind.our" "$KEPT/$kind.ours"
  compare "$kind"
done
echo "codes: $PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ]
