// SPDX-License-Identifier: GPL-2.0-only

//! What runs beside the swap core: movers, which give slots other entries, and the threads that sweep,
//! read ahead, and watch the disks.

mod chunk;
mod cleaner;
mod discards;
pub(crate) mod drain;
mod drain_packed;
mod mover;
pub(crate) mod readahead;
pub(crate) mod recompress;
mod segment_reader;
pub(crate) mod sweeper;
pub(crate) mod watch;
pub(crate) mod writeback;
mod writer;
