# shellcheck shell=bash
# What the benches share: loads, medians, the head of a table.
# SPDX-License-Identifier: Apache-2.0

MQBENCH=$BUILD_DIR/tools/mqbench

json() { sed -nE "s/.*\"$2\":\"?([0-9.]+).*/\1/p" <<<"$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a == "-" || b + 0 == 0) print "-"; else printf "%.2f", a / b }'; }
now_ms() { date +%s%3N; }

median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# middle NUMBER...: "median (least-most)"
middle() {
  printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { printf "%s (%s-%s)", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# cell ARRAY KEY: the middle of what was noted there
cell() {
  local -n array=$1
  # shellcheck disable=SC2086
  [ -n "${array[$2]:-}" ] && middle ${array[$2]} || echo -
}

give_up() {
  echo "bench: $1" >&2
  exit 1
}

# load NAME SENDERS SECONDS: a line of mqbench at topic T-NAME. SENDERS: threads that wait for each answer, or w and what
# one thread keeps under way without waiting.
load() {
  local how=(--mode sync --threads "$2")
  [ "${2#w}" = "$2" ] || how=(--mode async --window "${2#w}")
  "$MQBENCH" -n "$NS" -t "T-$1" "${how[@]}" --size 1024 --seconds "$3" --json 2>"$INTEROP_TMP/mqbench.err" | tail -n 1
}

note_load() { read -r LOAD_AT_START _ </proc/loadavg; }

# heading TEXT: where and when the numbers were made
heading() {
  printf '\nMachine: %s cores, %s; %s; other load at the start %s. %s\n\n' "$(nproc)" \
    "$(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(date -u +%Y-%m-%d)" "$LOAD_AT_START" "$1"
}
