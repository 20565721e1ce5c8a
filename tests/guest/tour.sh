# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# The commands of docs/tour.md, one after the other as they stand there, and what the tour says about their output.
# memory: 352
# with: vswapctl
# disks: 256,96
# kernel: stock
# shellcheck source=tests/guest/steps.sh
. /tests/steps.sh

tour=/tour.md
steps=/tmp/tour-steps

# What the guest can't do: there is no terminal, and no disk of that size.
translated() {
    case $1 in
    "vswapctl top") echo "$1 --once" ;;
    *"--create 8G") echo "${1%8G}48M" ;;
    *) echo "$1" ;;
    esac
}

# The blocks of commands, without those in the text.
awk '/^```/ { is_inside = !is_inside; next } is_inside' $tour >$steps
prepare $steps
modprobe -q ext4 || true
modprobe -q loop || true
there_are_two() { [ -b /dev/pmem1 ]; }
eventually there_are_two || fail "there is no second disk of persistent memory"
busybox mke2fs /dev/pmem1 >/dev/null
mkdir -p /var
mount -t ext4 /dev/pmem1 /var

# quoted FILE: the tour must quote the first line of it.
quoted() { grep -qF "\`$(head -n 1 "$1")\`" $tour || fail "the tour does not quote '$(head -n 1 "$1")'"; }

# named COMMAND: each name that the tour explains below COMMAND must be in its output.
named() {
    awk -v command="$1" '
        /^```/ { is_inside = !is_inside; if (!is_inside) next }
        is_inside { last = $0; next }
        last == command && /^- \*\*/ { sub(/^- \*\*/, ""); sub(/[:,.]?\*\*.*/, ""); print }' $tour >/tmp/names
    holds "names in the tour" "$(grep -c . /tmp/names)" -ge 4
    while IFS= read -r name; do
        case $name in
        # Not a word of the screen; not while nothing is removed.
        "The device" | "How much is swapped out" | "The bar" | "Where it lies" | removal) ;;
        *) is_said "$name" ;;
        esac
    done </tmp/names
}

step "what the tour quotes"
vswapctl on >$said
quoted $said
vswapctl status >$said
named "vswapctl status"
vswapctl top --once >$said
named "vswapctl top"
for inline in "vswapctl get" "vswapctl status --explain" "vswapctl top --once --interval 5" "vswapctl processes --cgroups" \
    "vswapctl status --json" "vswapctl status --list --output +WRITTEN"; do
    $inline >$said || fail "$inline fails"
done
vswapctl get >$said
is_said "size="
is_said "ram_limit="
vswapctl off --unload >/dev/null
# shellcheck disable=SC2016 # sed's
sh -c "$(sed -n 's/.*`\(vswapctl on --size [^`]*\)`.*/\1/p' $tour)" >$said || fail "it can't be switched on with sizes: $(cat $said)"
vswapctl off --unload >/dev/null

run_steps $steps
expect "commands that install" $skipped 4
holds "other commands" $ran -ge 11
umount /var
