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

# triple_of ARCH: what compilers call it.
triple_of() {
    case $1 in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) die "there are no guests of the architecture $1." ;;
    esac
}

# linker_of TRIPLE: a variable that tells cargo what links programs for it.
linker_of() {
    local name=${1/-/_unknown_}
    name=${name//-/_}
    printf 'CARGO_TARGET_%s_LINKER=%s-gcc\n' "${name^^}" "$1"
}

# own_arch: that of the root.
own_arch() { "$project/scripts/in-root" dpkg --print-architecture; }

# foreign_apt ARCH: sets foreign, the options with which apt knows that architecture's packages. The lists
# are kept apart, so that the root's own packages stay as they are.
foreign_apt() {
    foreign=(-o "APT::Architecture=$1" -o "Dir::State::lists=$cache/apt-$1" -o Dir::State::status=/dev/null
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
}

# cross_for RELEASE: sets cross, what make needs for a kernel of another architecture, and foreign, the
# options with which apt knows that one's packages. Both are empty for one of the root's own.
cross_for() {
    local arch own
    arch=$(arch_of "$1")
    own=$(own_arch)
    cross=() foreign=()
    [ "$arch" != "$own" ] || return 0
    foreign_apt "$arch"
    case $arch in
    arm64) cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-) ;;
    *) die "kernel $1 can't be built for on $own: there is no compiler for it here." ;;
    esac
}

# cross_tools ARCH: installs what programs, modules and guests of that architecture are made and run with.
cross_tools() {
    local triple
    triple=$(triple_of "$1")
    [ ! -e "$root/.vswap-tools-$1" ] || return 0
    (
        locked root
        VSWAP_ROOT_USER=0 logged cross-tools "root: installing a compiler and an emulator for $1" \
            "$project/scripts/in-root" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            "gcc-$triple" "libc6-dev-$1-cross" qemu-system-arm/trixie-backports device-tree-compiler
        as_root touch "$root/.vswap-tools-$1"
    )
}
