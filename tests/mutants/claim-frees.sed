# SPDX-License-Identifier: GPL-2.0-only
# what: a slot that can't be claimed, as another page has it, is freed
# file: src/engine/claims.rs
# test: models
s/^            \.then(|| Self::new(entered, slot, 1))$/            .then_some(Self::new(entered, slot, 1))/
