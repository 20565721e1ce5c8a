# SPDX-License-Identifier: GPL-2.0-only
# what: what a process had on a disk stays in use there when it dies
# file: src/tiers/disks.rs
# test: oom
s/^            self\.free(cpu, place);$/            let _ = (cpu, place);/
