# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# vswapctl with the real module: it does what it says, its figures add up, and it reports errors
# in a sentence, with the right status.
# memory: 384
# with: vswapctl
# disks: 448,448
# shellcheck source=tests/guest/disks.sh
. /tests/disks.sh

files=/tmp/files
file=$files/swapfile

# as_nobody ARGUMENT...: vswapctl for a user who isn't root. busybox has its own setpriv, which
# can do less.
as_nobody() { /usr/bin/setpriv --reuid 65534 --clear-groups /usr/bin/vswapctl "$@"; }

# fails STATUS SENTENCE ARGUMENT...: vswapctl must exit with that, and print that.
fails() {
    fails_with=$1 fails_saying=$2 fails_status=0
    shift 2
    fails_said=$(vswapctl "$@" 2>&1 </dev/null) || fails_status=$?
    expect "status of 'vswapctl $*', which said '$fails_said'" "$fails_status" "$fails_with"
    case $fails_said in
    *"$fails_saying"*) ;;
    *) fail "'vswapctl $*' said '$fails_said', expected '$fails_saying'" ;;
    esac
}

# says SENTENCE ARGUMENT...
says() { fails 0 "$@"; }

priority() { awk -v path="$device" '$1 == path { print $5 }' /proc/swaps; }
swapped_out() { awk -v path="$device" '$1 == path { print $4 }' /proc/swaps; }
# What Tab offers for the last of these words.
offered() { _VSWAPCTL_COMPLETE=fish vswapctl -- vswapctl "$@" | cut -f1 | grep '^/' | tr '\n' ' '; }
loops() { losetup --list --noheadings | wc -l; }
no_loops() { [ "$(loops)" = 0 ]; }
# After the tier is gone, the loop device is detached by itself.
no_loops_at_last() { eventually no_loops || fail "there is a loop device left: $(losetup --list)"; }
loaded() { [ -e /sys/module/vswap ]; }

# parts: the sum of the parts, the sum shown, and what the module has in use.
parts() {
    vswapctl status --json | awk -v page=$page '
        /"parts"/ { inside = 1 } /"disks"/ { inside = 0 }
        inside && $1 == "\"data\":" { sum += $2 }
        /^  "used":/ { used = $2 + 0 }
        $1 == "\"used_slots\":" { slots = $2 + 0 }
        END { printf "%d %d %d\n", sum, used, slots * page }'
}

step "without the module"
fails 4 "the module vswap is not loaded; 'vswapctl on' loads it" status
fails 4 "not loaded" set ram_limit=16M
fails 4 "the module can't be loaded" on
fails 1 "1 warning" check >/dev/null || fails 1 "warnings" check
expect "metrics" "$(vswapctl metrics | tail -n 1)" "vswap_loaded 0"
says "nothing to do" off
fails 2 "not a size" on --size huge
refused "only root may do that" as_nobody on
status=0
as_nobody on 2>/dev/null || status=$?
expect "status for who is not root" $status 3

step "on"
fails 1 "neither a block device nor a regular file" on --module /vswap.ko --disk /dev/null
loaded && fail "the module stays loaded after a failure"
fails 2 "there is no algorithm 'lzo'" on --module /vswap.ko --algorithm lzo
loaded && fail "the module stays loaded after a failure"
says "is swapped on, with no disks" on --module /vswap.ko --size 1G --ram-limit 4M --priority 50
expect "priority" "$(priority)" 50
expect "size" "$(vswapctl get --bytes size)" $((1 << 30))
expect "ram_limit" "$(vswapctl get ram-limit)" 4M
says "swapped on already" on --priority 50

expect "abi" "$(cat $class/abi)" 1
case $(vswapctl metrics) in
*'vswap_build_info{version="'*'",abi="1"} 1'*) ;;
*) fail "the metrics have no versions" ;;
esac

step "settings"
says "" set high-watermark=95% low_watermark=85
expect "settings" "$(vswapctl get | tr '\n' ' ')" \
    "size=1G ram_limit=4M comp_algorithm=lz4 high_watermark=95 low_watermark=85 writeback_limit=0 "
# Both watermarks above or below the old ones.
says "" set low_watermark=97 high_watermark=99
says "" set low_watermark=10 high_watermark=20
says "" set low_watermark=80 high_watermark=90
fails 2 "there is no setting 'colour'; there are size" set colour=red
fails 2 "the low watermark has to be below the high one" set ram_limit=8M low_watermark=95
expect "ram_limit after a refusal" "$(vswapctl get ram_limit)" 4M
# shellcheck disable=SC2046 # words
says "" set $(vswapctl get)
fails 2 "did you mean 64M?" set ram_limit=64
fails 2 "larger than the machine's RAM" set 'ram_limit=ram * 2'
fails 5 "the device is swapped on; 'vswapctl off' swaps it off" set size=2G
refused "only root may do that" as_nobody set ram_limit=1M

step "disks that can't be added"
fails 1 "there is no disk to write to" writeback
fails 1 "there is no /dev/pmem7" add /dev/pmem7
fails 1 "there is no $files/none; --create" add $files/none
fails 1 "there is no /dev/disk/by-partuuid/0a1b" add PARTUUID=0A1B
fails 1 "neither a block device nor a regular file" add /dev/null
mkswap -L precious /dev/pmem1 >/dev/null
fails 6 "there is a swap area with the label 'precious' on /dev/pmem1; --force overwrites it" add /dev/pmem1
expect "signature" "$(blkid -p -o value -s LABEL /dev/pmem1)" precious
swapon /dev/pmem1
fails 5 "is swapped on; swap it off first" add /dev/pmem1
swapoff /dev/pmem1
slice held /dev/pmem1 0 16
fails 5 "/dev/pmem1 is part of dm-" add /dev/pmem1
dmsetup remove held
expect "the disks" "$(cat $class/tiers)" ""

step "somebody else's disk"
/usr/sbin/mkswap -L vswap0-tier -U 01234567-89ab-4def-8123-456789abcdef /dev/pmem1 >/dev/null
fails 6 "there is a disk of another vswap, which another machine may be using" add /dev/pmem1
mkdir -p /etc
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
says "is a tier" add /dev/pmem1 --force
uuid=$(cat $class/disk_uuid)
removed=$(blkid -p -o value -s UUID /dev/pmem1 | tr -d -)
expect "the UUID in the signature" "$removed" "$uuid"
says "removed" remove /dev/pmem1
# As after a crash: of this machine, but an earlier boot.
/usr/sbin/mkswap -L vswap0-tier -U "$(echo "$uuid" | sed 's/^\(........\)\(....\)\(....\)\(....\).*/\1-\2-\3-8fff-012345678901/')" /dev/pmem1 >/dev/null
says "is a tier" add /dev/pmem1
says "removed" remove /dev/pmem1
rm /etc/machine-id

step "a disk and a file"
says "/dev/pmem1 is a tier, with priority 10" add /dev/pmem1 --priority 10 --force
fails 1 "is a tier already" add /dev/pmem1
# Its contents are disposable, whatever they were before.
says "removed" remove /dev/pmem1
says "is a tier" add /dev/pmem1 --priority 10
says "removed" remove /dev/pmem1
make_disk disk /dev/pmem0
says "is a tier" add /dev/mapper/disk --priority 10
# pmem0 is part of it.
expect "what can be added" "$(offered add /dev/pm)" "/dev/pmem1 "
expect "what can be removed" "$(offered remove '')" "/dev/mapper/disk "
modules loop
mkdir $files
mount -t tmpfs -o noswap,size=200M tmp $files
fails 1 "is on tmpfs, which is memory itself" add $file --create 48M
[ ! -e $file ] || fail "the file stays after a failure"
fails 2 "at least 4 MiB" add $file --create 1M
says "$file is a tier through /dev/loop" add $file --create 48M --force
expect "mode of the file" "$(stat -c %a $file)" 600
expect "size of the file" "$(stat -c %s $file)" $((48 * mib))
expect "blocks of the file" "$(($(stat -c %b $file) * 512))" $((48 * mib))
expect "direct I/O" "$(cat /sys/block/loop0/loop/dio)" 1
fails 1 "is a tier already" add $file
step "whatever they are called"
ln $file $files/hard
fails 1 "is a tier already" add $files/hard
mkdir /tmp/bound
mount -o bind $files /tmp/bound
fails 1 "is a tier already" add /tmp/bound/swapfile
umount /tmp/bound
rmdir /tmp/bound
mknod /tmp/node b $(($(stat -L -c 0x%t /dev/mapper/disk))) $(($(stat -L -c 0x%T /dev/mapper/disk)))
fails 1 "is a tier already" add /tmp/node
rm /tmp/node $files/hard
dd if=/dev/zero of=$files/twice bs=1M count=$((2 * least)) 2>/dev/null
chmod 600 $files/twice
ln $files/twice $files/other
for name in twice other twice other; do
    vswapctl add --force $files/$name >/tmp/added-$name 2>&1 &
done
wait
expect "loop devices over one file" "$(losetup --list --noheadings --output BACK-FILE | grep -c -e twice -e other)" 1
rm $files/twice $files/other
case $(vswapctl status) in
*"(deleted)"*) ;;
*) fail "a file that is gone is not shown as such: $(vswapctl status)" ;;
esac
said=$(vswapctl remove $files/twice 2>&1) || said=$(vswapctl remove $files/other)
case $said in
*"is removed: "*) ;;
*) fail "the removal of a file that is gone said '$said'" ;;
esac
only_one_loop() { [ "$(loops)" = 1 ]; }
eventually only_one_loop || fail "there is a loop device left: $(losetup --list)"
expect "what is listed" "$(vswapctl status -rn -o name,kind,prio,state | grep ' disk ' | tr '\n' ' ')" \
    "/dev/mapper/disk disk 10 active $file disk 0 active "
other=$(loop $files/taken 8)
fails 5 "$files/taken is in use through $other" add --force $files/taken
losetup --detach "$other"
rm $files/taken
truncate -s 48M $files/holes
fails 1 "has holes" add $files/holes
rm $files/holes

step "what is shown adds up while pages come and go"
limited "$(scaled 12)" pagecheck --size "$(scaled 32)" --mix same=10,compressible=40,random=50 --rounds 1 --threads 2 &
pid=$!
looks=0 most=0
while ! gone $pid; do
    # shellcheck disable=SC2046 # three words
    set -- $(parts)
    expect "the sum of the parts" "$1" "$2"
    [ "$1" -le "$most" ] || most=$1
    looks=$((looks + 1))
    # With the rates of the pictures of top: tools/vswapctl/tests/rates.
    echo "rates $(vswapctl top --once --interval 0.3 --json | tr -d ' \n')"
done
finished $pid
step "$looks looks, at most $((most / mib)) MiB"
holds "looks" $looks -ge 3
holds "bytes seen" "$most" -ge $(($(scaled 8) * mib))
hold_out --size "$(scaled 24)" --mix same=10,compressible=40,random=50 --pageout
settled
# shellcheck disable=SC2046 # three words
set -- $(parts)
expect "the sum of the parts" "$1" "$2"
expect "the sum of the parts, and the module's" "$1" "$3"
vswapctl status
COLUMNS=120 vswapctl top --once --interval 0.2
says "written back" writeback all
says "compressed again" recompress 1s

step "metrics"
vswapctl metrics --output /tmp/vswap.prom
expect "mode of the file" "$(stat -c %a /tmp/vswap.prom)" 644
expect "slots in use" "$(sed -n 's/^vswap_used_slots //p' /tmp/vswap.prom)" "$(value used_slots)"
expect "disks" "$(grep -c '^vswap_tier_used_bytes{' /tmp/vswap.prom)" 2
expect "the file behind a disk" "$(sed -n 's/^vswap_tier_priority{device="\/dev\/loop0",file="\(.*\)"} 0$/\1/p' /tmp/vswap.prom)" $file

step "a removal is cancelled"
turn disk /dev/pmem0 slow 1000
vswapctl remove /dev/mapper/disk >/tmp/removal 2>&1 &
remover=$!
# With so few pages none may have been moved yet.
within 60 tier_is /dev/mapper/disk state draining || fail "it does not begin: $(cat $class/tiers)"
case $(vswapctl status) in
*"leaving: "*"removal   /dev/mapper/disk: "*" moved"*) ;;
*) fail "the removal is not shown: $(vswapctl status)" ;;
esac
kill -INT $remover
status=0
ends 60 $remover || status=$?
expect "status of a cancelled removal" $status 7
case $(cat /tmp/removal) in
*"the removal of /dev/mapper/disk was cancelled: "*" have moved; "*"it is in service again"*) ;;
*) fail "it said '$(cat /tmp/removal)'" ;;
esac
step "$(cat /tmp/removal)"
expect "state" "$(tier /dev/mapper/disk state)" active

# The kernel sees the signal once it is done with a process, so that there have to be two.
step "swapping off is cancelled"
turn disk /dev/pmem0 slow 10
begin_limited 128 pagecheck --hold /tmp/other --size "$(scaled 8)" --mix random --pageout
other=$begun
within 60 test -e /tmp/other || fail "pagecheck did not fill its memory"
disks=$(vswapctl status -rn -o kind | grep -c disk)
before=$(swapped_out)
vswapctl off >/tmp/off 2>&1 &
off=$!
reads_back() { [ "$(swapped_out)" -lt "$before" ]; }
within 60 reads_back || fail "it does not begin: $(cat /tmp/off)"
kill -INT $off
status=0
ends 120 $off || status=$?
expect "status of a cancelled off" $status 7
case $(cat /tmp/off) in
*"vswapctl: interrupted; $device is still swapped on, with "*) ;;
*) fail "it said '$(cat /tmp/off)'" ;;
esac
step "$(cat /tmp/off)"
expect "priority" "$(priority)" 50
expect "disks" "$(vswapctl status -rn -o kind | grep -c disk)" "$disks"
holds "KiB that are still swapped out" "$(swapped_out)" -ge 1
turn disk /dev/pmem0 healthy
rm /tmp/other
finished "$other"

step "and done"
says "is a tier" add /dev/pmem1 --priority 5
said=$(vswapctl remove $file)
step "$said"
expect "what it said" "${said%%:*}" "$file is removed"
no_loops_at_last
[ -e $file ] || fail "the file is gone"
says "is removed: " remove /dev/mapper/disk
fails 1 "is not a tier" remove /dev/mapper/disk
dmsetup remove disk
release

step "who is swapped out"
hold_out --size "$(scaled 16)" --mix compressible
vswapctl processes
holds "bytes of pagecheck that are swapped out" "$(vswapctl processes --json | sed -n '/"name": "pagecheck"/,/}/s/^ *"swap": \([0-9]*\),$/\1/p')" -ge $(($(scaled 12) * mib))
case $(vswapctl processes --cgroups) in
*" test"*) ;;
*) fail "the group is not shown: $(vswapctl processes --cgroups)" ;;
esac
step "what it would save"
before=$(vmstat pswpin)
vswapctl estimate --size 8M --time 60
expect "pages swapped in by looking" "$(($(vmstat pswpin) - before))" 0
release
fails 2 "--size has to be at least 4K" estimate --size 1

step "measured"
says "" set ram_limit=16M
vswapctl bench --size 4M || fail "bench ended with status $?"
fails 1 "give a smaller --size" bench --size 900M
mkswap /dev/pmem0 >/dev/null
swapon -p 60 /dev/pmem0
fails 1 "/dev/pmem0 has priority 60 and would be used as well" bench --size 4M
fails 1 "/dev/pmem0 (60) would be used before" check
swapoff /dev/pmem0

step "too little memory to swap off"
says "removed" remove /dev/pmem1
says "" set ram_limit=0
fails 1 "has room only for pages that repeat one word" check
says "is a tier" add /dev/pmem1 --force
says "is a tier" add /dev/pmem0 --force
# The less there is, the sooner it is not enough.
rm -f /tmp/held $file
spare=$(($(meminfo MemAvailable) / 1024 - 64))
dd if=/dev/zero of=$files/ballast bs=1M count=$((spare < 190 ? spare : 190)) 2>/dev/null
begin_allocating
begin_limited 32 pagecheck --hold /tmp/held --size $(($(meminfo MemAvailable) / 1024 + 64)) --mix random
is_held() { [ -e /tmp/held ]; }
within 240 is_held || fail "pagecheck did not fill its memory"
fails 1 "too little). End some programs" off
expect "priority" "$(priority)" 50
expect "disks" "$(vswapctl status -rn -o kind | grep -c disk)" 2
rm /tmp/held
finished $begun
end_allocating
rm $files/ballast
says "" set ram_limit=16M

step "off"
says "is swapped off, and has no disks" off
expect "priority" "$(priority)" ""
expect "the disks" "$(cat $class/tiers)" ""
says "the module unloaded" off --unload
loaded && fail "the module is loaded"

step "as it is configured"
mkdir -p /etc/vswap.conf.d
cat >/etc/vswap.conf <<END
[vswap]
size = ram * 2
ram-limit = min(ram / 8, 16M)
priority = 70

[disk /dev/pmem1]
priority = 10

[disk /dev/there-is-none]

[disk $files/configured]
create-size = 16M
force = yes
END
says "/dev/there-is-none]" config
# Nobody reads the warning.
vswapctl start --module /vswap.ko 2>/dev/full || fail "it does not start when what it says can't be written"
says "the module unloaded" stop --unload
says "there is no /dev/there-is-none; continuing without it" start --module /vswap.ko
expect "priority" "$(priority)" 70
expect "ram_limit" "$(vswapctl get ram_limit)" 16M
expect "size" "$(vswapctl get --bytes size)" $((2 * $(meminfo MemTotal) * 1024))
expect "disks" "$(vswapctl status -rn -o kind | grep -c disk)" 2
says "swapped on already" start
step "again, with other values"
printf '[vswap]\nsize = 33%%\nram-limit = 3\n' >/etc/vswap.conf.d/10-other.conf
says "size: the device is swapped on; 'vswapctl off' swaps it off; it stays" start
says "/etc/vswap.conf.d/10-other.conf:3: ram-limit: '3' is only 3 bytes; did you mean 3M?" start
remove /dev/pmem1
says "/dev/pmem1 is a tier" start --disk /dev/pmem1
says "/dev/pmem1 is a tier already" start --disk /dev/pmem1
says "is not in the configuration" start --disk /dev/pmem0
rm /etc/vswap.conf.d/10-other.conf
swapped $(($(scaled 16) * 240)) pagecheck --size "$(scaled 16)" --mix random --pageout
says "is swapped off" stop
no_loops_at_last
expect "the disks" "$(cat $class/tiers)" ""
says "and the module unloaded" stop --unload
says "nothing to do" stop
# The file exists already.
says "with 2 disks" start --module /vswap.ko
swapoff "$device"
remove /dev/pmem1
says "the module unloaded" stop --unload
no_loops_at_last
printf '[disk /dev/there-is-none]\noptional = no\n' >/etc/vswap.conf.d/10-must.conf
fails 1 "there is no /dev/there-is-none" start --module /vswap.ko
loaded && fail "the module stays loaded after a failure"
no_loops_at_last
rm /etc/vswap.conf.d/10-must.conf
printf '[vswap]\nsize = big\n' >/etc/vswap.conf.d/20-bad.conf
fails 2 "20-bad.conf:2: size: 'big' is not a size" config --check /etc/vswap.conf.d/20-bad.conf
fails 2 "20-bad.conf:2: size: 'big' is not a size" config --check
says "/etc/vswap.conf.d/20-bad.conf:2: size: 'big' is not a size" start --module /vswap.ko
expect "priority" "$(priority)" 70
printf '[vswap]\nsize = 33%%\n' >/etc/vswap.conf.d/20-bad.conf
says "the module unloaded" stop --unload
says "with 2 disks" start --module /vswap.ko
case $(vswapctl start 2>&1) in
*warning*it\ stays*) fail "a third of the RAM is not what it was: $(vswapctl start 2>&1)" ;;
esac
# A file whose size differs from the configuration.
sed -i 's/create-size = 16M/create-size = 20M/' /etc/vswap.conf
says "removed" remove $files/configured
says "exists already, with 16M and not 20M; it is used as it is" start
says "the module unloaded" stop --unload
no_loops_at_last
rm -r /etc/vswap.conf /etc/vswap.conf.d
umount $files
rmdir $files
