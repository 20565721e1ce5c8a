# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Everything at once, in an order drawn from a seed: processes that swap, fork, discard and
# exit, writeback, recompression, disks, protected or not, that are drained, added, slow, removed
# only half-way, worn out, silent, failed and recovered, limits and algorithms that change, swapping off
# and on, and processors that go offline and come back. Every byte is compared.
# MINUTES sets the duration (less than one by default); SEED repeats a run.
# memory: 384
# disks: 448,448
# cpus: 4
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
seconds=$((${MINUTES:-0} > 0 ? ${MINUTES:-0} * 60 : 30))
longest=$((seconds + 120))
step "seed $seed, $seconds s"
begun=$(cut -d. -f1 /proc/uptime)

# seeded NUMBER: seeds what this process draws from now on.
seeded() { drawn=$(((seed * 1000003 + $1) & 0x7fffffff)); }

# draw BOUND: $draw is from 0 to below BOUND.
draw() {
    drawn=$(((drawn * 1103515245 + 12345) & 0x7fffffff))
    draw=$(((drawn >> 8) % $1))
}

# going_on: not broken, and there is time left; on a machine that is busy with something else, until each
# thing was done once.
going_on() {
    [ ! -e /tmp/broken ] || return 1
    elapsed=$(($(cut -d. -f1 /proc/uptime) - begun))
    [ $elapsed -lt $seconds ] || { [ $elapsed -lt $longest ] && ! all_done; }
}
kinds="load kill move drain slow worn silent limit processor"
all_done() {
    for what in $kinds; do
        grep -q "$what" /tmp/done || return 1
    done
}

# done_once WHAT: counts it.
done_once() { echo "$1" >>/tmp/done; }

# broken WHAT: ends the whole test.
broken() {
    echo "  broken: $*" | tee -a /tmp/broken
    exit 1
}

# load_memory NUMBER: runs one pagecheck after the other.
load_memory() {
    seeded "$1"
    while going_on; do
        draw 3
        rounds=$draw
        draw 5
        case $draw in
        0) options="--fork" ;;
        1) options="--memory shmem --readers 2" ;;
        2) options="$huge --pageout" ;;
        3) options="--threads 3 --discard 30" ;;
        4) options="--pageout --threads 2" ;;
        esac
        draw 4
        case $draw in
        0) mix=random ;;
        1) mix=compressible ;;
        *) mix=same=20,compressible=40,random=40 ;;
        esac
        draw 10000
        # shellcheck disable=SC2086 # words
        pagecheck --size "$(scaled 8)" --mix $mix --rounds $rounds $options --seed $draw >/tmp/load."$1" 2>&1 ||
            broken "pagecheck $mix $rounds $options, seed $draw: status $?: $(cat /tmp/load."$1")"
        sed -n 's/.*: \([0-9]*\) pages compared, .*/\1/p' /tmp/load."$1" >>/tmp/compared
        done_once load
    done
}

# kill_some: kills processes before they end by themselves.
kill_some() {
    seeded 100
    while going_on; do
        pagecheck --size "$(scaled 4)" --pageout --rounds 100000 --threads 2 >/tmp/victim 2>&1 &
        victim=$!
        draw 20
        sleep 0.$draw
        killed $victim
        ! grep -E "wrong byte|read error" /tmp/victim || broken "$(cat /tmp/victim)"
        done_once kill
    done
}

# move_pages: between memory and the disks.
move_pages() {
    seeded 101
    while going_on; do
        draw 6
        case $draw in
        0) tell writeback all || broken "writeback all" ;;
        1) tell writeback 1 || broken "writeback 1" ;;
        2) tell recompress all || broken "recompress" ;;
        3)
            draw 12
            tell ram_limit "$(($(scaled $((draw + 1))) * mib))" || broken "ram_limit"
            ;;
        4) tell comp_algorithm zstd || broken "comp_algorithm" ;;
        5) tell comp_algorithm lz4 || broken "comp_algorithm" ;;
        esac
        done_once move
        sleep 0.2
    done
}

# draw_tier DISK: $tier is the text that adds it with some priority and some protection.
draw_tier() {
    draw 3
    tier="$1 $draw"
    draw 4
    case $draw in
    1) tier="$tier encrypt" ;;
    2) tier="$tier integrity" ;;
    3) tier="$tier encrypt integrity" ;;
    esac
}

# removed DISK: a removal is refused while its pages are under way to another disk that fails or does not
# answer, so it is tried again for as long as that may be.
removed() {
    for _ in $(seq 30); do
        if (tell tier_remove "$1") 2>/dev/null; then
            return
        fi
        sleep 1
    done
    return 1
}

# change_disks: one of them is always there, and has room for everything.
change_disks() {
    seeded 102
    while going_on; do
        draw 2
        if [ "$draw" = 0 ]; then
            one=/dev/mapper/one
        else
            one=/dev/pmem1
        fi
        draw 3
        if [ "$draw" = 0 ]; then
            # Cancelled, if it has not ended by then.
            sh -c "echo $one >$class/tier_remove" 2>/tmp/removal &
            remover=$!
            draw 5
            sleep 0.$draw
            (tell tier_cancel $one) 2>/dev/null || true
            if ! wait $remover; then
                grep -q "Operation canceled\|resource busy\|No space left" /tmp/removal || broken "a removal that was cancelled: $(cat /tmp/removal)"
                within 30 tier_is $one state active || broken "it is cancelled, and not in service: $(cat $class/tiers)"
                done_once cancel
                continue
            fi
        else
            removed $one || broken "$one can't be removed: $(cat $class/tiers)"
        fi
        draw_tier $one
        tell tier_add "$tier" || broken "$tier can't be added"
        done_once drain
    done
}

# slow_down: makes the disk slow for a while.
slow_down() {
    seeded 103
    while going_on; do
        draw 3
        case $draw in
        0) turn one /dev/mapper/first slow 5 || broken "the disk can't be slow" ;;
        1) turn one /dev/mapper/first slow-reads 20 || broken "the disk can't be slow" ;;
        2) turn one /dev/mapper/first healthy || broken "the disk can't be healthy" ;;
        esac
        done_once slow
        sleep 1
    done
}

# wear_out: a disk that takes no more pages, and is still read until it is removed.
wear_out() {
    seeded 105
    while going_on; do
        draw_tier /dev/mapper/worn
        tell tier_add "$tier" || broken "$tier can't be added"
        draw 3
        sleep $draw
        turn worn /dev/mapper/second no-writes || broken "the disk can't be worn"
        draw 3
        sleep $draw
        turn worn /dev/mapper/second healthy || broken "the disk can't be healthy"
        removed /dev/mapper/worn || broken "the worn disk can't be removed: $(cat $class/tiers)"
        done_once worn
    done
}

# fall_silent: a disk that does not answer for a while, and one that fails and is taken back.
fall_silent() {
    quiet=/dev/mapper/quiet
    seeded 107
    while going_on; do
        draw_tier $quiet
        tell tier_add "$tier" || broken "$tier can't be added"
        draw 3
        sleep $draw
        dmsetup suspend --nolockfs --noflush quiet || broken "the disk can't be silent"
        draw 9
        sleep $draw
        dmsetup resume quiet || broken "the disk can't answer again"
        within 60 answers $quiet || broken "it is not back: $(cat $class/tiers)"
        done_once silent
        turn quiet /dev/mapper/third no-writes || broken "the disk can't fail"
        draw 4
        sleep $draw
        turn quiet /dev/mapper/third healthy || broken "the disk can't be well"
        tell tier_probe $quiet || broken "$quiet can't be probed"
        within 60 answers $quiet || broken "it is not taken back: $(cat $class/tiers)"
        draw 3
        sleep $draw
        removed $quiet || broken "$quiet can't be removed: $(cat $class/tiers)"
        done_once returned
    done
}
answers() { tier_is "$1" state active; }

# change_limits: those of the processes' memory, and whether there is anything to swap on.
change_limits() {
    seeded 106
    while going_on; do
        draw 9
        case $draw in
        0 | 1 | 2)
            draw 12
            limit $((draw + 4))
            ;;
        3)
            draw 12
            echo "$((4 + $(scaled $((draw + 4)))))M" >"$group/memory.high"
            ;;
        4 | 5) echo max >"$group/memory.high" ;;
        # It prints that it found less than that.
        6 | 7) echo 1G 2>/dev/null >"$group/memory.reclaim" || true ;;
        8) swap_anew ;;
        esac
        done_once limit
        draw 10
        sleep 0.$draw
    done
    echo max >"$group/memory.high"
}
limit() { echo "$((4 + $(scaled "$1")))M" >"$group/memory.max"; }

# swap_anew: all pages come back to their processes, which needs room.
swap_anew() {
    no_failed_stores
    echo max >"$group/memory.max"
    swapoff "$device" || broken "it can't be swapped off"
    [ "$(value used_slots)" = 0 ] || broken "slots in use without a swap device: $(tr '\n' ' ' <$class/stat)"
    swapon "$device" || broken "it can't be swapped on"
    limit 12
    done_once swapoff
}
# What the worn disk does not take goes elsewhere.
no_failed_stores() {
    for stat in lost_slots failed_stores; do
        [ "$(value $stat)" = 0 ] || broken "$(value $stat) $stat"
    done
}

# change_processors: all but the first go offline and come back.
change_processors() {
    seeded 104
    while going_on; do
        draw 3
        cpu=/sys/devices/system/cpu/cpu$((draw + 1))/online
        echo 0 >"$cpu" || broken "$cpu"
        sleep 0.3
        echo 1 >"$cpu" || broken "$cpu"
        done_once processor
        sleep 0.5
    done
}

look() {
    while going_on; do
        cat $class/tiers $class/stat >/dev/null || broken "tiers or stat can't be read"
        sleep 0.1
    done
}

huge=""
! huge_pages || huge="--memory thp"
load size_mib=1024 ram_limit_mib="$(scaled 8)"
slice first /dev/pmem0 0 224
slice second /dev/pmem0 224 160
slice third /dev/pmem0 384 60
make_disk one /dev/mapper/first
make_disk worn /dev/mapper/second
make_disk quiet /dev/mapper/third
add /dev/mapper/one
swapon "$device"
add /dev/pmem1
mkdir -p "$group"
limit 12
: >/tmp/done
: >/tmp/compared
workers=""
for number in 1 2 3; do
    (
        sh -c 'echo $PPID' >"$group/cgroup.procs"
        load_memory $number
    ) &
    workers="$workers $!"
done
for worker in kill_some move_pages change_disks slow_down wear_out fall_silent change_limits change_processors look; do
    $worker &
    workers="$workers $!"
done
for worker in $workers; do
    # Each finishes its current operation, which may wait for a slow disk.
    ends $((longest + 120)) "$worker" || : >>/tmp/broken
done
[ ! -e /tmp/broken ] || fail "seed $seed: $(cat /tmp/broken)"
for what in $kinds; do
    holds "times of $what" "$(grep -c "$what" /tmp/done)" -ge 1
done
compared=$(awk '{ sum += $1 } END { print sum + 0 }' /tmp/compared)
echo "result: races: seed $seed, $seconds s, $compared pages compared, 0 wrong, 0 lost;$(sort /tmp/done | uniq -c | tr -s ' \n' ' ')"
turn one /dev/mapper/first healthy
no_failed_stores
# The swap core may still hold some slots, of pages that were under way when their processes
# were killed.
swapoff "$device"
expect_empty
remove /dev/mapper/one
remove /dev/pmem1
dmsetup remove one worn quiet first second third
unload
