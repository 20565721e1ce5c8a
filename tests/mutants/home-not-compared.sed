# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster gets another home whatever home it had
# file: src/engine/index/cluster.rs
# test: models forms
s/let is_there = self\.form() == Form::Whole(from);/let is_there = self.form() != Form::Whole(to) \&\& from != to;/
