# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Disks whose pages are encrypted, or compared with tags: nothing of a page can be read on the
# disk, and a page that has changed there is an error for its reader and never somebody's data.
# memory: 384
# disks: 448,448
# protected: no
# allowed: Read-error on swap-device
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

small=/dev/mapper/small

# small_disk MIB: the end of /dev/pmem1, as a disk of its own.
small_disk() { echo "0 $(($1 * 2048)) linear /dev/pmem1 $((400 * 2048))" | dmsetup create small; }

# held_secrets: swaps out many copies of a text.
held_secrets() {
    mkdir -p /tmp/secrets
    mount -t tmpfs secrets /tmp/secrets
    echo max >"$group/memory.max"
    # shellcheck disable=SC2016 # expanded inside
    sh -c 'echo 0 >"$1/cgroup.procs" && yes vswap-secret | head -c 8388608 >/tmp/secrets/all' sh "$group"
    echo 4G 2>/dev/null >"$group/memory.reclaim" || true
    holds "slots on the disk" "$(value disk_slots)" -gt 500
}
forget_secrets() { umount /tmp/secrets; }

# readable: how many lines of the text can be read on the disk.
readable() {
    echo 3 >/proc/sys/vm/drop_caches
    grep -a -c vswap-secret $small || true
}

# As udev does for a CPU that has these instructions.
modules aesni-intel
load size_mib=1024 ram_limit_mib=0
swapon "$device"
make_disk disk /dev/pmem0
mkdir -p "$group"

step "what is refused"
denied_for_a_reason "Invalid argument" tier_add "/dev/pmem1 encrypted"
denied_for_a_reason "Invalid argument" tier_add "/dev/pmem1 encrypt encrypt"
denied_for_a_reason "Invalid argument" tier_add "/dev/pmem1 1 integrity 2"
# A disk whose tags would take most of the memory: 2 MiB for each GiB.
modprobe null_blk nr_devices=1 gb="$(available 40)"
denied_for_a_reason "Cannot allocate memory" tier_add "/dev/nullb0 integrity"
modprobe -r null_blk

for options in encrypt integrity "encrypt integrity"; do
    # Requested transfers, and deferred ones.
    for disk in /dev/pmem1 /dev/mapper/disk; do
        step "$disk, $options"
        add $disk 5 "$options"
        for option in $options; do
            expect "$option" "$(tier $disk "$option")" 1
        done
        swapped $(($(scaled 4) * 128)) limited "$(scaled 4)" pagecheck --size "$(scaled 10)" --mix same=10,random=90 --rounds 1 --threads 2
        expect_empty
        [ "$options" = encrypt ] || expect "pages that changed" "$(tier $disk corrupt)" 0
        remove $disk
    done
done

step "moved around"
tell ram_limit "$(($(scaled 32) * mib))"
add /dev/mapper/disk 1 encrypt integrity
hold_out --size "$(scaled 24)" --mix compressible=50,random=50 --pageout
tell writeback all
settled
holds "slots on the disk" "$(value disk_slots)" -gt $(($(scaled 8) * per_mib))
add /dev/pmem1 2 integrity
remove /dev/mapper/disk
holds "slots on the other disk" "$(tier /dev/pmem1 used)" -gt $(($(scaled 8) * mib))
add /dev/mapper/disk 3 encrypt
remove /dev/pmem1
release
expect_empty
tell ram_limit 0

step "writes fail, and the pages go elsewhere"
add /dev/pmem1 -1 encrypt
turn disk /dev/pmem0 no-writes
limited "$(scaled 8)" pagecheck --size "$(scaled 16)" --mix random --rounds 1
expect "failed stores" "$(value failed_stores)" 0
holds "pages written elsewhere" "$(value retried_pages)" -gt 0
expect_empty
turn disk /dev/pmem0 healthy
remove /dev/mapper/disk
remove /dev/pmem1

step "what can be read on the disk"
small_disk 16
for options in "" "encrypt integrity"; do
    dd if=/dev/zero of=$small bs=1M count=16 conv=fsync 2>/dev/null
    add $small 0 "$options"
    held_secrets
    lines=$(readable)
    step "${options:-neither}: $lines lines"
    case $options in
    *encrypt*) expect "lines that can be read, $options" "$lines" 0 ;;
    *) holds "lines that can be read, ${options:-neither}" "$lines" -gt 10000 ;;
    esac
    forget_secrets
    expect_empty
    remove $small
done
dmsetup remove small
small_disk 6

for options in integrity "encrypt integrity"; do
    step "a flipped bit in each page, $options"
    add $small 0 "$options"
    hold_out --size 16 --mix random --pageout --may-lose >/tmp/held-says 2>&1
    settled
    flipped=$(flipbits $small "${SEED:-1}")
    holds "bits flipped" "$flipped" -ge 1000
    pages=$(($(tier $small used) / page))
    release_some
    corrupt=$(tier $small corrupt)
    echo "result: a bit flipped in each of $pages pages, $options: $lost are errors, 0 are wrong"
    holds "pages that are errors" "$lost" -ge 1000
    holds "pages on the disk" "$pages" -ge "$lost"
    holds "pages that changed" "$corrupt" -ge "$lost"
    swapoff "$device"
    expect_empty
    remove $small
    swapon "$device"
done

# as_it_is: saves the disk's contents as /tmp/older.
as_it_is() {
    echo 3 >/proc/sys/vm/drop_caches
    dd if=$small of=/tmp/older bs=$page 2>/dev/null
}

# put_back FROM TO COUNT: writes that many pages of it to the disk, from that page on.
put_back() { dd if=/tmp/older of=$small bs=$page skip="$1" seek="$2" count="$3" conv=notrunc,fsync 2>/dev/null; }

# Those are pages that were written, and have the tags that they were written with.
for options in integrity "encrypt integrity"; do
    for what in "older pages of the same slots" "pages of other slots"; do
        step "$what, $options"
        add $small 0 "$options"
        if [ "$what" = "pages of other slots" ]; then
            hold_out --size 16 --mix random --pageout --may-lose --seed 2 >/tmp/held-says 2>&1
            settled
            as_it_is
            put_back 1 2 $((6 * per_mib - 2))
        else
            hold_out --size 16 --mix random --pageout --seed 1
            settled
            as_it_is
            release
            expect_empty
            hold_out --size 16 --mix random --pageout --may-lose --seed 2 >/tmp/held-says 2>&1
            settled
            put_back 1 1 $((6 * per_mib - 1))
        fi
        pages=$(($(tier $small used) / page))
        release_some
        holds "pages that are errors" "$lost" -ge 1000
        holds "pages on the disk" "$pages" -ge "$lost"
        holds "pages that changed" "$(tier $small corrupt)" -ge "$lost"
        swapoff "$device"
        expect_empty
        remove $small
        swapon "$device"
    done
done
rm /tmp/older

step "one page has changed on a disk that is being removed"
dmsetup remove disk
add $small 0 integrity
hold_out --size 16 --mix random --pageout --may-lose >/tmp/held-says 2>&1
settled
# As in the test of drains.
holds "bytes that are free" $(($(tier $small size) - $(tier $small used))) -lt $((32 * page))
flipbits $small 1 1 >/dev/null
add /dev/pmem0 1
dmesg -c >/dev/null
if (tell tier_remove $small) 2>/tmp/refused; then
    fail "a disk with a page that can't be read went: $(cat $class/tiers)"
fi
grep -q "Input/output error" /tmp/refused || fail "it said: $(cat /tmp/refused)"
expect "what was said" "$(reasons | grep -c ' 1 pages can.t be read')" 1
expect "slots in use on it" "$(tier $small used)" "$page"
remove $small force
expect "slots that were given up" "$(value lost_slots)" 1
release_some
expect "pages lost" "$lost" 1
swapoff "$device"
expect_empty
remove /dev/pmem0
dmsetup remove small
unload
