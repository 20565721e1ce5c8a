// SPDX-License-Identifier: GPL-2.0-only

//! `metrics`: all figures in the text format of Prometheus.

use crate::failure::{failed, Code, Failure};
use crate::out::printable;
use crate::snapshot::Snapshot;
use crate::system::System;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::TextEncoder;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use vswap_sysfs::{known, Kind, State, Tier, FIGURES};

/// The text. If the module is not loaded, it says that.
///
/// # Errors
///
/// An attribute can't be read.
pub fn text(system: &System) -> Result<String, Failure> {
    let mut page = Page::default();
    let device = match system.device() {
        Err(failure) if failure.code == Code::NoModule => {
            page.build_info("");
            page.one(
                "vswap_loaded",
                Kind::Level,
                "Whether the module is loaded.",
                Some(0),
            );
            return page.text();
        }
        device => device?,
    };
    let snapshot = Snapshot::take(system, &device)?;
    page.build_info(&known(device.abi())?.unwrap_or(0).to_string());
    let is_on = u64::from(snapshot.swap.is_some());
    for (name, meaning, value) in [
        ("loaded", "Whether the module is loaded.", Some(1)),
        (
            "swapped_on",
            "Whether the device is swapped on.",
            Some(is_on),
        ),
        ("size_bytes", "Virtual size.", snapshot.size),
        (
            "ram_limit_bytes",
            "The most that compressed pages may take.",
            snapshot.ram_limit,
        ),
        (
            "writeback_limit_bytes",
            "The most that is written to disks in a day; 0 is no limit.",
            snapshot.writeback_limit,
        ),
    ] {
        page.one(&format!("vswap_{name}"), Kind::Level, meaning, value);
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
        let value = percent.map(|percent| percent as f64 / 100.0);
        let name = format!("vswap_{name}_watermark_ratio");
        let value = value.map(|value| (Vec::new(), value));
        page.family(&name, Kind::Level, meaning, value);
    }
    for figure in FIGURES {
        let name = figure.name;
        let name = match figure.kind {
            Kind::Level => format!("vswap_{name}"),
            Kind::Event => format!("vswap_{name}_total"),
        };
        let value = snapshot.stat.get(figure.name);
        page.one(&name, figure.kind, figure.meaning, value);
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
            Kind::Level,
            "A figure that is unknown to this vswapctl.",
            Some(value),
        );
    }
    disks(&mut page, &snapshot);
    page.text()
}

fn disks(page: &mut Page, snapshot: &Snapshot) {
    type Field = fn(&Tier) -> Option<f64>;
    let fields: [(&str, Kind, &str, Field); 12] = [
        (
            "priority",
            Kind::Level,
            "Disks of higher priority are filled first.",
            |disk| Some(disk.priority.into()),
        ),
        ("size_bytes", Kind::Level, "Size of the disk.", |disk| {
            Some(disk.size as f64)
        }),
        (
            "used_bytes",
            Kind::Level,
            "Space in use on the disk.",
            |disk| Some(disk.used as f64),
        ),
        (
            "bad_bytes",
            Kind::Level,
            "Space that is unusable because writing there failed.",
            |disk| Some(disk.bad as f64),
        ),
        ("errors_total", Kind::Event, "Errors of the disk.", |disk| {
            Some(disk.errors as f64)
        }),
        (
            "corrupt_pages_total",
            Kind::Event,
            "Pages that were not what was written, on disks with integrity.",
            |disk| Some(disk.corrupt as f64),
        ),
        (
            "read_bytes_total",
            Kind::Event,
            "Read from the disk.",
            |disk| Some(disk.read as f64),
        ),
        (
            "written_bytes_total",
            Kind::Event,
            "Written to the disk.",
            |disk| Some(disk.written as f64),
        ),
        (
            "failed",
            Kind::Level,
            "Whether the disk takes no pages because of too many errors.",
            |disk| Some(is(disk, &State::Failed)),
        ),
        (
            "stuck",
            Kind::Level,
            "Whether the disk does not answer, and takes no pages until it does.",
            |disk| Some(is(disk, &State::Stuck)),
        ),
        (
            "removal_moved_bytes",
            Kind::Level,
            "During a removal of the disk: how much has moved.",
            |disk| Some(disk.removal?.moved as f64),
        ),
        (
            "removal_total_bytes",
            Kind::Level,
            "During a removal of the disk: how much has to move.",
            |disk| Some(disk.removal?.total as f64),
        ),
    ];
    for (name, kind, meaning, field) in fields {
        let values = snapshot.disks.iter().filter_map(|(disk, file)| {
            let labels = vec![
                label("device", &disk.path),
                label("file", file.as_deref().unwrap_or("")),
            ];
            Some((labels, field(disk)?))
        });
        // Not `vswap_disk_`, which the sums over all disks begin with.
        page.family(&format!("vswap_tier_{name}"), kind, meaning, values);
    }
}

fn is(disk: &Tier, state: &State) -> f64 {
    f64::from(u8::from(disk.state == *state))
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(printable(value));
    label
}

#[derive(Default)]
struct Page(Vec<MetricFamily>);

impl Page {
    fn build_info(&mut self, abi: &str) {
        let labels = vec![
            label("version", env!("CARGO_PKG_VERSION")),
            label("abi", abi),
        ];
        self.family(
            "vswap_build_info",
            Kind::Level,
            "The version of vswapctl, and that of the loaded module's attributes.",
            [(labels, 1.0)],
        );
    }

    fn one(&mut self, name: &str, kind: Kind, meaning: &str, value: Option<u64>) {
        let value = value.map(|value| (Vec::new(), value as f64));
        self.family(name, kind, meaning, value);
    }

    fn family(
        &mut self,
        name: &str,
        kind: Kind,
        meaning: &str,
        values: impl IntoIterator<Item = (Vec<LabelPair>, f64)>,
    ) {
        let metric = |(labels, value): (Vec<LabelPair>, f64)| {
            let mut metric = Metric::from_label(labels);
            match kind {
                Kind::Level => {
                    let mut gauge = Gauge::default();
                    gauge.set_value(value);
                    metric.set_gauge(gauge);
                }
                Kind::Event => {
                    let mut counter = Counter::default();
                    counter.set_value(value);
                    metric.set_counter(counter);
                }
            }
            metric
        };
        let values: Vec<Metric> = values.into_iter().map(metric).collect();
        // Prometheus refuses the whole page if it has a name twice.
        if values.is_empty() || self.0.iter().any(|family| family.name() == name) {
            return;
        }
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(meaning.to_owned());
        family.set_field_type(match kind {
            Kind::Level => MetricType::GAUGE,
            Kind::Event => MetricType::COUNTER,
        });
        family.set_metric(values);
        self.0.push(family);
    }

    fn text(&self) -> Result<String, Failure> {
        TextEncoder::new()
            .encode_to_string(&self.0)
            .map_err(|error| failed(format!("the figures can't be written as text: {error}")))
    }
}

/// Writes the text to a file in one step, so that nobody reads half of it. A path that is not a regular
/// file, such as a terminal or a pipe, is written to and not replaced.
///
/// # Errors
///
/// It can't be written.
pub fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let shown = file.display();
    write_to(file, text).map_err(|error| failed(format!("{shown} can't be written: {error}")))
}

fn write_to(file: &Path, text: &str) -> std::io::Result<()> {
    let is_other = fs::metadata(file).is_ok_and(|metadata| !metadata.is_file());
    // If the path is a link, its target is replaced, if that has a name. The link itself never is, as it
    // may be /dev/stdout.
    let is_link = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_symlink());
    let whole = fs::canonicalize(file);
    if is_other || is_link && whole.is_err() {
        return OpenOptions::new()
            .write(true)
            .open(file)?
            .write_all(text.as_bytes());
    }
    let file = whole.unwrap_or_else(|_| file.to_owned());
    let directory = match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let mut new = tempfile::Builder::new()
        .prefix(".vswap")
        .tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    new.as_file()
        .set_permissions(PermissionsExt::from_mode(0o644))?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::FileTypeExt;

    #[test]
    fn only_regular_files_are_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo").success());
        let path = fifo.clone();
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            fs::File::open(path)?.read_to_string(&mut text)?;
            std::io::Result::Ok(text)
        });
        write(&fifo, "figures").expect("written");
        let text = reader.join().expect("no panic").expect("read");
        assert_eq!(text, "figures");
        let kind = fs::symlink_metadata(&fifo).expect("there").file_type();
        assert!(kind.is_fifo());
        let link = directory.path().join("link");
        let target = directory.path().join("target");
        fs::write(&target, "old").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        write(&link, "new").expect("written");
        assert_eq!(fs::read_to_string(&target).expect("read"), "new");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    }
}
