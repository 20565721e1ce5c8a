# SPDX-License-Identifier: GPL-2.0-only
# what: remembering is not ordered before the look at the number
# file: src/engine/last_used.rs
# test: models
/Pairs with the fence in `forget_everywhere`/,+1d
