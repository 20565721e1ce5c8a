# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster is discarded while others may claim its slots
# file: src/engine/discarding.rs
# test: host
s/state\.word()\.is_stale() && self\.claim_at(first, SLOTS_PER_CLUSTER)/state.word().is_stale() \&\& first.number() != 0/
