# SPDX-License-Identifier: GPL-2.0-only
# what: what was stored after a writeback began is taken
# file: src/glue/index.rs
# test: kunit
s/if locked\.stored() > time/if locked.stored() > time \&\& time == 0/
