// SPDX-License-Identifier: GPL-2.0-only

//! Counts what operations do.

use crate::engine::codec::Codec;
use crate::engine::counters::{self, Counter, PerCpu};
use crate::engine::entry::{Content, Object};
use crate::engine::index::{Counts, Found, Replaced};
use crate::engine::table::Change;

/// One CPU's counters, while the task stays on it.
pub(crate) struct Tally<'a>(Option<&'a PerCpu>);

impl<'a> Tally<'a> {
    /// Wraps those counters.
    #[inline]
    pub(crate) fn new(counters: Option<&'a PerCpu>) -> Self {
        Self(counters)
    }

    /// Adds to a counter.
    #[inline]
    pub(crate) fn count(&self, counter: Counter, by: i64) {
        if let Some(counters) = self.0 {
            counters.add(counter, by);
        }
    }

    /// A cluster was looked up.
    #[inline]
    pub(crate) fn found(&self, found: Found) {
        self.count(Counter::Lookups, 1);
        if found == Found::Walked {
            self.count(Counter::MruMisses, 1);
        }
    }

    /// Clusters were created or removed, or changed their form.
    #[inline]
    pub(crate) fn clusters(&self, clusters: Counts) {
        if clusters.all != 0 {
            self.count(Counter::Clusters, clusters.all);
        }
        if clusters.whole != 0 {
            self.count(Counter::WholeClusters, clusters.whole);
        }
    }

    /// A slot came into use.
    #[inline]
    pub(crate) fn filled(&self, found: Found, clusters: Counts) {
        self.found(found);
        self.count(Counter::UsedSlots, 1);
        self.clusters(clusters);
    }

    /// A slot's entry was replaced, and the old one is no longer in use.
    #[inline]
    pub(crate) fn replaced(&self, replaced: &Replaced) {
        self.found(replaced.found);
        match replaced.change {
            Change::Filled => self.count(Counter::UsedSlots, 1),
            Change::Freed => self.count(Counter::UsedSlots, -1),
            Change::Replaced | Change::None => {}
        }
        self.clusters(replaced.clusters);
        self.content(replaced.old.content(), -1);
    }

    /// An entry with that content came into use (`by` 1) or went out of use (-1).
    #[inline]
    pub(crate) fn content(&self, content: Option<Content>, by: i64) {
        match content {
            Some(Content::Same(_)) => self.count(Counter::SameFilledSlots, by),
            Some(Content::Ram(Object { length, codec, .. })) => {
                self.count(Counter::RamSlots, by);
                if by > 0 {
                    self.count(Counter::RamStores, by);
                }
                if codec == Codec::Raw {
                    self.count(Counter::RawSlots, by);
                }
                let bytes = counters::number(length.bytes());
                self.count(Counter::CompressedBytes, bytes.wrapping_mul(by));
            }
            Some(Content::Disk(_)) => self.count(Counter::DiskSlots, by),
            Some(Content::Packed(_)) => {
                self.count(Counter::DiskSlots, by);
                self.count(Counter::PackedSlots, by);
            }
            Some(Content::Lost) => self.count(Counter::LostSlots, by),
            Some(Content::Empty) | None => {}
        }
    }
}
