# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster is whole before its map says which pages there are
# file: src/engine/index/cluster.rs
# test: models forms
s/^            let home = table\.home()?;$/&\n            self.set_form(Form::Whole(home));/
