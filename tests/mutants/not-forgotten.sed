# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster object goes while CPUs remember it
# file: src/engine/index/mod.rs
# test: models clusters
s/^            last_used::forget_everywhere(self\.last_used\.iter(), token);$/            let _ = token;/
