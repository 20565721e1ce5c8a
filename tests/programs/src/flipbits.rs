// SPDX-License-Identifier: GPL-2.0-only
//! Flips one bit in each page of a disk except the first, behind its user's back.
//! Usage: flipbits DISK SEED [PAGES]. At most PAGES pages. Prints the number of bits.

use std::fs::OpenOptions;
use std::io::{Error, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitCode;

const PAGE: usize = if cfg!(feature = "pages-16k") {
    16384
} else {
    4096
};

fn flip(disk: &str, mut random: u64, pages: u64) -> Result<u64, Error> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_SYNC)
        .open(disk)?;
    let mut page = [0u8; PAGE];
    let mut place = PAGE as u64;
    let mut flipped = 0;
    file.seek(SeekFrom::Start(place))?;
    while flipped < pages && file.read_exact(&mut page).is_ok() {
        // xorshift64 (Marsaglia, 2003).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bit = (random >> 16) as usize % (PAGE * 8);
        page[bit / 8] ^= 1 << (bit % 8);
        file.seek(SeekFrom::Start(place))?;
        file.write_all(&page)?;
        place += PAGE as u64;
        flipped += 1;
    }
    Ok(flipped)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let (disk, seed, pages) = match arguments.as_slice() {
        [_, disk, seed] => (disk, seed.parse::<u64>(), Ok(u64::MAX)),
        [_, disk, seed, pages] => (disk, seed.parse(), pages.parse::<u64>()),
        _ => {
            eprintln!("usage: flipbits DISK SEED [PAGES]");
            return ExitCode::from(2);
        }
    };
    let (Ok(seed), Ok(pages)) = (seed, pages) else {
        eprintln!("flipbits: SEED and PAGES are numbers");
        return ExitCode::from(2);
    };
    match flip(disk, seed | (1 << 32), pages) {
        Ok(flipped) => {
            println!("{flipped}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("flipbits: {disk}: {error}");
            ExitCode::FAILURE
        }
    }
}
