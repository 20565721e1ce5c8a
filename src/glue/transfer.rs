// SPDX-License-Identifier: GPL-2.0-only

//! Pages on their way to disks and from them: bios, and requests that they make up.
//!
//! All memory that is needed comes from reserves, as this is how memory gets free: a request
//! and a bio are at hand for each of [`RESERVE`] at a time, and a bio never waits for another
//! of its request.
//!
//! C headers: `include/linux/bio.h`, `include/linux/mempool.h`

use super::bay::Entered;
use super::bindings;
use super::call::{Call, Load, RawCall, Store, Way};
use super::cipher::Cipher;
use super::clock;
use super::cpu::{PerCpu, Pinned};
use super::memory::Buffer;
use super::srcu::Section;
use super::swap_area;
use super::thread::NoReclaim;
use super::trace;
use super::wait::Pause;
use crate::device::Device;
use crate::disk::Disk;
use crate::engine::entry::{DiskNumber, Place, MAX_DISKS};
use crate::engine::health::Fault;
use crate::engine::page::Page;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::{Direction, Traffic};
use crate::engine::under_way::Ticket;
use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use kernel::ffi::c_void;
use kernel::prelude::*;

/// Requests and bios that are at hand when there is no memory.
const RESERVE: u32 = 64;

/// Failed extents that a request can tell apart. Of others it knows the disk.
const EXTENTS: usize = 8;

/// The most pages in a bio, in pages: 1 MiB.
pub(super) const BIO_PAGES: u16 = 256;

/// The most pages of a bio that are compared with their tags in a hard interrupt: some ten
/// microseconds.
const TAGS_IN_INTERRUPT: u32 = 8;

/// How often who waits for a request is asked whether he goes on, in milliseconds.
const ASKING_MS: u32 = 100;

/// The reserves, and the queue on which failed writes are repaired, one at a time. Repairs have
/// reserves of their own, or they would wait for the requests that they are to end.
///
/// Dropping them waits until all requests have been given back: for ever if one was forgotten
/// instead of dropped.
pub(crate) struct Reserves(KBox<Pools>);

/// What the reserves are, at an address that requests may note.
///
/// # Invariants
///
/// `io` points at reserves made for `Request` and `Unit`, owned by this value.
struct Pools {
    io: NonNull<bindings::vswap_io>,
    traffic: PerCpu<Traffic>,
}

// SAFETY: pools and queues may be used from any thread.
unsafe impl Send for Pools {}
// SAFETY: as above.
unsafe impl Sync for Pools {}

impl Reserves {
    /// Allocates the reserves. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let request = u32::try_from(size_of::<Request>())?;
        let unit = u32::try_from(size_of::<Unit>())?;
        let traffic = PerCpu::new()?;
        // SAFETY: no requirements.
        let io = unsafe { bindings::vswap_io_new(RESERVE, request, unit) };
        // INVARIANT: just made so.
        let pools = Pools {
            io: NonNull::new(io).ok_or(ENOMEM)?,
            traffic,
        };
        Ok(Self(KBox::new(pools, GFP_KERNEL)?))
    }

    /// Counts a page that was copied to a disk that is memory, or from there.
    #[inline]
    pub(crate) fn copied(&self, cpu: &Pinned, direction: Direction, disk: &Disk) {
        self.0.count(cpu, disk, direction, 1);
        disk.ended(direction, None);
    }

    /// What went to disks and came from there, on each CPU.
    pub(crate) fn traffic(&self) -> impl Iterator<Item = &Traffic> {
        self.0.traffic.iter()
    }
}

impl Pools {
    /// So many pages go to a disk, or come from there.
    fn count(&self, cpu: &Pinned, disk: &Disk, direction: Direction, pages: u32) {
        let bytes = crate::disk::bytes(u64::from(pages));
        disk.submitted(cpu, direction, bytes);
        if let Some(traffic) = self.traffic.local(cpu) {
            traffic.count(direction, bytes);
        }
    }
}

impl Drop for Pools {
    fn drop(&mut self) {
        // SAFETY: by the invariant. Nobody makes a request any more, and those that there are,
        // whose bios end first, are waited for.
        unsafe { bindings::vswap_io_free(self.io.as_ptr()) }
    }
}

/// Consecutive slots of a disk that could not be written or read.
pub(crate) struct Extent {
    number: DiskNumber,
    disk: NonNull<Disk>,
    first: PhysicalSlot,
    count: u32,
    /// Whether it failed for what the slots are, and they are not to be used again.
    is_bad: bool,
    /// Keeps the bay entered.
    section: Section,
}

impl Extent {
    /// Whether a page that lies there is one of them.
    pub(crate) fn has(&self, place: Place) -> bool {
        let past = place.slot.number().checked_sub(self.first.number());
        place.disk == self.number && past.is_some_and(|past| past < self.count)
    }
}

/// What bios have in front of them: which request they belong to.
#[repr(C)]
struct Unit {
    // First, so that a pointer to it is one to the whole. For what can't be done where the bio
    // ends; unused until then.
    work: MaybeUninit<kernel::bindings::work_struct>,
    request: NonNull<Request>,
    extent: Extent,
    direction: Direction,
    /// What it counts as under way with.
    ticket: Ticket,
}

/// Some bios that end together.
#[repr(C)]
pub(super) struct Request {
    // First, so that a pointer to it is one to the whole.
    work: kernel::bindings::work_struct,
    done: kernel::bindings::completion,
    reserves: NonNull<Pools>,
    /// Bios under way, and one for who still adds some.
    remaining: AtomicU32,
    /// Extents that failed, also those that found no place below.
    failed: AtomicU32,
    extents: [UnsafeCell<Option<Extent>>; EXTENTS],
    /// Disks that have failed extents which found no place above.
    beyond: [Beyond; MAX_DISKS],
    /// Whom to tell; nobody when somebody waits.
    call: UnsafeCell<Option<Pending>>,
}

impl Request {
    /// Notes an extent as one that failed.
    fn note(&self, extent: Extent) {
        let place = self.failed.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(place).ok();
        // Each has a place of its own, as far as there are some.
        if let Some(place) = place.and_then(|place| self.extents.get(place)) {
            // SAFETY: nobody else has got that place, and nobody looks before the request ends.
            unsafe { *place.get() = Some(extent) };
        } else if let Some(beyond) = self.beyond.get(extent.number.index()) {
            beyond.note(extent);
        }
    }
}

/// Whether a disk has failed extents that can't be told apart, and what keeps its bay entered
/// then: as long as entries speak of what was not written, who empties the disk waits.
struct Beyond {
    is: AtomicBool,
    section: UnsafeCell<Option<Section>>,
}

impl Beyond {
    const fn new() -> Self {
        Self {
            is: AtomicBool::new(false),
            section: UnsafeCell::new(None),
        }
    }

    fn note(&self, extent: Extent) {
        if !self.is.swap(true, Ordering::Relaxed) {
            // SAFETY: nobody else was the first, and nobody looks before the request ends.
            unsafe { *self.section.get() = Some(extent.section) };
        }
    }
}

/// A call that its request completes.
struct Pending {
    call: RawCall,
    device: NonNull<Device>,
    direction: Direction,
    result: Result,
}

/// A bio that is not submitted yet.
struct Open {
    bio: NonNull<kernel::bindings::bio>,
    disk: NonNull<Disk>,
    direction: Direction,
    next: PhysicalSlot,
    pages: u32,
}

impl Open {
    /// Whether such a page may come next.
    #[inline]
    fn may_have(&self, direction: Direction, disk: &Disk, slot: PhysicalSlot) -> bool {
        self.disk == NonNull::from(disk)
            && self.direction == direction
            && self.next == slot
            && self.pages < disk.bio_pages().min(u32::from(BIO_PAGES))
    }
}

/// A request that is being put together.
///
/// Bios are submitted as soon as they can't grow, in the order in which pages were added.
///
/// # Invariants
///
/// `request` has this value's count in `remaining` unless `is_left`; the pages of its bios stay as they are, or
/// are the bios' to write to, until the request ends.
pub(super) struct Transfer {
    request: NonNull<Request>,
    open: Option<Open>,
    pieces: u16,
    pages: u16,
    /// The count was given up, and nothing is added any more.
    is_left: bool,
}

// SAFETY: what is shared with the bios is made for contexts of any kind, and the request may be
// ended and given back by any thread.
unsafe impl Send for Transfer {}

impl Transfer {
    /// A request without pages, which will be of so many pieces of memory, and of so many pages,
    /// which are pieces of their own where others are sent in their stead. May sleep, but not for
    /// memory to be reclaimed.
    // Out of line: what a request begins as is not to be in the caller's frame.
    #[inline(never)]
    pub(super) fn new(reserves: &Reserves, pieces: u16, pages: u16) -> Self {
        // SAFETY: by its invariant the pool is one for requests.
        let request = unsafe { bindings::vswap_request_alloc(reserves.0.io.as_ptr()) };
        let request: *mut Request = request.cast();
        // SAFETY: it is memory for a request that nobody else uses; the pool waits until there
        // is some. All fields are written.
        unsafe {
            bindings::vswap_request_init(
                &raw mut (*request).work,
                &raw mut (*request).done,
                Some(repair),
            );
            (&raw mut (*request).reserves).write(NonNull::from(&*reserves.0));
            (&raw mut (*request).remaining).write(AtomicU32::new(1));
            (&raw mut (*request).failed).write(AtomicU32::new(0));
            (&raw mut (*request).extents).write([const { UnsafeCell::new(None) }; EXTENTS]);
            (&raw mut (*request).beyond).write([const { Beyond::new() }; MAX_DISKS]);
            (&raw mut (*request).call).write(UnsafeCell::new(None));
            Self {
                // INVARIANT: the count of 1 is this value's.
                request: NonNull::new_unchecked(request),
                open: None,
                pieces,
                pages,
                is_left: false,
            }
        }
    }

    /// Adds a page that goes to that slot of the disk, or comes from there.
    ///
    /// # Safety
    ///
    /// The page stays, and is not written to (nor, when it is being read, looked at) by anybody
    /// else, until the request ends.
    pub(super) unsafe fn add(
        &mut self,
        direction: Direction,
        entered: &Entered<'_>,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) {
        let grows = self
            .open
            .as_ref()
            .is_some_and(|open| open.may_have(direction, entered.disk(), slot));
        if !grows {
            self.submit();
            if direction == Direction::Write && !entered.disk().wait_for_turn() {
                return self.fail(entered, slot, false);
            }
        }
        let page = match direction {
            // SAFETY: as this function requires.
            Direction::Write => match unsafe { self.outgoing(entered.disk(), slot, page) } {
                Some(page) => page,
                None => return self.fail(entered, slot, true),
            },
            Direction::Read => page,
        };
        if let Some(open) = &mut self.open {
            // SAFETY: the bio is not submitted; the page is in the direct map.
            if grows && unsafe { bindings::vswap_bio_add(open.bio.as_ptr(), page.as_ptr().cast()) }
            {
                open.pages = open.pages.saturating_add(1);
                open.next = slot.next();
                return;
            }
        }
        self.submit();
        let pieces = match (direction, entered.disk().cipher()) {
            (Direction::Write, Some(_)) => self.pages,
            _ => self.pieces,
        };
        let (disk, section) = entered.stay();
        // SAFETY: the reserves outlive the request, which their drop waits for; `stay` keeps the
        // disk, and with it its block device, until the unit is dropped. The bio has room in
        // front for a unit. If the page is not in it, nobody has seen it, or the bounce page.
        let bio = unsafe {
            let bio = bindings::vswap_bio_new(
                self.request.as_ref().reserves.as_ref().io.as_ptr(),
                entered.disk().backing().bdev(),
                direction == Direction::Write,
                disk.as_ref().bio_pages() == 1,
                slot.number(),
                pieces,
                Some(ended),
            );
            if !bindings::vswap_bio_add(bio, page.as_ptr().cast()) {
                bindings::vswap_bio_free(bio);
                if let (Direction::Write, Some(cipher)) = (direction, entered.disk().cipher()) {
                    cipher.give_back(page);
                }
                return self.fail(entered, slot, false);
            }
            unit_of(bio).write(Unit {
                work: MaybeUninit::uninit(),
                request: self.request,
                extent: Extent {
                    number: entered.number(),
                    disk,
                    first: slot,
                    count: 1,
                    is_bad: false,
                    section,
                },
                direction,
                ticket: disk.as_ref().begin(),
            });
            NonNull::new_unchecked(bio)
        };
        self.open = Some(Open {
            bio,
            disk,
            direction,
            next: slot.next(),
            pages: 1,
        });
    }

    /// What is sent in a page's stead: an encrypted copy, where the disk's pages are. `None`: it
    /// can't be encrypted.
    ///
    /// # Safety
    ///
    /// The page is not written to until this returns.
    #[inline]
    unsafe fn outgoing(
        &mut self,
        disk: &Disk,
        slot: PhysicalSlot,
        page: NonNull<Page>,
    ) -> Option<NonNull<Page>> {
        let sent = match disk.cipher() {
            None => page,
            Some(cipher) => {
                let bounce = cipher.bounce().unwrap_or_else(|| {
                    // The reserve may be in the bio that is waiting to grow.
                    self.submit();
                    cipher.wait_for_bounce()
                });
                // SAFETY: the bounce page is ours until its bio has ended; the other one as this
                // function requires.
                unsafe {
                    if !cipher.encrypt(slot, page, bounce) {
                        cipher.give_back(bounce);
                        return None;
                    }
                }
                bounce
            }
        };
        if let Some(tags) = disk.tags() {
            // SAFETY: as above.
            unsafe { tags.set(slot, sent) };
        }
        Some(sent)
    }

    /// Has a page taken for one that could not be written, or read.
    #[cold]
    fn fail(&self, entered: &Entered<'_>, slot: PhysicalSlot, is_bad: bool) {
        let (disk, section) = entered.stay();
        let extent = Extent {
            number: entered.number(),
            disk,
            first: slot,
            count: 1,
            is_bad,
            section,
        };
        // SAFETY: the request is there as long as the count is held.
        unsafe { self.request.as_ref().note(extent) };
    }

    /// Submits the bio that could still grow.
    fn submit(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        // SAFETY: the bio is not submitted yet, so its unit and the disk are there; it counts
        // in `remaining` from here until it has ended.
        unsafe {
            (*unit_of(open.bio.as_ptr())).extent.count = open.pages;
            self.request
                .as_ref()
                .remaining
                .fetch_add(1, Ordering::Relaxed);
            self.count(&open);
            bindings::vswap_bio_submit(open.bio.as_ptr());
        }
    }

    /// Submits what was added, and waits for it, but for no longer than so many milliseconds. Says
    /// whether all has ended. May sleep.
    pub(super) fn wait_timeout(&mut self, milliseconds: u32) -> bool {
        self.submit();
        let mut waited = 0u32;
        let mut pause = Pause::new();
        while !self.is_done() {
            if waited >= milliseconds {
                return false;
            }
            waited = waited.saturating_add(pause.sleep());
        }
        true
    }

    /// Whether all that was added was submitted and has ended.
    fn is_done(&self) -> bool {
        if self.is_left {
            // SAFETY: the request is this value's until it is given back.
            return unsafe {
                kernel::bindings::completion_done(&raw mut (*self.request.as_ptr()).done)
            };
        }
        // SAFETY: the request is there as long as the count is held.
        let remaining = unsafe { &self.request.as_ref().remaining };
        self.open.is_none() && remaining.load(Ordering::Acquire) == 1
    }

    fn count(&self, open: &Open) {
        // SAFETY: the reserves outlive the request, and the disk stays until the bio has ended.
        let (reserves, disk) =
            unsafe { (self.request.as_ref().reserves.as_ref(), open.disk.as_ref()) };
        reserves.count(&Pinned::new(), disk, open.direction, open.pages);
    }

    /// Gives up this value's count. Says whether nothing is under way any more.
    ///
    /// # Safety
    ///
    /// Called once.
    unsafe fn last(&mut self) -> bool {
        self.submit();
        // SAFETY: the request is there as long as the count is held.
        let remaining = unsafe { &self.request.as_ref().remaining };
        remaining.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Leaves the rest to the bios: when the last one has ended, the call is completed with
    /// `result`, or with an error when a page could not be read. When one could not be
    /// written, or the result is an error, the device repairs what it can first.
    pub(super) fn leave(
        mut self,
        call: RawCall,
        device: NonNull<Device>,
        direction: Direction,
        result: Result,
    ) {
        let request = self.request;
        // SAFETY: nobody else looks at `call` before the count is given up; the value is
        // forgotten below.
        unsafe {
            *request.as_ref().call.get() = Some(Pending {
                call,
                device,
                direction,
                result,
            });
            if self.last() {
                end(request);
            }
        }
        core::mem::forget(self);
    }

    /// Gives up the count, so that who waits is told when all bios have ended. Nothing is added
    /// after that.
    #[inline(never)]
    fn close(&mut self) {
        if self.is_left {
            return;
        }
        // SAFETY: the count is given up once; nobody else has a request that has ended and
        // completes no call.
        unsafe {
            if self.last() {
                kernel::bindings::complete_all(&raw mut (*self.request.as_ptr()).done);
            }
        }
        self.is_left = true;
    }

    /// Waits for all bios as long as `go_on`, which is asked now and then. Says whether they have
    /// ended.
    #[inline(never)]
    fn wait_while(&mut self, go_on: impl Fn() -> bool) -> bool {
        self.close();
        let ticks = clock::ticks_of_ms(ASKING_MS);
        loop {
            // SAFETY: the request is this value's until it is given back.
            let left = unsafe {
                let done = &raw mut (*self.request.as_ptr()).done;
                kernel::bindings::wait_for_completion_io_timeout(done, ticks)
            };
            if left != 0 {
                return true;
            }
            if !go_on() {
                return false;
            }
        }
    }

    /// Waits for all bios. Gives the extents that failed.
    pub(super) fn wait(mut self) -> Failed {
        self.wait_to_end();
        let request = self.request;
        core::mem::forget(self);
        Failed(request)
    }

    #[inline(never)]
    fn wait_to_end(&mut self) {
        self.close();
        // SAFETY: the request is this value's until it is given back.
        unsafe { kernel::bindings::wait_for_completion_io(&raw mut (*self.request.as_ptr()).done) }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // Nobody is told; the bios' pages are waited for.
        self.wait_to_end();
        drop(Failed(self.request));
    }
}

/// What could not be transferred, of a request that has ended.
///
/// # Invariants
///
/// The request has ended and is this value's own.
pub(crate) struct Failed(NonNull<Request>);

// SAFETY: the request is this value's own, and may be given back by any thread.
unsafe impl Send for Failed {}

impl Failed {
    fn request(&self) -> &Request {
        // SAFETY: by the invariant.
        unsafe { self.0.as_ref() }
    }

    /// Whether all pages were transferred.
    pub(crate) fn is_none(&self) -> bool {
        self.request().failed.load(Ordering::Relaxed) == 0
    }

    /// Whether that disk is one of those that failed.
    pub(crate) fn is_of(&self, disk: DiskNumber) -> bool {
        self.is_beyond(disk) || self.extents().any(|extent| extent.number == disk)
    }

    /// Whether the failed extents of that disk are too many to be told apart.
    fn is_beyond(&self, disk: DiskNumber) -> bool {
        let beyond = self.request().beyond.get(disk.index());
        beyond.is_some_and(|beyond| beyond.is.load(Ordering::Relaxed))
    }

    fn extents(&self) -> impl Iterator<Item = &Extent> {
        // SAFETY: the request has ended, so nobody writes there.
        let extents = self.request().extents.iter().map(|e| unsafe { &*e.get() });
        extents.flatten()
    }

    /// Whether a page that lies there was not transferred, as far as can be told: where too many
    /// of a disk failed, it may have been.
    pub(crate) fn has(&self, place: Place) -> bool {
        self.is_beyond(place.disk) || self.is_exactly(place)
    }

    /// Whether it is certain that a page that lies there was not transferred.
    pub(crate) fn is_exactly(&self, place: Place) -> bool {
        self.extents().any(|extent| extent.has(place))
    }

    /// Whether it is certain that a page that lies there was not transferred, and its slot is why.
    pub(crate) fn is_bad(&self, place: Place) -> bool {
        self.extents()
            .any(|extent| extent.is_bad && extent.has(place))
    }
}

impl Drop for Failed {
    fn drop(&mut self) {
        // SAFETY: the request is this value's own, and nobody uses it any more.
        unsafe { free(self.0) }
    }
}

/// Gives a request back.
///
/// # Safety
///
/// It has ended and nobody uses it any more.
unsafe fn free(request: NonNull<Request>) {
    // SAFETY: as this function requires; it came from those reserves.
    unsafe {
        let reserves = request.as_ref().reserves;
        ptr::drop_in_place(&raw mut (*request.as_ptr()).extents);
        ptr::drop_in_place(&raw mut (*request.as_ptr()).beyond);
        bindings::vswap_request_free(reserves.as_ref().io.as_ptr(), request.as_ptr().cast());
    }
}

/// The unit in front of a bio.
///
/// # Safety
///
/// The bio came from the reserves.
unsafe fn unit_of(bio: *mut kernel::bindings::bio) -> *mut Unit {
    // SAFETY: the reserves leave that much room in front of a bio.
    unsafe { bio.cast::<Unit>().sub(1) }
}

/// A bio has ended.
///
/// # Safety
///
/// Called by the block layer, in any context, for a bio that [`Transfer::submit`] submitted.
unsafe extern "C" fn ended(bio: *mut kernel::bindings::bio) {
    // SAFETY: the block layer's call, once for each bio, whose unit is there until `end_bio` gives
    // it back.
    unsafe {
        let unit = unit_of(bio);
        let (disk, pages) = ((*unit).extent.disk.as_ref(), (*unit).extent.count);
        let takes_long =
            disk.cipher().is_some() || (disk.tags().is_some() && pages > TAGS_IN_INTERRUPT);
        if (*unit).direction == Direction::Read && takes_long {
            let io = (*unit).request.as_ref().reserves.as_ref().io;
            let work = (&raw mut (*unit).work).cast();
            if bindings::vswap_read_late(io.as_ptr(), work, Some(end_bio_later)) {
                return;
            }
        }
        end_bio(bio);
    }
}

/// A bio has ended, where nothing that takes long could be done.
///
/// # Safety
///
/// Called by the work queue, for the work of a unit whose bio has ended.
unsafe extern "C" fn end_bio_later(work: *mut kernel::bindings::work_struct) {
    // SAFETY: the work is a unit's first field, and the bio comes after the unit.
    unsafe { end_bio(work.cast::<Unit>().add(1).cast()) }
}

/// Does what is to be done when a bio has ended.
///
/// # Safety
///
/// Called once for each bio that [`Transfer::submit`] submitted and that has ended; in hard
/// interrupts only where its pages are not encrypted.
unsafe fn end_bio(bio: *mut kernel::bindings::bio) {
    // SAFETY: as this function requires; the unit is there until it is given back here. The
    // request is there as long as the bio counts in `remaining`.
    unsafe {
        let mut fault = fault_of((*bio).bi_status);
        let Unit {
            request,
            mut extent,
            direction,
            ticket,
            ..
        } = unit_of(bio).read();
        let disk = extent.disk.as_ref();
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
        let disk = extent.disk.as_ref();
        disk.ended(direction, fault);
        disk.under_way().end(ticket);
        bindings::vswap_bio_free(bio);
        let shared = request.as_ref();
        if let Some(fault) = fault {
            trace::io_error(extent.number, extent.first, extent.count, direction);
            extent.is_bad = fault.is_of_place();
            shared.note(extent);
        } else {
            drop(extent);
        }
        if shared.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            end(request);
        }
    }
}

/// Why a bio failed that ended with that status, if it did.
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

/// Gives back the pages of a bio that were sent in others' stead.
///
/// # Safety
///
/// The bio has written to that disk, and has ended.
#[cold]
unsafe fn give_back_bounces(bio: *mut kernel::bindings::bio, disk: &Disk) {
    /// # Safety
    ///
    /// `data` is the cipher that gave out the page, which nobody uses any more.
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

/// Pages that are being looked at as they come from a disk.
struct Incoming<'a> {
    disk: &'a Disk,
    slot: PhysicalSlot,
    /// The first and the last that is not what was written.
    bad: Option<(PhysicalSlot, PhysicalSlot)>,
}

/// Compares the pages of a bio with their tags, and decrypts them. Gives the first slot and the
/// number of slots among which those are that are not what was written, if any are.
///
/// # Safety
///
/// The bio has read from that disk, from that slot on, and has ended.
#[cold]
unsafe fn incoming(
    bio: *mut kernel::bindings::bio,
    disk: &Disk,
    first: PhysicalSlot,
) -> Option<(PhysicalSlot, u32)> {
    /// # Safety
    ///
    /// `data` is an [`Incoming`], and the page is that of its slot, and nobody else's.
    unsafe extern "C" fn look(data: *mut c_void, page: *mut c_void) {
        // SAFETY: as this function requires.
        unsafe {
            let Incoming { disk, slot, bad } = &mut *data.cast::<Incoming<'_>>();
            let here = *slot;
            *slot = here.next();
            let Some(page) = NonNull::new(page.cast()) else {
                *bad = Some((bad.map_or(here, |(first, _)| first), here));
                return;
            };
            if disk.tags().is_some_and(|tags| !tags.fits(here, page)) {
                disk.found_corrupt(here);
                *bad = Some((bad.map_or(here, |(first, _)| first), here));
            } else if disk
                .cipher()
                .is_some_and(|cipher| !cipher.decrypt(here, page))
            {
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
    unsafe { bindings::vswap_bio_pages(bio, Some(look), (&raw mut incoming).cast()) };
    let (first, last) = incoming.bad?;
    let span = last.number().checked_sub(first.number())?;
    Some((first, span.saturating_add(1)))
}

/// A request has ended.
///
/// # Safety
///
/// Nothing of it is under way, and this is called once, in any context.
unsafe fn end(request: NonNull<Request>) {
    // SAFETY: as this function requires, nobody else changes the request now; who waits for it
    // has it from `complete_all` on.
    unsafe {
        let Some(pending) = &*request.as_ref().call.get() else {
            kernel::bindings::complete_all(&raw mut (*request.as_ptr()).done);
            return;
        };
        let failed = request.as_ref().failed.load(Ordering::Relaxed) != 0;
        if pending.direction == Direction::Write && (failed || pending.result.is_err()) {
            bindings::vswap_request_queue(
                request.as_ref().reserves.as_ref().io.as_ptr(),
                &raw mut (*request.as_ptr()).work,
            );
            return;
        }
        let result = if failed { Err(EIO) } else { pending.result };
        let call = pending.call;
        if pending.direction == Direction::Read {
            swap_area::is_disk();
        }
        free(request);
        call.complete(result);
    }
}

/// Has the device repair a call of whose writes some failed.
///
/// # Safety
///
/// Called by the work queue, for the work of a request.
unsafe extern "C" fn repair(work: *mut kernel::bindings::work_struct) {
    // SAFETY: the work is a request's first field, and the request has ended and is this
    // function's own. Its area is on as long as the call is not completed, and with it its
    // device is there.
    unsafe {
        let request = NonNull::new_unchecked(work.cast::<Request>());
        let failed = Failed(request);
        let _scope = NoReclaim::new();
        if let Some(pending) = (*request.as_ref().call.get()).take() {
            Call::<Store>::repair(pending.call, pending.device, pending.result, failed);
        }
    }
}

/// Pages of a buffer on their way, which has the buffer until they are there: nobody can look at
/// pages that are being read, or use those that are being written for something else. Dropping
/// this waits.
pub(crate) struct BufferTransfer<W: Way> {
    // Before the buffer, so that it is waited for first.
    transfer: Transfer,
    buffer: Buffer,
    _way: PhantomData<W>,
}

impl BufferTransfer<Store> {
    /// Pages that go to disks. May sleep.
    pub(crate) fn write(reserves: &Reserves, buffer: Buffer) -> Self {
        Self::new(reserves, buffer)
    }

    /// A page that goes to a disk, or is not sent yet.
    pub(crate) fn page(&self, index: usize) -> Option<&Page> {
        self.buffer.page(index)
    }
}

impl BufferTransfer<Load> {
    /// Pages that come from disks. May sleep.
    pub(crate) fn read(reserves: &Reserves, buffer: Buffer) -> Self {
        Self::new(reserves, buffer)
    }
}

impl<W: Way> BufferTransfer<W> {
    fn new(reserves: &Reserves, buffer: Buffer) -> Self {
        Self {
            transfer: Transfer::new(reserves, BIO_PAGES, BIO_PAGES),
            buffer,
            _way: PhantomData,
        }
    }

    /// Adds the buffer's page of that index, each once; one that there is not fails. May sleep.
    pub(crate) fn add(&mut self, index: usize, entered: &Entered<'_>, slot: PhysicalSlot) {
        match self.buffer.pointer(index) {
            // SAFETY: this has the buffer, lends out pages only to be read while they are
            // written, and gives it back, or drops it, when the transfer has been waited for.
            // If this is forgotten, so is the buffer.
            Some(page) => unsafe { self.transfer.add(W::DIRECTION, entered, slot, page) },
            None => self.transfer.fail(entered, slot, false),
        }
    }

    /// Sends what could still grow. Has to be called for [`is_done`](Self::is_done) to come true
    /// without [`wait`](Self::wait). May sleep.
    #[allow(dead_code, reason = "for who keeps several under way")]
    pub(crate) fn submit(&mut self) {
        self.transfer.submit();
    }

    /// Whether all pages that were added have been sent, and are there or failed: `wait` does not
    /// wait then. Does not sleep.
    pub(crate) fn is_done(&self) -> bool {
        self.transfer.is_done()
    }

    /// As [`wait`](Self::wait) as long as `go_on`, which is asked now and then. Gives this value
    /// back if that ends it: what is under way stays so, and what it goes to stays claimed.
    pub(crate) fn wait_while(mut self, go_on: impl Fn() -> bool) -> Result<(Buffer, Failed), Self> {
        if self.transfer.wait_while(go_on) {
            Ok(self.wait())
        } else {
            Err(self)
        }
    }

    /// Waits for all pages. Gives the buffer back, and what failed. May sleep.
    #[inline(never)]
    pub(crate) fn wait(self) -> (Buffer, Failed) {
        (self.buffer, self.transfer.wait())
    }
}
