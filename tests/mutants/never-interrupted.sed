# SPDX-License-Identifier: GPL-2.0-only
# what: what moves pages goes on when it is to be frozen, or a signal comes
# file: src/glue/signal.rs
# test: suspend
s/^    if kernel::current!()\.signal_pending() {$/    if false {/
