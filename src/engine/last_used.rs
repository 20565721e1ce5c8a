// SPDX-License-Identifier: GPL-2.0-only

//! The cluster that a CPU used last, so that consecutive operations skip the index.

use super::sync::{fence, AtomicUsize, Ordering};

/// One CPU's last used cluster object, as an opaque token; 0 stands for none.
///
/// It is a hint that holds no reference. An object whose cluster is removed gives up its
/// [number](super::number::Carried), then every CPU [forgets](forget_everywhere) it, and only
/// then may its memory be freed, a grace period later. A CPU that remembers it at that moment
/// is either seen by the forgetting, or sees that the number is gone, and forgets it itself.
/// So a reader under RCU may look at what it finds here, and sees by the number whether that
/// is what it wants.
///
/// The alignment keeps other CPUs off a CPU's line.
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

    /// Remembers `token`, unless its object is no longer `valid`: does not carry the number
    /// under which it was found.
    ///
    /// Called with no other task of the CPU in between: it could find the token before this forgets
    /// it, when the object's grace period has begun and no longer waits for that task.
    #[inline]
    pub fn remember(&self, token: usize, valid: impl FnOnce() -> bool) {
        self.0.store(token, Ordering::Release);
        // Pairs with the fence in `forget_everywhere`.
        fence(Ordering::SeqCst);
        if !valid() {
            self.forget(token);
        }
    }

    /// Forgets `token` if that is what is remembered.
    ///
    /// It may forget a token that the CPU remembers at the same time instead: that
    /// costs a walk through the index, no more.
    fn forget(&self, token: usize) {
        if self.0.load(Ordering::Acquire) == token {
            self.0.store(0, Ordering::Release);
        }
    }
}

/// Makes every CPU forget `token`, whose object has given up its number.
pub fn forget_everywhere<'a>(cpus: impl Iterator<Item = &'a LastUsed>, token: usize) {
    // Pairs with the fence in `remember`: either this sees the token, or that sees that the
    // number is gone.
    fence(Ordering::SeqCst);
    cpus.for_each(|cpu| cpu.forget(token));
}
