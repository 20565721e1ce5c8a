# SPDX-License-Identifier: GPL-2.0-only
# what: off begins although memory can't hold what is swapped out
# file: tools/vswapctl/src/bring.rs
# test: tools
s/^            check_room(system, &device)?;$//
