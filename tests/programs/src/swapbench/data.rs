// SPDX-License-Identifier: GPL-2.0-only
//! The memory that is swapped: filled, swapped out, touched and compared.

use crate::area::{Area, Backing};
use crate::content::{self, Mix, Rng, Words, PAGE, WORDS};
use std::io::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    /// From the first page to the last one.
    Sequential,
    /// Every page once, shuffled.
    Random,
}

/// What to fill memory with, as far as it is the same for all processes.
#[derive(clap::Args, Clone, Copy)]
pub struct Shape {
    /// MiB of each process
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1 << 16))]
    pub size: u32,
    /// Kinds of pages: same, compressible, random, or shares such as same=50,random=50
    #[arg(long, default_value = "compressible")]
    pub mix: Mix,
    #[arg(long, value_enum, default_value = "anon")]
    pub memory: Backing,
    #[arg(long, value_enum, default_value = "sequential")]
    pub order: Order,
}

pub struct Data {
    area: Area,
    mix: Mix,
    seed: u64,
    order: Order,
    pages: Vec<usize>,
}

impl Data {
    pub fn new(shape: Shape, seed: u64) -> Result<Self> {
        let count = ((shape.size as usize) << 20) / PAGE;
        let mut pages: Vec<usize> = (0..count).collect();
        if shape.order == Order::Random {
            let mut rng = Rng::of_page(!seed, 0, 0);
            for last in (1..count).rev() {
                pages.swap(last, rng.below(last as u64 + 1) as usize);
            }
        }
        Ok(Data {
            area: Area::new(count, shape.memory)?,
            mix: shape.mix,
            seed,
            order: shape.order,
            pages,
        })
    }

    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    pub fn words(&mut self, page: usize) -> &mut Words {
        assert!(page < self.pages());
        // SAFETY: inside the mapping, aligned, and nobody else has a reference while `self` is
        // borrowed.
        unsafe { &mut *self.area.page(page).cast::<Words>() }
    }

    pub fn fill(&mut self) {
        (0..self.pages()).for_each(|page| self.fill_page(page));
    }

    pub fn fill_page(&mut self, page: usize) {
        let (mix, seed) = (self.mix, self.seed);
        content::fill(mix, seed, page as u64, 0, self.words(page));
    }

    /// All pages in the requested order.
    pub fn in_order(&self) -> &[usize] {
        &self.pages
    }

    /// Keeps everything else that this process has out of swap.
    pub fn lock_all_else(&self) -> Result<()> {
        self.area.lock_all_else()
    }

    /// Has the kernel write all pages out: in one call, or in random order with a call a page.
    pub fn page_out(&self) -> Result<()> {
        match self.order {
            Order::Sequential => self.area.page_out(0, self.pages()),
            Order::Random => self
                .pages
                .iter()
                .try_for_each(|&page| self.area.page_out(page, 1)),
        }
    }

    /// Reads one word of every page.
    pub fn touch(&self) {
        for &page in &self.pages {
            // SAFETY: inside the mapping and aligned.
            unsafe { self.area.page(page).cast::<u64>().read_volatile() };
        }
    }

    /// Compares every byte with what was filled in; `changed` returns first words that were
    /// changed since.
    pub fn compare(&mut self, changed: impl Fn(usize) -> Option<u64>) -> Result<()> {
        (0..self.pages()).try_for_each(|page| self.compare_page(page, changed(page)))
    }

    /// The same for one page.
    pub fn compare_page(&mut self, page: usize, changed: Option<u64>) -> Result<()> {
        let mut expected = [0; WORDS];
        content::fill(self.mix, self.seed, page as u64, 0, &mut expected);
        expected[0] = changed.unwrap_or(expected[0]);
        if *self.words(page) != expected {
            return Err(Error::other(format!("page {page} came back wrong")));
        }
        Ok(())
    }

    /// Frees the memory, as munmap(2) and exit(2) do.
    pub fn unmap(self) -> Result<()> {
        // SAFETY: the mapping is ours and its owner is used up here.
        let result = unsafe { libc::munmap(self.area.page(0).cast(), self.pages() * PAGE) };
        if result == 0 {
            Ok(())
        } else {
            Err(Error::last_os_error())
        }
    }
}

/// Pages of this process that are swapped out.
pub fn swapped_pages() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    text.lines()
        .find_map(|line| line.strip_prefix("Swap:")?.strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .map(|kib| kib / 4)
        .ok_or_else(|| Error::other("smaps_rollup does not say what is swapped out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(order: Order) -> Shape {
        Shape {
            size: 1,
            mix: "same=30,compressible=40,random=30".parse().unwrap(),
            memory: Backing::Anon,
            order,
        }
    }

    #[test]
    fn random_order_has_every_page_once() {
        let data = Data::new(shape(Order::Random), 1).unwrap();
        let mut pages = data.pages.clone();
        assert!(!pages.is_sorted());
        pages.sort_unstable();
        assert_eq!(pages, (0..256).collect::<Vec<_>>());
    }

    #[test]
    fn wrong_bytes_are_found_and_changed_words_are_expected() {
        let mut data = Data::new(shape(Order::Sequential), 1).unwrap();
        data.fill();
        data.compare(|_| None).unwrap();
        data.words(255)[0] ^= 1;
        let now = data.words(255)[0];
        data.compare(|page| (page == 255).then_some(now)).unwrap();
        data.compare(|_| None).unwrap_err();
        data.words(255)[511] ^= 1;
        data.compare(|page| (page == 255).then_some(now))
            .unwrap_err();
    }

    #[test]
    fn processes_hold_different_data() {
        let mut one = Data::new(shape(Order::Sequential), 1).unwrap();
        let mut two = Data::new(shape(Order::Sequential), 2).unwrap();
        one.fill();
        two.fill();
        assert_ne!(one.words(3), two.words(3));
    }
}
