# SPDX-License-Identifier: GPL-2.0-only
# what: of equal disks the first one gets all that is not at home
# file: src/tiers/disks.rs
# test: kunit
/turn\.took(run\.left());/d
