// SPDX-License-Identifier: GPL-2.0-only

//! The pure half of vswap: what an entry means, how a table and its cluster change, what a
//! page of one repeated word is, which values the parameters may have. No allocation, no kernel call
//! and no `unsafe`, so that tools on the host can use all of it.

#![forbid(unsafe_code)]

pub mod allocator;
#[cfg(all(test, loom))]
mod allocator_models;
pub mod asked;
pub mod bay;
pub mod budget;
pub mod claims;
pub mod codec;
pub mod config;
pub mod counters;
pub mod entry;
pub mod failed;
pub mod form;
pub mod freed;
pub mod generation;
pub mod header;
pub mod health;
pub mod held;
pub mod index;
pub mod last_used;
pub mod lists;
pub mod map;
#[cfg(all(test, loom))]
mod model;
pub mod number;
pub mod options;
pub mod order;
pub mod page;
pub mod patience;
pub mod pending;
pub mod platform;
pub mod same;
pub mod segment;
#[cfg(all(test, loom))]
mod segment_models;
pub mod shortage;
pub mod slot;
mod sync;
pub mod table;
pub mod traffic;
pub mod trust;
pub mod under_way;
pub mod watermarks;
pub mod window;
