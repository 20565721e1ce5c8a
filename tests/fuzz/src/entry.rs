// SPDX-License-Identifier: GPL-2.0-only

//! Entries and forms: any word is refused or is the one that its content encodes to, and an
//! entry decodes to what it was made of.

use arbitrary::Arbitrary;
use vswap_engine::codec::Codec;
use vswap_engine::entry::{Content, DiskNumber, Entry, Handle, Length, Object, Place};
use vswap_engine::entry::{HANDLE_BITS, MAX_DISKS};
use vswap_engine::form::{Form, Home};
use vswap_engine::generation::Generation;
use vswap_engine::page::PAGE_SIZE;
use vswap_engine::slot::{Offset, PhysicalCluster, PhysicalSlot, SLOTS_PER_CLUSTER};

#[derive(Arbitrary, Debug)]
enum Step {
    Word(u64),
    Same(u64),
    Ram(u64, u16, u8),
    Disk(u8, u32),
    Form(u64),
    Whole(u8, u32, u16),
}

/// Runs an input.
pub fn run(data: &[u8]) {
    let Some(((), steps)) = crate::read::<(), Step>(data) else {
        return;
    };
    for step in steps {
        match step {
            Step::Word(word) => any_word(word),
            Step::Same(word) => same(word),
            Step::Ram(handle, length, codec) => ram(handle, length, codec),
            Step::Disk(disk, slot) => disk_entry(disk, slot),
            Step::Form(word) => any_form(word),
            Step::Whole(disk, cluster, offset) => whole(disk, cluster, offset),
        }
    }
}

/// The entry that a content makes.
fn made(content: Content) -> Entry {
    match content {
        Content::Empty => Entry::EMPTY,
        Content::Same(word) => Entry::same(word).expect("an entry said that word"),
        Content::Ram(object) => Entry::ram(object),
        Content::Disk(place) => Entry::disk(place),
        Content::Packed(packed) => Entry::packed(packed),
        Content::Lost => Entry::LOST,
    }
}

fn any_word(word: u64) {
    let entry = Entry::from_word(word);
    assert_eq!(entry.to_word(), word);
    assert_eq!(entry.is_empty(), word == 0);
    let Some(content) = entry.content() else {
        return;
    };
    assert_eq!(made(content).content(), Some(content));
    // A half word may be held in the longer form as well.
    if !matches!(content, Content::Same(_)) {
        let age = entry.generation().unwrap_or(Generation::of(0));
        assert_eq!(made(content).aged(age), entry.settled(), "{word:#x}");
        assert_eq!(entry.generation().is_some(), entry.is_ram());
    }
    assert_eq!(entry.is_ram(), matches!(content, Content::Ram(_)));
    match entry.moving() {
        Some(moving) => {
            assert!(entry.is_ram() && !entry.is_moving() && moving.is_moving());
            assert_eq!(moving.content(), Some(content));
            assert_eq!((moving.moving(), moving.settled()), (None, entry));
        }
        None => assert!(!entry.is_ram() || entry.is_moving()),
    }
}

fn same(word: u64) {
    let upper = word >> 60;
    let is_held = upper == 0 || upper == 0xf || word >> 32 == word & 0xffff_ffff;
    let entry = Entry::same(word);
    assert_eq!(entry.is_some(), is_held, "{word:#x}");
    if let Some(entry) = entry {
        assert_eq!(entry.content(), Some(Content::Same(word)));
        any_word(entry.to_word());
    }
}

fn ram(number: u64, bytes: u16, codec: u8) {
    let handle = Handle::new(number);
    assert_eq!(handle.is_some(), number < 1 << HANDLE_BITS);
    let length = Length::new(bytes.into());
    assert_eq!(
        length.is_some(),
        (1..=PAGE_SIZE).contains(&usize::from(bytes))
    );
    let codec = Codec::from_bits(codec.into());
    let (Some(handle), Some(length), Some(codec)) = (handle, length, codec) else {
        return;
    };
    assert_eq!((handle.number(), length.bytes()), (number, bytes.into()));
    let object = Object {
        handle,
        length,
        codec,
    };
    let entry = Entry::ram(object);
    assert_eq!(entry.content(), Some(Content::Ram(object)));
    any_word(entry.to_word());
}

fn disk_entry(disk: u8, slot: u32) {
    let number = DiskNumber::new(disk.into());
    assert_eq!(number.is_some(), usize::from(disk) < MAX_DISKS);
    let Some(disk) = number else {
        return;
    };
    let slot = PhysicalSlot::new(slot);
    let place = Place { disk, slot };
    let entry = Entry::disk(place);
    assert_eq!(entry.content(), Some(Content::Disk(place)));
    any_word(entry.to_word());
    let beside = Offset::new(slot.offset().index() ^ 1).expect("below 512");
    assert_eq!(Home::of(place, beside), None);
    let home = Home::of(place, slot.offset());
    assert_eq!(home.map(|home| home.entry(slot.offset())), Some(entry));
}

fn any_form(word: u64) {
    let word = usize::try_from(word).expect("64 bits");
    match Form::from_word(word) {
        Form::None => assert!(word == 0 || word & 1 == 1),
        Form::Table(address) => assert!(address == word && word & 1 == 0),
        form @ Form::Whole(_) => assert_eq!(form.to_word(), word, "{word:#x}"),
    }
}

fn whole(disk: u8, cluster: u32, offset: u16) {
    let cluster = PhysicalCluster::new(cluster);
    let (Some(disk), Some(cluster)) = (DiskNumber::new(disk.into()), cluster) else {
        return;
    };
    let home = Home { disk, cluster };
    assert_eq!(
        Form::from_word(Form::Whole(home).to_word()),
        Form::Whole(home)
    );
    let Some(offset) = Offset::new(offset.into()) else {
        assert!(usize::from(offset) >= SLOTS_PER_CLUSTER);
        return;
    };
    let place = Place {
        disk,
        slot: cluster.slot(offset),
    };
    assert_eq!(
        home.entry(offset).content(),
        Some(Content::Disk(place)),
        "{home:?}"
    );
    assert_eq!(Home::of(place, offset), Some(home));
}
