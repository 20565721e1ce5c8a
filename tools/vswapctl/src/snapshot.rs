// SPDX-License-Identifier: GPL-2.0-only

//! One reading of all figures, and what they say about where pages lie.

use crate::failure::Failure;
use crate::system::{Pressure, Swap, System};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::thread;
use std::time::{Duration, Instant};
use vswap_sysfs::{known, page_bytes, Device, Stat, State, Tier, NODE};

/// How many times the figures are read until they are consistent.
const ATTEMPTS: u32 = 8;

/// One reading of the device. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The node.
    pub node: &'static str,
    /// The time of the reading.
    pub at: Instant,
    /// The machine's RAM.
    pub ram: u64,
    /// The device as the swap core sees it, if it is swapped on.
    pub swap: Option<Swap>,
    /// Virtual size. `None`, here and below: the module does not tell, or its answer is not understood.
    pub size: Option<u64>,
    /// Limit of the ram tier.
    pub ram_limit: Option<u64>,
    /// The algorithm for new pages.
    pub algorithm: Option<String>,
    /// In percent of the limit.
    pub high_watermark: Option<u64>,
    /// In percent of the limit.
    pub low_watermark: Option<u64>,
    /// A day; 0 is no limit.
    pub writeback_limit: Option<u64>,
    /// The statistics.
    pub stat: Stat,
    /// The disks, and the file behind each loop device.
    pub disks: Vec<(Tier, Option<String>)>,
    /// Pages that the machine has swapped out since boot, to any device.
    pub swapped_out: u64,
    /// How much programs wait for memory, if the kernel tells.
    pub pressure: Option<Pressure>,
}

/// A kind of place where pages lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the slots' entries.
    Same,
    /// In memory, compressed.
    Ram,
    /// In memory, uncompressed.
    Raw,
    /// On a disk.
    Disk,
    /// Nowhere.
    Lost,
}

/// A place where pages lie, and how much. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Part {
    /// The kind of place.
    pub kind: Kind,
    /// Its name: a disk's path, or that of the swap file.
    pub name: String,
    /// The size of the pages there: their number times 4096.
    pub holds: u64,
    /// How much they take there.
    pub takes: u64,
    /// The disk.
    pub disk: Option<Tier>,
}

impl Snapshot {
    /// Reads everything.
    ///
    /// # Errors
    ///
    /// The module is not loaded, or an attribute can't be read.
    pub fn take(system: &System, device: &Device) -> Result<Self, Failure> {
        let read = || -> Result<(Stat, Vec<Tier>), Failure> {
            Ok((
                known(device.stat())?.unwrap_or_default(),
                known(device.tiers())?.unwrap_or_default(),
            ))
        };
        let (mut stat, mut tiers) = read()?;
        for _ in 0..ATTEMPTS {
            if agree(&stat, &tiers) {
                break;
            }
            thread::sleep(Duration::from_millis(2));
            (stat, tiers) = read()?;
        }
        let with_file = |tier: Tier| {
            let file = system.loop_file(&tier.path).map(|behind| behind.shown());
            (tier, file)
        };
        Ok(Self {
            node: NODE,
            at: Instant::now(),
            ram: system.ram(),
            swap: system.swap(),
            size: known(device.size())?,
            ram_limit: known(device.ram_limit())?,
            algorithm: known(device.algorithms())?.map(|algorithms| algorithms.current),
            high_watermark: known(device.high_watermark())?,
            low_watermark: known(device.low_watermark())?,
            writeback_limit: known(device.writeback_limit())?,
            stat,
            disks: tiers.into_iter().map(with_file).collect(),
            swapped_out: system.vmstat("pswpout").unwrap_or(0),
            pressure: system.pressure(),
        })
    }

    /// All places, including empty ones. Their sizes add up to [`used`](Self::used).
    pub fn parts(&self) -> Vec<Part> {
        let raw = self.stat.raw_slots().saturating_mul(page_bytes());
        let part = |kind, name: &str, slots: u64, takes| Part {
            kind,
            name: name.to_owned(),
            holds: slots.saturating_mul(page_bytes()),
            takes,
            disk: None,
        };
        let compressed = self.stat.ram_slots().saturating_sub(self.stat.raw_slots());
        let mut parts = vec![
            part(Kind::Same, "same-filled", self.stat.same_filled_slots(), 0),
            part(
                Kind::Ram,
                "compressed",
                compressed,
                self.stat.compressed_bytes().saturating_sub(raw),
            ),
            part(Kind::Raw, "incompressible", self.stat.raw_slots(), raw),
        ];
        let pages: Vec<u64> = self.disks.iter().map(|(disk, _)| disk.pages()).collect();
        let shares = shares(&pages, self.stat.disk_slots());
        let disks = self.disks.iter().zip(shares);
        parts.extend(disks.map(|((disk, file), slots)| Part {
            kind: Kind::Disk,
            name: file.as_ref().unwrap_or(&disk.path).clone(),
            holds: slots.saturating_mul(page_bytes()),
            takes: disk.used,
            disk: Some(disk.clone()),
        }));
        parts.push(part(Kind::Lost, "lost", self.stat.lost_slots(), 0));
        parts
    }

    /// What is swapped out to the device: the sum of all parts.
    pub fn used(&self) -> u64 {
        self.parts()
            .iter()
            .map(|part| part.holds)
            .fold(0, u64::saturating_add)
    }

    /// The uncompressed size of the pages in memory: same-filled ones and those of the ram tier.
    pub fn in_memory(&self) -> u64 {
        self.stat
            .same_filled_slots()
            .saturating_add(self.stat.ram_slots())
            .saturating_mul(page_bytes())
    }

    /// How much these pages take, including tables.
    pub fn memory_taken(&self) -> u64 {
        self.stat
            .pool_bytes()
            .saturating_add(self.stat.metadata_bytes())
    }

    /// Memory that is free because pages are compressed.
    pub fn saved(&self) -> u64 {
        self.in_memory().saturating_sub(self.memory_taken())
    }

    /// The size of the pool above which cold pages are written back.
    pub fn high_mark(&self) -> u64 {
        share(self.ram_limit, self.high_watermark)
    }

    /// The size of the pool down to which cold pages are written back.
    pub fn low_mark(&self) -> u64 {
        share(self.ram_limit, self.low_watermark)
    }

    /// Whether pages may be moving at this moment.
    pub fn may_move(&self) -> bool {
        !self.disks.is_empty() && self.stat.pool_bytes() > self.low_mark()
            || self
                .disks
                .iter()
                .any(|(disk, _)| disk.state == State::Draining)
    }
}

fn share(limit: Option<u64>, percent: Option<u64>) -> u64 {
    (limit.unwrap_or(0) / 100).saturating_mul(percent.unwrap_or(0))
}

/// How many of the slots are on each disk. Pages that are being moved take room on two disks, or on a
/// disk and in memory, but count in one place only. So the excess is taken from each disk in proportion.
fn shares(pages: &[u64], slots: u64) -> Vec<u64> {
    let mut pages_left: u128 = pages.iter().copied().map(u128::from).sum();
    let mut slots_left = slots;
    let share = |pages: &u64| {
        let share = match pages_left {
            0 => slots_left,
            whole => {
                let share = u128::from(*pages) * u128::from(slots_left) / whole;
                u64::try_from(share).unwrap_or(slots_left)
            }
        };
        pages_left -= u128::from(*pages);
        slots_left -= share;
        share
    };
    pages.iter().map(share).collect()
}

/// Whether each slot in use is in exactly one place. That is not so if the figures were read while pages
/// moved.
fn agree(stat: &Stat, tiers: &[Tier]) -> bool {
    let sum = |numbers: &[u64]| numbers.iter().copied().map(u128::from).sum::<u128>();
    let slots = sum(&[
        stat.same_filled_slots(),
        stat.ram_slots(),
        stat.disk_slots(),
        stat.lost_slots(),
    ]);
    let pages: Vec<u64> = tiers.iter().map(Tier::pages).collect();
    u128::from(stat.used_slots()) == slots && sum(&pages) == u128::from(stat.disk_slots())
}

/// What happened between two readings, for each second.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Rates {
    /// Pages that the machine swapped out, to any device.
    pub out: u64,
    /// Same-filled pages read back.
    pub same_in: u64,
    /// Pages read back from compressed memory.
    pub ram_in: u64,
    /// Pages read back from disks.
    pub disk_in: u64,
    /// Bytes that writeback moved.
    pub written_back: u64,
    /// Bytes moved from disks that are being removed.
    pub drained: u64,
    /// Bytes read from disks.
    pub disk_read: u64,
    /// Bytes written to disks.
    pub disk_written: u64,
}

impl Rates {
    /// What happened from `before` to `now`.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are far below 2^53"
    )]
    pub fn between(before: &Snapshot, now: &Snapshot) -> Self {
        let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
        // The counters begin again after the device was swapped off and on.
        let rate = |before: u64, now: u64, unit: u64| {
            (now.saturating_sub(before).saturating_mul(unit) as f64 / seconds).round() as u64
        };
        let (old, new) = (&before.stat, &now.stat);
        Self {
            out: rate(before.swapped_out, now.swapped_out, 1),
            same_in: rate(old.same_loads(), new.same_loads(), 1),
            ram_in: rate(old.ram_loads(), new.ram_loads(), 1),
            disk_in: rate(old.disk_loads(), new.disk_loads(), 1),
            written_back: rate(
                old.written_back_pages(),
                new.written_back_pages(),
                page_bytes(),
            ),
            drained: rate(old.drained_pages(), new.drained_pages(), page_bytes()),
            disk_read: rate(old.disk_read_bytes(), new.disk_read_bytes(), 1),
            disk_written: rate(old.disk_write_bytes(), new.disk_write_bytes(), 1),
        }
    }

    /// Pages that were read back from any place.
    pub fn back(&self) -> u64 {
        self.same_in
            .saturating_add(self.ram_in)
            .saturating_add(self.disk_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slots_go_to_the_disks_that_have_them() {
        assert_eq!(shares(&[3 * page_bytes(), 0, page_bytes()], 4), [3, 0, 1]);
        assert_eq!(shares(&[4 * page_bytes(), 4 * page_bytes()], 4), [2, 2]);
        assert_eq!(shares(&[0, 0], 4), [4, 0]);
        assert_eq!(shares(&[], 4), [0u64; 0]);
    }

    proptest! {
        #[test]
        fn shares_add_up(used in prop::collection::vec(any::<u64>(), 1..8), slots in 0u64..1 << 32) {
            prop_assert_eq!(shares(&used, slots).iter().sum::<u64>(), slots);
        }
    }
}
