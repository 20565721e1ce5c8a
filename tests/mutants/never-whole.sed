# SPDX-License-Identifier: GPL-2.0-only
# what: every cluster has a table
# file: src/engine/index/mod.rs
# test: metadata
s/^            Some(Content::Disk(place)) => Home::of(place, slot\.offset()),$/            Some(Content::Disk(_)) => None,/
