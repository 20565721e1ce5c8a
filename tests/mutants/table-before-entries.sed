# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster has a table before that has its entries
# file: src/engine/index/cluster.rs
# test: models forms
s/^        \/\/ Nobody else knows it\.$/        self.set_form(Form::Table(address));/
