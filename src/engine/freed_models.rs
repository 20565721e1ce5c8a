// SPDX-License-Identifier: GPL-2.0-only

//! Models of how slots are freed, swept and stored to again, in every order that the memory model
//! allows.
//!
//! `Memory` stands for the glue's index with one cluster of two slots, and does what
//! `glue/index.rs` does step by step. Its object is freed when a grace period is over, so it is
//! no other cluster while somebody looks at it, and comes no second time here.

use super::entry::Entry;
use super::freed::FreedSlots;
use super::model::in_every_order;
use super::number::Carried;
use super::slot::{ClusterNumber, Offset, Slot};
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::vec::Vec;

const SLOTS: usize = 2;

struct Memory {
    carried: Carried,
    freed: FreedSlots,
    /// The cluster's lock, and how many slots are in use.
    used: Mutex<usize>,
    table: [AtomicU64; SLOTS],
    /// Whether the cluster is in the XArray, and is marked there.
    array: Mutex<(bool, bool)>,
}

fn cluster() -> ClusterNumber {
    Slot::new(0).cluster()
}

fn at(slot: usize) -> Offset {
    Offset::new(slot).unwrap()
}

fn entry(value: u64) -> Entry {
    Entry::same(value).unwrap()
}

impl Memory {
    /// All slots are in use: slot N holds N.
    fn new() -> Self {
        let memory = Self {
            carried: Carried::default(),
            freed: FreedSlots::default(),
            used: Mutex::new(SLOTS),
            table: core::array::from_fn(|slot| AtomicU64::new(entry(slot as u64).to_word())),
            array: Mutex::new((true, false)),
        };
        memory.carried.take(cluster());
        memory
    }

    /// The swap core frees a slot.
    fn mark_freed(&self, slot: usize) {
        assert!(
            self.carried.is(cluster()),
            "a slot is in use, so its cluster is there"
        );
        if self.freed.mark(at(slot)) {
            let _used = self.used.lock().unwrap();
            if self.carried.is(cluster()) && self.freed.note() {
                self.array.lock().unwrap().1 = true;
            }
        }
    }

    /// Stores to a slot that was freed, or gives the entry back when there is no cluster.
    fn put(&self, slot: usize, new: Entry) -> Result<Entry, ()> {
        let mut used = self.used.lock().unwrap();
        if !self.carried.is(cluster()) {
            return Err(());
        }
        let old = Entry::from_word(self.table[slot].load(Ordering::Relaxed));
        self.table[slot].store(new.to_word(), Ordering::Release);
        if old.is_empty() {
            *used += 1;
        }
        self.freed.unmark(at(slot));
        Ok(old)
    }

    /// Gives what the slots held that were swept, if the cluster is noted.
    fn sweep(&self) -> Vec<Entry> {
        let mut swept = Vec::new();
        if !self.array.lock().unwrap().1 {
            return swept;
        }
        {
            let _used = self.used.lock().unwrap();
            if !self.carried.is(cluster()) {
                return swept;
            }
            self.array.lock().unwrap().1 = false;
            self.freed.begin_sweep();
        }
        let mut used = self.used.lock().unwrap();
        if !self.carried.is(cluster()) {
            return swept;
        }
        for offset in self.freed.take(0) {
            let word = &self.table[offset.index()];
            let old = Entry::from_word(word.load(Ordering::Relaxed));
            word.store(Entry::EMPTY.to_word(), Ordering::Release);
            if !old.is_empty() {
                *used -= 1;
                swept.push(old);
            }
        }
        if *used == 0 && !swept.is_empty() {
            self.carried.give_up();
            *self.array.lock().unwrap() = (false, false);
        }
        swept
    }
}

fn sorted(mut entries: Vec<Entry>) -> Vec<u64> {
    entries.sort_by_key(|entry| entry.to_word());
    entries.iter().map(|entry| entry.to_word()).collect()
}

/// Slots are freed while a sweep is under way: no mark is forgotten, and each entry is given back
/// once. With the last one the cluster goes.
#[test]
fn what_is_freed_is_swept_once() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new());
        memory.mark_freed(0);
        let freer = {
            let memory = memory.clone();
            thread::spawn(move || memory.mark_freed(1))
        };
        let mut swept = memory.sweep();
        freer.join().unwrap();
        swept.extend(memory.sweep());
        assert_eq!(sorted(swept), [entry(0).to_word(), entry(1).to_word()]);
        assert_eq!(*memory.array.lock().unwrap(), (false, false));
    });
}

/// A slot is freed and stored to again while a sweep is under way: the new entry stays, and the
/// old one is given back once, by the sweep or by the store.
#[test]
fn what_is_stored_again_stays() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new());
        let storer = {
            let memory = memory.clone();
            thread::spawn(move || {
                memory.mark_freed(0);
                // Slot 1 is in use, so the cluster is there.
                memory.put(0, entry(7)).unwrap()
            })
        };
        let mut given = memory.sweep();
        given.extend(Some(storer.join().unwrap()).filter(|old| !old.is_empty()));
        given.extend(memory.sweep());
        assert_eq!(given, [entry(0)]);
        assert_eq!(memory.table[0].load(Ordering::Relaxed), entry(7).to_word());
        assert_eq!(*memory.used.lock().unwrap(), SLOTS);
    });
}

/// Two sweeps at a time, as a thread's and that of a store that finds no room.
#[test]
fn two_sweeps_share_what_there_is() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new());
        memory.mark_freed(0);
        memory.mark_freed(1);
        let other = {
            let memory = memory.clone();
            thread::spawn(move || memory.sweep())
        };
        let mut swept = memory.sweep();
        swept.extend(other.join().unwrap());
        swept.extend(memory.sweep());
        assert_eq!(sorted(swept), [entry(0).to_word(), entry(1).to_word()]);
    });
}
