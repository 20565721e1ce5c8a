# SPDX-License-Identifier: GPL-2.0-only
# what: who begins a removal anew is told that there is one, though that has come to an end
# file: src/movers/drain.rs
# test: suspend
s/if !is_returning || is_stuck {/if !is_returning || !is_stuck {/
