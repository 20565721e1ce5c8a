// SPDX-License-Identifier: GPL-2.0-only

//! Bios, from their submission until they have ended.
//!
//! C header: `include/linux/bio.h`

use super::cipher::Cipher;
use super::request::{self, Extent, Request};
use super::target::Target;
use super::{bindings, trace};
use crate::engine::health::Fault;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use crate::engine::under_way::Ticket;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering;
use kernel::ffi::c_void;

/// The most pages of a bio that are compared with their tags in a hard interrupt: about ten
/// microseconds.
const TAGS_IN_INTERRUPT: u32 = 8;

/// The memory in front of a bio: which request it belongs to.
#[repr(C)]
pub(super) struct Unit<T: Target> {
    // First, so that a pointer to it is one to the whole. For work that can't be done where the
    // bio ends; unused until then.
    pub(super) work: MaybeUninit<kernel::bindings::work_struct>,
    pub(super) request: NonNull<Request<T>>,
    pub(super) extent: Extent<T>,
    pub(super) direction: Direction,
    /// Ends the disk's count of transfers under way.
    pub(super) ticket: Ticket,
}

/// The unit in front of a bio.
///
/// # Safety
///
/// The bio came from the reserves.
pub(super) unsafe fn unit_of<T: Target>(bio: *mut kernel::bindings::bio) -> *mut Unit<T> {
    // SAFETY: the reserves leave that much room in front of a bio.
    unsafe { bio.cast::<Unit<T>>().sub(1) }
}

/// A bio has ended.
///
/// # Safety
///
/// Called by the block layer, in any context, for a bio that [`Transfer`](super::transfer::Transfer) submitted.
pub(super) unsafe extern "C" fn ended<T: Target>(bio: *mut kernel::bindings::bio) {
    // SAFETY: the block layer's call, once for each bio, whose unit is there until `end_bio` gives
    // it back.
    unsafe {
        let unit = unit_of::<T>(bio);
        let (disk, pages) = ((*unit).extent.keep.disk(), (*unit).extent.count);
        let takes_long =
            disk.cipher().is_some() || (disk.tags().is_some() && pages > TAGS_IN_INTERRUPT);
        if (*unit).direction == Direction::Read && takes_long {
            let io = (*unit).request.as_ref().reserves.as_ref().io();
            let work = (&raw mut (*unit).work).cast();
            if bindings::vswap_read_late(io, work, Some(end_bio_later::<T>)) {
                return;
            }
        }
        end_bio::<T>(bio);
    }
}

/// A bio has ended in a context that allows no long work, which is done here.
///
/// # Safety
///
/// Called by the work queue, for the work of a unit whose bio has ended.
unsafe extern "C" fn end_bio_later<T: Target>(work: *mut kernel::bindings::work_struct) {
    // SAFETY: the work is a unit's first field, and the bio comes after the unit.
    unsafe { end_bio::<T>(work.cast::<Unit<T>>().add(1).cast()) }
}

/// Does the work for a bio that has ended.
///
/// # Safety
///
/// Called once for each bio that [`Transfer`](super::transfer::Transfer) submitted and that has ended; in hard
/// interrupts only where its pages are not encrypted.
unsafe fn end_bio<T: Target>(bio: *mut kernel::bindings::bio) {
    // SAFETY: as this function requires; the unit is there until it is freed here. The
    // request is there as long as the bio counts in `remaining`.
    unsafe {
        let mut fault = fault_of((*bio).bi_status);
        let Unit::<T> {
            request,
            mut extent,
            direction,
            ticket,
            ..
        } = unit_of::<T>(bio).read();
        let disk = extent.keep.disk();
        if disk.cipher().is_some() || disk.tags().is_some() {
            match direction {
                Direction::Write => give_back_bounces(bio, disk),
                Direction::Read if fault.is_none() => {
                    if let Some((first, count)) = incoming(bio, disk, extent.first) {
                        (extent.first, extent.count) = (first, count);
                        fault = Some(Fault::Medium);
                    }
                }
                Direction::Read => {}
            }
        }
        let disk = extent.keep.disk();
        disk.ended(direction, fault);
        disk.end(ticket);
        kernel::bindings::bio_put(bio);
        let shared = request.as_ref();
        if let Some(fault) = fault {
            trace::io_error(extent.number, extent.first, extent.count, direction);
            extent.is_bad = fault.is_of_place();
            shared.note(extent);
        } else {
            drop(extent);
        }
        if shared.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            request::end(request);
        }
    }
}

/// Why a bio with that status failed, if it did.
#[inline]
fn fault_of(status: kernel::bindings::blk_status_t) -> Option<Fault> {
    match status {
        0 => None,
        bindings::VSWAP_STS_NOSPC => Some(Fault::Space),
        bindings::VSWAP_STS_TIMEOUT
        | bindings::VSWAP_STS_TRANSPORT
        | bindings::VSWAP_STS_OFFLINE
        | bindings::VSWAP_STS_RESOURCE
        | bindings::VSWAP_STS_AGAIN => Some(Fault::Path),
        bindings::VSWAP_STS_MEDIUM | bindings::VSWAP_STS_PROTECTION => Some(Fault::Medium),
        _ => Some(Fault::Device),
    }
}

/// Frees the bounce pages of a bio.
///
/// # Safety
///
/// The bio has written to that disk, and has ended.
#[cold]
unsafe fn give_back_bounces(bio: *mut kernel::bindings::bio, disk: &impl Target) {
    /// # Safety
    ///
    /// `data` is the cipher that the page came from, and nobody uses the page any more.
    unsafe extern "C" fn give_back(data: *mut c_void, page: *mut c_void) {
        // SAFETY: as this function requires.
        unsafe {
            let cipher = &*data.cast::<Cipher>();
            if let Some(page) = NonNull::new(page.cast()) {
                cipher.give_back(page);
            }
        }
    }
    if let Some(cipher) = disk.cipher() {
        // SAFETY: as this function requires; all pages of such a bio came from the cipher.
        unsafe {
            let cipher = ptr::from_ref(cipher).cast_mut().cast();
            bindings::vswap_bio_pages(bio, Some(give_back), cipher);
        }
    }
}

/// Pages of a read that are being checked.
struct Incoming<'a, T> {
    disk: &'a T,
    slot: PhysicalSlot,
    /// The first and the last page that are not what was written.
    bad: Option<(PhysicalSlot, PhysicalSlot)>,
}

/// Compares the pages of a bio with their tags, and decrypts them. If some are not what was
/// written, returns the first slot and the number of slots that span them.
///
/// # Safety
///
/// The bio has read from that disk, from that slot on, and has ended.
#[cold]
unsafe fn incoming<T: Target>(
    bio: *mut kernel::bindings::bio,
    disk: &T,
    first: PhysicalSlot,
) -> Option<(PhysicalSlot, u32)> {
    /// # Safety
    ///
    /// `data` is an [`Incoming`], and the page is that of its slot, and used by nobody else.
    unsafe extern "C" fn look<T: Target>(data: *mut c_void, page: *mut c_void) {
        // SAFETY: as this function requires.
        unsafe {
            let Incoming { disk, slot, bad } = &mut *data.cast::<Incoming<'_, T>>();
            let here = *slot;
            *slot = here.next();
            let is_good = NonNull::new(page.cast()).is_some_and(|page| {
                if disk.tags().is_some_and(|tags| !tags.fits(here, page)) {
                    disk.found_corrupt(here);
                    return false;
                }
                disk.cipher()
                    .is_none_or(|cipher| cipher.decrypt(here, page))
            });
            if !is_good {
                *bad = Some((bad.map_or(here, |(first, _)| first), here));
            }
        }
    }
    let mut incoming = Incoming {
        disk,
        slot: first,
        bad: None,
    };
    // SAFETY: as this function requires: slots follow each other in a bio as its pages do.
    unsafe { bindings::vswap_bio_pages(bio, Some(look::<T>), (&raw mut incoming).cast()) };
    let (first, last) = incoming.bad?;
    let span = last.number().checked_sub(first.number())?;
    Some((first, span.saturating_add(1)))
}
