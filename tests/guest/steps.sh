# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Commands of the documents, one after the other as they are written there, and what must be true after each one.
# To be sourced, in place of lib.sh, by tests that have steps of a document.
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

said=/tmp/said
tree=/lib/modules/$(uname -r)
# The documents' commands that install. There is nothing to build or install with here; tests/packages installs the
# packages, and tests/service has the service.
installing='make deb|apt install |editor |systemctl '

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
        holds "slots in use" "$(value used_slots)" -ge $(($(scaled 8) * per_mib))
        ;;
    "vswapctl off --unload")
        expect "priority in /proc/swaps" "$(priority)" ""
        ! loaded || fail "the module is loaded"
        [ ! -e "$device" ] || fail "$device is still there"
        # What came back is what was swapped out.
        release
        ;;
    "vswapctl check")
        # A warning is not an error of the document.
        ! grep -vE '^(ok|warning)  ' $said || fail "a line is neither good nor a warning"
        is_said "the module is loaded"
        is_said "/dev/vswap0 is swapped on with priority 100"
        ;;
    "vswapctl processes")
        is_said "SWAP"
        ;;
    "vswapctl top --once")
        is_said "hits "
        is_said "read back"
        is_said "disks, both ways"
        ;;
    "vswapctl add /var/swapfile --create "*)
        expect "what is listed" "$(vswapctl status --raw --noheadings --output name,kind | grep swapfile)" "/var/swapfile disk"
        is_said "/var/swapfile is a tier through /dev/loop"
        ;;
    "vswapctl config --check") is_said "the configuration is valid" ;;
    *) fail "this test does not know what must be true after it" ;;
    esac
}

# prepare FILE: what the steps in it need. There is no disk of the documents' name in the guest, so a link of that name
# stands in for it.
disk=""
prepare() {
    trap clean_up EXIT
    for module in nd_e820 of_pmem nd_pmem; do
        modprobe -q $module || true
    done
    eventually there_is_a_disk || fail "there is no disk of persistent memory"
    install_module
    disk=$(sed -n 's/^vswapctl add \(\/dev\/[^ ]*\).*/\1/p' "$1")
    [ -n "$disk" ] || fail "no disk is added"
    [ ! -e "$disk" ] || fail "there is a $disk"
    ln -s /dev/pmem0 "$disk"
}

# run_steps FILE: runs the commands in it, each of which must succeed and do what it says. A test can change a command
# that can't run in the guest with its function "translated".
ran=0 skipped=0 last=""
run_steps() {
    while IFS= read -r line <&3; do
        line=$(translated "$line")
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
        [ "$command" = "vswapctl check" ] && [ $status = 1 ] && status=0
        expect "status" $status 0
        become_true "$command" "$disk"
        # shellcheck disable=SC2034 # used by the tests
        ran=$((ran + 1)) last=$command
    done 3<"$1"
}
