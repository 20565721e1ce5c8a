// SPDX-License-Identifier: GPL-2.0-only

//! `metrics`: all figures in the text format of Prometheus.

use crate::failure::{failed, Code, Failure};
use crate::snapshot::Snapshot;
use crate::system::System;
use std::fmt::{Display, Write as _};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vswap_sysfs::{Kind, FIGURES};

/// The text; of a machine where the module is not loaded it says so.
///
/// # Errors
///
/// An attribute can't be read.
pub fn text(system: &System) -> Result<String, Failure> {
    let mut page = Page::default();
    let device = match system.device() {
        Err(failure) if failure.code == Code::NoModule => {
            page.one("vswap_loaded", "gauge", "Whether the module is loaded.", 0);
            return Ok(page.0);
        }
        device => device?,
    };
    let snapshot = Snapshot::take(system, &device)?;
    page.one("vswap_loaded", "gauge", "Whether the module is loaded.", 1);
    let is_on = u8::from(snapshot.swap.is_some());
    page.one(
        "vswap_swapped_on",
        "gauge",
        "Whether the device is swapped on.",
        is_on,
    );
    for (name, meaning, value) in [
        ("size", "Virtual size.", snapshot.size),
        (
            "ram_limit",
            "The most that compressed pages may take.",
            snapshot.ram_limit,
        ),
        (
            "writeback_limit",
            "The most that is written to disks in a day; 0 is no limit.",
            snapshot.writeback_limit,
        ),
    ] {
        page.one(&format!("vswap_{name}_bytes"), "gauge", meaning, value);
    }
    for (name, meaning, percent) in [
        (
            "high",
            "Share of the limit above which cold pages are written back.",
            snapshot.high_watermark,
        ),
        (
            "low",
            "Share of the limit down to which cold pages are written back.",
            snapshot.low_watermark,
        ),
    ] {
        page.one(
            &format!("vswap_{name}_watermark_ratio"),
            "gauge",
            meaning,
            percent as f64 / 100.0,
        );
    }
    for figure in FIGURES {
        let Some(value) = snapshot.stat.get(figure.name) else {
            continue;
        };
        let name = figure.name;
        match figure.kind {
            Kind::Level => page.one(&format!("vswap_{name}"), "gauge", figure.meaning, value),
            Kind::Event => page.one(
                &format!("vswap_{name}_total"),
                "counter",
                figure.meaning,
                value,
            ),
        }
    }
    let is_known = |name: &str| FIGURES.iter().any(|figure| figure.name == name);
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    for (name, value) in snapshot
        .stat
        .iter()
        .filter(|(name, _)| !is_known(name) && is_name(name))
    {
        page.one(
            &format!("vswap_{name}"),
            "untyped",
            "A figure that this vswapctl does not know.",
            value,
        );
    }
    disks(&mut page, &snapshot);
    Ok(page.0)
}

fn disks(page: &mut Page, snapshot: &Snapshot) {
    type Field = fn(&vswap_sysfs::Tier) -> Option<i128>;
    let fields: [(&str, &str, &str, Field); 11] = [
        (
            "priority",
            "gauge",
            "Disks of higher priority are filled first.",
            |disk| Some(disk.priority.into()),
        ),
        ("size_bytes", "gauge", "What fits on the disk.", |disk| {
            Some(disk.size.into())
        }),
        ("used_bytes", "gauge", "What is on the disk.", |disk| {
            Some(disk.used.into())
        }),
        (
            "bad_bytes",
            "gauge",
            "What can't be used any more, as writing there failed.",
            |disk| Some(disk.bad.into()),
        ),
        ("errors_total", "counter", "Errors of the disk.", |disk| {
            Some(disk.errors.into())
        }),
        (
            "corrupt_pages_total",
            "counter",
            "Pages that were not what was written, on disks with integrity.",
            |disk| Some(disk.corrupt.into()),
        ),
        (
            "read_bytes_total",
            "counter",
            "Read from the disk.",
            |disk| Some(disk.read.into()),
        ),
        (
            "written_bytes_total",
            "counter",
            "Written to the disk.",
            |disk| Some(disk.written.into()),
        ),
        (
            "failed",
            "gauge",
            "Whether the disk takes no more pages, after too many errors.",
            |disk| Some(i128::from(disk.state == vswap_sysfs::State::Failed)),
        ),
        (
            "removal_moved_bytes",
            "gauge",
            "While the disk is removed: what was moved elsewhere.",
            |disk| Some(disk.removal?.moved.into()),
        ),
        (
            "removal_total_bytes",
            "gauge",
            "While the disk is removed: what is to be moved in all.",
            |disk| Some(disk.removal?.total.into()),
        ),
    ];
    for (name, kind, meaning, field) in fields {
        let values = snapshot.disks.iter().filter_map(|(disk, file)| {
            let labels = format!(
                "{{device=\"{}\",file=\"{}\"}}",
                escaped(&disk.path),
                escaped(file.as_deref().unwrap_or(""))
            );
            Some((labels, field(disk)?))
        });
        page.family(&format!("vswap_disk_{name}"), kind, meaning, values);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn one(&mut self, name: &str, kind: &str, meaning: &str, value: impl Display) {
        self.family(name, kind, meaning, [(String::new(), value)].into_iter());
    }

    fn family<V: Display>(
        &mut self,
        name: &str,
        kind: &str,
        meaning: &str,
        values: impl Iterator<Item = (String, V)>,
    ) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        let _ = writeln!(self.0, "# HELP {name} {meaning}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

/// Writes the text to a file, in one step, so that nobody reads half of it.
///
/// # Errors
///
/// It can't be written.
pub fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let shown = file.display();
    let directory = match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::Builder::new()
            .prefix(".vswap")
            .tempfile_in(directory)?;
        new.write_all(text.as_bytes())?;
        new.as_file()
            .set_permissions(PermissionsExt::from_mode(0o644))?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|error| failed(format!("{shown} can't be written: {error}")))
}
