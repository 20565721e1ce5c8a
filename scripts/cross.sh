# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # used, and set, by those who source it
# Kernels of another architecture than the root's. To be sourced, after lib.sh.

# arch_of RELEASE: Debian's name of its architecture.
arch_of() {
    case $1 in
    *-arm64 | *-arm64-*) echo arm64 ;;
    *) echo amd64 ;;
    esac
}

# cross_for RELEASE: sets cross, what make needs for a kernel of another architecture, and foreign, the
# options with which apt knows that one's packages. Both are empty for one of the root's own.
cross_for() {
    local arch own
    arch=$(arch_of "$1")
    own=$("$project/scripts/in-root" dpkg --print-architecture)
    cross=() foreign=()
    [ "$arch" != "$own" ] || return 0
    # The lists are kept apart, so that the root's own packages stay as they are.
    foreign=(-o "APT::Architecture=$arch" -o "Dir::State::lists=$cache/apt-$arch" -o Dir::State::status=/dev/null
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
    case $arch in
    arm64) cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-) ;;
    *) die "kernel $1 can't be built for on $own: there is no compiler for it here." ;;
    esac
}

# cross_compiler: installs what cross names.
cross_compiler() {
    [ ${#cross[@]} -ne 0 ] && ! [ -x "$root/usr/bin/aarch64-linux-gnu-gcc" ] || return 0
    (
        locked root
        VSWAP_ROOT_USER=0 logged cross-compiler "root: installing a compiler for ${cross[0]#ARCH=}" \
            "$project/scripts/in-root" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu
    )
}
