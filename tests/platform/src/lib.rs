// SPDX-License-Identifier: GPL-2.0-only

//! A host that stands in for the kernel below the engine's concurrent code.
//!
//! It is made of the standard library's threads and locks or, in models, of loom's. Memory that must
//! no longer be used is really freed, so that Miri sees any use of it; in models memory
//! stays, and loom reports when one thread frees what another uses.

mod cell;
mod map;
mod once;
mod published;
mod rcu;
mod sections;
mod sync;
mod table;
pub mod world;

#[cfg(all(test, not(loom)))]
mod damaged;
#[cfg(all(test, not(loom)))]
mod failed;
#[cfg(test)]
mod scenarios;

pub use self::map::{HostMap, Linked};
pub use self::rcu::{number_this_thread, Host, Pin, THREADS};
pub use self::table::HostTable;
