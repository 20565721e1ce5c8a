# SPDX-License-Identifier: GPL-2.0-only
# what: the thread that sweeps doesn't
# file: src/movers/sweeper.rs
# test: freeing
s/if self\.0\.sweep()/if stop.requested() \&\& self.0.sweep()/
