// SPDX-License-Identifier: GPL-2.0-only

//! Models of what threads do to a cluster object, in every order that the memory model allows.
//!
//! `Memory` stands for the glue's index: the objects' memory, the XArray, the clusters' locks and
//! the CPUs' last used objects, with `load` and `replace` (the index's `put` and `empty`) step by
//! step as `glue/index.rs` has them. A cluster has two slots here. An object that was given back
//! may come again at once, which is more than the index lets happen: there a grace period is over
//! first.

use super::entry::Entry;
use super::last_used::{forget_everywhere, LastUsed};
use super::model::in_every_order;
use super::number::Carried;
use super::slot::{ClusterNumber, Slot};
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use std::vec::Vec;

const SLOTS: usize = 2;

#[derive(Default)]
struct Object {
    carried: Carried,
    used: Mutex<usize>,
    table: [AtomicU64; SLOTS],
}

struct Memory {
    objects: Vec<Object>,
    /// Which objects are free, as the slab cache would hand them out.
    free: Mutex<Vec<usize>>,
    /// The XArray's only place, for cluster 0.
    array: Mutex<Option<usize>>,
    last_used: Vec<LastUsed>,
}

fn cluster() -> ClusterNumber {
    Slot::new(0).cluster()
}

fn entry(value: u64) -> Entry {
    Entry::same(value).unwrap()
}

impl Memory {
    fn new(objects: usize, cpus: usize) -> Self {
        Self {
            objects: (0..objects).map(|_| Object::default()).collect(),
            free: Mutex::new((0..objects).collect()),
            array: Mutex::new(None),
            last_used: (0..cpus).map(|_| LastUsed::default()).collect(),
        }
    }

    fn find(&self, cpu: usize) -> Option<(usize, bool)> {
        if let Some(token) = self.last_used[cpu].get() {
            if self.objects[token - 1].carried.is(cluster()) {
                return Some((token - 1, false));
            }
        }
        (*self.array.lock().unwrap()).map(|object| (object, true))
    }

    fn remember(&self, cpu: usize, object: usize) {
        let carried = &self.objects[object].carried;
        self.last_used[cpu].remember(object + 1, || carried.is(cluster()));
    }

    fn load(&self, cpu: usize, slot: usize) -> Entry {
        let Some((object, walked)) = self.find(cpu) else {
            return Entry::EMPTY;
        };
        if !self.objects[object].carried.is(cluster()) {
            return Entry::EMPTY;
        }
        if walked {
            self.remember(cpu, object);
        }
        Entry::from_word(self.objects[object].table[slot].load(Ordering::Acquire))
    }

    fn replace(&self, cpu: usize, slot: usize, entry: Entry) -> Entry {
        loop {
            let Some((number, walked)) = self.find(cpu) else {
                assert!(
                    !entry.is_empty(),
                    "the slot is in use, so its cluster is there"
                );
                self.make();
                continue;
            };
            let object = &self.objects[number];
            let mut used = object.used.lock().unwrap();
            if !object.carried.is(cluster()) {
                continue;
            }
            let old = Entry::from_word(object.table[slot].load(Ordering::Relaxed));
            object.table[slot].store(entry.to_word(), Ordering::Release);
            *used = *used + usize::from(old.is_empty()) - usize::from(entry.is_empty());
            if *used > 0 {
                if walked {
                    self.remember(cpu, number);
                }
                return old;
            }
            object.carried.give_up();
            *self.array.lock().unwrap() = None;
            drop(used);
            self.destroy(number);
            return old;
        }
    }

    fn make(&self) {
        let number = self
            .free
            .lock()
            .unwrap()
            .pop()
            .expect("enough objects for the model");
        self.objects[number].carried.take(cluster());
        let mut array = self.array.lock().unwrap();
        if array.is_none() {
            *array = Some(number);
            return;
        }
        drop(array);
        self.objects[number].carried.give_up();
        self.destroy(number);
    }

    fn destroy(&self, number: usize) {
        forget_everywhere(self.last_used.iter(), number + 1);
        self.free.lock().unwrap().push(number);
    }

    /// With nothing going on, no CPU may remember an object that was given back: its memory
    /// could be anybody's a grace period later.
    fn assert_nothing_stale(&self) {
        let free = self.free.lock().unwrap();
        for cpu in &self.last_used {
            if let Some(token) = cpu.get() {
                assert!(!free.contains(&(token - 1)), "a freed object is remembered");
            }
        }
    }
}

/// A reader that finds the object through the index while the last slot is freed.
#[test]
fn a_freed_object_is_not_remembered() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new(1, 2));
        memory.replace(0, 0, entry(1));
        let reader = {
            let memory = memory.clone();
            // The swap core would have slot 1 in use; here nothing is, and it is safe all the same.
            thread::spawn(move || memory.load(1, 1))
        };
        assert_eq!(memory.replace(0, 0, Entry::EMPTY), entry(1));
        assert!(reader.join().unwrap().is_empty());
        memory.assert_nothing_stale();
    });
}

/// One CPU frees the last slot while another fills one: the second finds the dying cluster or
/// makes a new one, perhaps in the same object, and its entry stays.
#[test]
fn a_cluster_dies_and_comes_back() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new(2, 2));
        memory.replace(0, 0, entry(1));
        let writer = {
            let memory = memory.clone();
            thread::spawn(move || {
                assert!(memory.replace(1, 1, entry(2)).is_empty());
                assert_eq!(memory.load(1, 1), entry(2));
            })
        };
        assert_eq!(memory.replace(0, 0, Entry::EMPTY), entry(1));
        writer.join().unwrap();
        assert_eq!(memory.load(0, 1), entry(2));
        memory.assert_nothing_stale();
        assert_eq!(memory.replace(0, 1, Entry::EMPTY), entry(2));
        assert_eq!(memory.free.lock().unwrap().len(), 2);
        memory.assert_nothing_stale();
    });
}

/// Two CPUs fill the first slots of a cluster at once: one cluster comes of it.
#[test]
fn two_make_one_cluster() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new(2, 2));
        let other = {
            let memory = memory.clone();
            thread::spawn(move || memory.replace(1, 1, entry(2)))
        };
        assert!(memory.replace(0, 0, entry(1)).is_empty());
        assert!(other.join().unwrap().is_empty());
        assert_eq!((memory.load(0, 0), memory.load(0, 1)), (entry(1), entry(2)));
        assert_eq!(memory.free.lock().unwrap().len(), 1);
        memory.assert_nothing_stale();
    });
}

/// A slot is written on one CPU, then read on another whose last used object is an older one
/// of the same cluster.
#[test]
fn a_reader_sees_what_was_written_before() {
    in_every_order(|| {
        let memory = Arc::new(Memory::new(2, 2));
        memory.replace(1, 0, entry(1));
        memory.load(1, 0);
        let writer = {
            let memory = memory.clone();
            thread::spawn(move || {
                memory.replace(0, 0, Entry::EMPTY);
                memory.replace(0, 1, entry(2));
            })
        };
        writer.join().unwrap();
        assert_eq!(memory.load(1, 1), entry(2));
        memory.assert_nothing_stale();
    });
}
