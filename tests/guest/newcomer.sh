# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The README's first steps, command by command as they stand there (scripts/guest-image takes them
# from the README), each of which must succeed and do what it says. No other test has the same needs,
# so the guest is a fresh one.
# memory: 320
# with: vswapctl
# disks: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

steps=/first-steps
said=/tmp/said
tree=/lib/modules/$(uname -r)
# The README's commands that install. There is nothing to build or install with here;
# tests/packages installs the packages.
installing='make deb|apt install '

priority() { awk -v path="$device" '$1 == path { print $5 }' /proc/swaps; }
listed() { grep -c "^$1 " $class/tiers; }
used() { sed -n "s:^$1 .* used=\([0-9]*\) .*:\1:p" $class/tiers; }
loaded() { [ -e /sys/module/vswap ]; }
is_said() { grep -qF -- "$1" $said || fail "it does not say '$1'"; }
there_is_a_disk() { [ -b /dev/pmem0 ]; }

# The effect of the installation: modprobe finds the module.
install_module() {
    mkdir -p "$tree/updates"
    cp /vswap.ko "$tree/updates/"
    cp "$tree/modules.dep" /tmp/modules.dep
    echo "updates/vswap.ko:" >>"$tree/modules.dep"
}
clean_up() {
    rm -rf "$tree/updates"
    [ ! -e /tmp/modules.dep ] || mv /tmp/modules.dep "$tree/modules.dep"
    [ ! -L "$disk" ] || rm "$disk"
}

# become_true COMMAND DISK: checks the effect of that command.
become_true() {
    case $1 in
    "vswapctl estimate")
        is_said "pages sampled of "
        is_said "all of it would take"
        ! loaded || fail "the module is loaded"
        ;;
    "vswapctl on")
        expect "priority in /proc/swaps" "$(priority)" 100
        expect "the disks" "$(cat $class/tiers)" ""
        is_said "is swapped on, with no disks"
        ;;
    "vswapctl status")
        is_said "swapped on, priority 100"
        [ -z "$(cat $class/tiers)" ] || is_said "$2"
        ;;
    "vswapctl status --explain")
        is_said "swapped on, priority 100"
        # The kernel's word and the explanation's.
        is_said "swapped out     All pages that the kernel has swapped out"
        ;;
    "vswapctl add $2")
        expect "lines of $2 in the list" "$(listed "$2")" 1
        is_said "$2 is a tier"
        # Something is swapped out, and is old enough for the disk when writeback is requested.
        hold --size "$(scaled 16)" --mix compressible=50,random=50 --pageout
        echo all >$class/writeback
        holds "bytes on $2" "$(used "$2")" -ge $(($(scaled 4) * mib))
        ;;
    "vswapctl remove $2")
        expect "lines of $2 in the list" "$(listed "$2")" 0
        is_said "$2 is removed: "
        expect "priority in /proc/swaps" "$(priority)" 100
        holds "slots in use" "$(value used_slots)" -ge $(($(scaled 8) * 256))
        ;;
    "vswapctl off --unload")
        expect "priority in /proc/swaps" "$(priority)" ""
        ! loaded || fail "the module is loaded"
        [ ! -e "$device" ] || fail "$device is still there"
        # What came back is what was swapped out.
        release
        ;;
    *) fail "it isn't known here what is to be so after it" ;;
    esac
}

disk=""
trap clean_up EXIT
for module in nd_e820 nd_pmem; do
    modprobe -q $module || true
done
eventually there_is_a_disk || fail "there is no disk of persistent memory"
install_module

# This guest does not have the README's disk, so a link of that name stands in for it.
disk=$(sed -n 's/^vswapctl add \(\/dev\/[^ ]*\).*/\1/p' $steps)
[ -n "$disk" ] || fail "no disk is added"
[ ! -e "$disk" ] || fail "there is a $disk"
ln -s /dev/pmem0 "$disk"

ran=0 skipped=0 last=""
while IFS= read -r line <&3; do
    command=$(echo "${line%%#*}" | sed 's/ *$//')
    [ -n "$command" ] || continue
    if echo "$command" | grep -qE "^($installing)"; then
        step "left out: $command"
        skipped=$((skipped + 1))
        continue
    fi
    step "$command"
    status=0
    # The line as it is, with its comment.
    sh -c "$line" >$said 2>&1 </dev/null 3<&- || status=$?
    cat $said
    expect "status" $status 0
    become_true "$command" "$disk"
    ran=$((ran + 1)) last=$command
done 3<$steps
expect "commands that install" $skipped 3
holds "other commands" $ran -ge 6
expect "the last command" "$last" "vswapctl off --unload"
