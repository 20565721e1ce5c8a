# SPDX-License-Identifier: GPL-2.0-only
# what: a cluster that goes is not forgotten by the CPUs that used it last
# file: src/engine/last_used.rs
# test: kunit
s/cpus\.for_each(|cpu| cpu\.forget(token));/drop((cpus, token));/
