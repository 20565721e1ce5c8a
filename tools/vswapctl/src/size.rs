// SPDX-License-Identifier: GPL-2.0-only

//! Formats sizes, numbers and times.

use std::time::Duration;

/// Bytes in at most four characters, in powers of 1024: `0`, `512`, `1.5G`.
pub fn human(bytes: u64) -> String {
    scaled(bytes, 1024, &["", "K", "M", "G", "T", "P", "E"])
}

/// Bytes in the largest unit that gives a whole number, so that it reads back as the same size: `4G`,
/// `1536M`, `4097`.
pub fn exact(bytes: u64) -> String {
    let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
    let unit = units
        .iter()
        .find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    match unit {
        Some((shift, name)) => format!("{}{name}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A number in at most five characters, in powers of 1000: `999`, `1.2k`.
pub fn count(number: u64) -> String {
    scaled(number, 1000, &["", "k", "M", "G", "T", "P", "E"])
}

fn scaled(number: u64, step: u64, units: &[&str]) -> String {
    let (mut unit, mut divisor) = (0, 1u64);
    // 1023.6 of a unit would be shown as 1024.
    while (u128::from(number) * 2 + u128::from(divisor)) / (2 * u128::from(divisor))
        >= u128::from(step)
    {
        divisor *= step;
        unit += 1;
    }
    let tenths = (u128::from(number) * 20 + u128::from(divisor)) / (2 * u128::from(divisor));
    if unit == 0 || tenths >= 100 {
        let whole = (u128::from(number) * 2 + u128::from(divisor)) / (2 * u128::from(divisor));
        format!("{whole}{}", units[unit])
    } else {
        format!("{}.{}{}", tenths / 10, tenths % 10, units[unit])
    }
}

/// A part of a whole in percent; 0 if both are 0.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.0}%", part as f64 * 100.0 / whole.max(1) as f64)
}

/// The ratio of two sizes with two digits after the point; `None` if there is none.
pub fn ratio(whole: u64, part: u64) -> Option<String> {
    (part > 0 && whole > 0).then(|| format!("{:.2}", whole as f64 / part as f64))
}

/// A time in whole seconds: `4s`, `2m 10s`.
pub fn time(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// Whether sizes are shown in bytes or with units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `1.5G`
    Human,
    /// `1610612736`
    Bytes,
}

impl Style {
    /// The size in this style, or `?` if the module does not tell.
    pub fn show_known(self, bytes: Option<u64>) -> String {
        bytes.map_or("?".to_owned(), |bytes| self.show(bytes))
    }

    /// The size in this style.
    pub fn show(self, bytes: u64) -> String {
        match self {
            Self::Human => human(bytes),
            Self::Bytes => bytes.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1536, "1.5K"),
            (10 << 10, "10K"),
            ((10 << 10) - 1, "10K"),
            ((1 << 20) - 1, "1.0M"),
            (3 << 29, "1.5G"),
            (1 << 40, "1.0T"),
            (u64::MAX, "16E"),
        ] {
            assert_eq!(human(bytes), text, "{bytes}");
        }
        for (bytes, text) in [
            (0, "0"),
            (4097, "4097"),
            (3 << 29, "1536M"),
            (4 << 30, "4G"),
            (5000 << 40, "5000T"),
        ] {
            assert_eq!(exact(bytes), text);
        }
        assert_eq!(count(999), "999");
        assert_eq!(count(1234), "1.2k");
        assert_eq!(percent(1, 0), "100%");
        assert_eq!(percent(0, 0), "0%");
        assert_eq!(ratio(3, 2).as_deref(), Some("1.50"));
        assert_eq!(ratio(3, 0), None);
    }
}
