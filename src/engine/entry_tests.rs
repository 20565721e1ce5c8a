// SPDX-License-Identifier: GPL-2.0-only

use super::*;
use proptest::prelude::*;
use std::vec::Vec;

/// By how many bits lengths are longer than with pages of 4 KiB.
const MORE: u32 = if PAGE_SIZE == 4096 { 0 } else { 2 };

/// The bit of a packed object's entry that must be 0, if there is one.
const SPARE: u64 = if PAGE_SIZE == 4096 { 1 << 63 } else { 0 };

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
        for label in 0..8 {
            let aged = entry.aged(Generation::of(label));
            prop_assert_eq!(aged.content(), Some(Content::Ram(object)));
            prop_assert_eq!(aged.generation(), Some(Generation::of(label)));
            prop_assert_eq!(aged.aged(Generation::of(0)), entry);
        }
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
    fn a_packed_object_comes_back(object in object(), disk in 0..MAX_DISKS, slot: u32, unit in 0..PAGE_SIZE / UNIT) {
        let place = Place { disk: DiskNumber::new(disk).unwrap(), slot: PhysicalSlot::new(slot) };
        let offset = unit * UNIT;
        let end = slot as usize % SEGMENT_SLOTS * PAGE_SIZE + offset + object.length.bytes();
        let packed = Packed::new(place, offset, object.length, object.codec);
        prop_assert_eq!(packed.is_some(), end <= SEGMENT_SLOTS * PAGE_SIZE);
        if let Some(packed) = packed {
            let entry = Entry::packed(packed);
            prop_assert_eq!(entry.content(), Some(Content::Packed(packed)));
            prop_assert!(!entry.is_empty() && !entry.is_ram());
            prop_assert_eq!(entry.moving(), None);
            prop_assert_eq!(entry.aged(Generation::of(3)), entry);
            prop_assert_eq!(packed.in_segment() + object.length.bytes(), end);
            prop_assert_eq!(packed.slots(), end.div_ceil(PAGE_SIZE) - slot as usize % SEGMENT_SLOTS);
            if SPARE != 0 {
                prop_assert_eq!(Entry::from_word(entry.to_word() | SPARE).content(), None);
            }
        }
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

    /// Whatever decodes encodes to the same word again: no two words mean the same, and a
    /// word that no constructor makes is not accepted as an entry. The one exception is a half
    /// word that also fits the longer form.
    #[test]
    fn a_decoded_word_is_one_that_was_encoded(word: u64, state in 0u64..4) {
        let entry = Entry::from_word((word & !STATE_MASK) | state);
        match entry.content() {
            None => {}
            Some(Content::Empty) => prop_assert_eq!(entry, Entry::EMPTY),
            Some(Content::Ram(object)) => {
                let generation = entry.generation().unwrap();
                prop_assert_eq!(Entry::ram(object).aged(generation), entry.settled());
            },
            Some(Content::Disk(place)) => prop_assert_eq!(Entry::disk(place), entry),
            Some(Content::Packed(packed)) => prop_assert_eq!(Entry::packed(packed), entry),
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
    for word in [
        0b1111,
        SPARE | (0x7fff << 8) | (1 << 7) | (1 << 6) | 0b11,
        (1 << 6) | 0b11,
        (1 << 40) | 0b11,
        u64::MAX,
        0b100,
        1 << 63,
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

/// Words of 64 bits with at most three bits set, and those with at most three bits clear.
fn sparse() -> impl Iterator<Item = u64> {
    let up_to = |bit: u32| (0..=bit).map(|bit| (bit, 1u64 << bit));
    let words = up_to(u64::BITS - 1).flat_map(move |(first, a)| {
        up_to(first).flat_map(move |(second, b)| up_to(second).map(move |(_, c)| a | b | c))
    });
    core::iter::once(0)
        .chain(words)
        .flat_map(|word| [word, !word])
}

/// The meaning of a word by the module's drawing, read bit by bit.
fn drawn(word: u64) -> Option<Content> {
    let field = |top: u32, bottom: u32| (word << (63 - top)) >> (63 - top + bottom);
    let handle = field(63, 20 + MORE);
    match (field(1, 0), field(2, 2)) {
        (0b00, _) => (word == 0).then_some(Content::Empty),
        (0b01, 0) => Some(Content::Same((word as i64 >> 3) as u64)),
        (0b01, _) => {
            let half = field(34, 3);
            (field(63, 35) == 0).then_some(Content::Same(half | (half << 32)))
        }
        (0b10, _) => Some(Content::Ram(Object {
            handle: Handle::new(handle).unwrap(),
            length: Length::new(field(15 + MORE, 4) as usize + 1).unwrap(),
            codec: Codec::from_bits(field(3, 2)).unwrap(),
        })),
        (_, 0) => {
            let disk = DiskNumber::new(field(6, 3) as usize)?;
            let slot = PhysicalSlot::new(field(39, 8) as u32);
            let place = Place { disk, slot };
            if field(7, 7) == 0 {
                return (field(63, 40) == 0).then_some(Content::Disk(place));
            }
            let (units, unit) = match MORE {
                0 => (field(62, 54), 8),
                _ => (field(63, 56), 64),
            };
            let (offset, length) = (units as usize * unit, field(53 + MORE, 42) as usize + 1);
            let end = (field(39, 8) as usize % 8) * PAGE_SIZE + offset + length;
            let codec = Codec::from_bits(field(41, 40)).unwrap();
            let packed = Packed::new(place, offset, Length::new(length).unwrap(), codec);
            (word & SPARE == 0 && end <= 8 * PAGE_SIZE).then(|| Content::Packed(packed.unwrap()))
        }
        (_, _) => (field(63, 3) == 0).then_some(Content::Lost),
    }
}

fn assert_as_drawn(word: u64) {
    let entry = Entry::from_word(word);
    let content = entry.content();
    assert_eq!(content, drawn(word), "{word:#x}");
    let Some(content) = content else {
        return;
    };
    // The meaning encodes to this word again, except for a mover's mark and a half word in the longer
    // form: so no two words mean the same otherwise, and none is lost.
    let made = match content {
        Content::Empty => Some(Entry::EMPTY),
        Content::Same(word) => Entry::same(word),
        Content::Ram(object) => Some(Entry::ram(object)),
        Content::Disk(place) => Some(Entry::disk(place)),
        Content::Packed(packed) => Some(Entry::packed(packed)),
        Content::Lost => Some(Entry::LOST),
    };
    let made = made.unwrap();
    match content {
        Content::Same(_) => assert_eq!(made.content(), Some(content)),
        Content::Ram(object) => {
            let age = entry.generation().unwrap();
            assert_eq!(age.to_bits(), (word >> (17 + MORE)) & 7);
            assert_eq!(made.aged(age), entry.settled(), "{word:#x}");
            assert_eq!(entry.ram_bytes(), object.length.bytes());
            assert_eq!(entry.is_raw(), object.codec == Codec::Raw);
        }
        _ => assert_eq!(made, entry, "{word:#x}"),
    }
    if !entry.is_ram() {
        assert_eq!((entry.generation(), entry.ram_bytes()), (None, 0));
        assert_eq!(entry.aged(Generation::of(5)), entry);
        assert!(!entry.is_raw());
    }
    assert_eq!(entry.is_empty(), content == Content::Empty);
    assert_eq!(entry.is_ram(), matches!(content, Content::Ram(_)));
    let mark = 1 << (16 + MORE);
    let is_moving = entry.is_ram() && word & mark != 0;
    assert_eq!(entry.is_moving(), is_moving);
    let marked = (entry.is_ram() && !is_moving).then_some(word | mark);
    assert_eq!(entry.moving().map(Entry::to_word), marked);
}

/// All words below a handle: state, flags, codec, length, disk and what must be 0; with the
/// bits above at their bounds.
#[test]
fn every_lower_word_is_as_drawn() {
    let uppers = [
        0,
        u64::MAX,
        1 << (20 + MORE),
        1 << 63,
        0x5555_5555_5555_5555,
        0xaaaa_aaaa_aaaa_aaaa,
    ];
    let lowers = 1u64 << (20 + MORE);
    for lower in 0..lowers {
        for upper in uppers {
            assert_as_drawn((upper & !(lowers - 1)) | lower);
        }
    }
}

/// Every word with few bits set, and every one with few bits clear, in each of the states.
#[test]
fn every_sparse_word_is_as_drawn() {
    for word in sparse() {
        for state in 0..8 {
            assert_as_drawn(word);
            assert_as_drawn(((word >> 3) << 3) | state);
        }
    }
}

#[test]
fn every_length_and_codec_comes_back_with_every_bit_of_a_handle() {
    let bits = (0..HANDLE_BITS).map(|bit| 1u64 << bit);
    let all = (1 << HANDLE_BITS) - 1;
    let handles: Vec<u64> = bits
        .flat_map(|bit| [bit, all ^ bit])
        .chain([0, all])
        .collect();
    for bytes in 1..=PAGE_SIZE {
        for codec in [Codec::Raw, Codec::Lz4, Codec::Zstd, Codec::Word] {
            for handle in &handles {
                let object = Object {
                    handle: Handle::new(*handle).unwrap(),
                    length: Length::new(bytes).unwrap(),
                    codec,
                };
                let entry = Entry::ram(object);
                assert_eq!(entry.content(), Some(Content::Ram(object)));
                assert_eq!(entry.to_word() >> HANDLE_SHIFT, *handle);
            }
        }
    }
}

#[test]
fn every_disk_comes_back_with_every_sparse_slot() {
    for word in sparse() {
        for disk in (0..MAX_DISKS).filter_map(DiskNumber::new) {
            for number in [word as u32, (word >> 32) as u32] {
                let slot = PhysicalSlot::new(number);
                let place = Place { disk, slot };
                assert_eq!(Entry::disk(place).content(), Some(Content::Disk(place)));
            }
        }
    }
}

/// A word fits when its upper four bits or its halves are alike, and then it comes back.
#[test]
fn every_sparse_page_word_is_held_or_refused() {
    for word in sparse() {
        for word in [
            word,
            word.rotate_left(32),
            (word << 32) | (word & 0xffff_ffff),
        ] {
            let is_held = matches!(word >> 60, 0 | 0xf) || word >> 32 == word & 0xffff_ffff;
            let entry = Entry::same(word);
            assert_eq!(entry.is_some(), is_held, "{word:#x}");
            assert_eq!(
                entry.and_then(Entry::content),
                is_held.then_some(Content::Same(word))
            );
        }
    }
}
