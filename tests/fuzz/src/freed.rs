// SPDX-License-Identifier: GPL-2.0-only

//! Marks of freed slots beside a set: those who mark, note later, and sweep in steps of their
//! own. No mark is forgotten.

use crate::map::at;
use arbitrary::Arbitrary;
use std::collections::BTreeSet;
use vswap_engine::freed::FreedSlots;
use vswap_engine::map::{PARTS, PART_BITS};
use vswap_engine::slot::Offset;

#[derive(Arbitrary, Debug)]
enum Step {
    Mark(u16),
    /// A marker that found no note makes one.
    Note,
    BeginSweep,
    /// The sweep continues.
    Take,
    Unmark(u16),
}

#[derive(Default)]
struct Model {
    marks: BTreeSet<usize>,
    is_noted: bool,
    /// How many markers have yet to note.
    noting: usize,
    /// The part that the sweep takes next.
    sweeping: Option<usize>,
}

/// Runs an input.
pub fn run(data: &[u8]) {
    let Some(((), steps)) = crate::read::<(), Step>(data) else {
        return;
    };
    let freed = FreedSlots::default();
    let mut model = Model::default();
    for step in &steps {
        model.step(&freed, step);
        // Marks behind a sweep's position are left to the next one.
        let passed = model.sweeping.unwrap_or(PARTS) * PART_BITS;
        let is_seen_to = model.is_noted || model.noting > 0;
        assert!(is_seen_to || model.marks.range(..passed).next().is_none());
    }
    freed.begin_sweep();
    let left = (0..PARTS).flat_map(|part| freed.take(part));
    assert!(left.map(Offset::index).eq(model.marks.iter().copied()));
}

impl Model {
    fn step(&mut self, freed: &FreedSlots, step: &Step) {
        match *step {
            Step::Mark(number) => {
                let (offset, index) = at(number);
                let has_to_note = freed.mark(offset);
                assert_eq!(has_to_note, !self.is_noted);
                self.noting += usize::from(has_to_note);
                self.marks.insert(index);
            }
            Step::Note if self.noting > 0 => {
                self.noting -= 1;
                assert_eq!(freed.note(), !self.is_noted);
                self.is_noted = true;
            }
            Step::BeginSweep if self.sweeping.is_none() && self.is_noted => {
                freed.begin_sweep();
                self.is_noted = false;
                self.sweeping = Some(0);
            }
            Step::Take => {
                let Some(part) = self.sweeping else {
                    return;
                };
                self.sweeping = (part + 1 < PARTS).then_some(part + 1);
                let range = part * PART_BITS..(part + 1) * PART_BITS;
                let marked: Vec<usize> = self.marks.range(range).copied().collect();
                let taken: Vec<usize> = freed.take(part).map(Offset::index).collect();
                assert_eq!(taken, marked);
                self.marks.retain(|index| !marked.contains(index));
            }
            Step::Unmark(number) => {
                let (offset, index) = at(number);
                freed.unmark(offset);
                self.marks.remove(&index);
            }
            Step::Note | Step::BeginSweep => {}
        }
    }
}
