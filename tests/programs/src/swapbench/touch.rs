// SPDX-License-Identifier: GPL-2.0-only
//! Touches of pages that don't all fit into memory, each timed by itself: all of them in order,
//! or most of them to a few hot pages, which are scattered among the others.

use crate::clock::{now, timed};
use crate::content::Rng;
use crate::data::{Data, Order, Shape};
use crate::record::{Labels, Record, Touches};
use hdrhistogram::Histogram;
use std::io::{Error, Result};
use std::time::Duration;

/// The share of skewed touches that go to hot pages, in percent.
const TO_HOT: u64 = 90;
/// The share of skewed touches that change the page, in percent.
const CHANGES: u64 = 50;
/// A touch that takes longer has waited for the disk.
const WAIT: Duration = Duration::from_millis(1);
/// The longest touch that is distinguished from a longer one.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    #[command(flatten)]
    shape: Shape,
    /// The name of the block device that counts what goes to the disk
    #[arg(long)]
    disk: String,
    /// Instead of reading all back in order: percent of the pages that get most touches
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=99), requires = "seconds")]
    hot: Option<u64>,
    /// How long to do that
    #[arg(long, requires = "hot")]
    seconds: Option<u64>,
}

/// Bytes that a block device has read, and written.
fn traffic(disk: &str) -> Result<(u64, u64)> {
    let path = format!("/sys/block/{disk}/stat");
    parse(&std::fs::read_to_string(&path)?)
        .ok_or_else(|| Error::other(format!("{path}: no statistics of a disk")))
}

/// The third number and the seventh are in sectors.
fn parse(stat: &str) -> Option<(u64, u64)> {
    let bytes = |place| Some(stat.split_whitespace().nth(place)?.parse::<u64>().ok()? * 512);
    Some((bytes(2)?, bytes(6)?))
}

/// How long touches took.
struct Times(Histogram<u64>);

impl Times {
    /// Allocates all memory that it needs.
    fn new() -> Result<Self> {
        let longest = LONGEST.as_nanos() as u64;
        let times = Histogram::new_with_max(longest, 2).map_err(Error::other)?;
        Ok(Times(times))
    }

    /// Gives how long it took as well, in nanoseconds.
    fn touch<T>(&mut self, work: impl FnOnce() -> T) -> (T, u64) {
        let start = now();
        let result = work();
        let took = now() - start;
        self.0.saturating_record(took);
        (result, took)
    }

    fn told(&self, (read, written): (u64, u64)) -> Touches {
        Touches {
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            max: self.0.max(),
            disk_read: read,
            disk_written: written,
        }
    }
}

/// The skewed touches that have waited for the disk.
struct Waits {
    /// How often each page has.
    of: Vec<u8>,
    hot_first: u64,
    hot_again: u64,
    cold: u64,
}

impl Waits {
    /// Allocates all memory that it needs.
    fn new(pages: usize) -> Self {
        Waits {
            of: vec![0; pages],
            hot_first: 0,
            hot_again: 0,
            cold: 0,
        }
    }

    fn add(&mut self, page: usize, is_hot: bool) {
        let times = &mut self.of[page];
        *match (is_hot, *times) {
            (true, 0) => &mut self.hot_first,
            (true, _) => &mut self.hot_again,
            (false, _) => &mut self.cold,
        } += 1;
        *times = times.saturating_add(1);
    }
}

/// One phase: times the touches of `work`, returns their number.
fn phase(
    record: &mut Record,
    name: &str,
    disk: &str,
    work: impl FnOnce(&mut Times) -> Result<u64>,
) -> Result<()> {
    let mut times = Times::new()?;
    let before = traffic(disk)?;
    let mut touched = 0;
    let span = timed(|| {
        touched = work(&mut times)?;
        Ok(())
    })?;
    let after = traffic(disk)?;
    let told = times.told((after.0 - before.0, after.1 - before.1));
    eprintln!("    {name}: {}", in_words(touched, span.ns(), &told));
    record.add_touches(name, span, touched, told);
    Ok(())
}

/// For a human reader.
fn in_words(touched: u64, ns: u64, told: &Touches) -> String {
    let ms = |ns: u64| ns as f64 / 1e6;
    let mib = |bytes: u64| bytes >> 20;
    format!(
        "{:.0} touches a second; p50 {:.3} ms, p99 {:.2} ms, max {:.0} ms; {} MiB read, {} written",
        touched as f64 * 1e9 / ns as f64,
        ms(told.p50),
        ms(told.p99),
        ms(told.max),
        mib(told.disk_read),
        mib(told.disk_written)
    )
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let shape = Shape {
        order: if options.hot.is_some() {
            Order::Random
        } else {
            Order::Sequential
        },
        ..options.shape
    };
    let mut data = Data::new(shape, 1)?;
    data.lock_all_else()?;
    let pages = data.pages();
    let mut first = vec![0; pages];
    phase(&mut record, "fill", &options.disk, |times| {
        for (page, first) in first.iter_mut().enumerate() {
            times.touch(|| {
                data.fill_page(page);
                *first = data.words(page)[0];
            });
        }
        Ok(pages as u64)
    })?;
    match options.hot.zip(options.seconds) {
        None => phase(&mut record, "read-back", &options.disk, |times| {
            for page in 0..pages {
                times.touch(|| data.compare_page(page, None)).0?;
            }
            Ok(pages as u64)
        })?,
        Some((hot, seconds)) => {
            let length = Duration::from_secs(seconds);
            phase(&mut record, "touch", &options.disk, |times| {
                skewed(times, &mut data, &mut first, hot, length)
            })?;
        }
    }
    record.print()
}

/// The page of a touch, by its position in the shuffled order: one of the first `hot` or one
/// behind them.
fn place(rng: &mut Rng, hot: u64, pages: u64) -> u64 {
    if rng.below(100) < TO_HOT {
        rng.below(hot)
    } else {
        hot + rng.below(pages - hot)
    }
}

/// Touches pages that begin with the words `first`, which are changed with them.
fn skewed(
    times: &mut Times,
    data: &mut Data,
    first: &mut [u64],
    percent: u64,
    length: Duration,
) -> Result<u64> {
    let pages = first.len() as u64;
    let hot = (pages * percent / 100).max(1);
    let mut rng = Rng::of_page(2, 0, 0);
    let end = now() + length.as_nanos() as u64;
    let mut touched = 0;
    let mut waits = Waits::new(first.len());
    while now() < end {
        let place = place(&mut rng, hot, pages);
        let page = data.in_order()[place as usize];
        let change = rng.below(100) < CHANGES;
        let (result, took) = times.touch(|| {
            let word = &mut data.words(page)[0];
            if *word != first[page] {
                return Err(Error::other(format!("page {page} came back wrong")));
            }
            if change {
                *word = rng.next();
                first[page] = *word;
            }
            Ok(())
        });
        result?;
        if u128::from(took) > WAIT.as_nanos() {
            waits.add(page, place < hot);
        }
        touched += 1;
    }
    eprintln!(
        "    waits for the disk: {} of hot pages for the first time, {} again, {} of others",
        waits.hot_first, waits.hot_again, waits.cold
    );
    Ok(touched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_the_third_number_and_the_seventh() {
        let stat = "       1        0       8        3       40        0      320  16 0 24 20\n";
        assert_eq!(parse(stat), Some((4096, 163_840)));
        assert_eq!(parse("1 2 3\n"), None);
    }

    #[test]
    fn nine_touches_of_ten_are_to_hot_pages() {
        let mut rng = Rng::of_page(1, 0, 0);
        let hot = (0..10_000).filter(|_| place(&mut rng, 15, 100) < 15);
        assert!((8800..9200).contains(&hot.count()));
        assert!((0..10_000).all(|_| place(&mut rng, 15, 100) < 100));
    }

    #[test]
    fn waits_of_hot_pages_are_told_apart() {
        let mut waits = Waits::new(3);
        for (page, is_hot) in [(0, true), (1, false), (0, true), (2, true), (1, false)] {
            waits.add(page, is_hot);
        }
        assert_eq!((waits.hot_first, waits.hot_again, waits.cold), (2, 1, 2));
    }

    #[test]
    fn the_slowest_touch_is_known_to_a_percent() {
        let mut times = Times::new().unwrap();
        (0..98).for_each(|_| times.0.saturating_record(1000));
        (0..2).for_each(|_| times.0.saturating_record(500_000_000));
        let told = times.told((0, 0));
        assert!(told.p50.abs_diff(1000) <= 10);
        assert!(told.p99.abs_diff(500_000_000) <= 5_000_000);
        assert!(told.max.abs_diff(500_000_000) <= 5_000_000);
    }
}
