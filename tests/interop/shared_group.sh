# shellcheck shell=bash
#
# Push consumers of different kinds in one group.  Sourced by run.sh.
#
# Each member has to come to the same allocation of the queues, and the broker
# has to tell the ones that are there about one that comes.  So all members join
# while the topic is empty, and only when they have shared the queues something is
# sent; then each must get exactly its share, and nothing twice.  ali-ons is left
# out: it overlooks members that come later, with a Java broker too.

SHARED_GROUPS="java+our+our+our"
SHARED_SERVERS="ours-ours java-ours"
# Seconds in which all members must have joined and shared the queues; most of it is never needed.
SHARED_JOIN=60
# In each of the 8 queues.
SHARED_PER_QUEUE=500

# shared_pairs SERVERS: the names of the selected ones.
shared_pairs() {
  local group
  [[ " $SHARED_SERVERS " == *" $1 "* ]] || return 0
  for group in $SHARED_GROUPS; do
    ! selected "$1/group/$group" || echo "$1/group/$group"
  done
}

SHARED_MORE=32 # one batch

# shared_settled BASE MEMBERS: each queue belongs to one member, and each has as many as the others. Every member says
# in BASE.share.I what it has (--share-to): the last line counts.
shared_settled() {
  local base=$1 members=$2 i mine all=()
  for ((i = 0; i < members; i++)); do
    read -r -a mine < <(tail -n 1 "$base.share.$i" 2>/dev/null)
    [ ${#mine[@]} -eq $((8 / members)) ] || return
    all+=("${mine[@]}")
  done
  [ "$(printf '%s\n' "${all[@]}" | sort -n | tr '\n' ' ')" = "0 1 2 3 4 5 6 7 " ]
}

# wait_shared BASE MEMBERS
wait_shared() {
  local end=$((SECONDS + SHARED_JOIN))
  until shared_settled "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# shared_enough SHARE RESULT: all of its share, and a few of somebody else's perhaps: who has its share first leaves, and the
# last it had not committed yet comes to another once more.
shared_enough() {
  local distinct
  distinct=$(sed -nE 's/.*"distinct":([0-9]+),"duplicates":0,"disorder":0,"corrupt":0,"lost":0.*/\1/p' <<<"$2")
  [ "${distinct:-0}" -ge "$1" ] && [ "$distinct" -le $(($1 + SHARED_MORE)) ]
}

# run_shared NAME
run_shared() {
  local name=$1 group=${1##*/} kinds=() topic base pids=() i share result=""
  IFS=+ read -r -a kinds <<<"$group"
  base=$DIR/group.$group
  topic=it_${SET}_group_${group//+/_}
  share=$((8 * SHARED_PER_QUEUE / ${#kinds[@]}))
  if ! java_peer Topics -n "$NS" -b "$BROKER" -t "$topic" -q 8 >"$base.log" 2>&1; then
    fail "$name" "topic: $(brief "$base.log")"
    return
  fi
  for i in "${!kinds[@]}"; do
    peer "${kinds[i]}" consume -n "$NS" -t "$topic" -g "cg_$topic" --expect "$share" \
      --timeout $((SHARED_JOIN + CONSUME_TIMEOUT)) --mode push --share-to "$base.share.$i" \
      >"$base.out.$i" 2>"$base.err.$i" </dev/null &
    pids+=($!)
  done
  wait_shared "$base" ${#kinds[@]} ||
    result="queues not shared in $SHARED_JOIN s: $(tail -n 1 "$base".share.* | tr '\n' ' ') "
  peer our produce -n "$NS" -t "$topic" -g "pg_$topic" -c $((8 * SHARED_PER_QUEUE)) --prefix "$group" \
    >>"$base.log" 2>&1 </dev/null
  for i in "${!kinds[@]}"; do
    wait "${pids[i]}" || shared_enough "$share" "$(tail -n 1 "$base.out.$i")" ||
      result+="${kinds[i]}: $(tail -n 1 "$base.out.$i") $(brief "$base.err.$i") "
  done
  if [ -z "$result" ]; then
    ok "$name" "$share messages each"
  else
    fail "$name" "$result $(brief "$base.log")"
  fi
}
