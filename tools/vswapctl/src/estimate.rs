// SPDX-License-Identifier: GPL-2.0-only

//! `estimate`: what vswap would save on this machine, before anything is changed.
//!
//! A sample of programs' anonymous memory is read, of each program in proportion to its share, and
//! compressed as the module would do it: LZ4 and zstd at their default levels, stored in zsmalloc's size
//! classes. Only pages in memory are read, so nothing is swapped in. Reading a page counts as a use of
//! it and has no other effect.

use crate::cli;
use crate::failure::{failed, usage, Failure};
use crate::look::Look;
use crate::size;
use crate::system::System;
use indicatif::ProgressBar;
use lz4::block::CompressionMode;
use procfs::process::{MMPermissions, MMapPath, MemoryPageFlags, PageInfo, Process};
use procfs::{KPageFlags, PhysicalPageFlags};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};
use vswap_engine::codec::Algorithm;
use vswap_engine::entry::Entry;
use vswap_engine::page::{Page, PAGE_SIZE, PAGE_WORDS};
use vswap_engine::same;

/// The kernel's level, `ZSTD_CLEVEL_DEFAULT`.
const ZSTD_LEVEL: i32 = 3;

/// What each page takes in addition: an entry of its table, and its share of a cluster object.
const TABLE_BYTES: f64 = 8.4;

/// How many pages of a program's page map are read at a time.
const CHUNK: usize = 4096;

/// How many bytes zsmalloc takes for an object of that length. As in `mm/zsmalloc.c`: size classes of 16
/// bytes, whose objects lie in zspages of up to 8 pages, of the size that wastes least. The object's
/// handle takes 8 bytes. Merged classes cost the same.
fn pool_bytes(length: usize) -> f64 {
    const CHAIN: usize = 8;
    let class = (length + 8).clamp(32, PAGE_SIZE).next_multiple_of(16);
    let pages = (1..=CHAIN).min_by_key(|pages| {
        let bytes = pages * PAGE_SIZE;
        (bytes % class) * 100 / bytes
    });
    let bytes = pages.unwrap_or(1) * PAGE_SIZE;
    bytes as f64 / (bytes / class) as f64
}

/// The result of one algorithm.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Outcome {
    /// Its name.
    pub algorithm: String,
    /// Share of the pages that repeat one word and take no more than an entry.
    pub same_filled: f64,
    /// Share of the pages that compress.
    pub compressible: f64,
    /// Share of the pages that don't.
    pub incompressible: f64,
    /// Bytes of compressible pages for each byte that they take, losses of the pool included; 0 if there
    /// are none.
    pub ratio: f64,
    /// Bytes that all of the anonymous memory would take in compressed memory, tables included.
    pub needed_bytes: u64,
    /// Bytes that would then be free.
    pub saved_bytes: u64,
}

/// The estimate.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Estimate {
    /// Version of this document.
    pub version: u32,
    /// Processes whose memory was sampled.
    pub processes: usize,
    /// Bytes of their anonymous memory.
    pub anonymous_bytes: u64,
    /// Pages that were read.
    pub sampled_pages: usize,
    /// Whether the time limit ended the sampling early.
    pub is_cut_short: bool,
    /// The result of each algorithm.
    pub results: Vec<Outcome>,
}

#[derive(Default)]
struct Tally {
    same: usize,
    compressed: usize,
    raw: usize,
    compressed_bytes: f64,
    other_bytes: f64,
}

impl Tally {
    /// Counts a page that compresses to that many bytes.
    fn add(&mut self, length: Option<usize>) {
        match length.map(|length| (length, pool_bytes(length))) {
            Some((_, bytes)) if bytes < PAGE_SIZE as f64 => {
                self.compressed += 1;
                self.compressed_bytes += bytes;
            }
            _ => {
                self.raw += 1;
                self.other_bytes += PAGE_SIZE as f64;
            }
        }
    }

    fn add_same(&mut self, word: u64) {
        self.same += 1;
        if Entry::same(word).is_none() {
            self.other_bytes += pool_bytes(size_of::<u64>());
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size is neither negative nor near 2^64"
    )]
    fn result(&self, algorithm: Algorithm, anonymous: u64) -> Outcome {
        let pages = (self.same + self.compressed + self.raw).max(1) as f64;
        let share = |number: usize| number as f64 / pages;
        let each = (self.compressed_bytes + self.other_bytes) / pages + TABLE_BYTES;
        let needed = (anonymous as f64 / PAGE_SIZE as f64 * each) as u64;
        Outcome {
            algorithm: algorithm.name().to_owned(),
            same_filled: share(self.same),
            compressible: share(self.compressed),
            incompressible: share(self.raw),
            ratio: match self.compressed {
                0 => 0.0,
                number => number as f64 * PAGE_SIZE as f64 / self.compressed_bytes,
            },
            needed_bytes: needed,
            saved_bytes: anonymous.saturating_sub(needed),
        }
    }
}

/// Counts a page with each algorithm.
fn count(page: &Page, tallies: &mut [Tally], zstd: &mut zstd::bulk::Compressor<'_>) {
    if let Some(word) = same::repeated_word(page) {
        for tally in tallies {
            tally.add_same(word);
        }
        return;
    }
    let bytes: Vec<u8> = page.iter().flat_map(|word| word.to_ne_bytes()).collect();
    for (algorithm, tally) in Algorithm::ALL.into_iter().zip(tallies) {
        let length = match algorithm {
            Algorithm::Lz4 => {
                lz4::block::compress(&bytes, Some(CompressionMode::DEFAULT), false).ok()
            }
            Algorithm::Zstd => zstd.compress(&bytes).ok(),
        };
        tally.add(length.map(|bytes| bytes.len()));
    }
}

/// A program and the size of its anonymous memory.
struct Program {
    process: Process,
    anonymous: u64,
}

fn programs(system: &System) -> Result<Vec<Program>, Failure> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let all = procfs::process::all_processes_with_root(system.path("/proc"))
        .map_err(|error| failed(format!("/proc can't be read: {error}")))?;
    // Processes may end meanwhile, and kernel threads have no memory.
    Ok(all
        .filter_map(|process| {
            let process = process.ok().filter(|process| process.pid() != own)?;
            let anonymous = process.status().ok()?.rssanon?.saturating_mul(1024);
            (anonymous > 0).then_some(Program { process, anonymous })
        })
        .collect())
}

/// Samples the pages of a program: one of every so many of its anonymous pages in memory.
struct Sampler {
    flags: Option<KPageFlags>,
    memory: File,
}

impl Sampler {
    /// Whether the page could be swapped out: it is not the shared zero page, and not locked.
    fn is_swappable(&mut self, flags: MemoryPageFlags) -> bool {
        if !flags.contains(MemoryPageFlags::PRESENT) || flags.contains(MemoryPageFlags::FILE) {
            return false;
        }
        let frame = flags.get_page_frame_number();
        match self.flags.as_mut().map(|all| all.get_info(frame)) {
            Some(Ok(flags)) => {
                flags.contains(PhysicalPageFlags::ANON)
                    && !flags
                        .intersects(PhysicalPageFlags::ZERO_PAGE | PhysicalPageFlags::UNEVICTABLE)
            }
            _ => true,
        }
    }

    fn read(&self, address: u64) -> Option<Page> {
        let mut bytes = [0u8; PAGE_SIZE];
        self.memory.read_exact_at(&mut bytes, address).ok()?;
        let mut page = [0; PAGE_WORDS];
        for (word, bytes) in page.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().ok()?);
        }
        Some(page)
    }
}

/// Passes every `step`-th page of the program to `found` until that returns false.
fn sample(program: &Process, step: u64, mut found: impl FnMut(&Page) -> bool) -> Option<()> {
    let mut sampler = Sampler {
        flags: KPageFlags::new().ok(),
        memory: program.mem().ok()?,
    };
    let mut map = program.pagemap().ok()?;
    let mut seen = step / 2;
    for area in program.maps().ok()? {
        let is_readable = area.perms.contains(MMPermissions::READ);
        if !is_readable
            || matches!(
                area.pathname,
                MMapPath::Vsyscall | MMapPath::Vvar | MMapPath::Vdso
            )
        {
            continue;
        }
        let page = |address: u64| usize::try_from(address / PAGE_SIZE as u64).ok();
        let (mut from, end) = (page(area.address.0)?, page(area.address.1)?);
        while from < end {
            let to = end.min(from + CHUNK);
            for (index, info) in (from..to).zip(map.get_range_info(from..to).ok()?) {
                let PageInfo::MemoryPage(flags) = info else {
                    continue;
                };
                if !flags.contains(MemoryPageFlags::PRESENT)
                    || flags.contains(MemoryPageFlags::FILE)
                {
                    continue;
                }
                seen += 1;
                if seen < step || !sampler.is_swappable(flags) {
                    continue;
                }
                seen = 0;
                if let Some(page) = sampler.read(index as u64 * PAGE_SIZE as u64) {
                    if !found(&page) {
                        return Some(());
                    }
                }
            }
            from = to;
        }
    }
    Some(())
}

/// Samples the machine's memory.
///
/// # Errors
///
/// Memory can't be read, or there is none.
pub fn take(system: &System, bytes: u64, time: Duration) -> Result<Estimate, Failure> {
    let wanted = bytes / PAGE_SIZE as u64;
    if wanted == 0 {
        return Err(usage("--size has to be at least 4K"));
    }
    system.require_root()?;
    let programs = programs(system)?;
    let anonymous = programs
        .iter()
        .map(|program| program.anonymous)
        .sum::<u64>();
    let step = (anonymous / PAGE_SIZE as u64 / wanted).max(1);
    let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)
        .map_err(|error| failed(format!("zstd does not work: {error}")))?;
    let mut tallies = Algorithm::ALL.map(|_| Tally::default());
    let bar = ProgressBar::new(wanted.min(anonymous / PAGE_SIZE as u64));
    let until = Instant::now() + time;
    let (mut pages, mut is_cut_short, mut looked_at) = (0, false, 0);
    for program in &programs {
        if is_cut_short {
            break;
        }
        let looked = sample(&program.process, step, |page| {
            count(page, &mut tallies, &mut zstd);
            pages += 1;
            bar.inc(1);
            is_cut_short = Instant::now() >= until;
            !is_cut_short
        });
        looked_at += usize::from(looked.is_some());
    }
    bar.finish_and_clear();
    if pages == 0 {
        return Err(failed(
            "no anonymous memory could be read, so there is nothing to estimate",
        ));
    }
    let results = Algorithm::ALL.into_iter().zip(&tallies);
    Ok(Estimate {
        version: 1,
        processes: looked_at,
        anonymous_bytes: anonymous,
        sampled_pages: pages,
        is_cut_short,
        results: results
            .map(|(algorithm, tally)| tally.result(algorithm, anonymous))
            .collect(),
    })
}

/// The estimate as a table. No line of text around it is longer than `width`.
pub fn table(estimate: &Estimate, width: usize) -> String {
    let anonymous = size::human(estimate.anonymous_bytes);
    let head = format!(
        "{} pages sampled of {anonymous} of anonymous memory in {} programs{}",
        estimate.sampled_pages,
        estimate.processes,
        if estimate.is_cut_short {
            ", until the time limit"
        } else {
            ""
        }
    );
    let mut text = format!("{}\n\n", textwrap::fill(&head, width));
    let mut row = |name: &str, cell: fn(&Outcome) -> String| {
        let _ = write!(text, "{name:<24}");
        for result in &estimate.results {
            let _ = write!(text, "{:>9}", cell(result));
        }
        text.push('\n');
    };
    row("", |result| result.algorithm.clone());
    row("same-filled", |result| percent(result.same_filled));
    row("compressible", |result| percent(result.compressible));
    row("  their ratio", |result| match result.ratio {
        0.0 => "-".to_owned(),
        ratio => format!("{ratio:.2}:1"),
    });
    row("incompressible", |result| percent(result.incompressible));
    row("all of it would take", |result| {
        size::human(result.needed_bytes)
    });
    row("and save", |result| size::human(result.saved_bytes));
    let foot = "The oldest pages go to a disk, if there is one; incompressible ones go first.";
    let _ = writeln!(text, "\n{}", textwrap::fill(foot, width));
    text
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// Runs the command. Returns its output.
///
/// # Errors
///
/// Those of [`take`].
pub fn run(system: &System, look: Look, options: &cli::Estimate) -> Result<String, Failure> {
    let bytes = options.size.bytes(system.ram()).map_err(usage)?;
    let estimate = take(system, bytes, options.time)?;
    if options.json {
        return crate::json::text(&estimate);
    }
    Ok(table(&estimate, look.width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_match_zsmalloc_s_classes() {
        // As /sys/kernel/debug/zsmalloc/*/classes shows it: pages and objects of a zspage.
        for (length, pages, objects) in [
            (8, 1, 128),
            (24, 1, 128),
            (1000, 1, 4),
            (2040, 1, 2),
            (2700, 2, 3),
            (4088, 1, 1),
        ] {
            let cost = (pages * PAGE_SIZE) as f64 / f64::from(objects);
            assert!(
                (pool_bytes(length) - cost).abs() < 20.0,
                "{length}: {}",
                pool_bytes(length)
            );
        }
        let costs: Vec<f64> = (1..=PAGE_SIZE).map(pool_bytes).collect();
        assert!(costs.windows(2).all(|pair| pair[0] <= pair[1] * 1.05));
    }

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let outcome = |algorithm: Algorithm| Outcome {
            algorithm: algorithm.name().to_owned(),
            same_filled: 0.1,
            compressible: 0.8,
            incompressible: 0.1,
            ratio: 3.0,
            needed_bytes: 1 << 30,
            saved_bytes: 2 << 30,
        };
        let estimate = Estimate {
            version: 1,
            processes: 1234,
            anonymous_bytes: 3 << 30,
            sampled_pages: 8192,
            is_cut_short: true,
            results: Algorithm::ALL.map(outcome).to_vec(),
        };
        for width in [50, 60, 80, 120] {
            let text = table(&estimate, width);
            for line in text.lines() {
                assert!(line.len() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn pages_are_classified_correctly() {
        let mut state = 1u64;
        let mut random = [0u64; PAGE_WORDS];
        for word in &mut random {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *word = state ^ (state >> 33);
        }
        let mut third = random;
        third[PAGE_WORDS / 3..].fill(0);
        let mut tallies = Algorithm::ALL.map(|_| Tally::default());
        let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL).expect("a compressor");
        for page in [random, third, [7; PAGE_WORDS], third] {
            count(&page, &mut tallies, &mut zstd);
        }
        for (algorithm, tally) in Algorithm::ALL.into_iter().zip(&tallies) {
            let result = tally.result(algorithm, 4 << 20);
            assert_eq!(
                (
                    result.same_filled,
                    result.compressible,
                    result.incompressible
                ),
                (0.25, 0.5, 0.25)
            );
            assert!((2.5..3.1).contains(&result.ratio), "{result:?}");
            assert_eq!(result.needed_bytes + result.saved_bytes, 4 << 20);
        }
    }
}
