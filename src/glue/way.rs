// SPDX-License-Identifier: GPL-2.0-only

//! The direction of a transfer, as types.

use crate::engine::traffic::Direction;

/// Pages are stored: they go to a disk.
pub(crate) enum Store {}

/// Pages are loaded: they come from a disk.
pub(crate) enum Load {}

/// The direction of a transfer.
pub(crate) trait Way {
    /// As a value.
    const DIRECTION: Direction;
}

impl Way for Store {
    const DIRECTION: Direction = Direction::Write;
}

impl Way for Load {
    const DIRECTION: Direction = Direction::Read;
}
