// SPDX-License-Identifier: GPL-2.0-only

//! One reading of everything, and what lies where according to it.

use crate::failure::Failure;
use crate::system::{Pressure, Swap, System};
use schemars::JsonSchema;
use serde::Serialize;
use std::thread;
use std::time::{Duration, Instant};
use vswap_sysfs::{known, Device, Stat, State, Tier, NODE, PAGE};

/// How often the figures are read until they agree with each other.
const ATTEMPTS: u32 = 8;

/// One reading of the device. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The node.
    pub node: &'static str,
    /// When.
    pub at: Instant,
    /// The machine's RAM.
    pub ram: u64,
    /// The device as the swap core sees it, when it is swapped on.
    pub swap: Option<Swap>,
    /// Virtual size. `None`, here and below: the module does not say it, or says what is not
    /// understood.
    pub size: Option<u64>,
    /// Limit of the ram tier.
    pub ram_limit: Option<u64>,
    /// What new pages are compressed with.
    pub algorithm: Option<String>,
    /// In percent of the limit.
    pub high_watermark: Option<u64>,
    /// In percent of the limit.
    pub low_watermark: Option<u64>,
    /// A day; 0 is none.
    pub writeback_limit: Option<u64>,
    /// The statistics.
    pub stat: Stat,
    /// The disks, and the file behind each that is a loop device.
    pub disks: Vec<(Tier, Option<String>)>,
    /// Pages that the machine swapped out since it was booted, wherever to.
    pub swapped_out: u64,
    /// How much programs wait for memory, if the kernel says it.
    pub pressure: Option<Pressure>,
}

/// A place where pages lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the slots' entries.
    Same,
    /// In memory, compressed.
    Ram,
    /// In memory, as they are.
    Raw,
    /// On a disk.
    Disk,
    /// Nowhere.
    Lost,
}

/// A place where pages lie, and how many. Sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Part {
    /// Which kind of place.
    pub kind: Kind,
    /// What it is called: a disk's path, or that of the file that is used as one.
    pub name: String,
    /// What the pages there are: their number times 4096.
    pub holds: u64,
    /// What it takes to keep them.
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

    /// All places, also those where nothing lies. What they hold adds up to [`used`](Self::used).
    pub fn parts(&self) -> Vec<Part> {
        let raw = self.stat.raw_slots().saturating_mul(PAGE);
        let part = |kind, name: &str, slots: u64, takes| Part {
            kind,
            name: name.to_owned(),
            holds: slots.saturating_mul(PAGE),
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
            holds: slots.saturating_mul(PAGE),
            takes: disk.used,
            disk: Some(disk.clone()),
        }));
        parts.push(part(Kind::Lost, "lost", self.stat.lost_slots(), 0));
        parts
    }

    /// What is swapped out to the device: the sum of its parts.
    pub fn used(&self) -> u64 {
        self.parts()
            .iter()
            .map(|part| part.holds)
            .fold(0, u64::saturating_add)
    }

    /// Pages that lie in memory, as they were: the same-filled and those of the ram tier.
    pub fn in_memory(&self) -> u64 {
        self.stat
            .same_filled_slots()
            .saturating_add(self.stat.ram_slots())
            .saturating_mul(PAGE)
    }

    /// What all of them take, with everything that is known of them.
    pub fn memory_taken(&self) -> u64 {
        self.stat
            .pool_bytes()
            .saturating_add(self.stat.metadata_bytes())
    }

    /// Memory that is free because the pages in it are compressed.
    pub fn saved(&self) -> u64 {
        self.in_memory().saturating_sub(self.memory_taken())
    }

    /// The pool's size above which cold pages are written back.
    pub fn high_mark(&self) -> u64 {
        share(self.ram_limit, self.high_watermark)
    }

    /// The pool's size down to which cold pages are written back.
    pub fn low_mark(&self) -> u64 {
        share(self.ram_limit, self.low_watermark)
    }

    /// Whether pages may be on their way at this moment.
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

/// How many of the slots are on each disk. While pages are moved they take room on two disks, or
/// on a disk and in memory, and count in one place only; so what is too much goes from each disk
/// in proportion.
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

/// Whether each slot in use is in one place, which figures that are read while pages move are
/// not.
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

/// What happened in a second between two readings.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Rates {
    /// Pages that the machine swapped out, wherever to.
    pub out: u64,
    /// Pages read back, from each place.
    pub same_in: u64,
    /// From compressed memory.
    pub ram_in: u64,
    /// From disks.
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
        // A device that was swapped off and on again begins anew.
        let rate = |before: u64, now: u64, unit: u64| {
            (now.saturating_sub(before).saturating_mul(unit) as f64 / seconds).round() as u64
        };
        let (old, new) = (&before.stat, &now.stat);
        Self {
            out: rate(before.swapped_out, now.swapped_out, 1),
            same_in: rate(old.same_loads(), new.same_loads(), 1),
            ram_in: rate(old.ram_loads(), new.ram_loads(), 1),
            disk_in: rate(old.disk_loads(), new.disk_loads(), 1),
            written_back: rate(old.written_back_pages(), new.written_back_pages(), PAGE),
            drained: rate(old.drained_pages(), new.drained_pages(), PAGE),
            disk_read: rate(old.disk_read_bytes(), new.disk_read_bytes(), 1),
            disk_written: rate(old.disk_write_bytes(), new.disk_write_bytes(), 1),
        }
    }

    /// Pages that were read back, wherever from.
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
        assert_eq!(shares(&[3 * PAGE, 0, PAGE], 4), [3, 0, 1]);
        assert_eq!(shares(&[4 * PAGE, 4 * PAGE], 4), [2, 2]);
        assert_eq!(shares(&[0, 0], 4), [4, 0]);
        assert_eq!(shares(&[], 4), [0u64; 0]);
    }

    proptest! {
        #[test]
        fn none_is_lost(used in prop::collection::vec(any::<u64>(), 1..8), slots in 0u64..1 << 32) {
            prop_assert_eq!(shares(&used, slots).iter().sum::<u64>(), slots);
        }
    }
}
