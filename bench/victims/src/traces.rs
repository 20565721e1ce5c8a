// SPDX-License-Identifier: GPL-2.0-only

//! The page that is touched next.

use crate::random::Random;

pub enum Trace {
    /// Page of rank r with a probability proportional to r^-exponent.
    Zipf(Vec<f64>, Vec<u32>),
    /// Nine of ten touches to that many of the pages.
    Bimodal(usize, Vec<u32>),
    /// Zipf over one half of the pages, and at regular intervals a walk over some of the others in
    /// order.
    Scan {
        zipf: Box<Trace>,
        pages: usize,
        walk: usize,
        left: usize,
        at: usize,
        pause: usize,
    },
}

fn shuffled(pages: usize, random: &mut Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..pages as u32).collect();
    for i in (1..pages).rev() {
        order.swap(i, random.below(i + 1));
    }
    order
}

impl Trace {
    pub fn zipf(pages: usize, exponent: f64, random: &mut Random) -> Self {
        let mut sum = 0.0;
        let sums = (1..=pages)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        Self::Zipf(sums, shuffled(pages, random))
    }

    pub fn bimodal(pages: usize, percent: usize, random: &mut Random) -> Self {
        Self::Bimodal(pages * percent / 100, shuffled(pages, random))
    }

    pub fn scan(pages: usize, random: &mut Random) -> Self {
        Self::Scan {
            zipf: Box::new(Self::zipf(pages / 2, 0.8, random)),
            pages,
            walk: pages / 40,
            left: 0,
            at: pages / 2,
            pause: 0,
        }
    }

    pub fn next(&mut self, random: &mut Random) -> u32 {
        match self {
            Self::Zipf(sums, order) => {
                let total = sums.last().copied().unwrap_or(1.0);
                let at = random.unit() * total;
                order[sums.partition_point(|sum| *sum < at).min(order.len() - 1)]
            }
            Self::Bimodal(hot, order) => {
                let index = if random.below(10) != 0 {
                    random.below(*hot)
                } else {
                    *hot + random.below(order.len() - *hot)
                };
                order[index]
            }
            Self::Scan {
                zipf,
                pages,
                walk,
                left,
                at,
                pause,
            } => {
                if *left == 0 {
                    *pause += 1;
                    if *pause < *walk * 40 {
                        return zipf.next(random);
                    }
                    (*pause, *left) = (0, *walk);
                }
                *left -= 1;
                *at = if *at + 1 < *pages {
                    *at + 1
                } else {
                    *pages / 2
                };
                *at as u32
            }
        }
    }
}
