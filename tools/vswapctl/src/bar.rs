// SPDX-License-Identifier: GPL-2.0-only

//! A bar that shows how a whole is divided.

use crate::look::Look;
use crate::snapshot::{Kind, Part};
use anstyle::{AnsiColor, Style};

/// The character and the colour of each part, in the order of the parts.
pub fn keys(parts: &[Part]) -> Vec<(char, AnsiColor)> {
    // No white or black, which disappear on one background or the other. No green, which some people
    // can't tell from red.
    const DISKS: [AnsiColor; 2] = [AnsiColor::Magenta, AnsiColor::BrightMagenta];
    let mut disk = 0;
    let key = |part: &Part| match part.kind {
        Kind::Same => ('=', AnsiColor::Cyan),
        Kind::Ram => ('c', AnsiColor::BrightBlue),
        Kind::Raw => ('r', AnsiColor::Yellow),
        Kind::Disk => {
            let digit = char::from_digit(disk % 9 + 1, 10).unwrap_or('d');
            let colour = DISKS[disk as usize % DISKS.len()];
            disk += 1;
            (digit, colour)
        }
        Kind::Lost => ('!', AnsiColor::Red),
    };
    parts.iter().map(key).collect()
}

/// How many of `width` cells each amount gets out of `whole`. An amount above 0 gets at least one cell,
/// as long as there are enough. Other cells stay empty.
pub fn cells(amounts: &[u64], whole: u64, width: usize) -> Vec<usize> {
    let sum = amounts.iter().copied().fold(0, u64::saturating_add);
    let is_full = sum > 0 && sum >= whole;
    let whole = u128::from(whole.max(sum).max(1));
    let exact = |amount: u64| u128::from(amount) * width as u128;
    let mut cells: Vec<usize> = amounts
        .iter()
        .map(|amount| {
            let rounded = (exact(*amount) * 2 + whole) / (2 * whole);
            usize::try_from(rounded)
                .unwrap_or(width)
                .max(usize::from(*amount > 0))
        })
        .collect();
    // The excess comes off the largest amount, where it is least visible.
    while cells.iter().sum::<usize>() > width {
        match cells.iter_mut().max() {
            Some(largest) if *largest > 0 => *largest -= 1,
            _ => break,
        }
    }
    if is_full {
        let left = width - cells.iter().sum::<usize>().min(width);
        if let Some(largest) = cells.iter_mut().max() {
            *largest += left;
        }
    }
    cells
}

/// The character of a part, in a bar and beside its row. With colours the parts have different textures
/// as well, as some people can't tell all colours apart.
pub fn sign(look: Look, key: char) -> char {
    if !(look.colour && look.utf8) {
        return key;
    }
    match key {
        '=' => '░',
        'r' => '▒',
        '!' => '!',
        '2' | '4' | '6' | '8' => '▓',
        _ => '█',
    }
}

/// A bar of the parts out of `whole` bytes, as text of `width` columns.
pub fn text(look: Look, parts: &[Part], whole: u64, width: usize) -> String {
    let amounts: Vec<u64> = parts.iter().map(|part| part.holds).collect();
    let cells = cells(&amounts, whole, width);
    let mut text = String::new();
    for ((key, colour), count) in keys(parts).into_iter().zip(&cells) {
        if *count > 0 {
            let run = sign(look, key).to_string().repeat(*count);
            text.push_str(&look.paint(colour.on_default(), &run));
        }
    }
    let free = width.saturating_sub(cells.iter().sum());
    text + &rest(look, free)
}

/// A bar of one amount out of `whole`, with marks at other amounts.
pub fn marked(
    look: Look,
    colour: AnsiColor,
    amount: u64,
    whole: u64,
    width: usize,
    marks: &[u64],
) -> String {
    let (full, free) = gauge(look, amount, whole, width, marks);
    look.paint(colour.on_default(), &full) + &look.paint(Style::new().dimmed(), &free)
}

/// The two parts of such a bar: full and free.
pub fn gauge(look: Look, amount: u64, whole: u64, width: usize, marks: &[u64]) -> (String, String) {
    let count = cells(&[amount], whole, width)[0];
    let marks: Vec<usize> = marks
        .iter()
        .map(|mark| cells(&[*mark], whole, width)[0].max(1) - 1)
        .collect();
    let (full, free, mark) = if look.utf8 {
        ('█', '─', '┃')
    } else {
        ('#', '-', '|')
    };
    let cell = |index: usize| match index {
        _ if marks.contains(&index) => mark,
        _ if index < count => full,
        _ => free,
    };
    (
        (0..count).map(cell).collect(),
        (count..width).map(cell).collect(),
    )
}

fn rest(look: Look, count: usize) -> String {
    let run = (if look.utf8 { "─" } else { "-" }).repeat(count);
    look.paint(Style::new().dimmed(), &run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_amounts_get_a_cell() {
        assert_eq!(cells(&[0, 1, 1_000_000], 2_000_000, 10), [0, 1, 5]);
        assert_eq!(cells(&[1, 1, 1_000_000], 0, 10), [1, 1, 8]);
        assert_eq!(cells(&[], 0, 10), [0usize; 0]);
        assert_eq!(cells(&[0], 0, 10), [0]);
    }

    proptest! {
        #[test]
        fn parts_never_exceed_the_whole(amounts in prop::collection::vec(any::<u32>(), 0..12), width in 0usize..200) {
            let amounts: Vec<u64> = amounts.into_iter().map(u64::from).collect();
            let cells = cells(&amounts, 0, width);
            let sum = cells.iter().sum::<usize>();
            prop_assert!(sum <= width);
            if amounts.iter().any(|amount| *amount > 0) {
                prop_assert_eq!(sum, width);
            }
        }
    }
}
