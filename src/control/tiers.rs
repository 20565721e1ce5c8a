// SPDX-License-Identifier: GPL-2.0-only

//! The user's view of the tiers: the attributes about disks and movers.

use super::{accepted, refused, Control};
use crate::engine::config::{self, Refusal};
use crate::engine::header;
use crate::engine::watermarks::Watermarks;
use crate::glue::sysfs::Text;
use crate::glue::target::Target;
use crate::movers::recompress::recompress_older;
use crate::movers::{drain, writeback};
use crate::tiers::packing::Packing;
use kernel::fmt::{self, Write};
use kernel::prelude::*;
use kernel::str::CString;

/// The longest path of a disk, in bytes: all paths must fit into a page of text.
const MAX_PATH: usize = 255;

fn path_of(what: &str, path: &[u8]) -> Result<CString> {
    let path = core::str::from_utf8(path).ok();
    let path = path.filter(|path| path.len() <= MAX_PATH);
    let path = accepted(what, path.ok_or(Refusal::NotADisk))?;
    CString::try_from_fmt(fmt!("{path}"))
}

/// A path with nothing after it.
fn only_path(what: &str, text: &[u8]) -> Result<CString> {
    match accepted(what, config::parse_path(text))? {
        (path, None) => path_of(what, path),
        (_, Some(_)) => Err(refused(what, Refusal::NotAPath)),
    }
}

/// `tiers`: the disks, a line each.
pub(super) fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    for entered in control.device.disks().all() {
        let disk = entered.disk();
        let traffic = disk.traffic();
        write!(
            text,
            "{} priority={} state={} size={} used={} bad={} errors={} read={} written={} dev={}:{}",
            disk.path(),
            disk.priority(),
            disk.health().state().name(),
            disk.size(),
            disk.used(),
            disk.bad(),
            disk.health().errors(),
            traffic.read,
            traffic.written,
            disk.backing().number() >> 20,
            disk.backing().number() & 0xf_ffff,
        )?;
        let recovered = disk.health().recovered();
        if recovered != 0 {
            write!(text, " recovered={recovered}")?;
        }
        if let Some(since) = disk.health().stuck_since() {
            write!(text, " stuck_since={since}")?;
        }
        if disk.cipher().is_some() {
            write!(text, " encrypt=1")?;
        }
        if disk.tags().is_some() {
            write!(text, " integrity=1 corrupt={}", disk.corrupt())?;
        }
        if let Some(discarding) = disk.discarding() {
            write!(text, " discard=1 discarded={}", discarding.bytes())?;
        }
        if let Some(packs) = disk.packing().map(Packing::packs) {
            write!(
                text,
                " compress=1 packed_pages={} packed_bytes={} segment_bytes={} packed_stored={} packed_written={}",
                packs.pages, packs.bytes, packs.segment_bytes, packs.stored, packs.written
            )?;
        }
        if let Some((drained, total)) = drain::drained(disk) {
            write!(text, " drained={drained}/{total}")?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// `disk_uuid`: the UUID in the signatures of disks that are added from now on. It is random
/// until somebody writes another one.
pub(super) fn show_uuid(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{:032x}", control.device.disks().uuid().get())
}

pub(super) fn set_uuid(control: &Control, text: &[u8]) -> Result {
    let uuid = accepted("disk_uuid", header::parse_uuid(text))?;
    let _changing = control.lock();
    control.device.disks().uuid().set(uuid);
    Ok(())
}

/// `tier_add`: adds the disk whose path is written, with an optional priority; `encrypt`
/// and `integrity` after that protect its pages, and `compress=on` or `compress=off` says whether
/// they stay compressed there; with `discard` the disk is told what holds nothing.
pub(super) fn add(control: &Control, text: &[u8]) -> Result {
    let (path, priority, options) = accepted("tier_add", config::parse_disk(text))?;
    let path = path_of("tier_add", path)?;
    control.start_transfers()?;
    control.device.disks().add(&path, priority, options)?;
    control.device.tiers_changed();
    Ok(())
}

/// `tier_remove`: moves everything away from the disk whose path is written, and closes it.
/// With `force` after it, pages that can't be read are abandoned.
pub(super) fn remove(control: &Control, text: &[u8]) -> Result {
    let (path, word) = accepted("tier_remove", config::parse_path(text))?;
    let force = match word {
        None => false,
        Some(b"force") => true,
        Some(_) => return Err(refused("tier_remove", Refusal::NotAPath)),
    };
    let path = path_of("tier_remove", path)?;
    drain::remove(&control.device, &path, force)?;
    control.device.tiers_changed();
    Ok(())
}

/// `tier_cancel`: stops the removal of the disk whose path is written.
pub(super) fn cancel(control: &Control, text: &[u8]) -> Result {
    let path = only_path("tier_cancel", text)?;
    drain::cancel(&control.device, &path)
}

/// `tier_probe`: probes the disk whose path is written at once, if it is failed or full.
pub(super) fn probe(control: &Control, text: &[u8]) -> Result {
    let path = only_path("tier_probe", text)?;
    let disks = control.device.disks();
    let entered = disks.find(&path).ok_or_else(|| drain::not_a_disk(&path))?;
    if entered.disk().health().probe_now() {
        disks.bell().ring_now();
    }
    Ok(())
}

/// `writeback`: writes pages of the ram tier back, all or those of an age in seconds.
pub(super) fn write_back(control: &Control, text: &[u8]) -> Result {
    let age = accepted("writeback", config::parse_age(text))?;
    writeback::write_back_older(&control.device, age)
}

/// `recompress`: compresses pages of the ram tier with zstd, all or those of an age in seconds.
pub(super) fn recompress(control: &Control, text: &[u8]) -> Result {
    let age = accepted("recompress", config::parse_age(text))?;
    recompress_older(&control.device, age)
}

/// `writeback_limit`: the most that is written to disks in a day by vswap's own decision, in bytes;
/// 0 is no limit.
pub(super) fn show_limit(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{}", control.device.budget().limit())
}

pub(super) fn set_limit(control: &Control, text: &[u8]) -> Result {
    let bytes = accepted("writeback_limit", config::parse_size(text))?;
    control.device.budget().set_limit(bytes);
    control.device.begin_writeback();
    Ok(())
}

/// `high_watermark`: the share of the ram limit above which writeback begins, in percent.
pub(super) fn show_high(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{}", control.device.ram().watermarks().high_percent())
}

pub(super) fn set_high(control: &Control, text: &[u8]) -> Result {
    set_watermark(control, "high_watermark", text, Watermarks::set_high)
}

/// `low_watermark`: the share of the ram limit at which writeback ends, in percent.
pub(super) fn show_low(control: &Control, text: &mut Text<'_>) -> fmt::Result {
    writeln!(text, "{}", control.device.ram().watermarks().low_percent())
}

pub(super) fn set_low(control: &Control, text: &[u8]) -> Result {
    set_watermark(control, "low_watermark", text, Watermarks::set_low)
}

fn set_watermark(
    control: &Control,
    what: &str,
    text: &[u8],
    set: impl FnOnce(&Watermarks, u64) -> Result<(), Refusal>,
) -> Result {
    let marks = control.device.ram().watermarks();
    let _changing = control.lock();
    let is_set = config::parse_percentage(text).and_then(|percent| set(marks, percent));
    accepted(what, is_set)?;
    control.device.begin_writeback();
    Ok(())
}
