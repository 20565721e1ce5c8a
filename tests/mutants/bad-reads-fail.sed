# SPDX-License-Identifier: GPL-2.0-only
# what: reads of bad pages make a disk fail
# file: src/engine/health.rs
# test: host
s/Change::Suspected$/Change::Failed/
