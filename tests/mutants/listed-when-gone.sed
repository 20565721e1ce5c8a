# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster that goes stays on its list
# file: src/engine/index/mod.rs
# test: models clusters
s/^        if locked\.occupancy()\.listed()\.is_some() {$/        if locked.occupancy().is_empty() \&\& locked.form() == Form::None {/
