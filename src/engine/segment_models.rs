// SPDX-License-Identifier: GPL-2.0-only

//! Models of tasks that read, free, move and reuse a packed object at the same time, in every order
//! that the memory model allows.

use super::model::{in_every_order, with_preemptions};
use super::segment::Live;
use super::sync::{AtomicU64, Ordering};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// A slot's entry: it is empty, or its page is in the first segment, or in the second.
const EMPTY: u64 = 0;
const FIRST: u64 = 1;
const SECOND: u64 = 2;

/// A slot whose page is the only object of the first of two segments.
struct Disk {
    entry: AtomicU64,
    live: [Live; 2],
    contents: [UnsafeCell<()>; 2],
}

/// A reader's steps: a model without one of them fails.
#[derive(Clone, Copy)]
struct Reader {
    enters: bool,
    looks_again: bool,
}

const RIGHT: Reader = Reader {
    enters: true,
    looks_again: true,
};

impl Disk {
    fn new() -> Arc<Self> {
        let disk = Self {
            entry: AtomicU64::new(FIRST),
            live: Default::default(),
            contents: [UnsafeCell::new(()), UnsafeCell::new(())],
        };
        disk.fill(0);
        Arc::new(disk)
    }

    /// A segment is claimed and written, and then has one object.
    fn fill(&self, segment: usize) {
        self.live[segment].begin();
        self.contents[segment].with_mut(|_| ());
        assert!(self.live[segment].enter());
        assert_eq!(self.live[segment].end_writing(), Some(false));
    }

    /// Counts one less in a segment. The last one frees it, and somebody writes to it next.
    fn leave(&self, segment: usize) {
        if self.live[segment].leave() == Some(true) {
            self.contents[segment].with_mut(|_| ());
        }
    }

    /// Reads the slot's page, wherever it is. Says whether there was one.
    fn read(&self, reader: Reader) -> bool {
        loop {
            let entry = self.entry.load(Ordering::Acquire);
            let segment = match entry {
                EMPTY => return false,
                FIRST => 0,
                _ => 1,
            };
            if reader.enters && !self.live[segment].enter() {
                // It was moved, or freed: the next look will see that.
                thread::yield_now();
                continue;
            }
            let is_there = !reader.looks_again || self.entry.load(Ordering::Acquire) == entry;
            if is_there {
                self.contents[segment].with(|_| ());
            }
            if reader.enters {
                self.leave(segment);
            }
            if is_there {
                return true;
            }
        }
    }

    /// Frees the slot.
    fn free(&self) {
        match self.entry.swap(EMPTY, Ordering::AcqRel) {
            EMPTY => {}
            FIRST => self.leave(0),
            _ => self.leave(1),
        }
    }

    /// Moves the page to the second segment: the mover is counted in the first one for it. Says whether
    /// the page was still there.
    fn clean(&self) -> bool {
        if !self.live[0].enter() {
            return false;
        }
        if self.entry.load(Ordering::Acquire) != FIRST {
            self.leave(0);
            return false;
        }
        self.contents[0].with(|_| ());
        self.fill(1);
        let moved = self
            .entry
            .compare_exchange(FIRST, SECOND, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        // The count for the slot's old entry, or for the new one that it did not get.
        self.leave(usize::from(!moved));
        self.leave(0);
        moved
    }
}

fn reader_and_free(reader: Reader) {
    in_every_order(move || {
        let disk = Disk::new();
        let other = disk.clone();
        let thread = thread::spawn(move || other.free());
        disk.read(reader);
        thread.join().unwrap();
        assert_eq!(disk.live[0].count(), 0);
    });
}

fn reader_and_cleaner(reader: Reader) {
    in_every_order(move || {
        let disk = Disk::new();
        let other = disk.clone();
        let thread = thread::spawn(move || assert!(other.clean()));
        assert!(disk.read(reader));
        thread.join().unwrap();
        assert_eq!((disk.live[0].count(), disk.live[1].count()), (0, 1));
    });
}

#[test]
fn models_of_a_reader_and_a_free() {
    reader_and_free(RIGHT);
}

#[test]
fn models_of_a_reader_and_a_cleaner() {
    reader_and_cleaner(RIGHT);
}

#[test]
fn models_of_a_free_and_a_cleaner() {
    in_every_order(|| {
        let disk = Disk::new();
        let other = disk.clone();
        let thread = thread::spawn(move || other.free());
        disk.clean();
        thread.join().unwrap();
        assert_eq!((disk.live[0].count(), disk.live[1].count()), (0, 0));
    });
}

#[test]
fn models_of_two_readers_and_a_free() {
    with_preemptions(2, || {
        let disk = Disk::new();
        let others = [disk.clone(), disk.clone()];
        let [one, two] = others;
        let one = thread::spawn(move || one.free());
        let two = thread::spawn(move || two.read(RIGHT));
        disk.read(RIGHT);
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(disk.live[0].count(), 0);
    });
}

#[test]
#[should_panic]
fn models_of_a_reader_who_is_not_counted() {
    reader_and_cleaner(Reader {
        enters: false,
        ..RIGHT
    });
}

#[test]
#[should_panic]
fn models_of_a_reader_who_does_not_look_again() {
    // The segment is freed, and reused, between the reader's look and its being counted.
    in_every_order(|| {
        let disk = Disk::new();
        let other = disk.clone();
        let thread = thread::spawn(move || {
            other.free();
            other.live[0].begin();
            other.contents[0].with_mut(|_| ());
        });
        disk.read(Reader {
            looks_again: false,
            ..RIGHT
        });
        thread.join().unwrap();
    });
}
