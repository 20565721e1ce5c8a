// SPDX-License-Identifier: GPL-2.0-only

//! The user's view of the tiers: the attributes about disks and movers.

use super::{refused, Control};
use crate::engine::config::{self, Refusal};
use crate::engine::header;
use crate::glue::sysfs::{Attribute, Text};
use crate::glue::target::Target;
use crate::movers::{drain, recompress, writeback};
use crate::tiers::packing::Packing;
use kernel::fmt::{self, Write};
use kernel::prelude::*;
use kernel::str::CString;

/// The longest path of a disk, in bytes: all paths must fit into a page of text.
const MAX_PATH: usize = 255;

fn path_of(what: &str, path: &[u8]) -> Result<CString> {
    let path = core::str::from_utf8(path).ok();
    let path = path.filter(|path| path.len() <= MAX_PATH);
    let path = path.ok_or_else(|| refused(what, Refusal::NotADisk))?;
    CString::try_from_fmt(fmt!("{path}"))
}

/// A path with nothing after it.
fn only_path(what: &str, text: &[u8]) -> Result<CString> {
    match config::parse_path(text) {
        Ok((path, None)) => path_of(what, path),
        Ok((_, Some(_))) => Err(refused(what, Refusal::NotAPath)),
        Err(refusal) => Err(refused(what, refusal)),
    }
}

/// `tiers`: the disks, a line each.
pub(crate) struct TiersAttribute;

impl Attribute for TiersAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"tiers";
    const MODE: u16 = 0o444;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        for entered in control
            .device()
            .disks()
            .bays()
            .filter_map(|bay| bay.enter())
        {
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
}

/// `disk_uuid`: the UUID in the signatures of disks that are added from now on. It is random
/// until somebody writes another one.
pub(crate) struct UuidAttribute;

impl Attribute for UuidAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"disk_uuid";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        writeln!(text, "{:032x}", control.device().disks().uuid().get())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let uuid = header::parse_uuid(text).map_err(|refusal| refused("disk_uuid", refusal))?;
        let _changing = control.lock();
        control.device().disks().uuid().set(uuid);
        Ok(())
    }
}

/// `tier_add`: adds the disk whose path is written, with an optional priority; `encrypt`
/// and `integrity` after that protect its pages, and `compress=on` or `compress=off` says whether
/// they stay compressed there; with `discard` the disk is told what holds nothing.
pub(crate) struct AddAttribute;

impl Attribute for AddAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"tier_add";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let (path, priority, options) =
            config::parse_disk(text).map_err(|refusal| refused("tier_add", refusal))?;
        let path = path_of("tier_add", path)?;
        control.start_transfers()?;
        control.device().disks().add(&path, priority, options)?;
        control.device().tiers_changed();
        Ok(())
    }
}

/// `tier_remove`: moves everything away from the disk whose path is written, and closes it.
/// With `force` after it, pages that can't be read are abandoned.
pub(crate) struct RemoveAttribute;

impl Attribute for RemoveAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"tier_remove";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let refusal = |refusal| refused("tier_remove", refusal);
        let (path, word) = config::parse_path(text).map_err(refusal)?;
        let force = match word {
            None => false,
            Some(b"force") => true,
            Some(_) => return Err(refusal(Refusal::NotAPath)),
        };
        let path = path_of("tier_remove", path)?;
        drain::remove(control.shared_device(), &path, force)?;
        control.device().tiers_changed();
        Ok(())
    }
}

/// `tier_cancel`: stops the removal of the disk whose path is written.
pub(crate) struct CancelAttribute;

impl Attribute for CancelAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"tier_cancel";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let path = only_path("tier_cancel", text)?;
        drain::cancel(control.device(), &path)
    }
}

/// `tier_probe`: probes the disk whose path is written at once, if it is failed or full.
pub(crate) struct ProbeAttribute;

impl Attribute for ProbeAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"tier_probe";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let path = only_path("tier_probe", text)?;
        let disks = control.device().disks();
        let entered = disks.find(&path).ok_or_else(|| drain::not_a_disk(&path))?;
        if entered.disk().health().probe_now() {
            disks.bell().ring_now();
        }
        Ok(())
    }
}

/// `writeback`: writes pages of the ram tier back, all or those of an age in seconds.
pub(crate) struct WritebackAttribute;

impl Attribute for WritebackAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"writeback";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let age = config::parse_age(text).map_err(|refusal| refused("writeback", refusal))?;
        writeback::write_back_older(control.shared_device(), age)
    }
}

/// `recompress`: compresses pages of the ram tier with zstd, all or those of an age in seconds.
pub(crate) struct RecompressAttribute;

impl Attribute for RecompressAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"recompress";
    const MODE: u16 = 0o200;

    fn store(control: &Control, text: &[u8]) -> Result {
        let age = config::parse_age(text).map_err(|refusal| refused("recompress", refusal))?;
        recompress::recompress_older(control.shared_device(), age)
    }
}

/// `writeback_limit`: the most that is written to disks in a day by vswap's own decision, in bytes;
/// 0 is no limit.
pub(crate) struct WritebackLimitAttribute;

impl Attribute for WritebackLimitAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"writeback_limit";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        writeln!(text, "{}", control.device().budget().limit())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let bytes =
            config::parse_size(text).map_err(|refusal| refused("writeback_limit", refusal))?;
        control.device().budget().set_limit(bytes);
        control.device().begin_writeback();
        Ok(())
    }
}

/// `high_watermark`: the share of the ram limit above which writeback begins, in percent.
pub(crate) struct HighWatermarkAttribute;

impl Attribute for HighWatermarkAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"high_watermark";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        let marks = control.device().ram().watermarks();
        writeln!(text, "{}", marks.high_percent())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let marks = control.device().ram().watermarks();
        let _changing = control.lock();
        config::parse_percentage(text)
            .and_then(|percent| marks.set_high(percent))
            .map_err(|refusal| refused("high_watermark", refusal))?;
        control.device().begin_writeback();
        Ok(())
    }
}

/// `low_watermark`: the share of the ram limit at which writeback ends, in percent.
pub(crate) struct LowWatermarkAttribute;

impl Attribute for LowWatermarkAttribute {
    type Of = Control;
    const NAME: &'static CStr = c"low_watermark";
    const MODE: u16 = 0o644;

    fn show(control: &Control, text: &mut Text<'_>) -> fmt::Result {
        let marks = control.device().ram().watermarks();
        writeln!(text, "{}", marks.low_percent())
    }

    fn store(control: &Control, text: &[u8]) -> Result {
        let marks = control.device().ram().watermarks();
        let _changing = control.lock();
        config::parse_percentage(text)
            .and_then(|percent| marks.set_low(percent))
            .map_err(|refusal| refused("low_watermark", refusal))?;
        control.device().begin_writeback();
        Ok(())
    }
}
