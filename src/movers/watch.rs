// SPDX-License-Identifier: GPL-2.0-only

//! Watches disks that do not answer, have failed, or are full.
//!
//! A thread checks all disks each second while there is a reason to: a request is under way, a disk
//! takes no pages, or nothing has room. It never waits for a disk: it looks at the result of a read or
//! write the next time.

use super::discards::Discards;
use crate::device::Device;
use crate::engine::entry::MAX_DISKS;
use crate::engine::health::{State, LAGS_AFTER};
use crate::glue::clock;
use crate::glue::lone_bio::LoneBio;
use crate::glue::srcu::Section;
use crate::glue::target::Target;
use crate::glue::thread::{Stop, Work};
use crate::glue::wait::WaitQueue;
use crate::tiers::bell::Bell;
use crate::tiers::discarding::Discarding;
use crate::tiers::disk::Disk;
use crate::tiers::transfer::Entered;
use kernel::prelude::*;
use kernel::sync::{new_mutex, Arc, Mutex};

/// The interval between two checks, in milliseconds.
const PERIOD_MS: u32 = 1000;

/// The interval while a disk is probed. At most that long another device may have been in the place of
/// the one whose first page was read when that page is written.
const PROBE_MS: u32 = 10;

/// A failed disk's probe: reads its first page, compares it, and writes it again.
struct Probe {
    io: LoneBio,
    is_written: bool,
    /// When this was begun, in seconds.
    since: u64,
    /// Keeps the disk, so that nobody else can have its first page meanwhile.
    section: Section,
}

impl Probe {
    /// Begins a probe at `now`. May sleep.
    fn new(disk: &Disk, section: Section, now: u64) -> Result<Self> {
        Ok(Self {
            io: LoneBio::read_first(disk.backing())?,
            is_written: false,
            since: now,
            section,
        })
    }

    /// Whether it was begun just now. Later than that, another device may be in the place of the one
    /// that was read.
    fn is_new(&self, now: u64) -> bool {
        now.saturating_sub(self.since) <= LAGS_AFTER
    }

    /// The next step of a probe that is done, at `now`. `Ok(None)`: the disk has passed.
    fn next(self, disk: &Disk, now: u64) -> Result<Option<Self>> {
        let is_new = self.is_new(now);
        let page = self.io.end()?;
        if self.is_written {
            return Ok(None);
        }
        if !disk.is_signed(&page) {
            return Err(EIO);
        }
        if !is_new {
            return Self::new(disk, self.section, now).map(Some);
        }
        Ok(Some(Self {
            io: disk.sign(true)?,
            is_written: true,
            since: now,
            section: self.section,
        }))
    }
}

/// When the thread checks again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// When somebody rings the bell.
    Called,
    /// In a second.
    Later,
    /// Almost at once.
    Soon,
}

/// Requests of the thread that are under way to a disk.
#[derive(Default)]
struct Sent {
    probe: Option<Probe>,
    discards: Option<Discards>,
}

impl Sent {
    /// Forgets requests that are done, of a disk that is being taken out. Returns whether some are left.
    fn forget(&mut self) -> bool {
        // Dropping a request that is under way would wait for it, as it does when the thread ends.
        drop(self.probe.take_if(|probe| probe.io.is_done()));
        drop(self.discards.take_if(|discards| discards.is_done()));
        self.probe.is_some() || self.discards.is_some()
    }
}

/// The work of the thread.
#[pin_data]
pub(crate) struct Watcher {
    device: Arc<Device>,
    bell: Arc<Bell>,
    #[pin]
    sent: Mutex<[Sent; MAX_DISKS]>,
}

impl Watcher {
    /// The work for a device. May sleep.
    pub(crate) fn new(device: Arc<Device>) -> Result<Arc<Self>> {
        let bell = device.disks().bell().clone();
        Arc::pin_init(
            pin_init!(Self {
                device,
                bell,
                sent <- new_mutex!(<[Sent; MAX_DISKS]>::default(), "vswap_watch"),
            }),
            GFP_KERNEL,
        )
    }

    /// Checks all disks. Returns when to check again.
    fn look(&self) -> Next {
        let now = u64::from(clock::seconds());
        let mut again = self.device.disks().tidy();
        again |= self.device.leftovers.tidy(self.device.disks(), false);
        again |= self.device.look_for_room();
        let mut is_soon = false;
        let mut all = self.sent.lock();
        for (bay, sent) in self.device.disks().bays().zip(all.iter_mut()) {
            let Some(entered) = bay.enter() else {
                again |= sent.forget();
                continue;
            };
            let Sent { probe, discards } = sent;
            let disk = entered.disk();
            let age = disk.under_way().age(now);
            let change = disk.health().silent_for(age, now);
            if let Some(change) = change {
                self.say(disk, change);
            }
            self.probe(&entered, probe, now);
            is_soon |= probe.as_ref().is_some_and(|probe| probe.is_new(now));
            // While discards are under way, a removal of the disk has to wait for them.
            is_soon |= get_on(&entered, discards) && !disk.health().is_lagging();
            again |= probe.is_some() || discards.is_some() || is_of_interest(disk);
        }
        if is_soon {
            Next::Soon
        } else if again {
            Next::Later
        } else {
            Next::Called
        }
    }

    /// Continues a disk's probe, or begins one if it is due.
    fn probe(&self, entered: &Entered<'_>, probe: &mut Option<Probe>, now: u64) {
        let disk = entered.disk();
        let health = disk.health();
        match probe.take_if(|probe| probe.io.is_done()) {
            Some(done) => match done.next(disk, now) {
                Ok(None) => {
                    health.probed(true, now);
                    self.say(disk, State::Active);
                }
                Ok(next) => *probe = next,
                Err(_) => {
                    if health.probed(false, now) {
                        disk.say_failed();
                    }
                }
            },
            // Sending more to a disk that is silent could mean waiting for it.
            None if probe.is_none() && health.is_due(now) && !health.is_lagging() => {
                if !disk.backing().is_dead() {
                    *probe = Probe::new(disk, entered.section(), now).ok();
                }
            }
            None => {}
        }
    }

    /// Logs a disk's new state, and wakes writeback if the disk takes pages.
    #[cold]
    fn say(&self, disk: &Disk, state: State) {
        if state == State::Stuck {
            pr_crit!(
                "{}: it does not answer, and takes no pages until it does\n",
                disk.path()
            );
        } else {
            pr_info!(
                "{}: it answers again, and is {}\n",
                disk.path(),
                disk.health().state().name()
            );
            self.device.begin_writeback();
        }
    }
}

// Out of line, for the sake of the stack frame.
/// Continues a disk's discards, or begins some. Returns whether some are under way.
#[inline(never)]
fn get_on(entered: &Entered<'_>, discards: &mut Option<Discards>) -> bool {
    if let Some(done) = discards.take_if(|discards| discards.is_done()) {
        done.end(entered.disk());
        // The next clusters follow in the next second.
        return false;
    }
    if discards.is_none() {
        *discards = Discards::begin(entered);
    }
    discards.is_some()
}

/// Whether a disk needs another check. A device that is gone never comes back.
fn is_of_interest(disk: &Disk) -> bool {
    let health = disk.health();
    disk.under_way().total() != 0
        || disk.discarding().is_some_and(Discarding::is_wanted)
        || health.is_lagging()
        || health.is_stuck()
        || health.is_doubtful() && !disk.backing().is_dead()
}

impl Work for Watcher {
    fn bell(&self) -> &WaitQueue {
        self.bell.queue()
    }

    fn wanted(&self) -> bool {
        self.bell.is_awake()
    }

    fn run(&self, stop: &Stop) {
        let mut next = self.look();
        if next == Next::Called {
            self.bell.rest();
            next = self.look();
            if next == Next::Called {
                return;
            }
            self.bell.stay_awake();
        }
        let milliseconds = if next == Next::Soon {
            PROBE_MS
        } else {
            PERIOD_MS
        };
        self.bell
            .queue()
            .wait_timeout(milliseconds, || stop.requested() || self.bell.is_hurried());
    }
}
