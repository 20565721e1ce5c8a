// SPDX-License-Identifier: GPL-2.0-only

//! `status`: the device, its tiers, and what lies where.

use crate::bar;
use crate::cli;
use crate::columns::{self, Layout};
use crate::failure::Failure;
use crate::look::{self, Look};
use crate::out::printable;
use crate::size::{self, Style};
use crate::snapshot::{Kind, Part, Rates, Snapshot};
use crate::system::{Pressure, Swap, System};
use anstyle::AnsiColor;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;
use std::io::{self, IsTerminal, Write as _};
use std::thread;
use std::time::Duration;
use vswap_sysfs::{page_bytes, Device, Stat, State, Tier};

/// The time between two readings while pages may be moving.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs the command. Returns its output.
///
/// # Errors
///
/// The module is not loaded.
pub fn run(system: &System, look: Look, options: &cli::Status) -> Result<String, Failure> {
    let Some(pause) = options.watch else {
        return once(system, look, options);
    };
    let is_terminal = io::stdout().is_terminal();
    loop {
        let text = once(system, look, options)?;
        // Clears the terminal.
        let text = if is_terminal {
            format!("\x1b[H\x1b[2J{text}")
        } else {
            text + "\n"
        };
        let written = io::stdout().write_all(text.as_bytes());
        if written.and_then(|()| io::stdout().flush()).is_err() {
            return Ok(String::new());
        }
        thread::sleep(pause);
    }
}

fn once(system: &System, look: Look, options: &cli::Status) -> Result<String, Failure> {
    let device = system.device()?;
    let (snapshot, rates) = observe(system, &device)?;
    let style = if options.bytes {
        Style::Bytes
    } else {
        Style::Human
    };
    if options.json {
        let columns = options.columns();
        if columns.is_empty() {
            return crate::json::text(&document(&snapshot, &rates));
        }
        let rows = columns::json(&snapshot.parts(), &columns);
        return crate::json::text(&json!({ "version": 1, "tiers": rows }));
    }
    if options.is_table() {
        let columns = match options.columns() {
            columns if columns.is_empty() => columns::DEFAULT.to_vec(),
            columns => columns,
        };
        let layout = Layout {
            headings: !options.noheadings,
            raw: options.raw,
            style,
        };
        return Ok(columns::table(&snapshot.parts(), &columns, layout));
    }
    let mut text = screen(&snapshot, &rates, look, style);
    if options.explain {
        text.push('\n');
        text.push_str(&explanation(look));
    }
    Ok(text)
}

/// A reading and the rates. If pages may be moving, this takes two readings.
fn observe(system: &System, device: &Device) -> Result<(Snapshot, Rates), Failure> {
    let first = Snapshot::take(system, device)?;
    if !first.may_move() {
        return Ok((first, Rates::default()));
    }
    thread::sleep(PAUSE);
    let second = Snapshot::take(system, device)?;
    let rates = Rates::between(&first, &second);
    Ok((second, rates))
}

/// The screen.
pub fn screen(snapshot: &Snapshot, rates: &Rates, look: Look, style: Style) -> String {
    let mut text = String::new();
    let used = snapshot.used();
    let state = match &snapshot.swap {
        Some(swap) => format!("swapped on, priority {}", swap.priority),
        None => look.alarm("not swapped on"),
    };
    let _ = writeln!(
        text,
        "{}  {state}, {}",
        look.bold(snapshot.node),
        snapshot.algorithm.as_deref().unwrap_or("?")
    );
    let _ = writeln!(
        text,
        "\n{} of {} swapped out{}",
        look.bold(&style.show(used)),
        style.show_known(snapshot.size),
        snapshot.size.map_or(String::new(), |size| format!(
            ", {}",
            size::percent(used, size)
        ))
    );
    let parts = snapshot.parts();
    let bar_width = look.width;
    let _ = writeln!(
        text,
        "{}\n",
        bar::text(look, &parts, used.max(1), bar_width)
    );
    text.push_str(&rows(&parts, used, look, style));
    text.push('\n');
    text.push_str(&facts(snapshot, rates, look, style));
    look::cut(&text, look.width)
}

/// The parts, one on each line, and their sum.
fn rows(parts: &[Part], used: u64, look: Look, style: Style) -> String {
    let shown = |part: &Part| part.kind != Kind::Lost || part.holds > 0;
    let size_width = if style == Style::Bytes { 16 } else { 8 };
    // A long name is shortened if the columns after it need the room.
    let plain = Look {
        colour: false,
        ..look
    };
    let remarks = parts
        .iter()
        .map(|part| look::columns(&remark(part, plain, style)));
    let names = parts
        .iter()
        .map(|part| look::columns(&printable(&part.name)));
    let others = 2 * size_width + 12 + remarks.max().unwrap_or(0);
    let room = look.width.saturating_sub(others);
    let least = if look.width < 60 { 10 } else { 16 };
    let name_width = names.max().unwrap_or(0).min(room).max(least);
    let mut text = String::new();
    let heading = format!(
        "  {:<name_width$} {:>size_width$} {:>5} {:>size_width$}  {}",
        "where", "data", "", "takes", ""
    );
    let _ = writeln!(text, "{}", look.bold(heading.trim_end()));
    for (part, (key, colour)) in parts
        .iter()
        .zip(bar::keys(parts))
        .filter(|(part, _)| shown(part))
    {
        let sign = look.paint(colour.on_default(), &bar::sign(look, key).to_string());
        let line = format!(
            "{} {:>size_width$} {:>5} {:>size_width$}",
            look.shortened(&part.name, name_width),
            style.show(part.holds),
            size::percent(part.holds, used),
            style.show(part.takes),
        );
        let room = look.width.saturating_sub(look::columns(&line) + 4);
        let _ = match (remark(part, look, style), remark(part, plain, style)) {
            (remark, _) if remark.is_empty() => writeln!(text, "{sign} {line}"),
            // Without room beside the row, it gets a line of its own.
            (remark, plain) if look::columns(&plain) > room => {
                writeln!(text, "{sign} {line}\n    {remark}")
            }
            (remark, _) => writeln!(text, "{sign} {line}  {remark}"),
        };
    }
    let sum = format!("  {:<name_width$} {:>size_width$}", "sum", style.show(used));
    let _ = writeln!(text, "{}", look.bold(&sum));
    text
}

/// Further details of a part.
fn remark(part: &Part, look: Look, style: Style) -> String {
    let ratio = || size::ratio(part.holds, part.takes).map(|ratio| format!("{ratio}:1"));
    let Some(disk) = &part.disk else {
        return match part.kind {
            Kind::Ram => ratio().unwrap_or_default(),
            Kind::Lost => look.alarm("given up with their disk"),
            _ => String::new(),
        };
    };
    let is_packed = disk.packed.is_some_and(|packed| packed.pages != 0);
    let ratio = ratio().filter(|_| is_packed);
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio}, "));
    let mut remark = format!("{ratio}of {}", style.show(disk.size));
    // Corrupt pages are more important than the priority, and there is no room for both.
    let _ = if disk.corrupt == 0 {
        write!(remark, ", prio {}", disk.priority)
    } else {
        let corrupt = format!("{} corrupt", disk.corrupt);
        write!(remark, ", {}", look.alarm(&corrupt))
    };
    match (&disk.state, disk.removal) {
        (State::Active, _) => {}
        (State::Draining, Some(progress)) => {
            let _ = write!(
                remark,
                ", leaving: {}",
                size::percent(progress.moved, progress.total)
            );
        }
        (state, _) => {
            let _ = write!(remark, ", {}", look.alarm(&printable(&state.to_string())));
        }
    }
    remark
}

/// Facts about the whole device.
fn facts(snapshot: &Snapshot, rates: &Rates, look: Look, style: Style) -> String {
    let mut text = String::new();
    let mut fact = |name: &str, value: String| {
        let name = format!("{} ", look.bold(&format!("{name:<9}")));
        let options = textwrap::Options::new(look.width)
            .initial_indent(&name)
            .subsequent_indent("          ")
            .break_words(false);
        let _ = writeln!(text, "{}", textwrap::fill(&value, options));
    };
    let pool = snapshot.stat.pool_bytes();
    let bar_width = match look.width {
        120.. => 40,
        60.. => 20,
        _ => 10,
    };
    match snapshot.ram_limit {
        Some(0) => fact(
            "memory",
            "none is used for pages (ram_limit is 0)".to_owned(),
        ),
        None => fact("memory", format!("{} of ?", style.show(pool))),
        Some(limit) => {
            let marks = [snapshot.low_mark(), snapshot.high_mark()];
            let marks = if snapshot.disks.is_empty() {
                &[][..]
            } else {
                &marks
            };
            let bar = bar::marked(look, AnsiColor::BrightBlue, pool, limit, bar_width, marks);
            fact(
                "memory",
                format!(
                    "{bar} {} of {}, {}",
                    style.show(pool),
                    style.show(limit),
                    size::percent(pool, limit)
                ),
            );
        }
    }
    fact("tables", style.show(snapshot.stat.metadata_bytes()));
    let ratio = size::ratio(snapshot.in_memory(), snapshot.memory_taken());
    let ratio = ratio.map_or(String::new(), |ratio| {
        format!(
            "; {} in memory take {}, {ratio}:1",
            style.show(snapshot.in_memory()),
            style.show(snapshot.memory_taken())
        )
    });
    fact(
        "saved",
        format!("{} of memory{ratio}", style.show(snapshot.saved())),
    );
    if snapshot.stat.withheld_slots() != 0 {
        fact(
            "full",
            "nothing has room, so the kernel has stopped swapping out for now".to_owned(),
        );
    }
    fact("writeback", writeback(snapshot, rates, style));
    for (disk, file) in &snapshot.disks {
        if let (State::Draining, Some(progress)) = (&disk.state, disk.removal) {
            let left = progress.total.saturating_sub(progress.moved);
            let mut value = format!(
                "{}: {} of {} moved",
                printable(file.as_ref().unwrap_or(&disk.path)),
                style.show(progress.moved),
                style.show(progress.total)
            );
            if let Some(seconds) = left.checked_div(rates.drained) {
                let left = size::time(Duration::from_secs(seconds));
                let _ = write!(value, ", {}/s, {left} left", style.show(rates.drained));
            }
            fact("removal", value);
        }
    }
    for (disk, file) in &snapshot.disks {
        if disk.errors > 0 || disk.bad > 0 {
            let name = look.shortened(
                file.as_ref().unwrap_or(&disk.path),
                look.width.saturating_sub(50).max(10),
            );
            let trouble = format!(
                "{} errors, {} can't be used",
                disk.errors,
                style.show(disk.bad)
            );
            fact(
                "trouble",
                format!("{}: {}", name.trim_end(), look.alarm(&trouble)),
            );
        }
    }
    let failed = snapshot.stat.failed_stores();
    if failed > 0 {
        fact(
            "refused",
            look.alarm(&format!(
                "{failed} pages found no room and stayed in memory"
            )),
        );
    }
    text
}

fn writeback(snapshot: &Snapshot, rates: &Rates, style: Style) -> String {
    let mut text = if snapshot.disks.is_empty() {
        "no disk".to_owned()
    } else if rates.written_back > 0 {
        format!("{}/s", style.show(rates.written_back))
    } else {
        "idle".to_owned()
    };
    let written = snapshot
        .stat
        .written_back_pages()
        .saturating_mul(page_bytes());
    if written > 0 {
        let _ = write!(text, ", {} so far", style.show(written));
    }
    if !snapshot.disks.is_empty() && snapshot.ram_limit != Some(0) {
        let percent = |mark: Option<u64>| mark.map_or("?".to_owned(), |mark| mark.to_string());
        let _ = write!(
            text,
            "; above {}% of the limit, to {}%",
            percent(snapshot.high_watermark),
            percent(snapshot.low_watermark)
        );
    }
    if let Some(limit @ 1..) = snapshot.writeback_limit {
        let _ = write!(text, "; at most {} a day", style.show(limit));
    }
    text
}

/// The meaning of each figure on the screen.
const MEANINGS: &[(&str, &str)] = &[
    ("swapped out", "All pages that the kernel has swapped out to this device, before compression, and how much can be swapped out: the virtual size. Unused virtual size costs nothing."),
    ("the bar", "Divides what is swapped out among the places below it, in their order and with their colours or letters. The whole bar is the sum."),
    ("where", "The places where pages lie. A page lies in one place only, so the rows add up to the sum."),
    ("data", "The size of the pages in that place before compression, and its share of the sum."),
    ("takes", "What it costs to keep them there, in memory or on the disk. Pages that are moving there take room already, and still count where they come from."),
    ("same-filled", "Pages that repeat one word. The table of slots holds the word, and they take nothing else."),
    ("compressed", "Compressed pages in memory. The ratio beside them is data over takes."),
    ("incompressible", "Pages in memory that did not compress."),
    ("disks", "Pages on each disk or swap file. They take less than their size where they stay compressed; then the ratio stands beside them. So do its size, its priority (higher ones fill first), corrupt pages if there are any, its state if that is unusual, and the progress of its removal."),
    ("lost", "Pages on a disk that was given up with --force. A program that needs one gets an error."),
    ("memory", "The size of the pool of compressed pages, and its limit (ram_limit). The pool is a little larger than its pages, as room between them is lost. The marks are the watermarks."),
    ("tables", "The memory that records where each page lies."),
    ("saved", "The size of the pages in memory before compression, same-filled ones included, less what they take now: pool and tables. The ratio is the first over the second."),
    ("writeback", "When the pool is above the upper mark, vswap writes the coldest pages to disks until the pool is at the lower mark. A limit on what it writes in a day is optional. The rate is the present one."),
    ("removal", "A disk that is being removed: its pages move elsewhere while programs use them."),
    ("trouble", "Errors of a disk since it was added, and how much of it is out of use because writing there failed."),
    ("refused", "Pages that the kernel wanted to swap out when there was no room. Nothing was lost: they stayed in memory."),
];

fn explanation(look: Look) -> String {
    let indent = " ".repeat(16);
    let mut text = String::new();
    for (name, meaning) in MEANINGS {
        let name = format!("{name:<16}");
        let options = textwrap::Options::new(look.width)
            .initial_indent(&name)
            .subsequent_indent(&indent);
        let _ = writeln!(text, "{}", textwrap::fill(meaning, options));
    }
    text
}

/// Everything, for scripts. Sizes are in bytes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// The node.
    pub device: String,
    /// The device as the swap core sees it; `null` if it is not swapped on.
    pub swap: Option<Swap>,
    /// The settings.
    pub settings: Settings,
    /// What is swapped out: the sum of the parts.
    pub used: u64,
    /// Memory that is free because pages are compressed.
    pub saved: u64,
    /// The places where pages lie.
    pub parts: Vec<PlaceRow>,
    /// The disks.
    pub disks: Vec<DiskRow>,
    /// The present rates, for each second.
    pub rates: RateRow,
    /// The share of time in which programs wait for memory, if the kernel tells.
    pub pressure: Option<Pressure>,
    /// The module's statistics.
    pub stat: Stat,
}

/// The settings; `null` if the module does not tell.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Settings {
    /// Virtual size.
    pub size: Option<u64>,
    /// Limit of the ram tier.
    pub ram_limit: Option<u64>,
    /// The algorithm for new pages.
    pub comp_algorithm: Option<String>,
    /// In percent of the limit.
    pub high_watermark: Option<u64>,
    /// In percent of the limit.
    pub low_watermark: Option<u64>,
    /// A day; 0 is no limit.
    pub writeback_limit: Option<u64>,
}

/// A place where pages lie.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlaceRow {
    /// A disk's path, or that of the swap file.
    pub name: String,
    /// The kind of place.
    pub kind: Kind,
    /// Pages that lie there.
    pub pages: u64,
    /// Their uncompressed size.
    pub data: u64,
    /// How much they take.
    pub used: u64,
}

/// A disk.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DiskRow {
    /// The module's figures.
    #[serde(flatten)]
    pub tier: Tier,
    /// The file behind it, if it is a loop device.
    pub file: Option<String>,
}

/// The present rates, for each second.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RateRow {
    /// Moved from memory to disks.
    pub written_back_bytes: u64,
    /// Moved from disks that are being removed.
    pub drained_bytes: u64,
}

fn document(snapshot: &Snapshot, rates: &Rates) -> Document {
    let place = |part: Part| PlaceRow {
        name: part.name,
        kind: part.kind,
        pages: part.holds / page_bytes(),
        data: part.holds,
        used: part.takes,
    };
    let disk = |(tier, file): &(Tier, Option<String>)| DiskRow {
        tier: tier.clone(),
        file: file.clone(),
    };
    Document {
        version: 1,
        device: snapshot.node.to_owned(),
        swap: snapshot.swap.clone(),
        settings: Settings {
            size: snapshot.size,
            ram_limit: snapshot.ram_limit,
            comp_algorithm: snapshot.algorithm.clone(),
            high_watermark: snapshot.high_watermark,
            low_watermark: snapshot.low_watermark,
            writeback_limit: snapshot.writeback_limit,
        },
        used: snapshot.used(),
        saved: snapshot.saved(),
        parts: snapshot.parts().into_iter().map(place).collect(),
        disks: snapshot.disks.iter().map(disk).collect(),
        rates: RateRow {
            written_back_bytes: rates.written_back,
            drained_bytes: rates.drained,
        },
        pressure: snapshot.pressure,
        stat: snapshot.stat.clone(),
    }
}
