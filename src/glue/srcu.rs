// SPDX-License-Identifier: GPL-2.0-only

//! SRCU whose sections are values: begun by one task, ended by whichever task drops them.
//!
//! `kernel::sync::Srcu` has sections that end on the task that began them.
//!
//! C header: `include/linux/srcu.h`

use super::bindings;
use crate::engine::platform::Sections;
use core::ptr::NonNull;
use kernel::error::to_result;
use kernel::prelude::*;
use kernel::types::Opaque;

/// A domain of sections that can be waited for.
///
/// # Invariants
///
/// `srcu` is initialized for readers of the kind "fast, up and down", and has no others.
#[pin_data(PinnedDrop)]
struct Srcu {
    #[pin]
    srcu: Opaque<kernel::bindings::srcu_struct>,
}

// SAFETY: an srcu_struct may be used, and cleaned up, on any thread.
unsafe impl Send for Srcu {}
// SAFETY: it may be used by any number of threads at once.
unsafe impl Sync for Srcu {}

impl Srcu {
    /// A domain without sections. May sleep. `ENOMEM`: no memory for its counters.
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: initialized here, and `enter` makes the only readers.
            srcu <- Opaque::try_ffi_init(|srcu| {
                // SAFETY: `srcu` points at memory for an srcu_struct, which stays where it is.
                to_result(unsafe { bindings::vswap_srcu_init(srcu) })
            }),
        })
    }

    /// Begins a section. Neither sleeps nor writes to memory that CPUs share. Allowed in interrupts,
    /// but not in NMIs.
    #[inline]
    fn enter(&self) -> Section {
        // SAFETY: `srcu` is initialized by the invariant.
        let token = unsafe { bindings::vswap_srcu_down(self.srcu.get()) };
        // INVARIANT: the section was just begun, with that token.
        Section {
            // SAFETY: the address of a field is not null.
            srcu: unsafe { NonNull::new_unchecked(self.srcu.get()) },
            token,
        }
    }

    /// Waits until all sections that have begun are over, which takes at least some grace periods
    /// of RCU, mostly tens of milliseconds. May sleep; not for a holder of a section.
    fn synchronize(&self) {
        // SAFETY: `srcu` is initialized by the invariant.
        unsafe { kernel::bindings::synchronize_srcu(self.srcu.get()) }
    }

    /// Begins to wait for all sections that have begun, at the cost of interrupting all CPUs. Returns
    /// the cookie for [`is_over`](Self::is_over). Does not sleep.
    fn start(&self) -> usize {
        // SAFETY: `srcu` is initialized by the invariant.
        unsafe {
            let cookie = kernel::bindings::start_poll_synchronize_srcu(self.srcu.get());
            kernel::bindings::srcu_expedite_current(self.srcu.get());
            cookie
        }
    }

    /// Whether the sections that had begun when the wait did are over. Does not sleep.
    fn is_over(&self, cookie: usize) -> bool {
        // SAFETY: as above.
        unsafe { kernel::bindings::poll_state_synchronize_srcu(self.srcu.get(), cookie) }
    }

    /// As [`synchronize`](Self::synchronize), faster, at the cost of interrupting all CPUs.
    fn synchronize_expedited(&self) {
        // SAFETY: `srcu` is initialized by the invariant.
        unsafe { kernel::bindings::synchronize_srcu_expedited(self.srcu.get()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Srcu {
    /// Waits for all sections: for ever if one was forgotten instead of dropped.
    fn drop(self: Pin<&mut Self>) {
        self.synchronize();
        // SAFETY: `srcu` is initialized by the invariant, and nobody can begin a section any
        // more. The only callbacks are those of `srcu_expedite_current`, each of
        // which may have queued another one, once.
        unsafe {
            kernel::bindings::srcu_barrier(self.srcu.get());
            kernel::bindings::srcu_barrier(self.srcu.get());
            kernel::bindings::cleanup_srcu_struct(self.srcu.get());
        }
    }
}

/// A domain, at a fixed address.
pub(crate) struct Domain(Pin<KBox<Srcu>>);

impl Sections for Domain {
    type Section = Section;

    fn new() -> Option<Self> {
        KBox::pin_init(Srcu::new(), GFP_KERNEL).ok().map(Self)
    }

    #[inline]
    fn enter(&self) -> Section {
        self.0.enter()
    }

    fn wait(&self) {
        self.0.synchronize_expedited();
    }

    fn start(&self) -> usize {
        self.0.start()
    }

    fn is_over(&self, wait: usize) -> bool {
        self.0.is_over(wait)
    }
}

/// A section that has begun, and ends when this is dropped: by any task or interrupt (but no
/// NMI), on any CPU. Dropping it does not sleep.
///
/// It has no lifetime, so that it can be kept where none can be named, such as with a bio: the
/// drop of its [`Srcu`], which is pinned, waits for this
/// one. A leaked section keeps it for ever.
///
/// # Invariants
///
/// The section of `srcu` that `token` stands for has begun, and is not over.
#[must_use = "the section is over when this is dropped"]
pub(crate) struct Section {
    srcu: NonNull<kernel::bindings::srcu_struct>,
    token: *mut kernel::bindings::srcu_ctr,
}

// SAFETY: what `srcu_down_read_fast` began may be ended in another context and on another CPU.
unsafe impl Send for Section {}
// SAFETY: through a shared reference nothing can be done with it.
unsafe impl Sync for Section {}

impl Drop for Section {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: by the invariant the section is not over, so `srcu` is not cleaned up, and
        // the token is what the section began with. `srcu` isn't used after it is over.
        unsafe { bindings::vswap_srcu_up(self.srcu.as_ptr(), self.token) }
    }
}
