// SPDX-License-Identifier: GPL-2.0-only

//! The engine as a crate of its own, for tests on the host. The module compiles the same
//! files as its `engine` module.

#![no_std]

#[cfg(any(test, loom))]
extern crate std;

#[path = "mod.rs"]
mod engine;
pub use engine::*;
