// SPDX-License-Identifier: GPL-2.0-only

//! Who works beside the swap core: movers, which give slots other entries, and the threads that
//! sweep and that watch disks.

pub(crate) mod drain;
mod mover;
pub(crate) mod recompress;
pub(crate) mod sweeper;
pub(crate) mod watch;
pub(crate) mod writeback;
mod writer;
