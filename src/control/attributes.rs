// SPDX-License-Identifier: GPL-2.0-only

//! The attributes of the device, and the list of all.

use super::{accepted, tiers, Control};
use crate::engine::codec::Algorithm;
use crate::engine::config::{parse_size, RamLimit, Size};
use crate::engine::counters::Counter;
use crate::glue::inode::Swappable;
use crate::glue::memory;
use crate::glue::sysfs::{Attribute, Text};
use kernel::fmt::{self, Write};
use kernel::prelude::*;

/// All attributes.
pub(crate) static ATTRIBUTES: [Attribute<Control>; 16] = [
    Attribute::read_only(c"abi", show_abi),
    Attribute::read_write(c"size", show_size, set_size),
    Attribute::read_write(c"ram_limit", show_ram_limit, set_ram_limit),
    Attribute::read_write(c"comp_algorithm", show_algorithm, set_algorithm),
    Attribute::read_only(c"stat", show_stat),
    Attribute::read_only(c"tiers", tiers::show),
    Attribute::read_write(c"disk_uuid", tiers::show_uuid, tiers::set_uuid),
    Attribute::write_only(c"tier_add", tiers::add),
    Attribute::write_only(c"tier_remove", tiers::remove),
    Attribute::write_only(c"tier_cancel", tiers::cancel),
    Attribute::write_only(c"tier_probe", tiers::probe),
    Attribute::write_only(c"writeback", tiers::write_back),
    Attribute::write_only(c"recompress", tiers::recompress),
    Attribute::read_write(c"writeback_limit", tiers::show_limit, tiers::set_limit),
    Attribute::read_write(c"high_watermark", tiers::show_high, tiers::set_high),
    Attribute::read_write(c"low_watermark", tiers::show_low, tiers::set_low),
];

/// `abi`: the version of the attributes' format. New attributes, figures and fields don't change it;
/// it goes up when one disappears or changes its meaning.
fn show_abi(_: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "1")
}

/// `size`: the virtual size in bytes; can be changed while the device is not swapped on.
fn show_size(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{}", control.device.size().bytes())
}

fn set_size(control: &Control, text: &[u8]) -> Result {
    let size = accepted("size", parse_size(text).and_then(Size::from_bytes))?;
    control.inode.resize(size).inspect_err(|_| {
        pr_err!("size: the device is swapped on; swap it off first\n");
    })
}

/// `ram_limit`: the most that the ram tier may take, in bytes.
fn show_ram_limit(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{}", control.device.ram().asked_limit())
}

fn set_ram_limit(control: &Control, text: &[u8]) -> Result {
    let limit = parse_size(text).and_then(|bytes| RamLimit::from_bytes(bytes, memory::total_ram()));
    control
        .device
        .ram()
        .set_limit(accepted("ram_limit", limit)?);
    // Pages above a lowered limit can be written back.
    control.device.tiers_changed();
    Ok(())
}

/// `comp_algorithm`: the algorithm for new pages, in brackets among those available.
fn show_algorithm(control: &Control, text: &mut Text<'_>) -> fmt::Result {
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

fn set_algorithm(control: &Control, text: &[u8]) -> Result {
    let Some(algorithm) = Algorithm::from_name(text) else {
        pr_err!("comp_algorithm: there is no such algorithm; write lz4 or zstd\n");
        return Err(EINVAL);
    };
    control.device.set_algorithm(algorithm)
}

/// `stat`: one `name value` a line.
fn show_stat(control: &Control, text: &mut Text<'_>) -> fmt::Result {
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
