# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Runs third-party tests and reports each. To be sourced.
#
# A line for each, which tests/external reads:
#   result: case|NAME|pass, fail or skip|its tests that passed|failed|were skipped|pages swapped out|seconds
# and one for each test in it that failed:
#   result: not ok|NAME|TEST
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

# The status, as a pattern, with which a program says that something it needs is missing.
skipped_status=4

# try NAME [--limit MIB | --reclaimed] COMMAND...: runs COMMAND, in a memory cgroup of that size or
# one whose memory is reclaimed repeatedly, and says how it ended. CASES has the names of
# the cases to run, with * as a wildcard; without it, all run.
try() {
    try_name=$1
    shift
    try_wanted "$try_name" || return 0
    try_in=""
    case $1 in
    --limit) try_in="limited $2" && shift 2 ;;
    --reclaimed) try_in=reclaimed && shift ;;
    esac
    echo "vswap-test: case $try_name" >/dev/kmsg
    try_before=$(vmstat pswpout) try_began=$(cut -d. -f1 /proc/uptime) try_status=0
    $try_in timeout -s KILL "${CASE_TIMEOUT:-600}" "$@" >/tmp/case 2>&1 || try_status=$?
    # shellcheck disable=SC2254 # a pattern
    case $try_status in
    0) try_verdict=pass ;;
    $skipped_status) try_verdict=skip ;;
    *) try_verdict=fail ;;
    esac
    killall -9 "$(basename "$1")" 2>/dev/null || true
    [ $try_verdict = pass ] || { sed 's/^/    /' /tmp/case | tail -n 60 && echo "  status $try_status"; }
    sed -n "s,^not ok [0-9]* *\(- \)\?\(.*\),result: not ok|$try_name|\2,p" /tmp/case
    echo "result: case|$try_name|$try_verdict|$(grep '^ok ' /tmp/case | grep -cv '# SKIP')|$(grep -c '^not ok ' /tmp/case)|$(grep -c '^ok .*# SKIP' /tmp/case)|$(($(vmstat pswpout) - try_before))|$(($(cut -d. -f1 /proc/uptime) - try_began))"
}

try_wanted() (
    set -f
    for try_pattern in ${CASES:-*}; do
        # shellcheck disable=SC2254 # a pattern
        case $1 in $try_pattern) return 0 ;; esac
    done
    return 1
)

# reclaimed COMMAND...: COMMAND is swapped out and in while it runs.
reclaimed() {
    mkdir -p "$group"
    echo max >"$group/memory.max"
    : >/tmp/reclaiming
    while [ -e /tmp/reclaiming ]; do
        # It fails when there was less to reclaim.
        echo 64M >"$group/memory.reclaim" || true
        sleep 0.05
    done 2>/dev/null &
    reclaimer=$!
    reclaimed_status=0
    sh -c 'echo 0 >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$@" || reclaimed_status=$?
    rm /tmp/reclaiming
    wait $reclaimer || true
    return $reclaimed_status
}
