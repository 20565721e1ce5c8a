// SPDX-License-Identifier: GPL-2.0-only

//! A map of slots beside 512 booleans.

use arbitrary::Arbitrary;
use vswap_engine::map::{SlotMap, PARTS, PART_BITS};
use vswap_engine::slot::{Offset, SLOTS_PER_CLUSTER};

#[derive(Arbitrary, Debug)]
enum Step {
    Set(u16),
    Clear(u16),
    ClaimRun(u16, u16),
    ClaimExact(u16, u16),
    ClaimWholeRun(u16, u16),
    Take(u8),
    ClearBits(u8, u32),
    ClearAll,
}

/// Runs an input: runs that are in use at the beginning, then steps.
pub fn run(data: &[u8]) {
    let Some((runs, steps)) = crate::read::<[(u16, u16); 4], Step>(data) else {
        return;
    };
    let map = SlotMap::default();
    let mut model = [false; SLOTS_PER_CLUSTER];
    for (from, count) in runs {
        for index in (usize::from(from) % SLOTS_PER_CLUSTER..).take((count % 512).into()) {
            if let Some(offset) = Offset::new(index) {
                map.set(offset);
                model[index] = true;
            }
        }
    }
    for step in steps {
        apply(&map, &mut model, &step);
        compare(&map, &model);
    }
}

/// The offset that a number stands for here, and its index.
pub(crate) fn at(number: u16) -> (Offset, usize) {
    let index = usize::from(number) % SLOTS_PER_CLUSTER;
    (Offset::new(index).expect("below 512"), index)
}

/// Whether the bits from `from` on are there and clear.
pub(crate) fn is_clear(model: &[bool], from: usize, count: usize) -> bool {
    let bits = from.checked_add(count).and_then(|end| model.get(from..end));
    bits.is_some_and(|bits| bits.iter().all(|bit| !bit))
}

fn apply(map: &SlotMap, model: &mut [bool; SLOTS_PER_CLUSTER], step: &Step) {
    // Beyond the end, too.
    let count = |number: u16| usize::from(number % 600);
    match *step {
        Step::Set(number) => {
            let (offset, index) = at(number);
            assert_eq!(map.set(offset), model[index]);
            model[index] = true;
        }
        Step::Clear(number) => {
            let (offset, index) = at(number);
            assert_eq!(map.clear(offset), model[index]);
            model[index] = false;
        }
        Step::ClaimRun(from, want) => {
            let ((from, start), want) = (at(from), count(want));
            let first = (start..SLOTS_PER_CLUSTER).find(|index| !model[*index] && want > 0);
            let run = first.map(|first| {
                let clear = model[first..].iter().take(want).take_while(|bit| !**bit);
                (first, clear.count())
            });
            let claimed = map.claim_run(from, want);
            assert_eq!(claimed.map(|(offset, count)| (offset.index(), count)), run);
            if let Some((first, count)) = run {
                model[first..first + count].fill(true);
            }
        }
        Step::ClaimExact(from, want) => {
            let ((from, start), want) = (at(from), count(want));
            let fits = want > 0 && is_clear(model, start, want);
            assert_eq!(map.claim_exact(from, want), fits);
            if fits {
                model[start..start + want].fill(true);
            }
        }
        Step::ClaimWholeRun(from, want) => {
            let ((from, start), want) = (at(from), count(want));
            let first =
                (start..SLOTS_PER_CLUSTER).find(|first| want > 0 && is_clear(model, *first, want));
            assert_eq!(
                map.snapshot().clear_run(from, want).map(Offset::index),
                first
            );
            assert_eq!(map.claim_whole_run(from, want).map(Offset::index), first);
            if let Some(first) = first {
                model[first..first + want].fill(true);
            }
        }
        Step::Take(part) => {
            let part = usize::from(part) % (PARTS + 1);
            let taken = map.take(part);
            let range = part * PART_BITS..((part + 1) * PART_BITS).min(SLOTS_PER_CLUSTER);
            let set = range.filter(|index| model[*index]);
            assert!(taken.clone().map(Offset::index).eq(set), "part {part}");
            taken.for_each(|offset| model[offset.index()] = false);
        }
        Step::ClearBits(part, wanted) => {
            let part = usize::from(part) % PARTS;
            let bits = SlotMap::default();
            for bit in (0..PART_BITS).filter(|bit| (wanted >> bit) & 1 == 1) {
                bits.set(Offset::new(part * PART_BITS + bit).expect("in the part"));
            }
            let bits = bits.take(part);
            let cleared = map.clear_bits(&bits);
            assert_eq!(cleared.word(), bits.word());
            assert!(cleared.eq(bits.clone().filter(|offset| model[offset.index()])));
            bits.for_each(|offset| model[offset.index()] = false);
        }
        Step::ClearAll => {
            map.clear_all();
            model.fill(false);
        }
    }
}

fn compare(map: &SlotMap, model: &[bool]) {
    let snapshot = map.snapshot();
    let set = model.iter().filter(|bit| **bit).count();
    assert_eq!((map.count(), snapshot.count()), (set, set));
    let is_clear = |offset| snapshot.clear_run(offset, 1) == Some(offset);
    let bits = Offset::all().map(|offset| (map.test(offset), !is_clear(offset)));
    assert!(bits.eq(model.iter().map(|bit| (*bit, *bit))));
}
