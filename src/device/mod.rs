// SPDX-License-Identifier: GPL-2.0-only

//! A swap device: what happens when the swap core writes, reads and frees slots.
//!
//! While the swap core does one of these to a slot, it has the slot pinned, so they never run on the
//! same slot at the same time. On different slots they do. Movers give slots other entries at any time.

pub(crate) mod tally;

mod calls;
mod entries;
mod free_slots;
mod load;
mod packed;
mod readahead;
mod readers;
mod repair;
mod room;
mod shrink;
mod store;
mod sweep;
mod throttle;

use self::free_slots::FreeSlots;
use self::readers::Readers;
use self::tally::Tally;
use crate::engine::asked::Asked;
use crate::engine::budget::Budget;
use crate::engine::codec::Algorithm;
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::{self, Counter};
use crate::engine::index;
use crate::engine::patience::Patience;
use crate::engine::pending::Pending;
use crate::engine::table::TABLE_BYTES;
use crate::engine::traffic::{self, Totals, Traffic};
use crate::glue::bounce::Pairs;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::inode::Swappable;
use crate::glue::platform::Kernel;
use crate::glue::reserves::Reserves;
use crate::glue::swap_area::{Area, Kind};
use crate::glue::wait::{Progress, WaitQueue};
use crate::glue::{call, clock};
use crate::tiers::contexts::Contexts;
use crate::tiers::disks::Disks;
use crate::tiers::leftovers::Leftovers;
use crate::tiers::ram::Ram;
use crate::tiers::transfer;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use kernel::prelude::*;
use kernel::sync::Arc;

/// The index of entries.
pub(crate) type Index = index::Index<Kernel>;

/// A call of the swap core.
type Call<W> = call::Call<W, Device>;

/// A call's pages.
type Pages<'a, W> = call::Pages<'a, W, Device>;

/// A page of a call.
type CallPage<'a, W> = call::CallPage<'a, W, Device>;

/// The device: a virtual size, the index, and the tiers.
#[pin_data(PinnedDrop)]
pub(crate) struct Device {
    size: AtomicU64,
    contexts: Contexts,
    counters: PerCpu<counters::PerCpu>,
    ram: Ram,
    reserves: Reserves,
    /// For loads. Writes that are under way can't use them up.
    loads: Reserves,
    /// For repairs, whose pages may hold requests of the others. Only one repair runs at a time.
    repairs: Reserves,
    /// For packed pages. Their reader waits for the transfer, and may hold a request of `loads` for
    /// another page of the call meanwhile.
    packed_loads: Reserves,
    /// Memory that packed pages are read into.
    pairs: Pairs,
    /// The sequential readers of packed pages.
    #[pin]
    pub(crate) readers: Readers,
    budget: Budget,
    /// Where writeback waits for work.
    #[pin]
    pub(crate) bell: WaitQueue,
    /// The progress of writeback, for stores that wait for room.
    #[pin]
    pub(crate) progress: Progress,
    /// How long tasks have waited for it recently.
    pub(crate) patience: Patience,
    /// Pages of the ram tier that writeback was asked to write, whatever the watermarks say.
    pub(crate) asked: Asked,
    /// How many of the pages read from disks the shrinker has taken into account.
    pub(crate) seen_loads: AtomicUsize,
    /// Until when writeback rests because it could do nothing, in seconds.
    resting: AtomicU32,
    /// Whether freed slots wait for a sweep.
    pub(crate) pending: Pending,
    /// Where the sweeping thread waits for work.
    #[pin]
    pub(crate) sweeping: WaitQueue,
    index: Index,
    // Dropped after the index, whose entries name places on them.
    disks: Disks,
    /// Transfers that movers have left under way.
    pub(crate) leftovers: Leftovers,
    /// The free slots that the swap core counts.
    #[pin]
    pub(crate) free_slots: FreeSlots,
}

impl Device {
    /// An empty device. May sleep.
    // Out of line, as it is large.
    #[inline(never)]
    pub(crate) fn new(size: Size, limit: RamLimit) -> Result<Arc<Self>> {
        Arc::pin_init(
            try_pin_init!(Self {
                size: AtomicU64::new(size.bytes()),
                contexts: Contexts::new()?,
                counters: PerCpu::new()?,
                ram: Ram::new(limit)?,
                reserves: transfer::reserves()?,
                loads: transfer::reserves()?,
                repairs: transfer::reserves()?,
                packed_loads: transfer::reserves()?,
                pairs: Pairs::new()?,
                readers <- Readers::new(),
                budget: Budget::default(),
                bell <- WaitQueue::new(),
                progress <- Progress::new(),
                patience: Patience::default(),
                asked: Asked::default(),
                seen_loads: AtomicUsize::new(0),
                resting: AtomicU32::new(0),
                pending: Pending::default(),
                sweeping <- WaitQueue::new(),
                index: Index::new().ok_or(ENOMEM)?,
                disks: Disks::new()?,
                leftovers: Leftovers::new()?,
                free_slots <- FreeSlots::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Whether writeback rests because it could do nothing.
    pub(crate) fn is_writeback_resting(&self) -> bool {
        clock::seconds() < self.resting.load(Ordering::Relaxed)
    }

    /// Lets writeback rest for that many seconds; 0 ends the rest.
    pub(crate) fn rest_writeback(&self, seconds: u32) {
        let until = clock::seconds().saturating_add(seconds);
        self.resting.store(until, Ordering::Relaxed);
    }

    /// To be called when tiers were added, removed or resized: updates what depends on them.
    pub(crate) fn tiers_changed(&self) {
        let is_buffered = self.disks.any(|disk| disk.packs_at_once());
        self.ram.set_buffered(is_buffered);
        self.free_slots.set_kind(self.kind());
        self.begin_writeback();
    }

    /// Wakes writeback after a change that may make it necessary or possible.
    pub(crate) fn begin_writeback(&self) {
        self.rest_writeback(0);
        self.bell.wake();
        self.look_for_room();
    }

    /// This CPU's counters, while the task stays on it.
    #[inline]
    pub(crate) fn tally<'a>(&'a self, cpu: &'a Pinned) -> Tally<'a> {
        Tally::new(self.counters.local(cpu))
    }

    /// The ram tier.
    pub(crate) fn ram(&self) -> &Ram {
        &self.ram
    }

    /// The disks.
    pub(crate) fn disks(&self) -> &Disks {
        &self.disks
    }

    /// The index.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Reserved memory for transfers.
    pub(crate) fn reserves(&self) -> &Reserves {
        &self.reserves
    }

    /// Scratch memory for compression.
    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// The daily limit.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Changes the algorithm for new pages. Stored pages stay as they are. May sleep.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) -> Result {
        self.contexts.prepare(algorithm)?;
        self.ram.set_algorithm(algorithm);
        Ok(())
    }

    /// The value of a counter.
    pub(crate) fn counter(&self, counter: Counter) -> i64 {
        counters::total(self.counters.iter(), counter)
    }

    /// The traffic of all disks.
    pub(crate) fn traffic(&self) -> Totals {
        traffic::total(self.all_traffic())
    }

    fn all_traffic(&self) -> impl Iterator<Item = &Traffic> {
        let loads = [&self.loads, &self.packed_loads];
        let stores = [&self.reserves, &self.repairs];
        Iterator::chain(loads.into_iter(), stores).flat_map(Reserves::traffic)
    }

    /// Bytes of the tables of all clusters that have one.
    pub(crate) fn table_bytes(&self) -> i64 {
        self.counter(Counter::Clusters)
            .saturating_sub(self.counter(Counter::WholeClusters))
            .saturating_mul(counters::number(TABLE_BYTES))
    }

    /// Bytes of the tables, the cluster objects and the disks' allocators.
    pub(crate) fn metadata_bytes(&self) -> i64 {
        let disks = self.disks.sum(|disk| disk.metadata_bytes());
        self.counter(Counter::Clusters)
            .saturating_mul(counters::number(Index::CLUSTER_BYTES))
            .saturating_add(self.table_bytes())
            .saturating_add(i64::try_from(disks).unwrap_or(i64::MAX))
    }
}

impl Swappable for Device {
    fn size(&self) -> Size {
        // The stored value comes from a `Size`.
        Size::from_bytes(self.size.load(Ordering::Relaxed)).unwrap_or(Size::default_for(0))
    }

    fn set_size(&self, size: Size) {
        self.size.store(size.bytes(), Ordering::Relaxed);
    }

    fn kind(&self) -> Kind {
        // Without any tier same-filled pages are still stored, in memory.
        match (self.ram.is_used(), self.disks.are_synchronous()) {
            (_, true) => Kind::Memory,
            (true, false) => Kind::Mixed,
            (false, false) => Kind::Disk,
        }
    }

    fn activated(&self, area: Area) {
        self.free_slots.set_area(Some(area));
        self.free_slots.set_kind(self.kind());
    }

    fn opened(&self) {
        self.offer_slots();
    }

    fn deactivated(&self) {
        self.free_slots.set_area(None);
        self.sweep();
        self.counters
            .iter()
            .for_each(counters::PerCpu::reset_events);
        self.all_traffic().for_each(Traffic::reset);
    }
}

#[pinned_drop]
impl PinnedDrop for Device {
    fn drop(self: Pin<&mut Self>) {
        // `swapoff` has freed all slots. If one is left, what it holds is freed here.
        self.index.drain(|entry| {
            self.release(&Pinned::new(), entry, &[]);
        });
        self.leftovers.tidy(&self.disks, true);
        self.disks.take_all_out();
    }
}
