// SPDX-License-Identifier: GPL-2.0-only
//! Texts to write to attributes: right, nearly right, and anything.

use fastrand::Rng;

/// What an attribute accepts.
#[derive(Clone, Copy)]
pub enum Takes {
    /// A size in bytes, or with a unit.
    Size,
    /// Percent.
    Percent,
    /// A compressor's name.
    Algorithm,
    /// `all`, or seconds.
    Age,
    /// A disk's path.
    Path,
    /// A disk's path and a priority.
    Disk,
    /// A disk's path and `force`.
    Removal,
    /// Nothing: it can't be written.
    Nothing,
}

/// Numbers at the limits.
const EDGES: [&str; 10] = [
    "0",
    "-1",
    "1",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
];

/// Paths that are not disks.
const OTHERS: [&str; 9] = [
    "/",
    "/dev/null",
    "/dev/vswap0",
    "/dev/kmsg",
    "/nothing",
    "/dev/null/nothing",
    "/proc/self/fd/0",
    "/sys/class/vswap/vswap0/tier_add",
    "dev/mapper/one",
];

fn one_of<'a>(rng: &mut Rng, list: &[&'a str]) -> &'a str {
    rng.choice(list).copied().unwrap_or("")
}

fn path(rng: &mut Rng, disks: &[String]) -> String {
    match (rng.choice(disks), rng.u8(..6)) {
        (Some(disk), 1..) => disk.clone(),
        _ => one_of(rng, &OTHERS).into(),
    }
}

/// A text that an attribute of that kind probably accepts.
fn likely(rng: &mut Rng, takes: Takes, disks: &[String]) -> String {
    match takes {
        Takes::Size => format!(
            "{}{}",
            rng.u64(..64),
            one_of(rng, &["", "K", "k", "M", "m", "M", "G", "T"])
        ),
        Takes::Percent => rng.u8(..=101).to_string(),
        Takes::Algorithm => one_of(rng, &["lz4", "zstd"]).into(),
        Takes::Age if rng.bool() => "all".into(),
        Takes::Age => rng.u8(..4).to_string(),
        Takes::Path => path(rng, disks),
        Takes::Disk => {
            let mut text = path(rng, disks);
            for word in ["encrypt", "integrity", "7", "-7"] {
                if rng.u8(..4) == 0 {
                    text.push(' ');
                    text.push_str(word);
                }
            }
            text
        }
        Takes::Removal if rng.u8(..4) == 0 => format!("{} force", path(rng, disks)),
        Takes::Removal => path(rng, disks),
        Takes::Nothing => one_of(rng, &EDGES).into(),
    }
}

/// Changes a few bytes of `text`.
fn spoil(rng: &mut Rng, text: &mut Vec<u8>) {
    for _ in 0..=rng.u8(..3) {
        let at = rng.usize(..=text.len());
        match rng.u8(..6) {
            0 => text.insert(at, rng.u8(..)),
            1 => text.insert(at, *rng.choice(b" \t\n\0-+.%").unwrap_or(&0)),
            2 => text.truncate(at),
            3 if at < text.len() => text[at] ^= 1 << rng.u8(..8),
            4 if at < text.len() => drop(text.remove(at)),
            _ => {
                let edge = one_of(rng, &EDGES);
                text.splice(at..at, edge.bytes());
            }
        }
    }
}

/// A text for an attribute of that kind.
pub fn draw(rng: &mut Rng, takes: Takes, disks: &[String]) -> Vec<u8> {
    let mut text = likely(rng, takes, disks).into_bytes();
    match rng.u8(..10) {
        0..=3 => text.push(b'\n'),
        4..=6 => spoil(rng, &mut text),
        7 => text = one_of(rng, &EDGES).into(),
        8 => {
            // About a page long, of one byte or with something behind it.
            let byte = *rng.choice(b" \n\0/0a").unwrap_or(&0);
            let length = 4090 + rng.usize(..12) + 4096 * rng.usize(..3) * rng.usize(..8);
            let mut long = vec![byte; length];
            if rng.bool() {
                long.splice(..text.len(), text);
            } else {
                long.extend(text);
            }
            return long;
        }
        _ => {
            let length = rng.usize(..300);
            text.clear();
            text.extend(std::iter::repeat_with(|| rng.u8(..)).take(length));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_wrong_and_long_texts_are_drawn() {
        let disks = ["/dev/mapper/one".to_string()];
        let mut rng = Rng::with_seed(1);
        let drawn: Vec<_> = (0..2000)
            .map(|_| draw(&mut rng, Takes::Disk, &disks))
            .collect();
        assert!(drawn.iter().any(|text| text == b"/dev/mapper/one\n"));
        assert!(drawn.iter().any(|text| text.len() > 4096));
        assert!(drawn.iter().any(|text| text.contains(&0)));
        assert!(drawn.iter().any(Vec::is_empty));
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        let draw_with = |seed| draw(&mut Rng::with_seed(seed), Takes::Size, &[]);
        assert!((0..100).all(|seed| draw_with(seed) == draw_with(seed)));
    }
}
