// SPDX-License-Identifier: GPL-2.0-only

//! The atomics, which loom replaces by its own in its models.

#[cfg(not(loom))]
pub(super) use core::sync::atomic::{
    fence, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
#[cfg(loom)]
pub(super) use loom::sync::atomic::{
    fence, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
