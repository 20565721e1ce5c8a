// SPDX-License-Identifier: GPL-2.0-only

//! The types that loom replaces by its own in its models.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::yield_now,
    thread_local,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::yield_now,
    thread_local,
};
