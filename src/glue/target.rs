// SPDX-License-Identifier: GPL-2.0-only

//! What a transfer asks of the disk that pages go to or come from.

use super::backing::Backing;
use super::cipher::Cipher;
use super::cpu::Pinned;
use super::tags::Tags;
use crate::engine::health::Fault;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use crate::engine::under_way::Ticket;

/// A disk that pages can be sent to. Nothing of this sleeps but [`wait_for_turn`](Self::wait_for_turn).
pub(crate) trait Target: Send + Sync + 'static {
    /// The block device.
    fn backing(&self) -> &Backing;

    /// What encrypts the pages, if they are.
    fn cipher(&self) -> Option<&Cipher>;

    /// What pages are compared with that are read, if they are.
    fn tags(&self) -> Option<&Tags>;

    /// The most pages that may go in one piece.
    fn bio_pages(&self) -> u32;

    /// Waits until the disk may have one more write, as long as it answers. Says whether it may.
    /// May sleep.
    fn wait_for_turn(&self) -> bool;

    /// A piece of so many bytes is on its way. Counts it.
    fn submitted(&self, cpu: &Pinned, direction: Direction, bytes: u64);

    /// A bio is about to be under way. Gives what it [ends](Self::end) with.
    fn begin(&self) -> Ticket;

    /// A bio is under way no more. In any context.
    fn end(&self, ticket: Ticket);

    /// A transfer has ended, well or not. In any context.
    fn ended(&self, direction: Direction, fault: Option<Fault>);

    /// A page was read that is not what was written. In any context.
    fn found_corrupt(&self, slot: PhysicalSlot);
}
