// SPDX-License-Identifier: GPL-2.0-only

//! Ages of pages, as users write them.

/// Reads `all`, a number of seconds, or a time such as `10m` or `1h 30m`. Returns whole seconds, 0 for
/// `all`.
///
/// # Errors
///
/// A sentence for the user, when it is none of these.
pub fn parse(text: &str) -> Result<u32, String> {
    let text = text.trim();
    if text == "all" {
        return Ok(0);
    }
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => humantime::parse_duration(text)
            .ok()
            .map(|duration| duration.as_secs()),
    };
    seconds
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| {
            "write all, or an age of at least a second, such as 90s, 10m or 2h".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ages_as_users_write_them() {
        for (text, seconds) in [
            ("all", 0),
            ("90", 90),
            ("90s", 90),
            (" 10m ", 600),
            ("1h 30m", 5400),
            ("1.5h", 5400),
        ] {
            assert_eq!(parse(text), Ok(seconds), "{text:?}");
        }
        for text in ["", "0", "-1", "soon", "10ms", "200y"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
