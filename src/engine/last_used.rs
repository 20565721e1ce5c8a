// SPDX-License-Identifier: GPL-2.0-only

//! The cluster that a CPU used last, so that consecutive operations skip the index.

use super::sync::{AtomicUsize, Ordering};

/// One CPU's most recently used cluster object, as an opaque token; 0 stands for none.
///
/// It is a hint that holds no reference. Two rules make it safe:
///
/// - An object is remembered only while a slot of its cluster is in use or its cluster's lock
///   is held, so before its cluster goes.
/// - When the cluster goes, every CPU [forgets](LastUsed::forget) the object before its memory
///   may be given back, a grace period later. So a reader under RCU may look at what it finds
///   here, and sees by the [number](super::number::Carried) whether that is what it wants.
///
/// A CPU's line is its own: the alignment keeps others' off it.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct LastUsed(AtomicUsize);

impl LastUsed {
    /// The token remembered last, or `None`.
    #[inline]
    pub fn get(&self) -> Option<usize> {
        match self.0.load(Ordering::Acquire) {
            0 => None,
            token => Some(token),
        }
    }

    /// Remembers `token`.
    #[inline]
    pub fn remember(&self, token: usize) {
        self.0.store(token, Ordering::Release);
    }

    /// Forgets `token` if that is what is remembered.
    ///
    /// A token that the CPU remembers at the same time may be forgotten in its stead: that
    /// costs a walk through the index, no more.
    #[inline]
    pub fn forget(&self, token: usize) {
        if self.0.load(Ordering::Acquire) == token {
            self.0.store(0, Ordering::Release);
        }
    }
}
