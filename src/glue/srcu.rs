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
/// It is initialized for readers of the kind "fast, up and down", and has no others.
pub(crate) struct Domain(Pin<KBox<Opaque<kernel::bindings::srcu_struct>>>);

// SAFETY: an srcu_struct may be used, and cleaned up, on any thread.
unsafe impl Send for Domain {}
// SAFETY: it may be used by any number of threads at once.
unsafe impl Sync for Domain {}

impl Sections for Domain {
    type Section = Section;

    fn new() -> Option<Self> {
        let srcu = Opaque::try_ffi_init(|srcu| {
            // SAFETY: `srcu` points at memory for an srcu_struct, which stays where it is.
            to_result(unsafe { bindings::vswap_srcu_init(srcu) })
        });
        // INVARIANT: just initialized, and `enter` makes the only readers.
        KBox::pin_init(srcu, GFP_KERNEL).ok().map(Self)
    }

    // Writes to no memory that CPUs share. Allowed in interrupts, but not in NMIs.
    #[inline]
    fn enter(&self) -> Section {
        // SAFETY: initialized by the invariant.
        let token = unsafe { bindings::vswap_srcu_down(self.0.get()) };
        // INVARIANT: the section was just begun, with that token.
        Section {
            // SAFETY: the address of a field is not null.
            srcu: unsafe { NonNull::new_unchecked(self.0.get()) },
            token,
        }
    }

    // At the cost of interrupting all CPUs; takes at least some grace periods of RCU.
    fn wait(&self) {
        // SAFETY: initialized by the invariant.
        unsafe { kernel::bindings::synchronize_srcu_expedited(self.0.get()) }
    }

    // As above.
    fn start(&self) -> usize {
        // SAFETY: initialized by the invariant.
        unsafe {
            let cookie = kernel::bindings::start_poll_synchronize_srcu(self.0.get());
            kernel::bindings::srcu_expedite_current(self.0.get());
            cookie
        }
    }

    fn is_over(&self, wait: usize) -> bool {
        // SAFETY: initialized by the invariant.
        unsafe { kernel::bindings::poll_state_synchronize_srcu(self.0.get(), wait) }
    }
}

impl Drop for Domain {
    /// Waits for all sections: for ever if one was forgotten instead of dropped.
    fn drop(&mut self) {
        // SAFETY: initialized by the invariant, and nobody can begin a section any more. The only
        // callbacks are those of `srcu_expedite_current`, each of which may have queued another one,
        // once.
        unsafe {
            kernel::bindings::synchronize_srcu(self.0.get());
            kernel::bindings::srcu_barrier(self.0.get());
            kernel::bindings::srcu_barrier(self.0.get());
            kernel::bindings::cleanup_srcu_struct(self.0.get());
        }
    }
}

/// A section that has begun, and ends when this is dropped: by any task or interrupt (but no
/// NMI), on any CPU. Dropping it does not sleep.
///
/// It has no lifetime, so that it can be kept where none can be named, such as with a bio: the
/// drop of its [`Domain`] waits for this one. A leaked section keeps it for ever.
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
