# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster becomes whole though a page of it is packed
# file: src/engine/table.rs
# test: models packed::a_packed_page
s/^                Content::Empty => {}$/                Content::Empty | Content::Packed(_) => {}/
