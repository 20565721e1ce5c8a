// SPDX-License-Identifier: GPL-2.0-only

//! Which pages leave the ram tier.

use crate::lru::Lru;
use crate::random::Random;
use crate::slots::{Slots, CLUSTER};
use std::collections::VecDeque;

pub trait Policy {
    fn stored(&mut self, page: u32, slot: usize);
    fn freed(&mut self, page: u32, slot: usize);
    /// Pages to be written back next, with their slots. At least one, if there are any.
    fn victims(&mut self, slots: &Slots, out: &mut Vec<(u32, usize)>);
    /// Clusters scanned so far.
    fn scans(&self) -> u64 {
        0
    }
}

pub struct AtRandom {
    all: Vec<(u32, usize)>,
    place: Vec<u32>,
    random: Random,
}

impl AtRandom {
    pub fn new(pages: usize) -> Self {
        Self {
            all: Vec::new(),
            place: vec![0; pages],
            random: Random(77),
        }
    }
}

impl Policy for AtRandom {
    fn stored(&mut self, page: u32, slot: usize) {
        self.place[page as usize] = self.all.len() as u32;
        self.all.push((page, slot));
    }
    fn freed(&mut self, page: u32, _: usize) {
        let at = self.place[page as usize] as usize;
        self.all.swap_remove(at);
        if let Some((moved, _)) = self.all.get(at) {
            self.place[*moved as usize] = at as u32;
        }
    }
    fn victims(&mut self, _: &Slots, out: &mut Vec<(u32, usize)>) {
        let at = self.random.below(self.all.len());
        out.push(self.all[at]);
    }
}

pub struct PageLru {
    order: Lru,
    slot: Vec<usize>,
}

impl PageLru {
    pub fn new(pages: usize) -> Self {
        Self {
            order: Lru::new(pages),
            slot: vec![0; pages],
        }
    }
}

impl Policy for PageLru {
    fn stored(&mut self, page: u32, slot: usize) {
        self.order.push(page);
        self.slot[page as usize] = slot;
    }
    fn freed(&mut self, page: u32, _: usize) {
        self.order.remove(page);
    }
    fn victims(&mut self, _: &Slots, out: &mut Vec<(u32, usize)>) {
        out.extend(
            self.order
                .oldest()
                .map(|page| (page, self.slot[page as usize])),
        );
    }
}

/// Parts of clusters, each with one age.
pub struct ByPart {
    size: usize,
    /// How a store changes the age: completely, or by its share of the present pages.
    mean: bool,
    age: Vec<f64>,
    count: Vec<u32>,
    in_ram: Vec<bool>,
    now: f64,
    scans: u64,
}

impl ByPart {
    pub fn new(size: usize, mean: bool) -> Self {
        Self {
            size,
            mean,
            age: Vec::new(),
            count: Vec::new(),
            in_ram: Vec::new(),
            now: 0.0,
            scans: 0,
        }
    }
}

impl Policy for ByPart {
    fn stored(&mut self, _: u32, slot: usize) {
        let part = slot / self.size;
        if self.age.len() <= part {
            self.age.resize(part + 1, 0.0);
            self.count.resize(part + 1, 0);
        }
        if self.in_ram.len() <= slot {
            self.in_ram.resize(slot + CLUSTER, false);
        }
        self.in_ram[slot] = true;
        self.now += 1.0;
        self.count[part] += 1;
        let share = if self.mean {
            1.0 / f64::from(self.count[part])
        } else {
            1.0
        };
        self.age[part] += (self.now - self.age[part]) * share;
    }
    fn freed(&mut self, _: u32, slot: usize) {
        self.in_ram[slot] = false;
        self.count[slot / self.size] -= 1;
    }
    fn victims(&mut self, slots: &Slots, out: &mut Vec<(u32, usize)>) {
        let part = (0..self.count.len())
            .filter(|part| self.count[*part] != 0)
            .min_by(|a, b| self.age[*a].total_cmp(&self.age[*b]));
        self.scans += 1;
        for slot in part
            .into_iter()
            .flat_map(|part| part * self.size..(part + 1) * self.size)
        {
            if self.in_ram[slot] {
                out.extend(slots.owner(slot).map(|page| (page, slot)));
            }
        }
    }
    fn scans(&self) -> u64 {
        self.scans
    }
}

/// Generations of pages: that many labels, in each page's entry. A new one begins each time a share of
/// the tier was written back, if there is a label left: what the module does, with eight.
pub struct Generations {
    labels: usize,
    label: Vec<u8>,
    /// Labels from the oldest generation to the newest.
    order: VecDeque<u8>,
    total: Vec<usize>,
    /// Pages of each label in each cluster.
    counts: Vec<Vec<u16>>,
    /// Clusters by their oldest generation's label, in the order in which they were put there.
    lists: Vec<VecDeque<usize>>,
    listed: Vec<bool>,
    in_ram: Vec<bool>,
    all: usize,
    /// Pages written back since the newest generation began.
    written: usize,
    scans: u64,
}

impl Generations {
    pub fn new(labels: usize) -> Self {
        Self {
            labels,
            label: Vec::new(),
            order: VecDeque::from([0]),
            total: vec![0; labels],
            counts: Vec::new(),
            lists: vec![VecDeque::new(); labels],
            listed: Vec::new(),
            in_ram: Vec::new(),
            all: 0,
            written: 0,
            scans: 0,
        }
    }

    fn newest(&self) -> usize {
        self.order[self.order.len() - 1] as usize
    }

    fn advance(&mut self) {
        // Empty ones at the old end free their labels.
        while self.order.len() > 1 && self.total[self.order[0] as usize] == 0 {
            self.order.pop_front();
        }
        if self.written * (self.labels - 1) >= self.all && self.order.len() < self.labels {
            self.written = 0;
            let free = (0..self.labels as u8).find(|label| !self.order.contains(label));
            self.order.extend(free);
        }
    }

    fn oldest_of(&self, cluster: usize) -> Option<usize> {
        self.order
            .iter()
            .map(|label| *label as usize)
            .find(|label| self.counts[cluster][*label] != 0)
    }

    fn enlist(&mut self, cluster: usize) {
        if let Some(oldest) = self.oldest_of(cluster) {
            self.lists[oldest].push_back(cluster);
            self.listed[cluster] = true;
        } else {
            self.listed[cluster] = false;
        }
    }
}

impl Policy for Generations {
    fn stored(&mut self, _: u32, slot: usize) {
        let cluster = slot / CLUSTER;
        while self.counts.len() <= cluster {
            self.counts.push(vec![0; self.labels]);
            self.listed.push(false);
            self.label.extend([0; CLUSTER]);
            self.in_ram.extend([false; CLUSTER]);
        }
        let newest = self.newest();
        self.label[slot] = newest as u8;
        self.in_ram[slot] = true;
        self.counts[cluster][newest] += 1;
        self.total[newest] += 1;
        self.all += 1;
        if !self.listed[cluster] {
            self.enlist(cluster);
        }
    }
    fn freed(&mut self, _: u32, slot: usize) {
        let label = self.label[slot] as usize;
        self.in_ram[slot] = false;
        self.counts[slot / CLUSTER][label] -= 1;
        self.total[label] -= 1;
        self.all -= 1;
    }
    fn victims(&mut self, slots: &Slots, out: &mut Vec<(u32, usize)>) {
        for label in self.order.clone() {
            let label = label as usize;
            while let Some(cluster) = self.lists[label].pop_front() {
                if self.counts[cluster][label] == 0 {
                    self.enlist(cluster);
                    continue;
                }
                self.scans += 1;
                for slot in cluster * CLUSTER..(cluster + 1) * CLUSTER {
                    if self.in_ram[slot] && self.label[slot] as usize == label {
                        out.extend(slots.owner(slot).map(|page| (page, slot)));
                    }
                }
                self.lists[label].push_back(cluster);
                self.written += out.len();
                self.advance();
                return;
            }
        }
    }
    fn scans(&self) -> u64 {
        self.scans
    }
}
