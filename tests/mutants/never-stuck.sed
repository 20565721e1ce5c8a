# SPDX-License-Identifier: GPL-2.0-only
# what: a silent disk goes on taking pages
# file: src/engine/health.rs
# test: host
s/self\.set(STUCK)\.then_some(State::Stuck)/None/
