# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # used by those who source it
# Common functions of the scripts: where things lie, how messages look, how to become root.
# To be sourced.

set -euo pipefail

project=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cache=${VSWAP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vswap}
root=$cache/root
logs=$cache/logs
# Where cargo builds. A worktree builds in a place of its own: in a shared one, cargo would mistake
# another worktree's last build for this one's.
target=$cache/target
[ ! -f "$project/.git" ] || target+=-$(basename "$project")

# The one place that names the kernel. Debian's backports keep several releases for a
# while, then drop the old ones.
pinned_release=7.3.4+deb13-amd64
suite=trixie

# Whether this machine's own tools build, and not those of the trixie root: in the root, where there
# is no apt to make one with, and when VSWAP_NATIVE=1 asks for it.
is_native() {
    [ "${VSWAP_IN_ROOT:-}" = 1 ] || [ "${VSWAP_NATIVE:-}" = 1 ] || ! command -v apt-get >/dev/null
}
! is_native || target=${CARGO_TARGET_DIR:-$project/build/target}

say() { printf '%s\n' "vswap: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# as_root COMMAND...: runs it as root, through sudo if necessary.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "'$1' must be run as root, and there is no sudo. Run this as root, or install sudo."
    fi
}

# is_too_old RELEASE: before 7.3, there is no exported swap_ops.
is_too_old() {
    local major minor
    IFS=.- read -r major minor _ <<<"$1"
    minor=${minor%%[^0-9]*}
    [[ $major =~ ^[0-9]+$ ]] && { [ "$major" -lt 7 ] || { [ "$major" -eq 7 ] && [ "${minor:-0}" -lt 3 ]; }; }
}

# Debian's names of kernels have its version after a plus.
is_debian_release() { [[ $1 =~ ^[0-9]+\.[0-9]+[.0-9]*\+[a-z0-9]+ ]]; }

# tree_of RELEASE: prints where a kernel's own build tree is, if the module is to be built in that. For
# Debian's kernels kernel-setup makes one.
tree_of() {
    local tree=/lib/modules/$1/build
    if is_native || { ! is_debian_release "$1" && [[ $1 != */* ]] && [ -d "$tree" ]; }; then
        printf '%s\n' "$tree"
    fi
}

project_version() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$project/Cargo.toml"; }

# logged NAME WHAT COMMAND...: runs COMMAND with its output in a log; on failure prints the end of it.
logged() {
    local log=$logs/$1.log what=$2 began=$SECONDS
    shift 2
    mkdir -p "$logs"
    say "$what ..."
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 40 "$log" >&2
        die "$what: failed. The whole log: $log"
    fi
    say "$what: done in $((SECONDS - began)) s"
}

# locked NAME: one process at a time builds what is cached; released when the caller exits.
locked() {
    mkdir -p "$cache"
    exec 9>"$cache/$1.lock"
    flock 9
}
