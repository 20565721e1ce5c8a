# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Common functions of the benchmarks on the host. To be sourced.
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# number OPTION VALUE LEAST MOST: dies unless it is one.
number() {
    if ! [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
        die "$1 $2: has to be a number from $3 to $4."
    fi
}

# guest LINES LOG OPTION... COMMAND...: runs a guest, with its lines of JSON in that file and the
# others shown, and checks the kernel's log.
guest() {
    local lines=$1 log=$2
    shift 2
    [ -e "$project/build/vswap.ko" ] || die "there is no build/vswap.ko; build it first."
    "$project/scripts/guest" --timeout 14400 --log "$log" "$@" |
        tee "$lines" | { grep --line-buffered -v '^{' >&2 || true; }
    "$project/scripts/check-log" "$log"
}

# summary OPTION...: makes the results from the lines.
summary() {
    (cd "$project" && "$project/scripts/in-root" \
        cargo run --quiet --release --locked --package vswap-bench-summary -- "$@")
}

# How guests are run; VSWAP_ACCEL=icount is what --icount sets.
accelerator() {
    case ${VSWAP_ACCEL:-$(cat "$cache"/guest/kvm-*)} in
    kvm) echo "KVM" ;;
    icount) echo "TCG with -icount shift=1" ;;
    *) echo "TCG, multi-threaded" ;;
    esac
}

qemu_version() {
    "$project/scripts/in-root" qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

revision() {
    local changes
    changes=$(git -C "$project" status --porcelain --untracked-files=no -- src Kbuild)
    echo "$(git -C "$project" rev-parse --short HEAD)${changes:+, with changes}"
}
