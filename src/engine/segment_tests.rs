// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn header() -> impl Strategy<Value = Header> {
    (any::<u32>(), 1..=PAGE_SIZE, 0..4u64).prop_map(|(slot, bytes, codec)| Header {
        slot: Slot::new(slot),
        length: Length::new(bytes).unwrap(),
        codec: Codec::from_bits(codec).unwrap(),
    })
}

/// A segment with those objects, as far as they fit, and where each is.
fn packed(headers: &[Header]) -> (Vec<u64>, Vec<(Header, usize)>) {
    let mut words = vec![0; SEGMENT_BYTES / HEADER_BYTES];
    let (mut filling, mut spots) = (Filling::default(), vec![]);
    for header in headers {
        if let Some(spot) = filling.add(header.length) {
            words[spot.header / HEADER_BYTES] = header.to_word();
            spots.push((*header, spot.object));
        }
    }
    assert_eq!(filling.objects, spots.len());
    (words, spots)
}

proptest! {
    #[test]
    fn headers_come_back(header in header()) {
        prop_assert_eq!(Header::from_word(header.to_word()), Some(header));
        prop_assert_eq!(Header::from_word(header.to_word() ^ 1), None);
        if PAGE_SIZE == 4096 {
            prop_assert_eq!(Header::from_word(header.to_word() | (1 << 16)), None);
        }
    }

    #[test]
    fn packed_objects_are_found(headers in prop::collection::vec(header(), 0..200)) {
        let (words, spots) = packed(&headers);
        let mut end = 0;
        for (header, object) in &spots {
            prop_assert!(object % UNIT == 0 && *object >= end + HEADER_BYTES);
            end = object + header.length.bytes();
            prop_assert!(end <= SEGMENT_BYTES);
        }
        let found: Vec<_> = Objects::new(|index| words.get(index).copied()).collect();
        prop_assert_eq!(found, spots);
    }

    #[test]
    fn any_words_are_walked_through(words in prop::collection::vec(any::<u64>(), SEGMENT_BYTES / HEADER_BYTES)) {
        for (header, object) in Objects::new(|index| words.get(index).copied()) {
            prop_assert!(object + header.length.bytes() <= SEGMENT_BYTES);
        }
    }
}

#[test]
fn a_segment_has_room_for_so_many() {
    let mut filling = Filling::default();
    let short = Length::new(1).unwrap();
    for _ in 0..MAX_OBJECTS {
        assert!(filling.add(short).is_some());
    }
    assert_eq!(filling.add(short), None);
    let mut filling = Filling::default();
    for _ in 0..SEGMENT_SLOTS - 1 {
        assert!(filling.add(Length::PAGE).is_some());
    }
    assert_eq!(filling.add(Length::PAGE), None);
    let rest = SEGMENT_BYTES - Spot::behind(filling.bytes()).object;
    assert_eq!(filling.add(Length::new(rest + 1).unwrap()), None);
    assert!(filling.add(Length::new(rest).unwrap()).is_some());
    assert_eq!(filling.bytes(), SEGMENT_BYTES);
}

#[test]
fn the_last_one_frees() {
    let live = Live::default();
    assert!(!live.enter());
    assert_eq!(live.leave(), None);
    live.begin();
    assert!(live.enter() && live.enter());
    assert_eq!(live.leave(), Some(false));
    assert_eq!(live.end_writing(), Some(false));
    assert_eq!(live.count(), 1);
    assert_eq!(live.end_writing(), None);
    assert_eq!(live.leave(), Some(true));
    assert!(!live.enter());
    // A segment in which nothing was written.
    live.begin();
    assert_eq!(live.end_writing(), Some(true));
    live.begin();
    for _ in WRITER..u8::MAX {
        assert!(live.enter());
    }
    assert!(!live.enter());
    assert_eq!(live.leave(), Some(false));
}

#[test]
fn a_segment_being_written_is_not_entered_as_written() {
    let live = Live::default();
    assert!(!live.enter_written());
    live.begin();
    assert!(!live.enter_written());
    for _ in 0..MAX_OBJECTS {
        assert!(live.enter() && !live.enter_written());
    }
    assert_eq!(live.end_writing(), Some(false));
    assert!(live.enter_written());
    assert_eq!(live.count(), MAX_OBJECTS + 1);
}
