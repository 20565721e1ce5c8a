# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# Everything at once, in an order drawn from a seed: processes that swap, fork, discard and
# exit, writeback, recompression, disks that are emptied, added, slow and given up half-way,
# limits and algorithms that change, and processors that come and go. Every byte is compared.
# MINUTES says for how long (less than one, when there is none); SEED is for a second time.
# memory: 384
# disks: 448,448
# cpus: 4
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
seconds=$((${MINUTES:-0} > 0 ? ${MINUTES:-0} * 60 : 30))
step "seed $seed, $seconds s"
begun=$(cut -d. -f1 /proc/uptime)

# seeded NUMBER: what this process draws from now on.
seeded() { drawn=$(((seed * 1000003 + $1) & 0x7fffffff)); }

# draw BOUND: $draw is from 0 to below BOUND.
draw() {
    drawn=$(((drawn * 1103515245 + 12345) & 0x7fffffff))
    draw=$(((drawn >> 8) % $1))
}

going_on() { [ $(($(cut -d. -f1 /proc/uptime) - begun)) -lt $seconds ] && [ ! -e /tmp/broken ]; }

# broken WHAT: ends all of it.
broken() {
    echo "  broken: $*" | tee -a /tmp/broken
    exit 1
}

# load_memory NUMBER: one pagecheck after the other.
load_memory() {
    seeded "$1"
    while going_on; do
        draw 3
        rounds=$draw
        draw 5
        case $draw in
        0) options="--fork" ;;
        1) options="--memory shmem --readers 2" ;;
        2) options="--memory thp --pageout" ;;
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
        echo load >>/tmp/done
    done
}

# kill_some: processes that do not end by themselves.
kill_some() {
    seeded 100
    while going_on; do
        pagecheck --size "$(scaled 4)" --pageout --rounds 100000 --threads 2 >/tmp/victim 2>&1 &
        victim=$!
        draw 20
        sleep 0.$draw
        killed $victim
        ! grep -E "wrong byte|read error" /tmp/victim || broken "$(cat /tmp/victim)"
        echo kill >>/tmp/done
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
        echo move >>/tmp/done
        sleep 0.2
    done
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
            # Given up, if it has not ended by then.
            sh -c "echo $one >$class/tier_remove" 2>/tmp/removal &
            remover=$!
            draw 5
            sleep 0.$draw
            (tell tier_cancel $one) 2>/dev/null || true
            if ! wait $remover; then
                grep -q "Operation canceled" /tmp/removal || broken "a removal that was cancelled: $(cat /tmp/removal)"
                tier_is $one state active || broken "it is cancelled, and not in service: $(cat $class/tiers)"
                echo cancel >>/tmp/done
                continue
            fi
        else
            tell tier_remove $one || broken "$one can't be removed: $(cat $class/tiers)"
        fi
        draw 3
        tell tier_add "$one $draw" || broken "$one can't be added"
        echo drain >>/tmp/done
    done
}

# slow_down: the disk is slow for a while.
slow_down() {
    seeded 103
    while going_on; do
        draw 3
        case $draw in
        0) turn one /dev/pmem0 slow 5 || broken "the disk can't be slow" ;;
        1) turn one /dev/pmem0 slow-reads 20 || broken "the disk can't be slow" ;;
        2) turn one /dev/pmem0 healthy || broken "the disk can't be healthy" ;;
        esac
        echo slow >>/tmp/done
        sleep 1
    done
}

# change_processors: all but the first go and come.
change_processors() {
    seeded 104
    while going_on; do
        draw 3
        cpu=/sys/devices/system/cpu/cpu$((draw + 1))/online
        echo 0 >"$cpu" || broken "$cpu"
        sleep 0.3
        echo 1 >"$cpu" || broken "$cpu"
        echo processor >>/tmp/done
        sleep 0.5
    done
}

look() {
    while going_on; do
        cat $class/tiers $class/stat >/dev/null || broken "tiers or stat can't be read"
        sleep 0.1
    done
}

echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
load size_mib=1024 ram_limit_mib="$(scaled 8)"
make_disk one /dev/pmem0
add /dev/mapper/one
swapon "$device"
add /dev/pmem1
mkdir -p "$group"
echo "$((4 + $(scaled 12)))M" >"$group/memory.max"
: >/tmp/done
workers=""
for number in 1 2 3; do
    (
        sh -c 'echo $PPID' >"$group/cgroup.procs"
        load_memory $number
    ) &
    workers="$workers $!"
done
for worker in kill_some move_pages change_disks slow_down change_processors look; do
    $worker &
    workers="$workers $!"
done
for worker in $workers; do
    # Each ends what it is at, which may wait for a slow disk.
    ends $((seconds + 120)) "$worker" || : >>/tmp/broken
done
[ ! -e /tmp/broken ] || fail "seed $seed: $(cat /tmp/broken)"
step "$(sort /tmp/done | uniq -c | tr -s ' \n' ' ')"
for what in load kill move drain slow processor; do
    holds "times of $what" "$(grep -c $what /tmp/done)" -ge 1
done
turn one /dev/pmem0 healthy
expect "failed stores" "$(value failed_stores)" 0
expect "slots that were lost" "$(value lost_slots)" 0
# Some slots the swap core may still hold, of pages that were under way when their processes
# were killed.
swapoff "$device"
expect_empty
remove /dev/mapper/one
remove /dev/pmem1
dmsetup remove one
unload
