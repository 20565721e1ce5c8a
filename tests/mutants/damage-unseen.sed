# SPDX-License-Identifier: GPL-2.0-only
# what: what is put into a damaged cluster is dropped without a word
# file: src/engine/index/cluster.rs
# test: host
s/Form::Table(_) | Form::None => return Err(NotPut::NoForm),/Form::Table(_) | Form::None => return Ok((Entry::EMPTY, Change::None)),/
