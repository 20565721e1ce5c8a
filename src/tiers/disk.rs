// SPDX-License-Identifier: GPL-2.0-only

//! A disk as a tier: its slots and its health.

use super::bell::Bell;
use super::discarding::Discarding;
use super::packing::{self, Packing};
use super::recent::{Recently, Slots as RecentSlots};
use crate::engine::allocator::discarding::Search;
use crate::engine::allocator::{
    Allocator, ClusterState, Current, Cursor, FreeList, FreeListLock, Space, Summary,
};
use crate::engine::claims::Slots;
use crate::engine::entry::Packed;
use crate::engine::header;
use crate::engine::health::{Change, Fault, Health};
use crate::engine::map::{Bits, SlotMap};
use crate::engine::options::{Options, Protection};
use crate::engine::page::PAGE_SIZE;
use crate::engine::segment::{Live, Segment};
use crate::engine::slot::{Offset, PhysicalCluster, PhysicalSlot, SLOTS_PER_CLUSTER};
use crate::engine::traffic::{self, Direction, Totals, Traffic};
use crate::engine::under_way::{Ticket, UnderWay, QUOTA};
use crate::glue::backing::Backing;
use crate::glue::cipher::Cipher;
use crate::glue::cpu::{LocalLock, PerCpu, Pinned};
use crate::glue::lone_bio::LoneBio;
use crate::glue::memory::{self, Buffer};
use crate::glue::tags::Tags;
use crate::glue::target::Target;
use crate::glue::wait;
use core::sync::atomic::{AtomicU32, Ordering};
use kernel::pr_warn_once;
use kernel::prelude::*;
use kernel::sync::{new_spinlock, Arc, SpinLock};

/// Bytes in a page.
pub(crate) const PAGE_BYTES: u64 = PAGE_SIZE as u64;

/// The fewest slots that a disk may have, including the signature's: 4 MiB.
const MIN_SLOTS: u64 = 1024;

/// How long a store sleeps before it checks again whether the disk takes more, in milliseconds.
const TURN_MS: u32 = 10;

/// How many free clusters are tried for one in which a certain slot is free. Bad slots are rare.
const HOMES: usize = 4;

/// A disk: a block device opened exclusively, and its slots in use.
pub(crate) struct Disk {
    path: KVec<u8>,
    /// The UUID in its signature.
    uuid: u128,
    priority: i32,
    backing: Backing,
    /// Encrypts its pages, if it is encrypted.
    cipher: Option<Cipher>,
    /// Tags that pages are compared with when they are read, if it has any.
    tags: Option<Tags>,
    /// Its segments, if pages stay compressed on it.
    packing: Option<KBox<Packing>>,
    /// Whether they do so without a ram tier as well, as that was asked for.
    packs_at_once: bool,
    /// Its discards, if it has any.
    discarding: Option<KBox<Discarding>>,
    /// How many pages that were read were not what was written.
    corrupt: AtomicU32,
    slots: u32,
    maps: KVVec<SlotMap>,
    states: KVVec<ClusterState>,
    summary: KVVec<Summary>,
    list: Pin<KBox<FreeListSpinLock>>,
    cursor: Cursor,
    /// Each CPU's current cluster. Its lock, where it is one, is before the free list's lock in the
    /// lock order.
    currents: PerCpu<LocalLock<Current>>,
    /// The movers' current cluster; they use it one at a time. The lock is before the free list's lock
    /// in the lock order.
    mover: Pin<KBox<SpinLock<Current>>>,
    health: Health,
    under_way: UnderWay,
    /// Wakes the thread that watches the disks.
    bell: Arc<Bell>,
    /// The most pages of a bio.
    bio_pages: u32,
    traffic: PerCpu<Traffic>,
}

/// The lock of a disk's free list: the last in the lock order (`docs/design.md`).
type FreeListSpinLock = SpinLock<FreeList>;

impl FreeListLock for FreeListSpinLock {
    #[inline]
    fn with<R>(&self, change: impl FnOnce(&mut FreeList) -> R) -> R {
        change(&mut self.lock())
    }
}

/// Which task allocates slots.
pub(crate) enum Allocating<'a> {
    /// A store, on this CPU.
    Store(&'a Pinned),
    /// A mover.
    Mover,
}

impl Disk {
    /// Opens the block device at `path` and prepares it, but does not write its signature, which will
    /// contain `uuid`. May sleep.
    ///
    /// The errors are those of [`Backing::open`], and: `EINVAL`: the device is too small or zoned.
    /// `ENOMEM`. `EOPNOTSUPP`: the kernel can't encrypt, or the device can't discard. `EINTR`: a signal
    /// came before the kernel had random numbers for a key.
    #[inline(never)]
    pub(crate) fn open(
        path: &CStr,
        priority: i32,
        options: Options,
        uuid: u128,
        bell: Arc<Bell>,
    ) -> Result<KBox<Self>> {
        let protection = options.protection;
        // Pages are copied to memory directly, without protection. Protected pages go through bios.
        let as_memory = protection == Protection::default();
        let backing = open_backing(path, as_memory)?;
        // Of a larger device only the part is used whose slots have a number.
        let slots = u32::try_from(backing.slots()).unwrap_or(u32::MAX);
        let clusters = Space::clusters(slots);
        let cipher = protection.encrypt.then(|| new_cipher(path)).transpose()?;
        let tags = protection.integrity.then(|| new_tags(path, &backing));
        let tags = tags.transpose()?;
        // From memory a page is read in less time than it takes to decompress one.
        let compress = options.compress.unwrap_or(!backing.is_synchronous());
        let packing = compress.then(|| Packing::new(slots)).transpose()?;
        let discarding = options.discard.then(|| new_discarding(path, &backing));
        let discarding = discarding.transpose()?;
        let bio_pages = if backing.may_cut() { 1 } else { u32::MAX };
        let mut kept = KVec::new();
        kept.extend_from_slice(path.to_bytes(), GFP_KERNEL)?;
        // In place, as it is too large for the stack.
        let disk = KBox::init(
            try_init!(Self {
                path: kept,
                uuid,
                priority,
                backing,
                cipher,
                tags,
                packing,
                packs_at_once: options.compress == Some(true),
                discarding,
                corrupt: AtomicU32::new(0),
                summary: memory::defaults(Space::summaries(slots))?,
                slots,
                maps: memory::defaults(clusters)?,
                states: memory::defaults(clusters)?,
                list: boxed(new_spinlock!(FreeList::default(), "vswap_free_list"))?,
                cursor: Cursor::default(),
                currents: PerCpu::new()?,
                mover: boxed(new_spinlock!(Current::default(), "vswap_mover"))?,
                health: Health::default(),
                under_way: UnderWay::default(),
                bell,
                bio_pages,
                traffic: PerCpu::new()?,
            }),
            GFP_KERNEL,
        )?;
        disk.allocator().ok_or(EINVAL)?.prepare();
        Ok(disk)
    }

    /// The first page of a disk with that UUID, or a page of zeros. May sleep.
    fn first_page(uuid: Option<u128>) -> Result<Buffer> {
        let mut buffer = Buffer::new(1)?;
        let page = buffer.page_mut(0).ok_or(ENOMEM)?;
        if let Some(uuid) = uuid {
            header::write_tier(memory::bytes_of_mut(page), uuid);
        }
        Ok(buffer)
    }

    /// Begins to write the signature, or zeros instead. May sleep.
    pub(crate) fn sign(&self, signed: bool) -> Result<LoneBio> {
        LoneBio::write_first(
            &self.backing,
            Self::first_page(signed.then_some(self.uuid))?,
        )
    }

    /// Whether that is the disk's first page as it was written. May sleep.
    pub(crate) fn is_signed(&self, page: &Buffer) -> bool {
        Self::first_page(Some(self.uuid)).is_ok_and(|signed| signed.page(0) == page.page(0))
    }

    /// Whether pages are compressed for it even if there is no ram tier.
    pub(crate) fn packs_at_once(&self) -> bool {
        self.packs_at_once
    }

    /// The path under which the disk was added.
    pub(crate) fn path(&self) -> &str {
        core::str::from_utf8(&self.path).unwrap_or("?")
    }

    /// The priority: disks with a higher one are filled first.
    pub(crate) fn priority(&self) -> i32 {
        self.priority
    }

    /// How many pages that were read were not what was written.
    pub(crate) fn corrupt(&self) -> u32 {
        self.corrupt.load(Ordering::Relaxed)
    }

    /// The disk's health: what it may be used for.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Whether slots may be allocated.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.health.is_active() && !(self.health.is_lagging() && self.is_busy())
    }

    /// Whether the quota of requests under way is used up.
    #[inline]
    fn is_busy(&self) -> bool {
        self.under_way.total() >= QUOTA
    }

    #[cold]
    fn wait_while_busy(&self) -> bool {
        while self.is_busy() {
            if self.health.is_lagging() || self.health.is_stuck() {
                return false;
            }
            wait::pause(TURN_MS);
        }
        true
    }

    /// The requests that are under way.
    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.under_way
    }

    fn allocator(&self) -> Option<Allocator<'_, FreeListSpinLock>> {
        let space = Space::new(&self.maps, &self.states, &self.summary, self.slots)?;
        Some(Allocator::new(space, &self.list, &self.cursor))
    }

    /// Allocates up to `want` consecutive slots, or exactly that many. Does not sleep. `None`: there are
    /// none, or the disk is not active.
    #[inline]
    pub(crate) fn allocate(
        &self,
        who: &Allocating<'_>,
        want: usize,
        exactly: bool,
    ) -> Option<(PhysicalSlot, usize)> {
        if !self.is_active() {
            return None;
        }
        let allocator = self.allocator()?;
        match who {
            Allocating::Store(cpu) => self
                .currents
                .local(cpu)?
                .with(cpu, |current| allocator.allocate(current, want, exactly)),
            Allocating::Mover => allocator.allocate(&self.mover.lock(), want, exactly),
        }
    }

    /// Claims the slot at `offset` in a free cluster, as the home of a cluster. More slots of it can be
    /// claimed afterwards. `None`: there is no such cluster, or the disk is not active. Does not sleep.
    pub(crate) fn claim_home(&self, offset: Offset) -> Option<PhysicalCluster> {
        if !self.is_active() {
            return None;
        }
        let space = self.allocator()?.space();
        self.list.with(|list| {
            (0..HOMES).find_map(|_| {
                let held = space.take_free(list)?;
                let cluster = held.number();
                let claimed = space.claim_at(cluster, offset, 1).is_ok();
                // The cluster is no longer free if the claim succeeded. Otherwise it goes to the end of
                // the list.
                space.let_go(held, list);
                claimed.then_some(cluster)
            })
        })
    }

    /// Frees slots of a cluster. Does not sleep.
    pub(crate) fn free_bits(&self, cluster: PhysicalCluster, bits: &Bits) {
        self.freed(self.allocator().is_some_and(|a| a.free_bits(cluster, bits)));
    }

    #[inline]
    fn freed(&self, in_use: bool) {
        if !in_use {
            pr_warn_once!("{}: a slot was freed that is not in use\n", self.path());
        }
        if let Some(discarding) = &self.discarding {
            if discarding.is_news() {
                self.bell.ring();
            }
        }
    }

    /// Its discards, if it has any.
    pub(crate) fn discarding(&self) -> Option<&Discarding> {
        self.discarding.as_deref()
    }

    /// How many empty clusters are not discarded.
    pub(crate) fn stale_clusters(&self) -> usize {
        self.allocator().map_or(0, |a| a.stale())
    }

    /// Claims an empty cluster and begins to discard it. `None`: there is none, or no memory. May sleep.
    pub(crate) fn start_discard(&self, search: &mut Search) -> Option<(PhysicalCluster, LoneBio)> {
        let discarding = self.discarding()?;
        let cluster = self.allocator()?.claim_stale(search)?;
        discarding.claimed();
        let slots = u16::try_from(SLOTS_PER_CLUSTER).ok()?;
        match LoneBio::discard(&self.backing, cluster.slot(Offset::FIRST), slots) {
            Ok(io) => Some((cluster, io)),
            Err(_) => {
                self.free_stale(cluster, false);
                None
            }
        }
    }

    /// Frees a cluster that was claimed for a discard. `is_discarded`: the discard succeeded. Does not
    /// sleep.
    pub(crate) fn free_stale(&self, cluster: PhysicalCluster, is_discarded: bool) {
        if let Some(allocator) = self.allocator() {
            allocator.free_stale(cluster, is_discarded);
        }
        if let Some(discarding) = &self.discarding {
            discarding.freed();
        }
    }

    /// Its segments, if pages stay compressed on it.
    #[inline]
    pub(crate) fn packing(&self) -> Option<&Packing> {
        self.packing.as_deref()
    }

    /// Whether any slot can be allocated.
    pub(crate) fn has_room(&self) -> bool {
        self.is_active() && self.allocator().is_some_and(|a| a.has_room())
    }

    /// Claims a segment, in which the caller is counted from now on. `None`: there is none, the disk is
    /// not active, or pages do not stay compressed on it. Does not sleep.
    ///
    /// The spare ones are reserved for the cleaner.
    pub(crate) fn claim_segment(&self, is_cleaning: bool) -> Option<Segment> {
        let packing = self.packing.as_ref().filter(|_| self.is_active())?;
        let allocator = self.allocator()?;
        let claim = || allocator.claim_segment(&mut packing.cursor.lock());
        let mut segment = claim();
        if is_cleaning {
            segment = segment.or_else(|| packing.take_spare());
        } else {
            while segment.is_some_and(|segment| packing.keep_spare(segment)) {
                segment = claim();
            }
        }
        packing.claimed(segment?);
        segment
    }

    /// Adds one to the count of a segment that is in use: for an object of a task that is counted there,
    /// or for a reader. `false`: not possible. Does not sleep.
    #[inline]
    pub(crate) fn enter_segment(&self, segment: Segment) -> bool {
        let live = self.packing.as_ref().and_then(|p| p.live(segment));
        live.is_some_and(|live| live.enter())
    }

    /// Like [`enter_segment`](Self::enter_segment), but fails while the segment is being written: for
    /// readers that have no entry to check afterwards. Does not sleep.
    pub(crate) fn enter_written(&self, segment: Segment) -> bool {
        let live = self.packing.as_ref().and_then(|p| p.live(segment));
        live.is_some_and(|live| live.enter_written())
    }

    /// Takes one from the count of a segment, and frees the segment if that was the last. Does not
    /// sleep.
    pub(crate) fn leave_segment(&self, segment: Segment) {
        self.left(segment, Live::leave);
    }

    /// The same for the task that claimed the segment, when it has written it or gives it up.
    pub(crate) fn end_writing(&self, segment: Segment) {
        self.left(segment, Live::end_writing);
    }

    /// Counts a segment that was written, with so many bytes of objects from elsewhere.
    pub(crate) fn wrote_segment(&self, stored: u64) {
        if let Some(packing) = &self.packing {
            packing.wrote(stored);
        }
    }

    fn left(&self, segment: Segment, leave: impl FnOnce(&Live) -> Option<bool>) {
        let Some(packing) = &self.packing else {
            return;
        };
        match packing.live(segment).and_then(leave) {
            Some(false) => {}
            Some(true) => {
                packing.recent.forget(segment);
                packing.freed();
                let worn = packing.take_worn(segment);
                if worn == 0 && packing.keep_spare(segment) {
                    return;
                }
                let is_bad = |slot| worn & packing::bit(slot) != 0;
                self.freed(
                    self.allocator()
                        .is_some_and(|a| a.free_segment(segment, is_bad)),
                );
            }
            None => self.freed(false),
        }
    }

    /// What is kept of a segment in which the caller is counted. Does not sleep.
    pub(crate) fn recent(&self, segment: Segment) -> Option<Recently> {
        self.packing.as_ref()?.recent.get(segment)
    }

    /// Notes that a segment is being read, like [`Recent::expect`]. Does not sleep.
    ///
    /// [`Recent::expect`]: super::recent::Recent::expect
    pub(crate) fn expect_recent(&self, segment: Segment) -> bool {
        self.packing
            .as_ref()
            .is_some_and(|packing| packing.recent.expect(segment))
    }

    /// Ends the wait for a segment that could not be read. Does not sleep.
    pub(crate) fn give_up_recent(&self, segment: Segment) {
        if let Some(packing) = &self.packing {
            packing.recent.give_up(segment);
        }
    }

    /// Keeps slots that were read of a segment in which the caller is counted. Does not sleep.
    pub(crate) fn keep_recent(&self, segment: Segment, slots: RecentSlots) {
        if let Some(packing) = &self.packing {
            packing.recent.keep(segment, slots);
        }
    }

    /// How many pages are packed on the disk.
    pub(crate) fn packed_pages(&self) -> u64 {
        self.packing.as_ref().map_or(0, |p| p.packs().pages)
    }

    /// The count of a segment: its objects, readers and writer.
    pub(crate) fn counted(&self, segment: Segment) -> usize {
        let live = self.packing.as_ref().and_then(|p| p.live(segment));
        live.map_or(0, |live| live.count())
    }

    /// Counts an object in a segment in which the caller is counted. `false`: not possible. Does not
    /// sleep.
    pub(crate) fn add_object(&self, cpu: &Pinned, packed: Packed) -> bool {
        let Some(packing) = &self.packing else {
            return false;
        };
        let added = self.enter_segment(packed.segment());
        if added {
            packing.count(cpu, packed, 1);
        }
        added
    }

    /// Frees an object. Does not sleep.
    pub(crate) fn free_object(&self, cpu: &Pinned, packed: Packed) {
        if let Some(packing) = &self.packing {
            packing.count(cpu, packed, -1);
        }
        self.leave_segment(packed.segment());
    }

    /// Marks a slot of a segment in use as bad, so that it is retired when the segment is freed. Does
    /// not sleep.
    pub(crate) fn note_worn(&self, slot: PhysicalSlot) {
        if let Some(packing) = &self.packing {
            packing.note_worn(slot);
        }
    }

    /// Retires a slot in use: it is never used again. Does not sleep.
    pub(crate) fn retire(&self, slot: PhysicalSlot) {
        let retired = self.allocator().is_some_and(|a| a.retire(slot));
        if !retired {
            pr_warn_once!("{}: a bad slot is not in use\n", self.path());
        }
    }

    /// Bytes that can hold pages.
    pub(crate) fn size(&self) -> u64 {
        bytes(self.allocator().map_or(0, |a| a.space().capacity()))
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> u64 {
        let used = self.allocator().map_or(0, |a| a.space().used());
        // These slots are claimed but hold nothing.
        let spare = self.packing().map_or(0, Packing::spare_slots);
        let discarded = self.discarding().map_or(0, Discarding::slots);
        bytes(used.saturating_sub(spare).saturating_sub(discarded))
    }

    /// Bytes of bad slots.
    pub(crate) fn bad(&self) -> u64 {
        bytes(self.allocator().map_or(0, |a| a.space().retired()))
    }

    /// Bytes that are free, without those reserved for the cleaner.
    pub(crate) fn room(&self) -> u64 {
        let spare = self.packing().map_or(0, Packing::spare_slots);
        self.size()
            .saturating_sub(self.used())
            .saturating_sub(self.bad())
            .saturating_sub(bytes(spare))
    }

    /// Bytes of the tables that say which slots are in use.
    pub(crate) fn metadata_bytes(&self) -> u64 {
        let bytes = size_of::<SlotMap>().saturating_add(size_of::<ClusterState>());
        let maps = self.maps.len().saturating_mul(bytes);
        let tags = self.tags.as_ref().map_or(0, Tags::bytes);
        let segments = self.packing().map_or(0, Packing::metadata_bytes);
        let all = maps.saturating_add(tags).saturating_add(segments);
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    #[cold]
    fn failed(&self, direction: Direction, fault: Fault) {
        let fault = if self.backing.is_dead() {
            Fault::Gone
        } else {
            fault
        };
        match self.health.failed(direction, fault) {
            Change::None => return,
            Change::Suspected => {}
            Change::Failed => self.say_failed(),
            Change::Full => pr_err!(
                "{}: the device below it has no space left; it takes no pages for a while\n",
                self.path()
            ),
        }
        self.bell.ring();
    }

    /// Logs that the disk has failed.
    pub(crate) fn say_failed(&self) {
        pr_crit!(
            "{}: it has failed and takes no pages until a probe succeeds; if it does not recover, remove it with tier_remove\n",
            self.path()
        );
    }

    /// The disk's traffic.
    pub(crate) fn traffic(&self) -> Totals {
        traffic::total(self.traffic.iter())
    }
}

impl Slots for Disk {
    #[inline(always)]
    fn claim(&self, slot: PhysicalSlot, count: usize) -> bool {
        self.is_active()
            && self
                .allocator()
                .is_some_and(|allocator| allocator.claim_at(slot, count))
    }

    #[inline]
    fn free(&self, slot: PhysicalSlot) {
        self.freed(self.allocator().is_some_and(|a| a.free(slot)));
    }
}

impl Target for Disk {
    fn backing(&self) -> &Backing {
        &self.backing
    }

    #[inline]
    fn cipher(&self) -> Option<&Cipher> {
        self.cipher.as_ref()
    }

    #[inline]
    fn tags(&self) -> Option<&Tags> {
        self.tags.as_ref()
    }

    #[cold]
    fn found_corrupt(&self, slot: PhysicalSlot) {
        // Logged once; `tiers` counts the rest.
        if self.corrupt.fetch_add(1, Ordering::Relaxed) == 0 {
            pr_crit!(
                "{}: page {} is not what was written there, and is not used; remove the disk with tier_remove\n",
                self.path(),
                slot.number()
            );
        }
    }

    #[inline]
    fn wait_for_turn(&self) -> bool {
        !self.is_busy() || self.wait_while_busy()
    }

    #[inline]
    fn bio_pages(&self) -> u32 {
        self.bio_pages
    }

    #[inline]
    fn begin(&self) -> Ticket {
        let (ticket, was_idle) = self.under_way.begin();
        if was_idle {
            self.bell.ring();
        }
        ticket
    }

    fn submitted(&self, cpu: &Pinned, direction: Direction, bytes: u64) {
        if let Some(traffic) = self.traffic.local(cpu) {
            traffic.count(direction, bytes);
        }
    }

    #[inline]
    fn ended(&self, direction: Direction, fault: Option<Fault>) {
        match fault {
            None if self.health.succeeded(direction) => {
                pr_info!("{}: it has recovered\n", self.path());
            }
            None => {}
            Some(fault) => self.failed(direction, fault),
        }
    }

    #[inline]
    fn end(&self, ticket: Ticket) {
        self.under_way.end(ticket);
    }
}

// Out of line, as is what follows, so that their stack frames are not part of the caller's.
#[inline(never)]
fn open_backing(path: &CStr, as_memory: bool) -> Result<Backing> {
    let backing = Backing::open(path, as_memory).inspect_err(|error| {
        let why = match *error {
            EBUSY => "it is mounted, swapped on or in use otherwise",
            EROFS => "it is read-only",
            ENOTBLK => "it is not a block device",
            ENOENT => "there is no such device",
            _ => "see the error given",
        };
        pr_err!("{}: can't be opened: {}\n", path, why);
    })?;
    if backing.is_zoned() {
        pr_err!("{}: zoned devices can't be used\n", path);
        return Err(EINVAL);
    }
    if backing.slots() < MIN_SLOTS {
        let least = MIN_SLOTS.saturating_mul(PAGE_BYTES) >> 20;
        pr_err!(
            "{}: it is too small; a disk needs at least {} MiB\n",
            path,
            least
        );
        return Err(EINVAL);
    }
    Ok(backing)
}

#[inline(never)]
fn new_cipher(path: &CStr) -> Result<Cipher> {
    Cipher::new().inspect_err(|error| {
        if *error == EOPNOTSUPP {
            pr_err!(
                "{}: this kernel has no xts(aes) (CONFIG_CRYPTO_XTS, CONFIG_CRYPTO_AES); add the disk without encrypt\n",
                path
            );
        }
    })
}

#[inline(never)]
fn new_discarding(path: &CStr, backing: &Backing) -> Result<KBox<Discarding>> {
    // A loop device would punch holes in its file, and others could take the space.
    if backing.may_cut() || !backing.can_discard() {
        pr_err!(
            "{}: it can't discard, or is a file; add it without discard\n",
            path
        );
        return Err(EOPNOTSUPP);
    }
    Ok(KBox::new(Discarding::new(), GFP_KERNEL)?)
}

#[inline(never)]
fn new_tags(path: &CStr, backing: &Backing) -> Result<Tags> {
    let slots = u32::try_from(backing.slots()).unwrap_or(u32::MAX);
    Tags::new(slots).inspect_err(|error| {
        if *error == ENOMEM {
            pr_err!(
                "{}: not enough memory for tags, which take 8 bytes a page; add the disk without integrity\n",
                path
            );
        }
    })
}

#[inline(never)]
fn boxed<T>(lock: impl PinInit<SpinLock<T>>) -> Result<Pin<KBox<SpinLock<T>>>> {
    KBox::pin_init(lock, GFP_KERNEL)
}

/// The bytes of that many pages.
pub(crate) fn bytes(pages: u64) -> u64 {
    pages.saturating_mul(PAGE_BYTES)
}
