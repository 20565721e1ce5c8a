# SPDX-License-Identifier: GPL-2.0-only
# what: clusters come on a list in front
# file: src/engine/lists.rs
# test: host
s/let before = ends.last.replace(number);/let before = None; ends.last.get_or_insert(number);/
