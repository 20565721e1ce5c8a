// SPDX-License-Identifier: GPL-2.0-only

//! A call of the swap core until it is completed, without its contents.

use super::bindings;
use core::ptr::NonNull;
use kernel::prelude::*;

/// A call that is not completed, as the swap core knows it.
///
/// # Invariants
///
/// The call is completed once, by [`complete`](Self::complete), and its folios are locked or
/// under writeback until then.
#[derive(Clone, Copy)]
pub(super) struct RawCall(NonNull<bindings::swap_iocb>);

impl RawCall {
    /// A call that was just made.
    ///
    /// # Safety
    ///
    /// The invariants of the type hold.
    pub(super) unsafe fn new(sio: NonNull<bindings::swap_iocb>) -> Self {
        // INVARIANT: as this function requires.
        Self(sio)
    }

    /// The call, as the swap core filled it in.
    #[inline]
    pub(super) fn sio(&self) -> &bindings::swap_iocb {
        // SAFETY: by the invariant it is not completed, and the swap core leaves it as it is.
        unsafe { self.0.as_ref() }
    }

    /// Reports the result to the swap core. In any context.
    ///
    /// # Safety
    ///
    /// Called once for a call, which is not used afterwards.
    pub(super) unsafe fn complete(self, result: Result) {
        let error = result.map_or_else(|error| error.to_errno(), |()| 0);
        // SAFETY: as this function requires.
        unsafe { bindings::vswap_io_complete(self.0.as_ptr(), error) }
    }
}
