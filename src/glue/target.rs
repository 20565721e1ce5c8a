// SPDX-License-Identifier: GPL-2.0-only

//! What a transfer needs of the disk that pages go to or come from.

use super::backing::Backing;
use super::cipher::Cipher;
use super::cpu::Pinned;
use super::tags::Tags;
use crate::engine::health::Fault;
use crate::engine::slot::PhysicalSlot;
use crate::engine::traffic::Direction;
use crate::engine::under_way::Ticket;

/// A disk for transfers. Nothing here sleeps but [`wait_for_turn`](Self::wait_for_turn).
pub(crate) trait Target: Send + Sync + 'static {
    /// The block device.
    fn backing(&self) -> &Backing;

    /// The cipher of its pages, if they are encrypted.
    fn cipher(&self) -> Option<&Cipher>;

    /// The tags that pages read are compared with, if there are any.
    fn tags(&self) -> Option<&Tags>;

    /// The most pages in one bio.
    fn bio_pages(&self) -> u32;

    /// Waits until the disk may have one more write, as long as it answers. Says whether it may.
    /// May sleep.
    fn wait_for_turn(&self) -> bool;

    /// Counts a transfer of that many bytes that was submitted.
    fn submitted(&self, cpu: &Pinned, direction: Direction, bytes: u64);

    /// A bio is about to be submitted. Returns the ticket that [ends](Self::end) it.
    fn begin(&self) -> Ticket;

    /// A bio is no longer under way. In any context.
    fn end(&self, ticket: Ticket);

    /// A transfer has ended, with or without a fault. In any context.
    fn ended(&self, direction: Direction, fault: Option<Fault>);

    /// A page that was read is not what was written. In any context.
    fn found_corrupt(&self, slot: PhysicalSlot);
}
