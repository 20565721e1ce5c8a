# SPDX-License-Identifier: GPL-2.0-only
# what: nothing is read ahead for who reads packed pages in order
# file: src/device/packed.rs
# test: packed
s/if ahead.slots == 0 \&\& !wanted.is_run {/if true {/
