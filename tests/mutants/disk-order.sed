# SPDX-License-Identifier: GPL-2.0-only
# what: disks of a lower priority are filled first
# file: src/engine/order.rs
# test: host
s/if next\.0 <= last\.0 {/if next.0 > last.0 {/
