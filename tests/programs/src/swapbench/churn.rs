// SPDX-License-Identifier: GPL-2.0-only
//! Random accesses to memory that is larger than what the memory cgroup allows, so that
//! reclaim itself chooses the pages: half of the accesses read a page, half change it.

use crate::clock::timed;
use crate::content::Rng;
use crate::data::{Data, Shape};
use crate::record::{Labels, Record};
use std::io::{Error, Result};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    #[command(flatten)]
    shape: Shape,
    #[arg(long, default_value_t = 4096)]
    accesses: u64,
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let mut data = Data::new(options.shape, 1)?;
    let span = timed(|| {
        data.fill();
        Ok(())
    })?;
    let pages = data.pages();
    record.add("fill", span, pages as u64);

    let mut first: Vec<u64> = (0..pages).map(|page| data.words(page)[0]).collect();
    let mut rng = Rng::of_page(2, 0, 0);
    let span = timed(|| {
        for _ in 0..options.accesses {
            let page = rng.below(pages as u64) as usize;
            let word = &mut data.words(page)[0];
            if *word != first[page] {
                return Err(Error::other(format!("page {page} came back wrong")));
            }
            if rng.below(2) == 0 {
                first[page] = rng.next();
                *word = first[page];
            }
        }
        Ok(())
    })?;
    record.add("access", span, options.accesses);
    data.compare(|page| Some(first[page]))?;
    record.print()
}
