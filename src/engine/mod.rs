// SPDX-License-Identifier: GPL-2.0-only

//! The pure half of vswap: what an entry means, how a table and its cluster change, what a
//! page of one repeated word is, what the parameters may be. No allocation, no kernel call
//! and no `unsafe`, so that the host's tools reach all of it.

#![forbid(unsafe_code)]

pub mod codec;
pub mod config;
pub mod counters;
pub mod entry;
pub mod header;
pub mod last_used;
#[cfg(all(test, loom))]
mod models;
pub mod number;
pub mod page;
pub mod same;
pub mod slot;
mod sync;
pub mod table;
