// SPDX-License-Identifier: GPL-2.0-only

//! How much is read ahead with a page that is read from a disk.
//!
//! A sequential reader gets more with each read: the window begins at nothing, and
//! doubles each time a slot is asked for that follows what was read last, or is near it. A random
//! reader gets nothing ahead.
//!
//! Once the window is at its largest, a thread reads on before the reader asks: a stream says so when less
//! than [`DISTANCE`] is left of what was read.
//!
//! Several tasks can read at the same time. Each is known by the cluster of the slot that is expected
//! next; two whose clusters collide disturb each other, which only makes a window smaller.

use super::slot::Slot;
use super::sync::{AtomicU64, Ordering};

/// How many sequential readers are told apart.
const STREAMS: usize = 64;

/// How far a slot may be from the expected one, in slots: pages of zeros and others that are in
/// memory are not asked for.
const NEAR: u32 = 16;

/// Slots of a disk that are read at first besides those of the page, and at most.
const FIRST: usize = 2;
const MOST: usize = 8;

const _: () = assert!(MOST == super::segment::SEGMENT_SLOTS);

/// The largest window; the window of a stream that the thread is asked to read on, and of one that it is
/// reading.
const FULL: u32 = 8;
const ASKED: u32 = FULL + 1;
const BUSY: u32 = FULL + 2;

/// How far ahead of a reader the thread reads, in slots.
pub const DISTANCE: u32 = 128;

/// The sequential readers.
#[derive(Debug)]
pub struct Windows([AtomicU64; STREAMS]);

impl Default for Windows {
    fn default() -> Self {
        Self(core::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// A sequential reader:
///
/// ```text
///   bits 63..32   31..0
///   next slot     window
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stream {
    next: Slot,
    window: u32,
}

impl Stream {
    fn from_word(word: u64) -> Self {
        let half = |half: u64| u32::try_from(half).unwrap_or(0);
        Self {
            next: Slot::new(half(word >> 32)),
            window: half(word & 0xffff_ffff),
        }
    }

    fn to_word(self) -> u64 {
        (u64::from(self.next.number()) << 32) | u64::from(self.window)
    }

    /// Gives the stream in `word` another window, if it is still this one.
    fn becomes(self, word: &AtomicU64, window: u32) -> bool {
        let new = Self { window, ..self };
        word.compare_exchange(
            self.to_word(),
            new.to_word(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        )
        .is_ok()
    }
}

/// Whether a slot is in front of `next`, and not too far.
fn is_within(slot: Slot, next: Slot) -> bool {
    let distance = next.number().wrapping_sub(slot.number());
    distance != 0 && distance <= DISTANCE
}

/// How much to read ahead with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// That many slots of the disk may be read besides the page's.
    pub slots: usize,
}

impl Ahead {
    /// As much as there may be.
    pub const MOST: Self = Self { slots: MOST };
}

impl Windows {
    fn stream(&self, slot: Slot) -> Option<&AtomicU64> {
        // Lossless: usize has 64 bits.
        let cluster = slot.cluster().index() as usize;
        self.0.get(cluster % STREAMS)
    }

    /// A slot is about to be read from a disk. With trust, much is read ahead of one as well that nobody
    /// has expected.
    pub fn ask(&self, slot: Slot, is_trusted: bool) -> Ahead {
        let none = Ahead { slots: 0 };
        let Some(stream) = self.stream(slot) else {
            return none;
        };
        let Stream { next, window } = Stream::from_word(stream.load(Ordering::Relaxed));
        let is_near = slot.number().wrapping_sub(next.number()) < NEAR
            || next.number().wrapping_sub(slot.number()) < NEAR;
        if !is_near {
            return if is_trusted { Ahead::MOST } else { none };
        }
        let window = usize::try_from(window).unwrap_or(0);
        Ahead {
            slots: window.saturating_mul(2).clamp(FIRST, MOST),
        }
    }

    /// A slot was read, and the following ones up to `next` with it.
    pub fn done(&self, next: Slot, ahead: Ahead) {
        let stream = Stream {
            next,
            window: u32::try_from(ahead.slots).unwrap_or(0),
        };
        if let Some(word) = self.stream(next) {
            word.store(stream.to_word(), Ordering::Relaxed);
        }
    }

    /// A slot was asked for that had been read. Says whether the thread is to go on reading, which is said
    /// once.
    pub fn ask_on(&self, slot: Slot) -> bool {
        [slot, Slot::new(slot.number().saturating_add(DISTANCE))]
            .into_iter()
            .filter_map(|at| self.stream(at))
            .any(|word| {
                let now = Stream::from_word(word.load(Ordering::Relaxed));
                now.window == FULL && is_within(slot, now.next) && now.becomes(word, ASKED)
            })
    }

    /// Whether a thread is asked to go on.
    pub fn is_asked(&self) -> bool {
        self.0.iter().any(|word| {
            let stream = Stream::from_word(word.load(Ordering::Relaxed));
            stream.window == ASKED
        })
    }

    /// The first slot that is to be read by the thread, which says that it was [done](Self::done).
    pub fn take_asked(&self) -> Option<Slot> {
        self.0.iter().find_map(|word| {
            let stream = Stream::from_word(word.load(Ordering::Relaxed));
            (stream.window == ASKED && stream.becomes(word, BUSY)).then_some(stream.next)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a slot and as many behind it as allowed.
    fn read(windows: &Windows, slot: u32, pages: u32) -> Ahead {
        let ahead = windows.ask(Slot::new(slot), false);
        let along = if ahead.slots == 0 { 0 } else { pages };
        windows.done(Slot::new(slot + along + 1), ahead);
        ahead
    }

    #[test]
    fn sequential_readers_get_more_each_time() {
        let windows = Windows::default();
        let slots: std::vec::Vec<_> = (0..6)
            .scan(1000, |slot, _| {
                let ahead = read(&windows, *slot, 5);
                *slot += if ahead.slots == 0 { 1 } else { 6 };
                Some(ahead.slots)
            })
            .collect();
        assert_eq!(slots, [0, 2, 4, 8, 8, 8]);
        // A jump ends it.
        assert_eq!(read(&windows, 1200, 5).slots, 0);
        assert_eq!(read(&windows, 1201, 5).slots, 2);
    }

    #[test]
    fn several_read_at_the_same_time() {
        let windows = Windows::default();
        for step in 0..4 {
            for reader in 0..8 {
                let slot = 100_000 * (reader + 1) + 400 + step;
                assert_eq!(read(&windows, slot, 0).slots != 0, step != 0);
            }
        }
    }

    #[test]
    fn a_stream_goes_on_in_the_next_cluster() {
        let windows = Windows::default();
        read(&windows, 2 * 512 + 509, 0);
        assert_eq!(read(&windows, 2 * 512 + 510, 1).slots, 2);
        assert_eq!(read(&windows, 3 * 512, 0).slots, 4);
    }

    #[test]
    fn a_thread_goes_on_where_it_is_read_in_order() {
        let windows = Windows::default();
        let mut slot = 1000;
        while windows.0[1000 / 512 % STREAMS].load(Ordering::Relaxed) & 0xffff_ffff
            != u64::from(FULL)
        {
            assert!(slot < 2000 && !windows.ask_on(Slot::new(slot)));
            let ahead = read(&windows, slot, 5);
            slot += if ahead.slots == 0 { 1 } else { 6 };
        }
        // Too far in front of it, and behind it, nothing is to be read.
        assert!(!windows.ask_on(Slot::new(slot - 129)));
        assert!(!windows.ask_on(Slot::new(slot)));
        assert_eq!((windows.is_asked(), windows.take_asked()), (false, None));
        // Once it is asked for.
        assert!(windows.ask_on(Slot::new(slot - 128)));
        assert!(!windows.ask_on(Slot::new(slot - 1)));
        assert!(windows.is_asked());
        assert_eq!(windows.take_asked(), Some(Slot::new(slot)));
        assert_eq!((windows.is_asked(), windows.take_asked()), (false, None));
        windows.done(Slot::new(slot + 100), Ahead::MOST);
        assert!(windows.ask_on(Slot::new(slot + 99)));
    }

    #[test]
    fn with_trust_a_jump_reads_much() {
        let windows = Windows::default();
        assert_eq!(windows.ask(Slot::new(1000), false).slots, 0);
        assert_eq!(windows.ask(Slot::new(1000), true), Ahead::MOST);
    }

    #[test]
    fn a_thread_goes_on_across_clusters() {
        let windows = Windows::default();
        windows.done(Slot::new(2 * 512 + 60), Ahead::MOST);
        assert!(windows.ask_on(Slot::new(512 + 500)));
    }

    proptest! {
        #[test]
        fn random_readers_get_little(slots in prop::collection::vec(0..1u32 << 24, 1000)) {
            let windows = Windows::default();
            let ahead: usize = slots.iter().map(|slot| read(&windows, *slot, 5).slots).sum();
            prop_assert!(ahead <= 30, "{} slots", ahead);
        }
    }
}
