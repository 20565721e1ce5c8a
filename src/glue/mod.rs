// SPDX-License-Identifier: GPL-2.0-only

//! The kernel, wrapped: one module for each of its objects. All `unsafe` is in here.

pub(crate) mod backing;
mod bio;
pub(crate) mod bounce;
pub(crate) mod buffer_transfer;
pub(crate) mod call;
pub(crate) mod chardev;
pub(crate) mod cipher;
pub(crate) mod clock;
pub(crate) mod cpu;
mod dax;
pub(crate) mod gendisk;
pub(crate) mod inode;
#[cfg(vswap_kunit)]
#[path = "../../kunit/glue.rs"]
pub(crate) mod kunit;
pub(crate) mod lone_bio;
pub(crate) mod lz4;
pub(crate) mod memory;
mod object_map;
mod once;
pub(crate) mod platform;
pub(crate) mod pressure;
mod published;
pub(crate) mod random;
pub(crate) mod rcu;
pub(crate) mod request;
pub(crate) mod reserves;
pub(crate) mod signal;
mod spinlock;
pub(crate) mod srcu;
pub(crate) mod swap_area;
mod swap_io;
mod swap_ops;
pub(crate) mod sysfs;
pub(crate) mod tags;
pub(crate) mod target;
pub(crate) mod task;
pub(crate) mod thread;
pub(crate) mod trace;
pub(crate) mod transfer;
pub(crate) mod wait;
pub(crate) mod way;
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
