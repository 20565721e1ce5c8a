// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use proptest::prelude::*;

fn object() -> impl Strategy<Value = Object> {
    let handle = prop_oneof![
        Just(0),
        Just((1 << HANDLE_BITS) - 1),
        0..1u64 << HANDLE_BITS
    ];
    let length = prop_oneof![Just(1), Just(PAGE_SIZE), 1..=PAGE_SIZE];
    let codec = prop_oneof![
        Just(Codec::Raw),
        Just(Codec::Lz4),
        Just(Codec::Zstd),
        Just(Codec::Word)
    ];
    (handle, length, codec).prop_filter_map("in range", |(handle, length, codec)| {
        Some(Object {
            handle: Handle::new(handle)?,
            length: Length::new(length)?,
            codec,
        })
    })
}

proptest! {
    #[test]
    fn an_object_comes_back(object in object()) {
        let entry = Entry::ram(object);
        prop_assert!(!entry.is_empty());
        prop_assert_eq!(entry.content(), Some(Content::Ram(object)));
    }

    #[test]
    fn a_word_comes_back_or_is_refused(word: u64) {
        if let Some(entry) = Entry::same(word) {
            prop_assert!(!entry.is_empty());
            prop_assert_eq!(entry.content(), Some(Content::Same(word)));
        }
    }

    #[test]
    fn words_with_like_upper_bits_are_held(word in -(1i64 << 60)..1i64 << 60) {
        let word = word as u64;
        prop_assert_eq!(Entry::same(word).and_then(Entry::content), Some(Content::Same(word)));
    }

    #[test]
    fn repeated_half_words_are_held(half: u32) {
        let word = (u64::from(half) << 32) | u64::from(half);
        prop_assert_eq!(Entry::same(word).and_then(Entry::content), Some(Content::Same(word)));
    }

    #[test]
    fn a_place_comes_back(disk in 0..MAX_DISKS, slot: u32) {
        let place = Place { disk: DiskNumber::new(disk).unwrap(), slot: PhysicalSlot::new(slot) };
        let entry = Entry::disk(place);
        prop_assert!(!entry.is_empty());
        prop_assert_eq!(entry.content(), Some(Content::Disk(place)));
        prop_assert_eq!(entry.moving(), None);
        prop_assert_eq!(entry.settled(), entry);
    }

    #[test]
    fn a_moving_object_is_the_same_object(object in object()) {
        let entry = Entry::ram(object);
        let moving = entry.moving().unwrap();
        prop_assert!(moving.is_moving() && !entry.is_moving());
        prop_assert_ne!(moving, entry);
        prop_assert_eq!(moving.content(), Some(Content::Ram(object)));
        prop_assert_eq!(moving.moving(), None);
        prop_assert_eq!(moving.settled(), entry);
    }

    /// What decodes at all encodes to the same word again: no two words mean the same, and a
    /// word that no constructor makes is not taken for an entry. The one exception is a half
    /// word that the longer form could have held.
    #[test]
    fn a_decoded_word_is_one_that_was_encoded(word: u64, state in 0u64..4) {
        let entry = Entry::from_word((word & !STATE_MASK) | state);
        match entry.content() {
            None => {}
            Some(Content::Empty) => prop_assert_eq!(entry, Entry::EMPTY),
            Some(Content::Ram(object)) => prop_assert_eq!(Entry::ram(object), entry.settled()),
            Some(Content::Disk(place)) => prop_assert_eq!(Entry::disk(place), entry),
            Some(Content::Lost) => prop_assert_eq!(entry, Entry::LOST),
            Some(Content::Same(word)) => prop_assert_eq!(
                Entry::same(word).and_then(Entry::content),
                Some(Content::Same(word))
            ),
        }
    }
}

#[test]
fn every_repeated_byte_is_held() {
    for byte in 0..=u8::MAX {
        let word = u64::from_ne_bytes([byte; 8]);
        assert_eq!(
            Entry::same(word).and_then(Entry::content),
            Some(Content::Same(word))
        );
    }
}

#[test]
fn other_words_are_refused() {
    for word in [
        0x0123_4567_89ab_cdef << 4,
        0x4000_0000_0000_0000,
        0x8000_0000_0000_0001,
    ] {
        assert_eq!(Entry::same(word), None, "{word:#x}");
    }
}

#[test]
fn words_that_no_constructor_makes_are_not_entries() {
    let handle = Handle::new(5).unwrap();
    let ram = Entry::ram(Object {
        handle,
        length: Length::PAGE,
        codec: Codec::Raw,
    })
    .to_word();
    for word in [
        0b1111,
        (1 << 7) | 0b11,
        (1 << 6) | 0b11,
        (1 << 40) | 0b11,
        u64::MAX,
        0b100,
        1 << 63,
        ram | (1 << 17),
        ram | (1 << 19),
        (1 << 35) | 0b101,
    ] {
        assert_eq!(Entry::from_word(word).content(), None, "{word:#x}");
    }
}

#[test]
fn only_objects_move() {
    assert_eq!(Entry::EMPTY.moving(), None);
    assert_eq!(Entry::LOST.moving(), None);
    assert_eq!(Entry::same(1 << 13).and_then(Entry::moving), None);
    assert_eq!(Entry::LOST.content(), Some(Content::Lost));
}

#[test]
fn bounds_of_handles_and_lengths() {
    assert_eq!(Handle::new(1 << HANDLE_BITS), None);
    assert!(Handle::new((1 << HANDLE_BITS) - 1).is_some());
    assert_eq!(Length::new(0), None);
    assert_eq!(Length::new(PAGE_SIZE), Some(Length::PAGE));
    assert_eq!(Length::new(PAGE_SIZE + 1), None);
}
