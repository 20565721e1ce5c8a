# SPDX-License-Identifier: GPL-2.0-only
# what: a wait for a bay is not for sections begun within others
# file: src/engine/bay.rs
# test: models drain
s/^const DEPTH: usize = 3;$/const DEPTH: usize = 1;/
