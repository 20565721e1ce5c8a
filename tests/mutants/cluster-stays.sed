# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster stays when its last slot is freed
# file: src/glue/index.rs
# test: statistics
s/change != Change::Freed || !locked\.occupancy()\.is_empty()/change == Change::Freed || !locked.occupancy().is_empty() || change != Change::Freed/
