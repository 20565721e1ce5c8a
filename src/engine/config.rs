// SPDX-License-Identifier: GPL-2.0-only

//! The settings, and the messages for impossible values.

use super::options::Options;
use super::page::PAGE_SIZE;

const MIB: u64 = 1 << 20;
const PAGE_BYTES: u64 = PAGE_SIZE as u64;

/// The smallest virtual size, in bytes.
pub const MIN_SIZE: u64 = MIB;

/// The largest virtual size, in bytes: the swap core numbers slots in 32 bits.
pub const MAX_SIZE: u64 = u32::MAX as u64 * PAGE_BYTES;

/// A device's default size, in multiples of the machine's RAM.
const DEFAULT_FACTOR: u64 = 16;

/// Why a value is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The text is not a number with an optional unit.
    NotASize,
    /// Below [`MIN_SIZE`].
    SizeTooSmall,
    /// Above [`MAX_SIZE`].
    SizeTooLarge,
    /// The ram tier may not take more than the machine's RAM.
    LimitAboveRam,
    /// The text is not a number of percent.
    NotAPercentage,
    /// The low watermark is not below the high one.
    WatermarksCross,
    /// The text is neither `all` nor an age.
    NotAnAge,
    /// The text is not a path followed by a disk's options.
    NotADisk,
    /// The text is not a path with an optional word.
    NotAPath,
    /// The text is not a UUID.
    NotAUuid,
}

impl Refusal {
    /// One line that says what is wrong and what to do.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotASize => "not a size; write bytes, or a number followed by K, M, G or T",
            Self::SizeTooSmall => "the virtual size is too small; give at least 1 MiB",
            Self::SizeTooLarge if PAGE_SIZE > 4096 => "the virtual size is too large; slots are numbered in 32 bits, so give less than 64 TiB",
            Self::SizeTooLarge => "the virtual size is too large; slots are numbered in 32 bits, so give less than 16 TiB",
            Self::LimitAboveRam => "the ram limit is larger than the machine's RAM; give at most that",
            Self::NotAPercentage => "not a percentage; write a whole number from 1 to 100",
            Self::WatermarksCross => "the low watermark has to be below the high one",
            Self::NotAnAge => "write all, or the least age of pages in seconds",
            Self::NotADisk => "write the absolute path of a block device and, where wanted, its priority, encrypt, integrity, compress=on or off",
            Self::NotAPath => "write the absolute path of one of the disks",
            Self::NotAUuid => "not a UUID; write 32 hexadecimal digits",
        }
    }
}

/// A device's virtual size: a whole number of pages from 1 MiB to just below 16 TiB, or 64 TiB with pages of
/// 16 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(u32);

impl Size {
    /// That many bytes, rounded down to whole pages.
    pub fn from_bytes(bytes: u64) -> Result<Self, Refusal> {
        if bytes < MIN_SIZE {
            return Err(Refusal::SizeTooSmall);
        }
        u32::try_from(bytes / PAGE_BYTES)
            .map(Self)
            .map_err(|_| Refusal::SizeTooLarge)
    }

    /// That many MiB; a number that overflows is too large.
    pub fn from_mib(mib: u64) -> Result<Self, Refusal> {
        Self::from_bytes(mib.checked_mul(MIB).ok_or(Refusal::SizeTooLarge)?)
    }

    /// The default for a machine with that much RAM, in bytes: large enough that
    /// memory and disks are full first. Unused slots cost only the swap core a little.
    pub fn default_for(ram: u64) -> Self {
        let bytes = ram.saturating_mul(DEFAULT_FACTOR);
        Self::from_bytes(bytes.clamp(MIN_SIZE, MAX_SIZE)).unwrap_or(Self(u32::MAX))
    }

    /// Pages, the header's included.
    pub const fn pages(self) -> u32 {
        self.0
    }

    /// Bytes.
    pub fn bytes(self) -> u64 {
        u64::from(self.0).wrapping_mul(PAGE_BYTES)
    }
}

/// The most that the ram tier's pool may take, in bytes; 0 leaves only same-filled pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RamLimit(u64);

impl RamLimit {
    /// That many bytes, on a machine with `ram` bytes.
    pub const fn from_bytes(bytes: u64, ram: u64) -> Result<Self, Refusal> {
        if bytes > ram {
            Err(Refusal::LimitAboveRam)
        } else {
            Ok(Self(bytes))
        }
    }

    /// That many MiB, on a machine with `ram` bytes.
    pub fn from_mib(mib: u64, ram: u64) -> Result<Self, Refusal> {
        Self::from_bytes(mib.checked_mul(MIB).ok_or(Refusal::LimitAboveRam)?, ram)
    }

    /// The default for a machine with that much RAM, in bytes: half of it.
    pub const fn default_for(ram: u64) -> Self {
        Self(ram / 2)
    }

    /// Bytes.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// Parses a size as users write it: decimal digits and, optionally, `K`, `M`, `G` or `T` (powers
/// of 1024, in either case). White space around it is ignored. Returns bytes.
pub fn parse_size(text: &[u8]) -> Result<u64, Refusal> {
    let text = text.trim_ascii();
    let (digits, shift) = match text.split_last() {
        Some((b'K' | b'k', digits)) => (digits, 10),
        Some((b'M' | b'm', digits)) => (digits, 20),
        Some((b'G' | b'g', digits)) => (digits, 30),
        Some((b'T' | b't', digits)) => (digits, 40),
        _ => (text, 0),
    };
    parse_digits(digits)
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or(Refusal::NotASize)
}

/// Parses decimal digits, at least one. `None`: it is something else, or too large.
fn parse_digits(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Parses a percentage from 1 to 100. White space around it is ignored.
pub fn parse_percentage(text: &[u8]) -> Result<u64, Refusal> {
    match parse_integer(text) {
        Some(percent @ 1..=100) => u64::try_from(percent).map_err(|_| Refusal::NotAPercentage),
        _ => Err(Refusal::NotAPercentage),
    }
}

/// Parses `all`, or an age in seconds: `all` is an age of 0.
pub fn parse_age(text: &[u8]) -> Result<u32, Refusal> {
    if text.trim_ascii() == b"all" {
        return Ok(0);
    }
    parse_integer(text)
        .and_then(|age| u32::try_from(age).ok())
        .ok_or(Refusal::NotAnAge)
}

/// Parses an absolute path and, after a blank, an optional word.
pub fn parse_path(text: &[u8]) -> Result<(&[u8], Option<&[u8]>), Refusal> {
    let mut words = words(text);
    match (words.next(), words.next(), words.next()) {
        (Some(path), word, None) if is_path(path) => Ok((path, word)),
        _ => Err(Refusal::NotAPath),
    }
}

/// Parses an absolute path and the options after it: a priority, by default 0,
/// and words of [`Options`].
pub fn parse_disk(text: &[u8]) -> Result<(&[u8], i32, Options), Refusal> {
    let mut words = words(text);
    let path = words.next().filter(|path| is_path(path));
    let (mut priority, mut options) = (None, Options::default());
    for word in words {
        if options.add(word) {
            continue;
        }
        let number = parse_integer(word).and_then(|number| i32::try_from(number).ok());
        if number.is_none() || priority.is_some() {
            return Err(Refusal::NotADisk);
        }
        priority = number;
    }
    let path = path.ok_or(Refusal::NotADisk)?;
    Ok((path, priority.unwrap_or(0), options))
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

fn is_path(word: &[u8]) -> bool {
    word.starts_with(b"/") && !word.contains(&0)
}

/// Parses a decimal number with an optional minus. White space around it is ignored.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (digits, is_negative) = match text.split_first() {
        Some((b'-', digits)) => (digits, true),
        _ => (text, false),
    };
    let number = i64::try_from(parse_digits(digits)?).ok()?;
    Some(if is_negative {
        number.wrapping_neg()
    } else {
        number
    })
}

#[cfg(test)]
mod tests {
    use super::super::options::Protection;
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    #[test]
    fn sizes_within_bounds_only() {
        assert_eq!(Size::from_mib(0), Err(Refusal::SizeTooSmall));
        assert_eq!(Size::from_bytes(MIN_SIZE - 1), Err(Refusal::SizeTooSmall));
        assert_eq!(
            Size::from_mib(1).map(Size::pages),
            Ok((1 << 20) / PAGE_SIZE as u32)
        );
        assert_eq!(Size::from_mib(64 << 20), Err(Refusal::SizeTooLarge));
        assert_eq!(Size::from_mib(u64::MAX), Err(Refusal::SizeTooLarge));
        assert_eq!(Size::from_bytes(MAX_SIZE).map(Size::pages), Ok(u32::MAX));
        assert_eq!(Size::from_bytes(MAX_SIZE).map(Size::bytes), Ok(MAX_SIZE));
        assert_eq!(
            Size::from_bytes(MAX_SIZE + PAGE_BYTES),
            Err(Refusal::SizeTooLarge)
        );
    }

    #[test]
    fn defaults_follow_from_ram() {
        assert_eq!(Size::default_for(8 << 30).bytes(), 128 << 30);
        assert_eq!(Size::default_for(0).bytes(), MIN_SIZE);
        assert_eq!(Size::default_for(u64::MAX).bytes(), MAX_SIZE);
        assert_eq!(RamLimit::default_for(8 << 30).bytes(), 4 << 30);
    }

    #[test]
    fn limits_up_to_all_of_ram() {
        assert_eq!(RamLimit::from_mib(0, 1 << 30).map(RamLimit::bytes), Ok(0));
        assert_eq!(
            RamLimit::from_mib(1024, 1 << 30).map(RamLimit::bytes),
            Ok(1 << 30)
        );
        assert_eq!(
            RamLimit::from_mib(1025, 1 << 30),
            Err(Refusal::LimitAboveRam)
        );
        assert_eq!(
            RamLimit::from_mib(u64::MAX, 1 << 30),
            Err(Refusal::LimitAboveRam)
        );
    }

    #[test]
    fn sizes_as_users_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("4096\n", 4096),
            (" 3k", 3072),
            ("512M", 512 << 20),
            ("2G", 2 << 30),
            ("1t", 1 << 40),
        ] {
            assert_eq!(parse_size(text.as_bytes()), Ok(bytes), "{text:?}");
        }
        for text in [
            "",
            " ",
            "K",
            "-1",
            "+1",
            "1.5G",
            "1 G",
            "1GB",
            "0x10",
            "99999999999999999999",
            "99999999T",
        ] {
            assert_eq!(
                parse_size(text.as_bytes()),
                Err(Refusal::NotASize),
                "{text:?}"
            );
        }
    }

    #[test]
    fn disks_as_users_write_them() {
        for (text, path, priority, encrypt, integrity) in [
            ("/dev/sda", "/dev/sda", 0, false, false),
            (" /dev/pmem0 10\n", "/dev/pmem0", 10, false, false),
            ("/dev/x\t -5", "/dev/x", -5, false, false),
            ("/dev/x encrypt", "/dev/x", 0, true, false),
            ("/dev/x integrity 7 encrypt\n", "/dev/x", 7, true, true),
        ] {
            let protection = Protection { encrypt, integrity };
            let options = Options {
                protection,
                ..Options::default()
            };
            assert_eq!(
                parse_disk(text.as_bytes()),
                Ok((path.as_bytes(), priority, options)),
                "{text:?}"
            );
        }
        let (_, priority, options) = parse_disk(b"/dev/x compress=off -2").unwrap();
        assert_eq!((priority, options.compress), (-2, Some(false)));
        for text in [
            "",
            " ",
            "sda",
            "/dev/a b",
            "/dev/a 1 2",
            "/dev/a 99999999999",
            "/d\0x",
            "/d +1",
            "/d encrypt encrypt",
            "/d encrypted",
            "/d compress=on compress=off",
            "/d discard discard",
        ] {
            assert_eq!(
                parse_disk(text.as_bytes()),
                Err(Refusal::NotADisk),
                "{text:?}"
            );
        }
        assert_eq!(
            parse_path(b"/dev/a force"),
            Ok((&b"/dev/a"[..], Some(&b"force"[..])))
        );
    }

    #[test]
    fn ages_and_percentages() {
        assert_eq!(parse_age(b"all\n"), Ok(0));
        assert_eq!(parse_age(b" 3600"), Ok(3600));
        for text in [&b""[..], b"-1", b"al", b"1.5", b"4294967296"] {
            assert_eq!(parse_age(text), Err(Refusal::NotAnAge));
        }
        assert_eq!(parse_percentage(b"100\n"), Ok(100));
        for text in [&b""[..], b"0", b"101", b"-1", b"5%"] {
            assert_eq!(parse_percentage(text), Err(Refusal::NotAPercentage));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse_size(text.as_bytes());
            let _ = parse_disk(text.as_bytes());
            let _ = parse_age(text.as_bytes());
            let _ = parse_percentage(text.as_bytes());
        }
    }
}
