# SPDX-License-Identifier: GPL-2.0-only
# what: figures of a disk have the names of sums over all disks
# file: tools/vswapctl/src/metrics.rs
# test: tools
s/vswap_tier_{name}/vswap_disk_{name}/
