// SPDX-License-Identifier: GPL-2.0-only

//! vswap: a virtual swap device.
//!
//! Page tables hold virtual slots of `/dev/vswap0`; where a page lies can change behind them.
//! `docs/design.md` describes how the parts work together.

#![warn(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod control;
mod device;
// The engine is a crate of its own on the host, where all of it is used and public.
#[allow(dead_code, unreachable_pub)]
mod engine;
mod glue;
#[cfg(all(vswap_kunit, CONFIG_KUNIT))]
#[path = "../kunit/mod.rs"]
mod kunit;
#[cfg(all(vswap_kunit, not(CONFIG_KUNIT)))]
mod kunit {
    include!(env!("VSWAP_SUITES"));
}
mod movers;
mod tiers;

use control::attributes::ATTRIBUTES;
use control::{accepted, Control};
use device::Device;
use engine::config::{RamLimit, Refusal, Size};
use glue::chardev::Node;
use glue::gendisk::Disk;
use glue::inode::SwapInode;
use glue::memory;
use glue::rcu::Returned;
use kernel::prelude::*;

module! {
    type: Vswap,
    name: "vswap",
    authors: ["The vswap developers"],
    description: "Virtual swap device",
    license: "GPL v2",
    params: {
        size_mib: i64 {
            default: -1,
            description: "Virtual size in MiB; -1, the default: 16 times the RAM",
        },
        ram_limit_mib: i64 {
            default: -1,
            description: "Most that the ram tier may take in MiB; -1, the default: half of the RAM",
        },
    },
}

/// The loaded module: its device, which can be opened as long as this lives.
struct Vswap {
    _node: Node<Control>,
    _returned: Returned,
}

impl kernel::Module for Vswap {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let ram = memory::total_ram();
        let size = match module_parameters::size_mib.value() {
            -1 => Size::default_for(ram),
            mib => accepted("size_mib", mebibytes(mib).and_then(Size::from_mib))?,
        };
        let limit = match module_parameters::ram_limit_mib.value() {
            -1 => RamLimit::default_for(ram),
            mib => {
                let limit = mebibytes(mib).and_then(|mib| RamLimit::from_mib(mib, ram));
                accepted("ram_limit_mib", limit)?
            }
        };
        let device = Device::new(size, limit)?;
        let disk = Disk::new(c"vswap0", device.clone())?;
        let inode = SwapInode::new(device.clone(), disk)?;
        let control = Control::new(device, inode)?;
        let node = Node::new(module, c"vswap", c"vswap0", control, &ATTRIBUTES)?;
        pr_info!(
            "/dev/vswap0 has {} MiB, and takes up to {} MiB of memory\n",
            size.bytes() >> 20,
            limit.bytes() >> 20
        );
        #[cfg(all(vswap_kunit, not(CONFIG_KUNIT)))]
        kunit::run(kunit::SUITES);
        Ok(Self {
            _node: node,
            _returned: Returned,
        })
    }
}

fn mebibytes(number: i64) -> Result<u64, Refusal> {
    u64::try_from(number).map_err(|_| Refusal::NotASize)
}
