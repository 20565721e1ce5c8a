// SPDX-License-Identifier: GPL-2.0-only

//! The failures of a request: a few extents are recorded exactly, for others only the disk.

use crate::Host;
use std::rc::Rc;
use vswap_engine::entry::{DiskNumber, Place};
use vswap_engine::failed::{Extent, FailedExtents};
use vswap_engine::slot::PhysicalSlot;

fn at(disk: usize, slot: u32) -> Place {
    Place {
        disk: DiskNumber::new(disk).unwrap(),
        slot: PhysicalSlot::new(slot),
    }
}

fn note(failed: &FailedExtents<Host, Rc<()>>, place: Place, is_bad: bool, keep: &Rc<()>) {
    failed.note(Extent {
        number: place.disk,
        first: place.slot,
        count: 2,
        is_bad,
        keep: keep.clone(),
    });
}

#[test]
fn extents_are_told_apart() {
    let (failed, keep) = (FailedExtents::default(), Rc::new(()));
    assert!(failed.is_none());
    note(&failed, at(1, 10), true, &keep);
    note(&failed, at(2, 10), false, &keep);
    assert!(!failed.is_none());
    for slot in [10, 11] {
        assert!(failed.has(at(1, slot)) && failed.is_bad(at(1, slot)));
        assert!(failed.is_exactly(at(2, slot)) && !failed.is_bad(at(2, slot)));
    }
    assert!(!failed.has(at(1, 9)) && !failed.has(at(1, 12)) && !failed.has(at(0, 10)));
    assert!(failed.is_of(at(1, 0).disk) && !failed.is_of(at(0, 0).disk));
}

#[test]
fn of_too_many_the_disk_is_known_and_kept() {
    let (failed, keep) = (FailedExtents::default(), Rc::new(()));
    for slot in 0..8 {
        note(&failed, at(0, 100 * slot), true, &keep);
    }
    assert!(!failed.has(at(0, 1000)));
    for slot in 10..13 {
        note(&failed, at(3, 100 * slot), true, &keep);
    }
    // Any page of that disk may not have been transferred, but no one certainly.
    assert!(failed.is_of(at(3, 0).disk) && failed.has(at(3, 5)));
    assert!(!failed.is_exactly(at(3, 1000)) && !failed.is_bad(at(3, 1000)));
    assert!(failed.is_bad(at(0, 701)) && !failed.has(at(0, 5)));
    // Once for each of the first, and once for the other disk.
    assert_eq!(Rc::strong_count(&keep), 1 + 8 + 1);
    drop(failed);
    assert_eq!(Rc::strong_count(&keep), 1);
}
