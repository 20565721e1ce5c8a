// SPDX-License-Identifier: GPL-2.0-only

//! A swap device: what happens when the swap core writes, reads and frees slots.
//!
//! The swap core has a slot pinned while it does one of these to it, so no two of them run on
//! one slot at a time; on different slots, all of them do. Movers give a slot another entry at
//! any time.

pub(crate) mod tally;

mod calls;
mod entries;
mod free_slots;
mod load;
mod packed;
mod pending;
mod readahead;
mod readers;
mod repair;
mod room;
mod shrink;
mod store;
mod sweep;
mod throttle;

use self::free_slots::FreeSlots;
use self::pending::Pending;
use self::readers::Readers;
use self::tally::Tally;
use crate::engine::asked::Asked;
use crate::engine::budget::Budget;
use crate::engine::codec::Algorithm;
use crate::engine::config::{RamLimit, Size};
use crate::engine::counters::{self, Counter};
use crate::engine::index;
use crate::engine::page::PAGE_SIZE;
use crate::engine::patience::Patience;
use crate::engine::traffic::{self, Totals, Traffic};
use crate::glue::bounce::Pairs;
use crate::glue::call;
use crate::glue::clock;
use crate::glue::cpu::{PerCpu, Pinned};
use crate::glue::inode::Swappable;
use crate::glue::platform::Kernel;
use crate::glue::reserves::Reserves;
use crate::glue::swap_area::{Area, Kind};
use crate::glue::wait::{Progress, WaitQueue};
use crate::tiers::contexts::Contexts;
use crate::tiers::disks::Disks;
use crate::tiers::leftovers::Leftovers;
use crate::tiers::ram::Ram;
use crate::tiers::transfer;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use kernel::prelude::*;
use kernel::sync::Arc;

/// The index of what is stored.
pub(crate) type Index = index::Index<Kernel>;

/// A call of the swap core's.
type Call<W> = call::Call<W, Device>;

/// A call's pages.
type Pages<'a, W> = call::Pages<'a, W, Device>;

/// A page of a call.
type CallPage<'a, W> = call::CallPage<'a, W, Device>;

/// The device: a virtual size, the index of what is stored, and the tiers that hold it.
#[pin_data(PinnedDrop)]
pub(crate) struct Device {
    size: AtomicU64,
    contexts: Contexts,
    counters: PerCpu<counters::PerCpu>,
    ram: Ram,
    reserves: Reserves,
    /// Those of loads, which none of the writes that are under way can use up.
    loads: Reserves,
    /// Those of repairs, which have requests of the others in their hands. There is one repair
    /// at a time.
    repairs: Reserves,
    /// Those of packed pages: who reads one waits for it, and may have a request of `loads` meanwhile,
    /// for another page of the call.
    packed_loads: Reserves,
    /// What packed pages are read through.
    pairs: Pairs,
    /// Who reads them in order.
    #[pin]
    readers: Readers,
    budget: Budget,
    /// Where writeback waits until it is wanted.
    #[pin]
    pub(crate) bell: WaitQueue,
    /// How far writeback has got, for stores that wait for room.
    #[pin]
    pub(crate) progress: Progress,
    /// How long tasks have waited for it of late.
    pub(crate) patience: Patience,
    /// Pages of the ram tier that writeback was asked for, whatever the watermarks say.
    pub(crate) asked: Asked,
    /// Up to which of the pages that were read from disks that was seen to.
    pub(crate) seen_loads: AtomicUsize,
    /// Until when writeback rests, as it could do nothing, in seconds.
    resting: AtomicU32,
    /// Slots that wait for a sweep.
    #[pin]
    pub(crate) pending: Pending,
    index: Index,
    // After the index, whose entries speak of them.
    disks: Disks,
    /// What movers have left under way.
    pub(crate) leftovers: Leftovers,
    /// Which free slots the swap core counts.
    #[pin]
    pub(crate) free_slots: FreeSlots,
}

impl Device {
    /// An empty device. May sleep.
    // Out of line, as all of it is large.
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
                pending <- Pending::new(),
                index: Index::new().ok_or(ENOMEM)?,
                disks: Disks::new()?,
                leftovers: Leftovers::new()?,
                free_slots <- FreeSlots::new(),
            }),
            GFP_KERNEL,
        )
    }

    /// Whether writeback rests, as it could do nothing.
    pub(crate) fn is_writeback_resting(&self) -> bool {
        clock::seconds() < self.resting.load(Ordering::Relaxed)
    }

    /// Has writeback rest for so many seconds; 0 ends that.
    pub(crate) fn rest_writeback(&self, seconds: u32) {
        let until = clock::seconds().saturating_add(seconds);
        self.resting.store(until, Ordering::Relaxed);
    }

    /// Tiers were added or taken away, or have another size: what follows from them does again.
    pub(crate) fn tiers_changed(&self) {
        let is_buffered = self.disks.any(|disk| disk.packs_at_once());
        self.ram.set_buffered(is_buffered);
        self.free_slots.set_kind(self.kind());
        self.begin_writeback();
    }

    /// Something was changed after which writeback may be wanted, or possible: it looks.
    pub(crate) fn begin_writeback(&self) {
        self.rest_writeback(0);
        self.bell.wake();
        self.look_for_room();
    }

    /// This CPU's counters, to count with while it stays on it.
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

    /// What transfers are made of.
    pub(crate) fn reserves(&self) -> &Reserves {
        &self.reserves
    }

    /// Scratch memory to compress with.
    pub(crate) fn contexts(&self) -> &Contexts {
        &self.contexts
    }

    /// What may be written to disks in a day.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Changes what new pages are compressed with; what is stored stays as it is. May sleep.
    pub(crate) fn set_algorithm(&self, algorithm: Algorithm) -> Result {
        self.contexts.prepare(algorithm)?;
        self.ram.set_algorithm(algorithm);
        Ok(())
    }

    /// A counter's value.
    pub(crate) fn counter(&self, counter: Counter) -> i64 {
        counters::total(self.counters.iter(), counter)
    }

    /// What went to disks and came from there.
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
            .saturating_mul(counters::number(PAGE_SIZE))
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
        // What is stored came from a `Size`.
        Size::from_bytes(self.size.load(Ordering::Relaxed)).unwrap_or(Size::default_for(0))
    }

    fn set_size(&self, size: Size) {
        self.size.store(size.bytes(), Ordering::Relaxed);
    }

    fn kind(&self) -> Kind {
        // Without a tier same-filled pages are stored, in memory.
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
        // Swapoff has freed all slots. If one is left, what it holds is given back.
        self.index.drain(|entry| {
            self.release(&Pinned::new(), entry, &[]);
        });
        self.leftovers.tidy(&self.disks, true);
        self.disks.take_all_out();
    }
}
