#!/usr/bin/env bash
# System tests: the programs as processes on loopback ports. Run by make check; by hand:
#
#     BUILD_DIR=build/release tests/system/run.sh [PART...]      start_stop kill failover dledger hostile names programs full_disk repair scale
#
# Environment: KILL_CYCLES (kill -9 per flush mode, default 30), KILLS (of masters, default 3), IDLE_CONNECTIONS (default 10000),
# SYSTEM_SEED (default 1), KEEP=1 (keep the temporary directory). Closes with "system: N passed, N failed".
# SPDX-License-Identifier: Apache-2.0
set -u
export LC_ALL=C
unset NAMESRV_ADDR ROCKETMQ_HOME
SYSTEM_SEED=${SYSTEM_SEED:-1}
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/system/lib.sh
. "$HERE/lib.sh"
PARTS=(start_stop names kill failover dledger full_disk repair hostile programs scale)
for part in "${PARTS[@]}"; do
  # shellcheck disable=SC1090
  . "$HERE/$part.sh"
done

for program in "$PEER" "$MQBROKER" "$MQNAMESRV"; do
  [ -x "$program" ] || { echo "run.sh: $program is missing: run make check there, or set BUILD_DIR"; exit 1; }
done
[ $# -eq 0 ] || PARTS=("$@")
for part in "${PARTS[@]}"; do "system_$part"; done
[ -z "${KEEP:-}" ] || echo "kept: $SYSTEM_TMP"
echo "system: $PASSED passed, $FAILED failed"
[ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ]
