# SPDX-License-Identifier: GPL-2.0-only
# what: who reads in order gets no more than at first
# file: src/engine/window.rs
# test: host
s/slots: window.saturating_mul(2)/slots: window/
