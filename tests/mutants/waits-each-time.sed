# SPDX-License-Identifier: GPL-2.0-only
# what: a task may wait for each page
# file: src/engine/patience.rs
# test: host
s/ALLOWED\.saturating_sub(waited)/ALLOWED.max(waited)/
