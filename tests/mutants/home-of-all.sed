# SPDX-License-Identifier: GPL-2.0-only
# what: slots that were freed get places in another home
# file: src/engine/index/moves.rs
# test: models forms
s/\.filter(|offset| !locked\.get(\*offset)\.is_empty())/.filter(|_| true)/
