// SPDX-License-Identifier: GPL-2.0-only

//! A host that stands for the kernel below the engine's concurrent code.
//!
//! It is made of the standard library's threads and locks or, in models, of loom's. What may not be
//! used any more is freed for real, so that Miri sees who uses it all the same; in models memory
//! stays, and loom says when one thread frees what another uses.

mod cell;
mod map;
mod once;
mod page;
mod published;
mod rcu;
mod sections;
mod sync;
pub mod world;

#[cfg(all(test, not(loom)))]
mod damaged;
#[cfg(all(test, not(loom)))]
mod failed;
#[cfg(test)]
mod scenarios;

pub use self::map::{HostMap, Linked};
pub use self::page::HostPage;
pub use self::rcu::{number_this_thread, Host, Pin, THREADS};
