// SPDX-License-Identifier: GPL-2.0-only

//! Finds what is on a disk before it becomes a tier, including vswap's own signature.

use crate::command;
use crate::failure::{failed, Failure};
use crate::system::System;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::path::Path;
use vswap_sysfs::Device;

/// The label of a disk that is a tier, or was one when its machine went down.
const LABEL: &str = "vswap0-tier";

/// What is on a disk or in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing known, or a signature of this machine, whose pages are useless by now.
    Nothing,
    /// Data, described in words.
    Data(String),
}

/// The UUID in the signatures of this machine's disks. One half identifies the machine, the other one
/// this boot. `None`: the machine has no `/etc/machine-id`.
///
/// The first half is derived from the machine's id as sd_id128_get_machine_app_specific(3) does it,
/// because the id itself must not be disclosed.
pub fn own_uuid(system: &System) -> Option<u128> {
    let machine = system.read("/etc/machine-id")?;
    let machine = u128::from_str_radix(&machine, 16).ok()?;
    let mut hash = Hmac::<Sha256>::new_from_slice(&machine.to_be_bytes()).ok()?;
    hash.update(LABEL.as_bytes());
    let hash = hash.finalize().into_bytes();
    let machine = hash
        .iter()
        .take(8)
        .fold(0u128, |sum, byte| (sum << 8) | u128::from(*byte));
    let boot = system
        .read("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default();
    let boot = u128::from_str_radix(&boot.replace('-', ""), 16).unwrap_or(0);
    let uuid = (machine << 64) | (boot & u128::from(u64::MAX));
    // Version 8 and variant 2: in RFC 9562, UUIDs with a meaning of their own.
    Some((uuid & !((0xf << 76) | (0x3 << 62))) | (0x8 << 76) | (0x2 << 62))
}

/// Finds what is on the disk or in the file.
///
/// # Errors
///
/// It can't be examined.
pub fn find(system: &System, device: Option<&Device>, path: &Path) -> Result<Found, Failure> {
    let words = ["-p", "-o", "export"].map(Path::new);
    let output = command::output("blkid", "util-linux", &[&words[..], &[path]].concat())?;
    match output.status.code() {
        Some(0) => {
            let module = match device {
                Some(device) => vswap_sysfs::known(device.disk_uuid())?,
                None => None,
            };
            let own = [own_uuid(system), module];
            Ok(describe(&String::from_utf8_lossy(&output.stdout), own))
        }
        // Nothing was found.
        Some(2) => Ok(Found::Nothing),
        Some(8) => Ok(Found::Data("several kinds of data at once".to_owned())),
        _ => Err(failed(format!(
            "{} can't be examined: {}",
            path.display(),
            command::complaint("blkid", &output)
        ))),
    }
}

/// `own`: this machine's UUID, and its module's.
fn describe(text: &str, own: [Option<u128>; 2]) -> Found {
    let pairs: HashMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    if pairs.get("LABEL") == Some(&LABEL) && pairs.get("TYPE") == Some(&"swap") {
        let uuid = pairs.get("UUID").map(|uuid| uuid.replace('-', ""));
        let uuid = uuid.and_then(|uuid| u128::from_str_radix(&uuid, 16).ok());
        let [machine, module] = own;
        let is_own = uuid.is_some_and(|uuid| {
            machine.is_some_and(|own| own >> 64 == uuid >> 64) || module == Some(uuid)
        });
        return if is_own {
            Found::Nothing
        } else {
            Found::Data(
                "a disk of another vswap, which another machine may be using at this moment,"
                    .to_owned(),
            )
        };
    }
    let kind = match (pairs.get("TYPE"), pairs.get("PTTYPE")) {
        (Some(&"swap"), _) => "a swap area".to_owned(),
        (Some(&"swsuspend"), _) => "an image of a hibernated system".to_owned(),
        (Some(kind), _) => match pairs.get("USAGE") {
            Some(&"filesystem") | None => format!("a file system ({kind})"),
            Some(usage) => format!("data ({usage}: {kind})"),
        },
        (None, Some(kind)) => format!("a partition table ({kind})"),
        (None, None) => return Found::Nothing,
    };
    Found::Data(match pairs.get("LABEL") {
        Some(label) => format!("{kind} with the label '{label}'"),
        None => kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn blkid_s_output_is_described_in_words() {
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
            ("DEVNAME=/dev/x\n", None),
        ] {
            let found = words.map_or(Found::Nothing, |words| Found::Data(words.to_owned()));
            assert_eq!(describe(text, [None; 2]), found, "{text}");
        }
    }

    #[test]
    fn own_disks_are_told_from_others() {
        let root = tempfile::tempdir().expect("a directory");
        let system = System::new(root.path());
        assert_eq!(own_uuid(&system), None);
        for (path, text) in [
            ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
            (
                "proc/sys/kernel/random/boot_id",
                "9da0bb3e-2f4d-4a3a-8c1d-0b1f7a8c9d0e\n",
            ),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        let own = own_uuid(&system).expect("a UUID");
        assert_eq!(((own >> 76) & 0xf, (own >> 62) & 3), (8, 2));
        let tier = |uuid: u128| {
            let digits = format!("{uuid:032x}");
            format!(
                "TYPE=swap\nLABEL=vswap0-tier\nUUID={}-{}\n",
                &digits[..8],
                &digits[8..]
            )
        };
        let is_mine = |text: &str| describe(text, [Some(own), Some(7)]) == Found::Nothing;
        assert!(is_mine(&tier(own)));
        // Of an earlier boot.
        assert!(is_mine(&tier(own ^ 1)));
        // The module's own, if nobody has set another one.
        assert!(is_mine(&tier(7)));
        // Of another machine, and of an unknown one.
        assert!(!is_mine(&tier(own ^ (1 << 127))));
        assert!(!is_mine("TYPE=swap\nLABEL=vswap0-tier\n"));
    }
}
