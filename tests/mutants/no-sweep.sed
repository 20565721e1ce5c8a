# SPDX-License-Identifier: GPL-2.0-only
# what: the thread that sweeps doesn't
# file: src/sweep.rs
# test: freeing
s/^        self\.0\.sweep();$/        let _ = stop;/
