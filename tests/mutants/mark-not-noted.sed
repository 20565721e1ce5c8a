# SPDX-License-Identifier: GPL-2.0-only
# what: whoever marks a freed slot takes the cluster for noted
# file: src/engine/freed.rs
# test: models
s/self\.noted\.load(Ordering::SeqCst) == 0/false/
