# SPDX-License-Identifier: GPL-2.0-only
# what: holes in segments stay
# file: src/tiers/packing.rs
# test: packed
s/used > size \/ 2 \&\& holes/false \&\& holes/
