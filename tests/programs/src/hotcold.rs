// SPDX-License-Identifier: GPL-2.0-only
//! Uses a small hot set again and again and walks slowly through a larger cold one. Says how
//! many pages were read from memory and how many from a disk while only hot pages were used.
//! Exit status 1 means that a byte was wrong.

// Shared with pagecheck, which uses all of them.
#[allow(dead_code)]
mod area;
#[allow(dead_code)]
mod content;

use area::{Area, Backing};
use clap::Parser;
use content::{Mix, Words, PAGE, WORDS};
use std::io::{Error, Result};
use std::ops::{AddAssign, Sub};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Tells where the pages of a hot set come back from")]
struct Options {
    /// MiB of pages that each round changes
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    hot: u32,
    /// MiB of pages that are compared now and then
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    cold: u32,
    /// MiB of cold pages that a round compares
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    slice: u32,
    /// Rounds that are counted
    #[arg(long, default_value_t = 4)]
    rounds: u32,
    /// Rounds before those
    #[arg(long, default_value_t = 4)]
    warm_up: u32,
    #[arg(long, default_value = "compressible")]
    mix: Mix,
    /// What the hot pages are, when not the same
    #[arg(long)]
    hot_mix: Option<Mix>,
    /// Whose counters to read: "vswap", or MEMORY,DISK with the names of two block devices
    #[arg(long, default_value = "vswap")]
    from: String,
}

/// Pages read so far.
#[derive(Clone, Copy, Default)]
struct Loads {
    memory: u64,
    disk: u64,
}

impl Sub for Loads {
    type Output = Loads;
    fn sub(self, earlier: Loads) -> Loads {
        Loads {
            memory: self.memory - earlier.memory,
            disk: self.disk - earlier.disk,
        }
    }
}

impl AddAssign for Loads {
    fn add_assign(&mut self, more: Loads) {
        self.memory += more.memory;
        self.disk += more.disk;
    }
}

fn field(text: &str, what: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| Error::other(format!("{what}: '{text}' is not a number")))
}

/// One value of vswap's statistics.
fn value(stat: &str, name: &str) -> Result<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix(name));
    field(line.unwrap_or("").trim(), name)
}

/// Pages that a block device has read: the third number of its statistics is in sectors.
fn block(device: &str) -> Result<u64> {
    let path = format!("/sys/block/{device}/stat");
    let stat = std::fs::read_to_string(&path)?;
    let sectors = stat.split_whitespace().nth(2).unwrap_or("");
    Ok(field(sectors, &path)? / (PAGE as u64 / 512))
}

fn loads(from: &str) -> Result<Loads> {
    if let Some((memory, disk)) = from.split_once(',') {
        return Ok(Loads {
            memory: block(memory)?,
            disk: block(disk)?,
        });
    }
    let stat = std::fs::read_to_string(format!("/sys/class/vswap/{from}0/stat"))?;
    Ok(Loads {
        memory: value(&stat, "same_loads ")? + value(&stat, "ram_loads ")?,
        disk: value(&stat, "disk_loads ")?,
    })
}

/// Pages of one set, all of the same version.
struct Set {
    area: Area,
    mix: Mix,
    seed: u64,
    version: u32,
}

impl Set {
    fn new(mib: u32, mix: Mix, seed: u64) -> Result<Self> {
        let area = Area::new(((mib as usize) << 20) / PAGE, Backing::Anon)?;
        let mut set = Set {
            area,
            mix,
            seed,
            version: 0,
        };
        for page in 0..set.area.pages() {
            set.write(page, 0);
        }
        Ok(set)
    }

    fn words(&mut self, page: usize) -> &mut Words {
        assert!(page < self.area.pages());
        // SAFETY: inside the mapping and aligned; there is one thread.
        unsafe { &mut *self.area.page(page).cast::<Words>() }
    }

    fn write(&mut self, page: usize, version: u32) {
        let (mix, seed) = (self.mix, self.seed);
        content::fill(mix, seed, page as u64, version, self.words(page));
    }

    fn compare(&mut self, page: usize) -> Result<()> {
        let mut expected = [0; WORDS];
        content::fill(
            self.mix,
            self.seed,
            page as u64,
            self.version,
            &mut expected,
        );
        if *self.words(page) != expected {
            let seed = self.seed;
            return Err(Error::other(format!("page {page} of set {seed} is wrong")));
        }
        Ok(())
    }

    /// Compares all pages and gives them new contents.
    fn change(&mut self) -> Result<()> {
        for page in 0..self.area.pages() {
            self.compare(page)?;
            self.write(page, self.version + 1);
        }
        self.version += 1;
        Ok(())
    }
}

fn run(options: &Options) -> Result<Loads> {
    let hot_mix = options.hot_mix.unwrap_or(options.mix);
    let mut hot = Set::new(options.hot, hot_mix, 1)?;
    let mut cold = Set::new(options.cold, options.mix, 2)?;
    let slice = ((options.slice as usize) << 20) / PAGE;
    let mut next = (0..cold.area.pages()).cycle();
    let mut sum = Loads::default();
    for round in 0..options.warm_up + options.rounds {
        let before = loads(&options.from)?;
        hot.change()?;
        if round >= options.warm_up {
            sum += loads(&options.from)? - before;
        }
        for page in next.by_ref().take(slice) {
            cold.compare(page)?;
        }
    }
    for page in 0..cold.area.pages() {
        cold.compare(page)?;
    }
    Ok(sum)
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(Loads { memory, disk }) => {
            let percent = 100 * memory / (memory + disk).max(1);
            println!("hotcold: {memory} pages from memory, {disk} from a disk: {percent} %");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("hotcold: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let stat = "ram_loads_more 1\nsame_loads 2\nram_loads 3\n";
        assert_eq!(value(stat, "ram_loads ").unwrap(), 3);
        assert!(value(stat, "disk_loads ").is_err());
    }

    #[test]
    fn a_changed_byte_is_found() {
        let mut set = Set::new(1, "compressible".parse().unwrap(), 1).unwrap();
        set.change().unwrap();
        set.words(17)[5] ^= 1;
        assert!(set.change().is_err());
    }
}
