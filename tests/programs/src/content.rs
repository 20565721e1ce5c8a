// SPDX-License-Identifier: GPL-2.0-only
//! The contents of a page: a function of seed, page number and version alone, so that every byte
//! can be checked without a copy. No page is ever all zero, because the kernel
//! doesn't send such pages to a swap device.

pub const PAGE: usize = if cfg!(feature = "pages-16k") {
    16384
} else {
    4096
};
pub const WORDS: usize = PAGE / 8;
pub type Words = [u64; WORDS];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One 64-bit word, repeated.
    Same,
    /// About 3:1 with LZ4: of each 64 bytes, 16 are random and 48 repeat.
    Compressible,
    /// Incompressible.
    Random,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Same => "same-filled",
            Kind::Compressible => "compressible",
            Kind::Random => "random",
        }
    }
}

/// Shares of the kinds, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    pub same: u64,
    pub compressible: u64,
    pub random: u64,
}

impl std::str::FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Mix {
            same: 0,
            compressible: 0,
            random: 0,
        };
        for part in text.split(',') {
            let (name, share) = part.split_once('=').unwrap_or((part, "100"));
            let share = share
                .parse()
                .map_err(|_| format!("'{share}' is not a share in percent"))?;
            match name {
                "same" => mix.same = share,
                "compressible" => mix.compressible = share,
                "random" => mix.random = share,
                _ => return Err(format!("'{name}' is none of same, compressible, random")),
            }
        }
        let sum = [mix.compressible, mix.random]
            .into_iter()
            .try_fold(mix.same, u64::checked_add);
        if sum != Some(100) {
            return Err("the shares don't add up to 100".into());
        }
        Ok(mix)
    }
}

/// SplitMix64: well mixed from any seed, and fast even in an emulated guest.
pub struct Rng(u64);

impl Rng {
    pub fn of_page(seed: u64, page: u64, version: u32) -> Self {
        let mut rng = Rng(seed);
        rng.0 = rng.next() ^ page;
        rng.0 = rng.next() ^ u64::from(version);
        rng
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// The word of a same-filled page: bytes, 2- and 4-byte periods, small numbers, all ones,
/// and arbitrary words all occur.
fn pattern(rng: &mut Rng) -> u64 {
    let any = rng.next();
    let word = match rng.below(6) {
        0 => (any & 0xff) * 0x0101_0101_0101_0101,
        1 => (any & 0xffff) * 0x0001_0001_0001_0001,
        2 => (any & 0xffff_ffff) * 0x0000_0001_0000_0001,
        3 => any & 0xff,
        4 => u64::MAX,
        _ => any,
    };
    if word == 0 {
        1
    } else {
        word
    }
}

pub fn kind_of(mix: Mix, seed: u64, page: u64, version: u32) -> Kind {
    pick(mix, &mut Rng::of_page(seed, page, version))
}

fn pick(mix: Mix, rng: &mut Rng) -> Kind {
    let share = rng.below(100);
    if share < mix.same {
        Kind::Same
    } else if share < mix.same + mix.compressible {
        Kind::Compressible
    } else {
        Kind::Random
    }
}

/// The words of a page that was read as bytes.
pub fn words(page: &[u8; PAGE]) -> Words {
    let mut words = [0; WORDS];
    for (word, bytes) in words.iter_mut().zip(page.chunks_exact(8)) {
        *word = u64::from_ne_bytes(std::array::from_fn(|index| bytes[index]));
    }
    words
}

/// Fills `page` with the contents of that page.
pub fn fill(mix: Mix, seed: u64, number: u64, version: u32, page: &mut Words) {
    let mut rng = Rng::of_page(seed, number, version);
    match pick(mix, &mut rng) {
        Kind::Same => page.fill(pattern(&mut rng)),
        Kind::Compressible => {
            let repeated: [u64; 6] = std::array::from_fn(|_| rng.next());
            for line in page.chunks_exact_mut(8) {
                line[0] = rng.next();
                line[1] = rng.next();
                line[2..].copy_from_slice(&repeated);
            }
        }
        Kind::Random => page.fill_with(|| rng.next()),
    }
    // Only by a freak result of the generator, but then the page would never be swapped out.
    if page.iter().all(|&word| word == 0) {
        page[0] = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(mix: &str, seed: u64, number: u64, version: u32) -> Words {
        let mut words = [0; WORDS];
        fill(mix.parse().unwrap(), seed, number, version, &mut words);
        words
    }

    #[test]
    fn same_filled_pages_repeat_one_word_that_is_not_zero() {
        for number in 0..1000 {
            let words = page("same", 1, number, 0);
            assert!(words[0] != 0 && words.iter().all(|&word| word == words[0]));
        }
    }

    #[test]
    fn same_filled_pages_have_every_period() {
        let word = |number| page("same", 1, number, 0)[0];
        let bytes = |word: u64| word.to_le_bytes().iter().all(|&byte| byte == word as u8);
        let halves = |word: u64| word as u32 == (word >> 32) as u32;
        assert!((0..100)
            .map(word)
            .any(|word| word != u64::MAX && bytes(word)));
        assert!((0..100).map(word).any(|word| halves(word) && !bytes(word)));
        assert!((0..100).map(word).any(|word| !halves(word) && word > 0xff));
        assert!((0..100).map(word).any(|word| word == u64::MAX));
        assert!((0..100).map(word).any(|word| word <= 0xff));
    }

    #[test]
    fn compressible_pages_have_a_quarter_of_random_words() {
        for number in 0..100 {
            let words = page("compressible", 1, number, 0);
            let distinct: std::collections::HashSet<u64> = words.iter().copied().collect();
            assert_eq!(distinct.len(), WORDS / 4 + 6);
        }
    }

    #[test]
    fn random_pages_have_no_word_twice() {
        for number in 0..100 {
            let words = page("random", 1, number, 0);
            let distinct: std::collections::HashSet<u64> = words.iter().copied().collect();
            assert_eq!(distinct.len(), WORDS);
        }
    }

    #[test]
    fn contents_depend_on_seed_page_and_version_and_on_nothing_else() {
        let mix = "same=20,compressible=40,random=40";
        let base = page(mix, 1, 2, 3);
        assert_eq!(base, page(mix, 1, 2, 3));
        for other in [page(mix, 2, 2, 3), page(mix, 1, 3, 3), page(mix, 1, 2, 4)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn shares_come_out_as_asked_for() {
        let mix: Mix = "same=50,compressible=30,random=20".parse().unwrap();
        let count = |kind| {
            (0..10_000)
                .filter(|&page| kind_of(mix, 7, page, 0) == kind)
                .count()
        };
        assert!((4700..5300).contains(&count(Kind::Same)));
        assert!((2700..3300).contains(&count(Kind::Compressible)));
        assert!((1700..2300).contains(&count(Kind::Random)));
    }

    #[test]
    fn nonsense_is_no_mix() {
        for text in [
            "",
            "same=50",
            "same=99,random=2",
            "zero",
            "same=x",
            "same=18446744073709551615,random=101",
        ] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }
}
