// SPDX-License-Identifier: GPL-2.0-only

//! The attributes of the device, and the list of all.

use super::tiers::{
    AddAttribute, CancelAttribute, HighWatermarkAttribute, LowWatermarkAttribute, ProbeAttribute,
    RecompressAttribute, RemoveAttribute, TiersAttribute, UuidAttribute, WritebackAttribute,
    WritebackLimitAttribute,
};
use super::{refused, Control};
use crate::engine::codec::Algorithm;
use crate::engine::config::{parse_size, RamLimit, Size};
use crate::engine::counters::Counter;
use crate::glue::inode::Swappable;
use crate::glue::memory;
use crate::glue::sysfs::{attributes, Attribute, Text};
use kernel::fmt::{self, Write};
use kernel::prelude::*;

/// `abi`: the version of the attributes' format. New attributes, figures and fields don't change it;
/// it goes up when one disappears or changes its meaning.
struct AbiAttribute;

impl Attribute for AbiAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"abi";
    const MODE: u16 = 0o444;

    fn show(_: &Control, text: &mut Text<'_>) -> fmt::Result {
        writeln!(text, "1")
    }
}

/// `size`: the virtual size in bytes; can be changed while the device is not swapped on.
struct SizeAttribute;

impl Attribute for SizeAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"size";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        writeln!(text, "{}", control.device.size().bytes())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let size = parse_size(text).and_then(Size::from_bytes);
        let size = size.map_err(|refusal| refused("size", refusal))?;
        control.inode.resize(size).inspect_err(|_| {
            pr_err!("size: the device is swapped on; swap it off first\n");
        })
    }
}

/// `ram_limit`: the most that the ram tier may take, in bytes.
struct RamLimitAttribute;

impl Attribute for RamLimitAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"ram_limit";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        writeln!(text, "{}", control.device.ram().asked_limit())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let limit =
            parse_size(text).and_then(|bytes| RamLimit::from_bytes(bytes, memory::total_ram()));
        control
            .device
            .ram()
            .set_limit(limit.map_err(|refusal| refused("ram_limit", refusal))?);
        // Pages above a lowered limit can be written back.
        control.device.tiers_changed();
        Ok(())
    }
}

/// `comp_algorithm`: the algorithm for new pages, in brackets among those available.
struct AlgorithmAttribute;

impl Attribute for AlgorithmAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"comp_algorithm";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        let current = control.device.ram().algorithm();
        for (i, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            if algorithm == current {
                write!(text, "{gap}[{}]", algorithm.name())?;
            } else {
                write!(text, "{gap}{}", algorithm.name())?;
            }
        }
        writeln!(text)
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let Some(algorithm) = Algorithm::from_name(text) else {
            pr_err!("comp_algorithm: there is no such algorithm; write lz4 or zstd\n");
            return Err(EINVAL);
        };
        control.device.set_algorithm(algorithm)
    }
}

/// `stat`: one `name value` a line.
struct StatAttribute;

impl Attribute for StatAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"stat";
    const MODE: u16 = 0o444;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        let device = &control.device;
        // This makes the figures exact.
        device.sweep();
        for counter in Counter::ALL {
            writeln!(text, "{} {}", counter.name(), device.counter(*counter))?;
        }
        let hits = device
            .counter(Counter::Lookups)
            .saturating_sub(device.counter(Counter::MruMisses));
        writeln!(text, "mru_hits {}", hits.max(0))?;
        let traffic = device.traffic();
        writeln!(text, "disk_read_bytes {}", traffic.read)?;
        writeln!(text, "disk_write_bytes {}", traffic.written)?;
        writeln!(text, "disk_large_write_bytes {}", traffic.large)?;
        writeln!(text, "pool_bytes {}", device.ram().pool_bytes())?;
        writeln!(text, "table_bytes {}", device.table_bytes())?;
        writeln!(text, "metadata_bytes {}", device.metadata_bytes())?;
        writeln!(text, "withheld_slots {}", device.free_slots.withheld())
    }
}

attributes!(
    ATTRIBUTES of Control: AbiAttribute,
    SizeAttribute,
    RamLimitAttribute,
    AlgorithmAttribute,
    StatAttribute,
    TiersAttribute,
    UuidAttribute,
    AddAttribute,
    RemoveAttribute,
    CancelAttribute,
    ProbeAttribute,
    WritebackAttribute,
    RecompressAttribute,
    WritebackLimitAttribute,
    HighWatermarkAttribute,
    LowWatermarkAttribute,
);
