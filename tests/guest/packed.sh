# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Pages that are written back to a disk stay compressed there: they take a third of it, are read
# together with those that follow them, and freed space is reused.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

# read_by_thread: bytes that the readahead thread has read. Debug kernels don't count that.
read_by_thread() {
    for thread in /proc/[0-9]*; do
        # comm has only the first fifteen bytes of the name.
        if [ "$(cat "$thread/comm" 2>/dev/null)" = vswap_readahead ]; then
            sed -n 's/^read_bytes: //p' "$thread/io"
            return
        fi
    done
    fail "there is no readahead thread"
}

# packed_share: what a packed page takes of the disk, in percent of a page.
packed_share() { echo $(($(segment_bytes) * 100 / ($(value packed_slots) * page))); }

# live: how much of the small disk's segments is in use, in percent.
live() { echo $(($(tier /dev/mapper/small packed_bytes) * 100 / $(segment_bytes))); }
has_holes() { [ "$(live)" -lt 65 ]; }
# written_nothing: nothing is written any more, for a second.
written_nothing() {
    written=$(value disk_write_bytes)
    sleep 1
    [ "$(value disk_write_bytes)" = "$written" ]
}
has_cleaned() { [ "$(value cleaned_pages)" -gt "$cleaned" ]; }

load size_mib=2048 ram_limit_mib=64
make_disk disk /dev/pmem0
add /dev/mapper/disk
expect "whether pages stay compressed" "$(tier /dev/mapper/disk compress)" 1
swapon "$device"

step "written back"
mib_held=$(scaled 48)
# Half of it is a disk.
[ "$mib_held" -ge $((3 * least)) ] || mib_held=$((3 * least))
pages=$((mib_held * per_mib))
written=$(value disk_write_bytes)
hold --size "$mib_held" --mix compressible=90,random=10 --pageout
tell writeback all
settled
written=$(($(value disk_write_bytes) - written))
step "$(value packed_slots) of $pages pages are packed, at $(packed_share) %; $((written * 100 / ($(value written_back_pages) * page))) % written"
holds "packed pages" "$(value packed_slots)" -ge $((pages * 85 / 100))
holds "percent of a page" "$(packed_share)" -le 40
expect "pages in memory" "$(value ram_slots)" 0

step "read in order"
read=$(value disk_read_bytes)
if [ -e /proc/self/io ]; then
    expect "bytes that the thread has read" "$(read_by_thread)" 0
    release
    holds "bytes that the thread has read" "$(read_by_thread)" -gt 0
else
    release
fi
holds "pages read ahead" "$(value readahead_pages)" -ge $((pages * 70 / 100))
holds "of them asked for" "$(value readahead_loads)" -ge $(($(value readahead_pages) * 90 / 100))
read=$(($(value disk_read_bytes) - read))
step "$(value readahead_pages) read ahead, $(value readahead_loads) asked for; $((read / mib)) MiB read"
holds "bytes read" $read -le $((pages * page * 60 / 100))
settled
expect "packed pages" "$(value packed_slots)" 0

step "random reads, while it changes"
tell low_watermark 5
tell high_watermark 10
pagecheck --size "$mib_held" --mix same=10,compressible=80,random=10 --threads 3 --pageout --rounds 1 ||
    fail "pagecheck ended with status $?"
settled
expect "failed stores" "$(value failed_stores)" 0

step "removed: to a disk on which pages stay compressed, to memory, to one on which they do not"
make_disk other /dev/pmem1
add /dev/mapper/other
hold --size "$mib_held" --mix compressible --pageout
tell writeback all
settled
holds "packed pages" "$(tier /dev/mapper/disk packed_pages)" -ge $((pages / 4))
remove /dev/mapper/disk
settled
expect "packed pages" "$(tier /dev/mapper/other packed_pages)" "$(value packed_slots)"
holds "packed pages" "$(value packed_slots)" -ge $((pages * 97 / 100))
tell ram_limit 128M
tell high_watermark 99
tell low_watermark 98
remove /dev/mapper/other
settled
holds "pages in memory" "$(value ram_slots)" -ge $((pages * 97 / 100))
add /dev/mapper/disk
tell writeback all
dmsetup remove other
add /dev/pmem1 10 compress=off
remove /dev/mapper/disk
settled
expect "packed pages" "$(value packed_slots)" 0
holds "pages on the disk" "$(value disk_slots)" -ge $((pages * 97 / 100))
release
remove /dev/pmem1

step "churn on a disk that is nearly full"
# Pages of 3:1 that fill four fifths of it.
dmsetup remove disk
slice small /dev/pmem0 0 $((mib_held * 5 / 12))
tell low_watermark 2
tell high_watermark 4
# So little that what is rewritten goes to the disk, however slow the machine is.
tell ram_limit 16M
add /dev/mapper/small 0 compress=on
written=$(value disk_write_bytes) stored=$(value written_back_pages)
hold --hold-after 6 --size "$mib_held" --mix compressible --threads 2 --pageout --rounds 6 --rewrite 30 --discard 15
tell writeback all
settled
step "$(value cleaned_pages) pages cleaned, $(tier /dev/mapper/small packed_bytes) bytes live in $(segment_bytes)"
written=$(($(value disk_write_bytes) - written)) stored=$(($(value written_back_pages) - stored))
packed_stored=$(tier /dev/mapper/small packed_stored) packed_written=$(tier /dev/mapper/small packed_written)
step "$stored pages stored with $((written / mib)) MiB; amplification $((packed_written * 100 / packed_stored)) %"
# What is cleaned counts as written, and not as stored.
holds "percent of them that are cleaned" $(($(value cleaned_pages) * 100 / stored)) -ge 10
expect "bytes written" "$packed_written" "$written"
holds "bytes stored" "$packed_stored" -le $((stored * page * 40 / 100))
holds "bytes stored" "$packed_stored" -ge $((stored * page * 30 / 100))
holds "pages cleaned" "$(value cleaned_pages)" -gt 0
holds "percent live" "$(live)" -ge 75
release

# Smaller disks have too few segments for holes.
if [ $((mib_held * 5 / 12)) -ge 8 ]; then
    step "cleaning keeps to the daily limit"
    hold --size "$mib_held" --mix compressible --threads 2 --pageout --rounds 100000 --rewrite 30 --discard 15
    tell writeback all
    settled
    within 300 written_nothing || fail "writing does not end"
    # Less than a page: from now on nothing is written, and what is rewritten leaves holes.
    tell writeback_limit 1
    cleaned=$(value cleaned_pages) written=$(value disk_write_bytes)
    rm /tmp/held
    within 300 has_holes || fail "no holes: $(live) % are live"
    kill -STOP "$pid"
    sleep 3
    cleaned_then=$(value cleaned_pages) written_then=$(value disk_write_bytes)
    tell writeback_limit 0
    why=""
    within 300 has_cleaned || why="nothing is cleaned without the limit either"
    # A process that is stopped would outlast a failure.
    kill -KILL "$pid"
    wait "$pid" || true
    [ -z "$why" ] || fail "$why"
    expect "pages cleaned with the limit spent" "$cleaned_then" "$cleaned"
    expect "bytes written with the limit spent" "$written_then" "$written"
else
    step "cleaning under the daily limit is left out: the disk is too small"
fi
settled
remove /dev/mapper/small
stop
dmsetup remove small

step "without memory for pages, where that is asked for"
load size_mib=2048 ram_limit_mib=0
make_disk disk /dev/pmem0
swapon "$device"
for compress in "" compress=on; do
    add "/dev/mapper/disk $compress"
    hold --size "$mib_held" --mix compressible --pageout
    # What is in the buffer is written as well.
    tell writeback all
    settled
    expect "pages in memory" "$(value ram_slots)" 0
    if [ -n "$compress" ]; then
        holds "packed pages" "$(value packed_slots)" -ge $((pages * 97 / 100))
        holds "percent of a page" "$(packed_share)" -le 40
    else
        expect "packed pages" "$(value packed_slots)" 0
    fi
    expect ram_limit "$(cat $class/ram_limit)" 0
    release
    settled
    remove /dev/mapper/disk
done

step "what is in the buffer has no room without a disk"
add "/dev/mapper/disk compress=on"
hold --size 2 --mix compressible --pageout
holds "pages in the buffer" "$(value ram_slots)" -gt 0
tell writeback all
refused "No space left on device" sh -c "echo /dev/mapper/disk >$class/tier_remove"
release
remove /dev/mapper/disk
stop
dmsetup remove disk
