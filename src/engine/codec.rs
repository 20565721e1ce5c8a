// SPDX-License-Identifier: GPL-2.0-only

//! How a page in the ram tier is stored.

/// The format of a stored page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// Uncompressed: the page is incompressible.
    Raw = 0,
    /// An LZ4 block.
    Lz4 = 1,
    /// A zstd frame.
    Zstd = 2,
    /// A word of 8 bytes that the page repeats, and that does not fit in an entry.
    Word = 3,
}

impl Codec {
    /// Bits that every codec fits into.
    pub const BITS: u32 = 2;

    /// The codec with that number, if there is one.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0 => Some(Self::Raw),
            1 => Some(Self::Lz4),
            2 => Some(Self::Zstd),
            3 => Some(Self::Word),
            _ => None,
        }
    }

    /// The codec's number, below `1 << BITS`.
    pub const fn to_bits(self) -> u64 {
        // Lossless: a widening that `From` can't do in a const fn.
        self as u64
    }
}

/// A compression algorithm that new pages can be stored with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// LZ4: fast.
    Lz4 = 0,
    /// zstd at its default level: smaller, several times slower.
    Zstd = 1,
}

impl Algorithm {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 2] = [Self::Lz4, Self::Zstd];

    /// The name that users write and read, which is the kernel's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The algorithm of that name; white space around it is ignored.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|a| a.name().as_bytes() == name.trim_ascii())
    }

    /// The format of a page that this algorithm compressed.
    pub const fn codec(self) -> Codec {
        match self {
            Self::Lz4 => Codec::Lz4,
            Self::Zstd => Codec::Zstd,
        }
    }

    /// The algorithm with that number, as [`Algorithm::to_bits`] returns it.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0 => Some(Self::Lz4),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The algorithm's number.
    pub const fn to_bits(self) -> u64 {
        // Lossless: a widening that `From` can't do in a const fn.
        self as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_come_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(
                Algorithm::from_name(algorithm.name().as_bytes()),
                Some(algorithm)
            );
            assert_eq!(Algorithm::from_bits(algorithm.to_bits()), Some(algorithm));
            assert_eq!(
                Codec::from_bits(algorithm.codec().to_bits()),
                Some(algorithm.codec())
            );
        }
        assert_eq!(Algorithm::from_name(b" zstd\n"), Some(Algorithm::Zstd));
        assert_eq!(Algorithm::from_name(b"lzo"), None);
        assert_eq!(Algorithm::from_bits(2), None);
    }

    #[test]
    fn codecs_fit_their_bits() {
        for codec in [Codec::Raw, Codec::Lz4, Codec::Zstd, Codec::Word] {
            assert!(codec.to_bits() < 1 << Codec::BITS);
            assert_eq!(Codec::from_bits(codec.to_bits()), Some(codec));
        }
        assert_eq!(Codec::from_bits(4), None);
    }
}
