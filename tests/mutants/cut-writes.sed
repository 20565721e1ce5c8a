# SPDX-License-Identifier: GPL-2.0-only
# what: what a loop device writes in part is taken for written
# file: src/tiers/disk.rs
# test: frozen
s/if backing\.may_cut() { 1 }/if backing.may_cut() { u32::MAX }/
