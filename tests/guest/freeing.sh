# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=busybox
# What freed slots held is released without a request: nobody reads the statistics here,
# which would sweep at once.
# memory: 256
# shellcheck source=tests/guest/lib.sh
. /tests/lib.sh

zspages() { sed -n 's/^nr_zspages //p' /proc/vmstat; }
given_back() { [ "$(zspages)" -le $((before + 32)) ]; }

# filled: that much is swapped out, and in memory.
size=$(scaled 24)
filled() {
    before=$(zspages)
    hold --size "$size" --mix compressible --pageout
    holds "pages that the pool takes" "$(zspages)" -ge $((before + size * per_mib / 8))
}

start size_mib=1024
step "pages that were read back"
filled
release
eventually given_back || fail "$(($(zspages) - before)) pages are still the pool's"

step "pages of a process that was killed"
filled
kill -9 "$pid"
wait "$pid" || true
rm -f /tmp/held
eventually given_back || fail "$(($(zspages) - before)) pages are still the pool's"
expect_empty

step "stored again and again, with little room"
filled
echo $(($(value pool_bytes) * 5 / 4)) >$class/ram_limit
release
pagecheck --size "$size" --mix compressible --pageout --rounds 4
expect "failed stores" "$(value failed_stores)" 0
expect_empty
stop
