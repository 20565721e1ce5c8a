// SPDX-License-Identifier: GPL-2.0-only

//! What users write to attributes, parsed once more in another way.

use vswap_engine::codec::Algorithm;
use vswap_engine::config::{self, RamLimit, Refusal, Size};
use vswap_engine::options::{Options, Protection};

/// Runs an input: any text.
pub fn run(data: &[u8]) {
    // Each byte as a character of its own.
    let text: String = data.iter().map(|byte| char::from(*byte)).collect();
    let text = text.trim_matches(is_space);
    assert_eq!(
        config::parse_size(data),
        size(text).ok_or(Refusal::NotASize)
    );
    let percentage = number(text).filter(|number| (1..=100).contains(number));
    assert_eq!(
        config::parse_percentage(data).map(i128::from),
        percentage.ok_or(Refusal::NotAPercentage)
    );
    let age = if text == "all" { Some(0) } else { number(text) };
    let age = age.and_then(|age| u32::try_from(age).ok());
    assert_eq!(config::parse_age(data), age.ok_or(Refusal::NotAnAge));
    disk(data, text);
    let algorithm = Algorithm::from_name(data).map(Algorithm::name);
    assert_eq!(
        algorithm,
        ["lz4", "zstd"].into_iter().find(|name| *name == text)
    );
    if let Some(bytes) = size(text) {
        sizes(bytes);
    }
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Decimal digits only; too many are as large as can be.
fn digits(text: &str) -> Option<i128> {
    if text.is_empty() || text.contains(|letter: char| !letter.is_ascii_digit()) {
        return None;
    }
    let text = text.trim_start_matches('0');
    Some(match text.len() {
        0 => 0,
        1..=30 => text.parse().expect("30 digits at most"),
        _ => i128::MAX,
    })
}

/// A number that an attribute may hold.
fn number(text: &str) -> Option<i128> {
    let number = match text.strip_prefix('-') {
        Some(text) => -digits(text)?,
        None => digits(text)?,
    };
    (number.abs() <= i64::MAX.into()).then_some(number)
}

fn size(text: &str) -> Option<u64> {
    let units = ["", "kK", "mM", "gG", "tT"];
    let last = text.chars().last()?;
    let unit = units.iter().position(|unit| unit.contains(last));
    let (text, unit) = match unit {
        Some(unit) => (&text[..text.len() - 1], 1i128 << (10 * unit)),
        None => (text, 1),
    };
    let bytes = digits(text)?.checked_mul(unit)?;
    u64::try_from(bytes).ok()
}

fn disk(data: &[u8], text: &str) {
    let words: Vec<&str> = text
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect();
    let path = words
        .first()
        .filter(|path| path.starts_with('/') && !path.contains('\0'));
    let rest = words.get(1..).unwrap_or(&[]);

    let path_and_word = path.filter(|_| rest.len() <= 1).map(|path| {
        (
            (*path).to_owned(),
            rest.first().map(|word| (*word).to_owned()),
        )
    });
    assert_eq!(
        config::parse_path(data).map(|(path, word)| (letters(path), word.map(letters))),
        path_and_word.ok_or(Refusal::NotAPath)
    );

    let times = |wanted: &str| rest.iter().filter(|word| **word == wanted).count();
    let (encrypt, integrity) = (times("encrypt"), times("integrity"));
    let (on, off) = (times("compress=on"), times("compress=off"));
    let discard = times("discard");
    let known = [
        "encrypt",
        "integrity",
        "compress=on",
        "compress=off",
        "discard",
    ];
    let others = rest.iter().filter(|word| !known.contains(word));
    let priorities: Option<Vec<i32>> = others
        .map(|word| number(word).and_then(|number| i32::try_from(number).ok()))
        .collect();
    let is_right = encrypt <= 1 && integrity <= 1 && on + off <= 1 && discard <= 1;
    let priorities = priorities.filter(|priorities| is_right && priorities.len() <= 1);
    let protection = Protection {
        encrypt: encrypt == 1,
        integrity: integrity == 1,
    };
    let options = Options {
        protection,
        compress: (on + off == 1).then_some(on == 1),
        discard: discard == 1,
    };
    let expected = path.zip(priorities).map(|(path, priorities)| {
        let priority = priorities.first().copied().unwrap_or(0);
        ((*path).to_owned(), priority, options)
    });
    assert_eq!(
        config::parse_disk(data).map(|(path, priority, with)| (letters(path), priority, with)),
        expected.ok_or(Refusal::NotADisk)
    );
}

fn letters(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The sizes that a parsed number may give.
fn sizes(bytes: u64) {
    let expected = match bytes {
        0..0x10_0000 => Err(Refusal::SizeTooSmall),
        0x10_0000..0x1000_0000_0000 => Ok(bytes - bytes % 4096),
        _ => Err(Refusal::SizeTooLarge),
    };
    assert_eq!(Size::from_bytes(bytes).map(Size::bytes), expected);
    let mib = Size::from_mib(bytes).map(Size::bytes);
    match u128::from(bytes) << 20 {
        0 => assert_eq!(mib, Err(Refusal::SizeTooSmall)),
        whole if whole < 1 << 44 => assert_eq!(mib.map(u128::from), Ok(whole)),
        _ => assert_eq!(mib, Err(Refusal::SizeTooLarge)),
    }
    assert!((config::MIN_SIZE..=config::MAX_SIZE).contains(&Size::default_for(bytes).bytes()));
    let ram = 8 << 30;
    let limit = RamLimit::from_bytes(bytes, ram).map(RamLimit::bytes);
    assert_eq!(limit.is_ok(), bytes <= ram);
    assert_eq!(RamLimit::from_mib(bytes, ram).is_ok(), bytes <= ram >> 20);
    assert!(RamLimit::default_for(bytes).bytes() <= bytes);
}
