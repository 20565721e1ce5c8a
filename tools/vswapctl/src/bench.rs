// SPDX-License-Identifier: GPL-2.0-only

//! `bench`: how long the device takes for a page on this machine, measured with the program's own
//! memory.

use crate::failure::{failed, Failure};
use crate::size;
use crate::system::System;
use memmap2::{Advice, MmapMut};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};
use vswap_sysfs::NODE;

/// Bytes of a page.
fn page_bytes() -> usize {
    rustix::param::page_size()
}

/// The contents of the pages.
#[derive(Clone, Copy, Debug)]
enum Contents {
    Same,
    Compressible,
    Random,
}

impl Contents {
    const ALL: [Self; 3] = [Self::Same, Self::Compressible, Self::Random];

    fn name(self) -> &'static str {
        match self {
            Self::Same => "same-filled",
            Self::Compressible => "compressible",
            Self::Random => "random",
        }
    }

    /// Fills a page. Each page gets different contents.
    fn fill(self, page: &mut [u8], state: &mut u64) {
        match self {
            Self::Same => page.fill(0x2a),
            Self::Compressible => {
                let (random, same) = page.split_at_mut(page.len() / 3);
                fill_random(random, state);
                same.fill(0);
            }
            Self::Random => fill_random(page, state),
        }
    }
}

/// xorshift64*, whose output does not compress.
fn fill_random(bytes: &mut [u8], state: &mut u64) {
    for chunk in bytes.chunks_mut(8) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        let word = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
}

/// Refuses to run when another device would be measured, or when that might do harm.
fn check(system: &System, bytes: u64) -> Result<(), Failure> {
    let device = system.device()?;
    let swap = system.swap();
    let swap = swap.ok_or_else(|| {
        failed(format!(
            "{NODE} is not swapped on; 'vswapctl on' swaps it on"
        ))
    })?;
    if let Some(other) = system
        .swaps()
        .iter()
        .find(|other| other.path != NODE && other.priority >= swap.priority)
    {
        return Err(failed(format!(
            "{} has priority {} and would be used as well as {NODE}, which has {}; give {NODE} a higher one",
            other.path, other.priority, swap.priority
        )));
    }
    if matches!(
        system
            .read("/sys/module/zswap/parameters/enabled")
            .as_deref(),
        Some("Y" | "1")
    ) {
        return Err(failed(
            "the kernel's zswap is on, and would be measured instead; switch it off first",
        ));
    }
    let needed = bytes.saturating_mul(2);
    let available = system.available();
    if available < needed {
        return Err(failed(format!(
            "only {} of memory are available, and bench needs {}; give a smaller --size",
            size::human(available),
            size::human(needed)
        )));
    }
    let free = device.size()?.saturating_sub(swap.used);
    if free < bytes {
        return Err(failed(format!(
            "only {} of {NODE} are free, and bench needs {}; give a smaller --size",
            size::human(free),
            size::human(bytes)
        )));
    }
    Ok(())
}

/// How much of this process is swapped out, in bytes.
fn swapped_out() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmSwap:"));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Asks the kernel to swap out the whole map.
fn page_out(map: &mut MmapMut) -> std::io::Result<()> {
    // SAFETY: the range is the map's own, and the advice changes nothing of its contents.
    match unsafe { libc::madvise(map.as_mut_ptr().cast(), map.len(), libc::MADV_PAGEOUT) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

struct Measured {
    out: Duration,
    back: Duration,
    free: Duration,
    pages: u64,
}

fn measure(contents: Contents, bytes: u64) -> std::io::Result<Measured> {
    let length = usize::try_from(bytes).unwrap_or(usize::MAX) / page_bytes() * page_bytes();
    let mut map = MmapMut::map_anon(length)?;
    // Huge pages are swapped out whole, which this does not measure.
    let _ = map.advise(Advice::NoHugePage);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for page in map.chunks_exact_mut(page_bytes()) {
        contents.fill(page, &mut state);
    }
    let before = swapped_out();
    let began = Instant::now();
    page_out(&mut map)?;
    let out = began.elapsed();
    let pages = swapped_out().saturating_sub(before) / page_bytes() as u64;
    let began = Instant::now();
    let mut sum = 0u8;
    for page in map.chunks_exact(page_bytes()) {
        sum ^= std::hint::black_box(page[0]);
    }
    std::hint::black_box(sum);
    let back = began.elapsed();
    for page in map.chunks_exact_mut(page_bytes()) {
        page[0] = page[0].wrapping_add(1);
    }
    page_out(&mut map)?;
    let began = Instant::now();
    drop(map);
    Ok(Measured {
        out,
        back,
        free: began.elapsed(),
        pages,
    })
}

/// The results, with one thread.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// Bytes of each kind.
    pub bytes: u64,
    /// One result for each kind.
    pub results: Vec<Outcome>,
}

/// The result for one kind of contents. Times are in nanoseconds for a page.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Outcome {
    /// The contents of the pages: same-filled, compressible or random.
    pub contents: String,
    /// Pages that were swapped out.
    pub pages: u64,
    /// Time to swap one out.
    pub out_ns: f64,
    /// Time to read one back.
    pub in_ns: f64,
    /// Time to free one.
    pub free_ns: f64,
}

/// Measures all kinds of contents.
///
/// # Errors
///
/// Measuring is not safe, or its result would not be that of this device.
pub fn run(system: &System, bytes: u64) -> Result<Document, Failure> {
    if bytes < 1 << 20 {
        return Err(crate::failure::usage("--size has to be at least 1M"));
    }
    let mut results = Vec::new();
    for contents in Contents::ALL {
        check(system, bytes)?;
        let measured = measure(contents, bytes)
            .map_err(|error| failed(format!("memory can't be swapped out: {error}")))?;
        if measured.pages * 10 < bytes / page_bytes() as u64 * 9 {
            return Err(failed(format!(
                "only {} of {} pages were swapped out, which is too few to measure; is there a limit on swap for \
                 this process (memory.swap.max), or is the device full?",
                measured.pages,
                bytes / page_bytes() as u64
            )));
        }
        let each = |time: Duration| time.as_secs_f64() * 1e9 / measured.pages as f64;
        results.push(Outcome {
            contents: contents.name().to_owned(),
            pages: measured.pages,
            out_ns: each(measured.out),
            in_ns: each(measured.back),
            free_ns: each(measured.free),
        });
    }
    Ok(Document {
        version: 1,
        bytes,
        results,
    })
}

/// The results as a table.
pub fn table(document: &Document) -> String {
    let mut text = format!(
        "{} of each, one thread; µs a page and MB/s\n{:<14}{:>18}{:>18}{:>18}\n",
        size::human(document.bytes),
        "contents",
        "out",
        "in",
        "free"
    );
    for result in &document.results {
        let cell = |each: f64| {
            let rate = page_bytes() as f64 * 1e3 / each.max(1e-3);
            format!("{:.2} {rate:>8.0}", each / 1e3)
        };
        let _ = writeln!(
            text,
            "{:<14}{:>18}{:>18}{:>18}",
            result.contents,
            cell(result.out_ns),
            cell(result.in_ns),
            cell(result.free_ns)
        );
    }
    text
}
