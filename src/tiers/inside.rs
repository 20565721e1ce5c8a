// SPDX-License-Identifier: GPL-2.0-only

//! A segment that is kept from being freed.

use super::transfer::Entered;
use crate::engine::entry::Packed;
use crate::engine::segment::Segment;
use crate::glue::wait;

/// How long it is waited until a segment can be entered in which as many read as can be counted, in
/// milliseconds.
const TURN_MS: u32 = 1;

/// A segment of a disk that stays as it is while this lives, as its owner is counted in it.
pub(crate) struct Inside<'a> {
    /// The disk.
    pub(crate) entered: Entered<'a>,
    /// The segment.
    pub(crate) segment: Segment,
}

impl<'a> Inside<'a> {
    /// Enters the segment, if it is in use. May sleep.
    pub(crate) fn new(entered: Entered<'a>, segment: Segment) -> Option<Self> {
        while !entered.disk().enter_segment(segment) {
            if entered.disk().counted(segment) != usize::from(u8::MAX) {
                return None;
            }
            wait::pause(TURN_MS);
        }
        Some(Self { entered, segment })
    }

    /// Enters the segment, if it is in use, and was written. Does not sleep.
    pub(crate) fn of_written(entered: Entered<'a>, segment: Segment) -> Option<Self> {
        let is_in = entered.disk().enter_written(segment);
        is_in.then_some(Self { entered, segment })
    }

    /// Whether the object is in this segment.
    pub(crate) fn has(&self, packed: Packed) -> bool {
        self.entered.number() == packed.place.disk && self.segment == packed.segment()
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.entered.disk().leave_segment(self.segment);
    }
}
