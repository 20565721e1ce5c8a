# SPDX-License-Identifier: GPL-2.0-only
# what: pages that do not compress stay in memory
# file: src/device.rs
# test: placement
s/^        if device\.disks\.are_none() {$/        if device.size().bytes() != 0 {/
