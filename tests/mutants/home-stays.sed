# SPDX-License-Identifier: GPL-2.0-only
# what: of equal disks the first one gets all new homes
# file: src/tiers/disks.rs
# test: kunit
/homes\.took(/d
