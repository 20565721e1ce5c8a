// SPDX-License-Identifier: GPL-2.0-only

//! The atomics, which loom replaces by its own in its models.

#[cfg(not(loom))]
pub(super) use core::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
