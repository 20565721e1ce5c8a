// SPDX-License-Identifier: GPL-2.0-only

//! The kernel, wrapped: one module for each of its objects. All `unsafe` is in here.

#[allow(dead_code)]
pub(crate) mod backing;
pub(crate) mod chardev;
#[allow(dead_code)]
pub(crate) mod clock;
pub(crate) mod cpu;
pub(crate) mod gendisk;
pub(crate) mod held;
pub(crate) mod index;
pub(crate) mod inode;
pub(crate) mod lz4;
#[allow(dead_code)]
pub(crate) mod memory;
#[allow(dead_code)]
pub(crate) mod rcu;
#[allow(dead_code)]
pub(crate) mod signal;
#[allow(dead_code)]
pub(crate) mod srcu;
pub(crate) mod swap_io;
pub(crate) mod sysfs;
#[allow(dead_code)]
pub(crate) mod thread;
#[allow(dead_code)]
pub(crate) mod wait;
#[allow(dead_code)]
pub(crate) mod workqueue;
pub(crate) mod xarray;
pub(crate) mod zsmalloc;
pub(crate) mod zstd;

/// Bindings to what rust/kernel does not bind, made by bindgen from `bindings.h`.
#[allow(
    clippy::all,
    clippy::undocumented_unsafe_blocks,
    improper_ctypes,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
mod bindings {
    use kernel::bindings::*;
    use kernel::ffi;
    include!(env!("VSWAP_BINDINGS"));
}
