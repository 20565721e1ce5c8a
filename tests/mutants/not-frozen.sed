# SPDX-License-Identifier: GPL-2.0-only
# what: pages are written back after the machine was frozen for suspend
# file: src/glue/thread.rs
# test: suspend
s/^    unsafe { kernel::bindings::set_freezable() };$//
