// SPDX-License-Identifier: GPL-2.0-only

//! The atomics, which loom replaces by its own in its models.

#[cfg(not(loom))]
pub(super) use core::sync::atomic::{
    fence, AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicU8, AtomicUsize, Ordering,
};
#[cfg(loom)]
pub(super) use loom::sync::atomic::{
    fence, AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicU8, AtomicUsize, Ordering,
};

/// Atomics that a lock guards: a reader without the lock must accept any value. Loom has nothing
/// to try in them.
pub(super) mod guarded {
    pub(in super::super) use core::sync::atomic::AtomicU32;
}
