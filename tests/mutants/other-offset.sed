# SPDX-License-Identifier: GPL-2.0-only
# what: a page behind its own offset is taken for one at home
# file: src/engine/form.rs
# test: host
s/(place\.slot\.offset() == offset)\.then_some/(place.slot.offset() >= offset).then_some/
