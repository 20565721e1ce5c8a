// SPDX-License-Identifier: GPL-2.0-only

//! A segment that can't be freed.

use super::transfer::Entered;
use crate::engine::entry::Packed;
use crate::engine::segment::Segment;
use crate::glue::wait;

/// How long to wait before another attempt to enter a segment whose count is at its maximum, in
/// milliseconds.
const TURN_MS: u32 = 1;

/// A segment of a disk. It is not freed while this exists, as this is part of its count.
pub(crate) struct Inside<'a> {
    /// The disk.
    pub(crate) entered: Entered<'a>,
    /// The segment.
    pub(crate) segment: Segment,
}

impl<'a> Inside<'a> {
    /// Enters the segment if it is in use. May sleep.
    pub(crate) fn new(entered: Entered<'a>, segment: Segment) -> Option<Self> {
        while !entered.disk().enter_segment(segment) {
            if entered.disk().counted(segment) != usize::from(u8::MAX) {
                return None;
            }
            wait::pause(TURN_MS);
        }
        Some(Self { entered, segment })
    }

    /// Enters the segment if it is in use and written. Does not sleep.
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
