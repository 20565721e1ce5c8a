# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Pages in memory go to a disk when there are too many of them, or on request, and are
# compressed better on request.
# memory: 384
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

set_to() {
    tell "$1" "$2"
    expect "$1" "$(cat "$class/$1")" "$2"
}

released() {
    release
    expect_empty
}

load size_mib=1024 ram_limit_mib=64
swapon "$device"

step "watermarks"
expect high_watermark "$(cat $class/high_watermark)" 95
expect low_watermark "$(cat $class/low_watermark)" 92
set_to low_watermark 30
set_to high_watermark 60
set_to high_watermark 100
for nonsense in 101 30 20 -1 "" many; do
    denied "Invalid argument" high_watermark "$nonsense"
    expect high_watermark "$(cat $class/high_watermark)" 100
done
set_to high_watermark 50
for nonsense in 50 60 101 -1 "" many; do
    denied "Invalid argument" low_watermark "$nonsense"
    expect low_watermark "$(cat $class/low_watermark)" 30
done
set_to high_watermark 90
set_to low_watermark 80

step "no disk to write to, and nonsense"
denied "No space left on device" writeback all
# Pages already above the watermark are written when a disk comes.
hold --size "$(scaled 32)" --mix compressible --pageout
set_to low_watermark 2
set_to high_watermark 4
holds "bytes in the pool" "$(value pool_bytes)" -gt $((64 * mib * 4 / 100))
add /dev/pmem0
is_low() { [ "$(value pool_bytes)" -le $((64 * mib * 4 / 100)) ]; }
within 30 is_low || fail "a new disk is not written to: $(tr '\n' ' ' <$class/stat)"
holds "pages written back" "$(value written_back_pages)" -gt 0
released
set_to high_watermark 90
set_to low_watermark 80
for nonsense in "" some -1 "1 2"; do
    denied "Invalid argument" writeback "$nonsense"
    denied "Invalid argument" recompress "$nonsense"
    denied "Invalid argument" writeback_limit "$nonsense"
done
expect writeback_limit "$(cat $class/writeback_limit)" 0

step "more than the limit"
limit=$(($(scaled 8) * mib))
echo "$limit" >$class/ram_limit
data=$(scaled 64)
sampled "$limit" hold --size "$data" --mix compressible --pageout --rounds 1
settled
expect "failed stores" "$(value failed_stores)" 0
holds "slots" "$(value used_slots)" -ge $((data * per_mib * 97 / 100))
holds "pages written back" "$(value written_back_pages)" -ge $((data * per_mib / 4))
holds "bytes in the pool" "$(value pool_bytes)" -le "$limit"
# Pages written last stay.
holds "pages in memory" "$(value ram_slots)" -gt 0
sampled "$limit" released
expect "failed stores" "$(value failed_stores)" 0
sampled "$limit" limited "$(scaled 16)" pagecheck --size "$(scaled 40)" --mix compressible=80,random=20 --rounds 1 --threads 2
expect "failed stores" "$(value failed_stores)" 0
expect_empty

step "watermarks that are lowered"
echo $(($(scaled 64) * mib)) >$class/ram_limit
hold --size "$(scaled 24)" --mix compressible --pageout
settled
written=$(value written_back_pages)
expect "pages on the disk" "$(value disk_slots)" 0
set_to low_watermark 2
set_to high_watermark 4
within 30 is_low || fail "nothing is written back: $(tr '\n' ' ' <$class/stat)"
holds "pages written back" "$(value written_back_pages)" -gt "$written"
released
set_to high_watermark 90
set_to low_watermark 80

step "all of it, on request"
echo $((64 * mib)) >$class/ram_limit
data=$(scaled 16)
hold --size "$data" --mix compressible=90,same=10 --pageout
settled
same=$(value same_filled_slots)
holds "pages in memory" "$(value ram_slots)" -ge $((data * per_mib * 85 / 100))
tell writeback all
settled
holds "pages in memory" "$(value ram_slots)" -le 16
expect "pages in their entries" "$(value same_filled_slots)" "$same"
holds "pages on the disk" "$(value disk_slots)" -ge $((data * per_mib * 85 / 100))
holds "bytes in the pool" "$(value pool_bytes)" -le $((64 * page))
released

step "old pages, on request"
# One after the other on one processor, so that they share at most a cluster.
taskset 1 pagecheck --size 8 --mix compressible --pageout --hold /tmp/held-too &
older=$!
held /tmp/held-too
sleep 12
pages=$((8 * per_mib))
now=$(cut -d. -f1 /proc/uptime)
taskset 1 pagecheck --size 8 --mix compressible --pageout --seed 2 --hold /tmp/held &
pid=$!
held /tmp/held
written=$(value written_back_pages)
# However long that took, they are younger than this, and the others are older.
tell writeback $(($(cut -d. -f1 /proc/uptime) - now + 5))
holds "pages written back" $(($(value written_back_pages) - written)) -ge $((pages - 2 * 512))
holds "pages written back" $(($(value written_back_pages) - written)) -le $((pages + 512))
holds "pages in memory" "$(value ram_slots)" -ge $((pages - 512))
tell writeback 3600
holds "pages in memory" "$(value ram_slots)" -ge $((pages - 512))
rm /tmp/held-too
finished $older
released

step "recompressed"
hold --size "$data" --mix compressible=90,random=10 --pageout
settled
compressed=$(value compressed_bytes) slots=$(value ram_slots) recompressed=$(value recompressed_pages)
tell recompress 3600
expect "pages that are as old" "$(value recompressed_pages)" "$recompressed"
tell recompress all
settled
step "$compressed bytes before, $(value compressed_bytes) after"
holds "pages" $(($(value recompressed_pages) - recompressed)) -ge $((slots * 85 / 100))
holds "bytes" "$(value compressed_bytes)" -lt "$compressed"
expect "pages in memory" "$(value ram_slots)" "$slots"
expect "pages of whom more would be gained" "$(value compressed_bytes)" "$(tell recompress all && value compressed_bytes)"
released

step "a daily limit for automatic writeback"
set_to low_watermark 5
set_to high_watermark 10
echo "$(($(scaled 64) * mib))" >$class/ram_limit
limit=$(($(scaled 4) * mib))
tell writeback_limit $limit
written=$(value disk_write_bytes)
hold --size "$(scaled 48)" --mix compressible --pageout
# A run may be under way when the limit is reached.
run=$((4 * mib))
spent() { [ $(($(value disk_write_bytes) - written)) -ge $((limit / 2)) ]; }
within 60 spent || fail "little of it is written: $(tr '\n' ' ' <$class/stat)"
sleep 2
settled
holds "bytes written" $(($(value disk_write_bytes) - written)) -le $((limit + run))
expect "failed stores" "$(value failed_stores)" 0
hold_first=$pid
pagecheck --size 8 --mix random --pageout --hold /tmp/held-too &
other=$!
held /tmp/held-too
settled
holds "bytes written" $(($(value disk_write_bytes) - written)) -le $((limit + run))
holds "pages kept as they are" "$(value raw_slots)" -ge $((8 * per_mib * 90 / 100))
tell writeback all
settled
holds "pages in memory" "$(value ram_slots)" -le 16
rm /tmp/held-too
finished $other

step "more than memory has room for, with the daily limit spent"
written=$(value disk_write_bytes) failed=$(value failed_stores)
echo "$((2 * mib))" >$class/ram_limit
for mix in compressible random; do
    pagecheck --size 16 --mix $mix --pageout || fail "pagecheck ended with status $?"
    holds "failed stores of $mix" "$(value failed_stores)" -gt "$failed"
    failed=$(value failed_stores)
done
expect "bytes written" "$(value disk_write_bytes)" "$written"
pid=$hold_first
released
tell writeback_limit 0
remove /dev/pmem0
stop
