// SPDX-License-Identifier: GPL-2.0-only

//! What is on a disk before it becomes a tier.

use crate::command;
use crate::failure::{failed, Failure};
use std::collections::HashMap;
use std::path::Path;

/// The label of a disk that was a tier when the machine went down: of no use to anybody.
const OURS: &str = "vswap0-tier";

/// What is on the disk or in the file, in words; `None`: nothing that is known.
///
/// # Errors
///
/// It can't be looked at.
pub fn find(path: &Path) -> Result<Option<String>, Failure> {
    let words = ["-p", "-o", "export"].map(Path::new);
    let output = command::output("blkid", "util-linux", &[&words[..], &[path]].concat())?;
    match output.status.code() {
        Some(0) => Ok(describe(&String::from_utf8_lossy(&output.stdout))),
        // Nothing there.
        Some(2) => Ok(None),
        Some(8) => Ok(Some("several kinds of data at once".to_owned())),
        _ => Err(failed(format!(
            "{} can't be looked at: {}",
            path.display(),
            command::complaint("blkid", &output)
        ))),
    }
}

fn describe(text: &str) -> Option<String> {
    let pairs: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    if pairs.get("LABEL") == Some(&OURS) {
        return None;
    }
    let kind = match (pairs.get("TYPE"), pairs.get("PTTYPE")) {
        (Some(&"swap"), _) => "a swap area".to_owned(),
        (Some(&"swsuspend"), _) => "an image of a hibernated system".to_owned(),
        (Some(kind), _) => match pairs.get("USAGE") {
            Some(&"filesystem") | None => format!("a file system ({kind})"),
            Some(usage) => format!("data ({usage}: {kind})"),
        },
        (None, Some(kind)) => format!("a partition table ({kind})"),
        (None, None) => return None,
    };
    Some(match pairs.get("LABEL") {
        Some(label) => format!("{kind} with the label '{label}'"),
        None => kind,
    })
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn what_blkid_says_in_words() {
        for (text, words) in [
            (
                "DEVNAME=/dev/x\nTYPE=ext4\nUSAGE=filesystem\nLABEL=home\n",
                Some("a file system (ext4) with the label 'home'"),
            ),
            ("TYPE=swap\nUSAGE=other\n", Some("a swap area")),
            (
                "TYPE=crypto_LUKS\nUSAGE=crypto\n",
                Some("data (crypto: crypto_LUKS)"),
            ),
            ("PTTYPE=gpt\n", Some("a partition table (gpt)")),
            ("TYPE=swap\nLABEL=vswap0-tier\n", None),
            ("DEVNAME=/dev/x\n", None),
        ] {
            assert_eq!(describe(text).as_deref(), words, "{text}");
        }
    }
}
