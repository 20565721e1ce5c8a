# SPDX-License-Identifier: GPL-2.0-only
# what: a word that is an object comes back with its bytes turned round
# file: src/tiers/contexts.rs
# test: contents
/^fn repeat/,/^}/s/from_ne_bytes/from_be_bytes/
