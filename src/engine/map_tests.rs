// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

fn at(index: usize) -> Offset {
    Offset::new(index).unwrap()
}

/// Words that are often full, empty or a boundary of both.
fn words() -> impl Strategy<Value = [u64; WORDS]> {
    prop::array::uniform8(prop_oneof![
        3 => Just(u64::MAX),
        3 => Just(0),
        1 => (0u32..64).prop_map(|bits| u64::MAX << bits),
        1 => (0u32..64).prop_map(|bits| u64::MAX >> bits),
        1 => any::<u64>(),
    ])
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..5, 1usize..=SLOTS_PER_CLUSTER, 62usize..67]
}

fn map(words: [u64; WORDS]) -> SlotMap {
    SlotMap(words.map(AtomicU64::new))
}

fn bits(map: &SlotMap) -> Vec<bool> {
    Offset::all().map(|offset| map.test(offset)).collect()
}

/// `before` with those bits set.
fn and(before: &[bool], from: usize, count: usize) -> Vec<bool> {
    let mut after = before.to_vec();
    after[from..from + count].fill(true);
    after
}

proptest! {
    #[test]
    fn a_run_is_the_first_clear_bits(words in words(), from in 0..SLOTS_PER_CLUSTER, want in count()) {
        let map = map(words);
        let before = bits(&map);
        let expected = (from..SLOTS_PER_CLUSTER).find(|i| !before[*i]).map(|start| {
            let clear = before[start..].iter().take_while(|bit| !**bit).count();
            (at(start), clear.min(want))
        });
        prop_assert_eq!(map.claim_run(at(from), want), expected);
        let (start, count) = expected.unwrap_or((Offset::FIRST, 0));
        prop_assert_eq!(bits(&map), and(&before, start.index(), count));
    }

    #[test]
    fn exact_bits_are_claimed_or_none(words in words(), from in 0..SLOTS_PER_CLUSTER, count in count()) {
        let map = map(words);
        let before = bits(&map);
        let room = before.get(from..from + count).is_some_and(|bits| bits.iter().all(|bit| !bit));
        prop_assert_eq!(map.claim_exact(at(from), count), room);
        prop_assert_eq!(bits(&map), and(&before, from, if room { count } else { 0 }));
    }

    #[test]
    fn a_whole_run_is_the_first_with_room(words in words(), from in 0..SLOTS_PER_CLUSTER, count in count()) {
        let map = map(words);
        let before = bits(&map);
        let expected = (from..SLOTS_PER_CLUSTER)
            .find(|start| before.get(*start..start + count).is_some_and(|bits| bits.iter().all(|bit| !bit)));
        prop_assert_eq!(map.claim_whole_run(at(from), count), expected.map(at));
        let after = and(&before, expected.unwrap_or(0), expected.map_or(0, |_| count));
        prop_assert_eq!(bits(&map), after);
    }

    #[test]
    fn a_snapshot_is_the_map(words in words()) {
        let map = map(words);
        let snapshot = map.snapshot();
        let is_clear = |offset| snapshot.clear_run(offset, 1) == Some(offset);
        prop_assert!(Offset::all().all(|offset| is_clear(offset) != map.test(offset)));
        prop_assert_eq!(map.count(), Offset::all().filter(|offset| map.test(*offset)).count());
        prop_assert_eq!(snapshot.count(), map.count());
    }
}

#[test]
fn claiming_no_slots_changes_nothing() {
    let map = SlotMap::default();
    assert_eq!(map.claim_run(Offset::FIRST, 0), None);
    assert!(!map.claim_exact(Offset::FIRST, 0));
    assert_eq!(map.claim_whole_run(Offset::FIRST, 0), None);
    assert_eq!(
        map.claim_whole_run(Offset::FIRST, SLOTS_PER_CLUSTER + 1),
        None
    );
    assert_eq!(map.count(), 0);
}

#[test]
fn a_bit_says_what_it_was() {
    let map = SlotMap::default();
    for offset in Offset::all() {
        assert!(!map.test(offset) && !map.set(offset));
        assert!(map.test(offset) && map.set(offset));
        assert_eq!(map.count(), 1);
        assert!(map.clear(offset));
        assert!(!map.clear(offset));
    }
}

/// A map in which the bits of a run are clear and all others set, or the other way round.
fn with_run(start: usize, count: usize, is_clear: bool) -> SlotMap {
    map(core::array::from_fn(|index| {
        let run = part(index, start, start + count);
        if is_clear {
            !run
        } else {
            run
        }
    }))
}

/// Every possible run.
fn every_run() -> impl Iterator<Item = (usize, usize)> {
    (0..SLOTS_PER_CLUSTER)
        .flat_map(|start| (1..=SLOTS_PER_CLUSTER - start).map(move |count| (start, count)))
}

#[test]
fn every_clear_run_is_found_and_no_more_than_it() {
    for (start, count) in every_run() {
        let run = with_run(start, count, true);
        let snapshot = run.snapshot();
        assert_eq!(snapshot.count(), SLOTS_PER_CLUSTER - count);
        let set = |index: usize| Offset::new(index).is_none_or(|offset| run.test(offset));
        assert!(!set(start) && !set(start + count - 1), "{start} {count}");
        assert!(set(start + count) && (start == 0 || set(start - 1)));

        assert_eq!(snapshot.clear_run(Offset::FIRST, count), Some(at(start)));
        assert_eq!(snapshot.clear_run(Offset::FIRST, count + 1), None);
        assert_eq!(snapshot.clear_run(at(start), count), Some(at(start)));
        let after = Offset::new(start + 1);
        assert_eq!(after.and_then(|from| snapshot.clear_run(from, count)), None);

        // One more on either side is too many, and leaves the map unchanged.
        assert!(!run.claim_exact(at(start), count + 1));
        assert!(start == 0 || !run.claim_exact(at(start - 1), count + 1));
        assert_eq!(run.claim_whole_run(Offset::FIRST, count + 1), None);
        assert_eq!(run.snapshot(), snapshot);

        assert!(run.claim_exact(at(start), count), "{start} {count}");
        assert_eq!(run.count(), SLOTS_PER_CLUSTER);
        let run = with_run(start, count, true);
        assert_eq!(
            run.claim_run(Offset::FIRST, SLOTS_PER_CLUSTER),
            Some((at(start), count))
        );
        assert_eq!(run.count(), SLOTS_PER_CLUSTER);
        let run = with_run(start, count, true);
        assert_eq!(run.claim_whole_run(at(start), count), Some(at(start)));
        assert_eq!(run.count(), SLOTS_PER_CLUSTER);
    }
}

#[test]
fn every_run_in_use_is_left_alone() {
    for (start, count) in every_run() {
        let run = with_run(start, count, false);
        let snapshot = run.snapshot();
        assert_eq!(snapshot.count(), count);
        let end = start + count;
        let left = SLOTS_PER_CLUSTER - end;
        let before = (start > 0).then_some((Offset::FIRST, start));
        let behind = (left > 0).then(|| (at(end), left));
        assert!(!run.claim_exact(at(start), 1) && !run.claim_exact(at(end - 1), 1));
        assert!(!run.claim_exact(Offset::FIRST, start + 1));
        assert!(left == 0 || !run.claim_exact(at(end - 1), left + 1));
        assert_eq!(run.snapshot(), snapshot);
        assert_eq!(run.claim_run(at(start), SLOTS_PER_CLUSTER), behind);
        assert_eq!(run.claim_run(Offset::FIRST, SLOTS_PER_CLUSTER), before);
        assert_eq!(run.count(), SLOTS_PER_CLUSTER);
    }
}

/// Each part of a map is taken without its neighbours.
#[test]
fn every_part_is_taken_alone() {
    for index in 0..PARTS {
        let full = with_run(0, SLOTS_PER_CLUSTER, false);
        let range = index * PART_BITS..(index + 1) * PART_BITS;
        assert!(full.take(index).map(Offset::index).eq(range.clone()));
        assert!(Offset::all().all(|offset| full.test(offset) != range.contains(&offset.index())));
        assert!(full.take(index).is_empty());
    }
    assert!(with_run(0, SLOTS_PER_CLUSTER, false).take(PARTS).is_empty());
}
