// SPDX-License-Identifier: GPL-2.0-only

//! The place of a disk: where it is found, and who waits for whom when it goes.
//!
//! A write enters the bay before it claims slots of the disk and leaves it when the slots hold
//! their pages; a read enters before it looks up where its page lies and leaves when it is
//! done. So who has closed the disk for claims and then [waits](Bay::wait) knows that no write
//! is under way; and who has moved pages away and then waits knows that no read is. A page of a
//! disk that is memory is written and read in passing, under RCU, which is waited for as well.

use super::cpu::Pinned;
use super::rcu::{self, Reader};
use super::srcu::{Section, Srcu};
use super::wait::Pause;
use crate::engine::entry::DiskNumber;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};
use kernel::prelude::*;

/// How deep sections are begun inside others and outlive them: a bio's inside that of a run,
/// and that inside the one of a new home.
///
/// SRCU waits for the sections that have begun when the wait does, and not for one that begins
/// inside them later: each wait gets one deeper.
const DEPTH: usize = 3;

/// A bay.
///
/// # Invariants
///
/// `disk` is null or points at a disk from a `KBox`, which stays for all who entered before it
/// was cleared, and for an RCU grace period.
#[pin_data(PinnedDrop)]
pub(crate) struct Bay<D: Send + Sync> {
    number: DiskNumber,
    #[pin]
    srcu: Srcu,
    disk: AtomicPtr<D>,
}

/// How far the wait for all who are in a bay has got.
pub(crate) struct Grace {
    left: usize,
    cookie: Option<usize>,
}

impl Grace {
    /// For those who are in a bay now.
    pub(crate) fn new() -> Self {
        Self {
            left: DEPTH,
            cookie: None,
        }
    }
}

/// A disk that was taken out of its bay, and that others may have seen. If it is dropped, the disk
/// stays open for ever.
///
/// # Invariants
///
/// `disk` came from a `KBox`, and is this value's own but for those who saw it in the bay.
pub(crate) struct Leaving<D> {
    number: DiskNumber,
    disk: NonNull<D>,
    grace: Grace,
}

// SAFETY: a disk may be closed by any thread.
unsafe impl<D: Send> Send for Leaving<D> {}

/// A disk, while its bay is entered.
pub(crate) struct Entered<'a, D: Send + Sync> {
    bay: &'a Bay<D>,
    disk: &'a D,
    _section: Section,
}

impl<D: Send + Sync> Entered<'_, D> {
    /// The disk.
    #[inline]
    pub(crate) fn disk(&self) -> &D {
        self.disk
    }

    /// Which disk.
    #[inline]
    pub(crate) fn number(&self) -> DiskNumber {
        self.bay.number
    }

    /// Enters once more.
    pub(crate) fn again(&self) -> Self {
        Self {
            bay: self.bay,
            disk: self.disk,
            _section: self.section(),
        }
    }

    /// What keeps the bay entered, without the disk.
    pub(crate) fn section(&self) -> Section {
        self.bay.srcu.enter()
    }

    /// Stays in the bay for longer than this.
    #[inline]
    pub(super) fn stay(&self) -> (NonNull<D>, Section) {
        (NonNull::from(self.disk), self.bay.srcu.enter())
    }
}

impl<D: Send + Sync> Bay<D> {
    /// An empty bay. May sleep.
    pub(crate) fn new(number: DiskNumber) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            number,
            srcu <- Srcu::new(),
            disk: AtomicPtr::new(ptr::null_mut()),
        })
    }

    /// Which disk's bay it is.
    pub(crate) fn number(&self) -> DiskNumber {
        self.number
    }

    /// Enters, if there is a disk. Does not sleep.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Entered<'_, D>> {
        if self.disk.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let section = self.srcu.enter();
        // SAFETY: by the invariant what is seen inside stays.
        let disk = unsafe { self.disk.load(Ordering::Acquire).as_ref() }?;
        Some(Entered {
            bay: self,
            disk,
            _section: section,
        })
    }

    /// The disk, while preemption is off.
    #[inline]
    pub(crate) fn peek<'a>(&'a self, _cpu: &'a Pinned) -> Option<&'a D> {
        // SAFETY: preemption is off, which makes this an RCU reader; by the invariant what it
        // sees stays for a grace period.
        unsafe { self.disk.load(Ordering::Acquire).as_ref() }
    }

    /// The disk, for a reader under RCU.
    #[inline]
    pub(crate) fn peek_as<'a>(&'a self, _reader: &'a Reader) -> Option<&'a D> {
        // SAFETY: by the invariant what a reader sees stays for a grace period.
        unsafe { self.disk.load(Ordering::Acquire).as_ref() }
    }

    /// Whether there is a disk, at this moment.
    pub(crate) fn is_empty(&self) -> bool {
        self.disk.load(Ordering::Relaxed).is_null()
    }

    /// Takes the disk out, of which no entry speaks any more. It is to be
    /// [waited](Self::has_left) for. One caller at a time.
    pub(crate) fn take(&self) -> Option<Leaving<D>> {
        let old = self.disk.swap(ptr::null_mut(), Ordering::AcqRel);
        Some(Leaving {
            number: self.number,
            // INVARIANT: it came from a `KBox`, and was taken out of the bay once.
            disk: NonNull::new(old)?,
            grace: Grace::new(),
        })
    }

    /// The disk that was taken out of this bay, if all who have seen it have left. May sleep, but
    /// not for them.
    pub(crate) fn has_left(&self, mut leaving: Leaving<D>) -> Result<KBox<D>, Leaving<D>> {
        if leaving.number != self.number || !self.have_left(&mut leaving.grace) {
            return Err(leaving);
        }
        // SAFETY: by the invariant; everybody who had seen it has been waited for.
        Ok(unsafe { KBox::from_raw(leaving.disk.as_ptr()) })
    }

    /// Whether all have left who were in the bay when `grace` was made, and those that they let in
    /// before they left. May sleep, but not for them.
    pub(crate) fn have_left(&self, grace: &mut Grace) -> bool {
        while grace.left != 0 {
            let cookie = *grace.cookie.get_or_insert_with(|| self.srcu.start());
            if !self.srcu.is_over(cookie) {
                return false;
            }
            grace.cookie = None;
            grace.left = grace.left.saturating_sub(1);
            if grace.left == 0 {
                rcu::synchronize();
            }
        }
        true
    }

    /// As [`wait`](Self::wait), as long as `go_on`, which is asked now and then. Says whether they
    /// have left.
    pub(crate) fn wait_while(&self, grace: &mut Grace, go_on: impl Fn() -> bool) -> bool {
        let mut pause = Pause::new();
        while !self.have_left(grace) {
            if !go_on() {
                return false;
            }
            pause.sleep();
        }
        true
    }

    /// Puts a disk into the empty bay. One caller at a time.
    pub(crate) fn fill(&self, disk: KBox<D>) {
        // INVARIANT: a disk from a `KBox`.
        let old = self.disk.swap(KBox::into_raw(disk), Ordering::AcqRel);
        self.reclaim(old);
    }

    /// Takes the disk out, of which no entry speaks any more, and waits for all who have seen
    /// it. One caller at a time. May sleep.
    pub(crate) fn clear(&self) -> Option<KBox<D>> {
        let old = self.disk.swap(ptr::null_mut(), Ordering::AcqRel);
        self.reclaim(old)
    }

    fn reclaim(&self, old: *mut D) -> Option<KBox<D>> {
        let old = NonNull::new(old)?;
        self.wait();
        // SAFETY: it came from a `KBox`, was taken out of the bay once, and everybody who had
        // seen it has been waited for.
        Some(unsafe { KBox::from_raw(old.as_ptr()) })
    }

    /// Waits for all who are in the bay now, and for those that they let in before they leave.
    /// May sleep.
    pub(crate) fn wait(&self) {
        for _ in 0..DEPTH {
            self.srcu.synchronize_expedited();
        }
        rcu::synchronize();
    }
}

#[pinned_drop]
impl<D: Send + Sync> PinnedDrop for Bay<D> {
    fn drop(self: Pin<&mut Self>) {
        drop(self.clear());
    }
}
