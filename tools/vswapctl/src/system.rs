// SPDX-License-Identifier: GPL-2.0-only

//! What the kernel tells about the machine, apart from the device.

use crate::failure::{Code, Failure};
use crate::loops;
use rustix::fs::{major, makedev, minor};
use schemars::JsonSchema;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use vswap_sysfs::{Device, Tier, NODE};

/// The machine, whose files are below a root directory.
#[derive(Clone, Debug)]
pub struct System {
    root: PathBuf,
}

/// A swap device, from `/proc/swaps`. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Swap {
    /// Its path.
    pub path: String,
    /// Its size.
    pub size: u64,
    /// How much the swap core uses, which may be more than the device holds.
    pub used: u64,
    /// The highest is used first.
    pub priority: i32,
}

/// What a path stands for. A hard link, another mount or another node has a different name and the same
/// identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A block device, by its number.
    Device(u64),
    /// A file, by its file system's device and its inode.
    File(u64, u64),
}

impl Identity {
    /// The identity of what is at the path. `None`: nothing is.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(if metadata.file_type().is_block_device() {
            Self::Device(metadata.rdev())
        } else {
            Self::File(metadata.dev(), metadata.ino())
        })
    }

    /// The identity of a tier's block device. An older module does not tell its number.
    pub fn of_tier(tier: &Tier) -> Option<Self> {
        match tier.number {
            Some((major, minor)) => Some(Self::Device(makedev(major, minor))),
            None => Self::of(Path::new(&tier.path)),
        }
    }
}

/// The kernel appends this to the name of a deleted file.
const DELETED: &str = " (deleted)";

/// The file behind a loop device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its name when it was attached.
    pub path: PathBuf,
    /// Whether it was deleted since.
    pub is_deleted: bool,
}

impl Behind {
    /// Its name, for the user.
    pub fn shown(&self) -> String {
        let mark = if self.is_deleted { DELETED } else { "" };
        format!("{}{mark}", self.path.to_string_lossy())
    }
}

/// The tags that can name a disk in a configuration or on a command line, and udev's directories for
/// them.
pub const TAGS: [(&str, &str); 4] = [
    ("PARTUUID", "by-partuuid"),
    ("PARTLABEL", "by-partlabel"),
    ("UUID", "by-uuid"),
    ("LABEL", "by-label"),
];

/// Drivers of block devices that are memory, by the names of their devices.
const MEMORY: [&str; 3] = ["pmem", "ram", "zram"];

/// The path of a disk's name: `PARTUUID=`, `PARTLABEL=`, `UUID=` and `LABEL=` name udev's links, and
/// anything else is a path.
pub fn resolve(name: &str) -> PathBuf {
    let tag = name.split_once('=').and_then(|(tag, value)| {
        let (_, directory) = TAGS.iter().find(|(known, _)| *known == tag)?;
        Some((tag, *directory, value.trim_matches('"')))
    });
    match tag {
        Some((tag, directory, value)) => {
            let value = if tag.ends_with("UUID") {
                value.to_ascii_lowercase()
            } else {
                encoded(value)
            };
            Path::new("/dev/disk").join(directory).join(value)
        }
        None => name.into(),
    }
}

/// Encodes a label as udev does it in the name of a link.
fn encoded(label: &str) -> String {
    let mut name = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c) || !c.is_ascii() {
            name.push(c);
        } else {
            name.push_str(&format!("\\x{:02x}", u32::from(c)));
        }
    }
    name
}

/// The share of the last ten seconds in which programs waited for memory, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Pressure {
    /// At least one program waited.
    pub some: f64,
    /// All programs waited.
    pub full: f64,
}

impl System {
    /// The machine below that root directory.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where the file with that absolute path is.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The contents of the file with that absolute path, without white space around them.
    pub fn read(&self, absolute: &str) -> Option<String> {
        let text = fs::read_to_string(self.path(absolute)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// The module is not loaded.
    pub fn device(&self) -> Result<Device, Failure> {
        Ok(Device::open(&self.root)?)
    }

    /// Refuses to continue for anybody but root.
    ///
    /// # Errors
    ///
    /// The user is not root.
    pub fn require_root(&self) -> Result<(), Failure> {
        // A test's root directory belongs to the user who runs the test.
        if self.root == Path::new("/") && !rustix::process::geteuid().is_root() {
            return Err(Failure::new(
                Code::NotRoot,
                "only root may do that; try it with sudo",
            ));
        }
        Ok(())
    }

    fn meminfo(&self, name: &str) -> u64 {
        let text = self.read("/proc/meminfo").unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0).saturating_mul(1024)
    }

    /// The machine's RAM in bytes.
    pub fn ram(&self) -> u64 {
        self.meminfo("MemTotal")
    }

    /// Memory that is available without swapping, in bytes.
    pub fn available(&self) -> u64 {
        self.meminfo("MemAvailable")
    }

    /// A figure of `/proc/vmstat`.
    pub fn vmstat(&self, name: &str) -> Option<u64> {
        let text = self.read("/proc/vmstat")?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    }

    /// The machine's pressure stall information for memory.
    pub fn pressure(&self) -> Option<Pressure> {
        let text = self.read("/proc/pressure/memory")?;
        let average = |kind: &str| {
            let line = text.lines().find(|line| line.starts_with(kind))?;
            let value = line
                .split_ascii_whitespace()
                .find_map(|word| word.strip_prefix("avg10="))?;
            value.parse().ok()
        };
        Some(Pressure {
            some: average("some")?,
            full: average("full")?,
        })
    }

    /// All swap devices.
    pub fn swaps(&self) -> Vec<Swap> {
        let text = self.read("/proc/swaps").unwrap_or_default();
        let swap = |line: &str| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let kib = |index: usize| words.get(index)?.parse::<u64>().ok()?.checked_mul(1024);
            Some(Swap {
                path: unescaped(words.first()?),
                size: kib(2)?,
                used: kib(3)?,
                priority: words.get(4)?.parse().ok()?,
            })
        };
        text.lines().skip(1).filter_map(swap).collect()
    }

    /// The device as the swap core sees it, if it is swapped on.
    pub fn swap(&self) -> Option<Swap> {
        self.swaps().into_iter().find(|swap| swap.path == NODE)
    }

    /// The file behind a loop device.
    pub fn loop_file(&self, node: &str) -> Option<Behind> {
        let name = Path::new(node).file_name()?.to_str()?;
        let bytes = fs::read(self.path(&format!("/sys/block/{name}/loop/backing_file"))).ok()?;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let is_there = |bytes: &[u8]| Path::new(OsStr::from_bytes(bytes)).exists();
        // A file's own name may end like that.
        let (bytes, is_deleted) = match bytes.strip_suffix(DELETED.as_bytes()) {
            Some(name) if !is_there(bytes) => (name, true),
            _ => (bytes, false),
        };
        let path = OsString::from_vec(bytes.to_owned()).into();
        (!bytes.is_empty()).then_some(Behind { path, is_deleted })
    }

    /// Whether a loop device is attached to that file, by any name. The loop device's own answer counts;
    /// only root gets one.
    fn is_over(&self, node: &str, file: Identity) -> bool {
        match loops::status(&self.path(node)) {
            Some(identity) => identity == file,
            None => self.loop_file(node).is_some_and(|behind| {
                !behind.is_deleted && Identity::of(&behind.path) == Some(file)
            }),
        }
    }

    /// The loop device that is attached to a file.
    pub fn loop_over(&self, file: Identity) -> Option<String> {
        self.loops()
            .into_iter()
            .find(|node| self.is_over(node, file))
    }

    /// The loop devices that are attached to a file.
    pub fn loops(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("/sys/block")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names
            .filter(|name| name.starts_with("loop"))
            .map(|name| format!("/dev/{name}"))
            .filter(|node| self.loop_file(node).is_some())
            .collect()
    }

    /// What uses a disk, in words: where it is mounted, for example.
    pub fn holder(&self, identity: Identity) -> Option<String> {
        let same = |path: &str| Identity::of(Path::new(path)) == Some(identity);
        if self.swaps().iter().any(|swap| same(&swap.path)) {
            return Some("is swapped on; swap it off first".to_owned());
        }
        let mounts = self.read("/proc/self/mounts").unwrap_or_default();
        let mount = mounts.lines().find_map(|line| {
            let (source, rest) = line.split_once(' ')?;
            same(&unescaped(source)).then(|| unescaped(rest.split(' ').next().unwrap_or("")))
        });
        if let Some(mount) = mount {
            return Some(format!("is mounted at {mount}; unmount it first"));
        }
        let Identity::Device(number) = identity else {
            return None;
        };
        let (major, minor) = (major(number), minor(number));
        let mut holders =
            fs::read_dir(self.path(&format!("/sys/dev/block/{major}:{minor}/holders"))).ok()?;
        let holder = holders.next()?.ok()?.file_name();
        Some(format!("is part of {}", holder.to_string_lossy()))
    }

    /// The tier that a path stands for: the device itself, by any of its names, or the file behind its
    /// loop device. The name of a deleted file stands for it as long as no other file has that name.
    pub fn tier_of<'a>(&self, path: &Path, tiers: &'a [Tier]) -> Option<&'a Tier> {
        let identity = Identity::of(path);
        tiers.iter().find(|tier| match identity {
            Some(Identity::Device(_)) => Identity::of_tier(tier) == identity,
            Some(file) => self.is_over(&tier.path, file),
            None => {
                // The node may disappear before the tier.
                Path::new(&tier.path) == path
                    || self.loop_file(&tier.path).is_some_and(|behind| {
                        behind.path == path || Path::new(&behind.shown()) == path
                    })
            }
        })
    }

    /// Whether the kernel treats a disk as memory and reads nothing ahead from it. The block layer's
    /// flag for that (`BLK_FEAT_SYNCHRONOUS`) is visible nowhere, so the driver is recognized by its
    /// name.
    pub fn is_memory(&self, tier: &Tier) -> bool {
        let link = tier.number.and_then(|(major, minor)| {
            fs::read_link(self.path(&format!("/sys/dev/block/{major}:{minor}"))).ok()
        });
        let path = link.unwrap_or_else(|| tier.path.as_str().into());
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        MEMORY.iter().any(|driver| {
            let rest = name.strip_prefix(driver);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    }

    /// The kernel's release.
    pub fn release(&self) -> String {
        self.read("/proc/sys/kernel/osrelease").unwrap_or_default()
    }

    /// Whether the kernel is new enough for vswap. An unknown version counts as new enough.
    pub fn is_new_enough(&self) -> bool {
        let release = self.release();
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (7, 3),
            _ => true,
        }
    }
}

/// A field of a file in `/proc`, in which blanks and similar characters are written as `\040`.
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after
            .get(..3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let octal = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal.filter(|_| *byte == b'\\') {
            Some(octal) => {
                bytes.push(octal);
                rest = &after[3..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> (tempfile::TempDir, System, PathBuf) {
        let root = tempfile::tempdir().expect("a directory");
        let system = System::new(root.path());
        let file = root.path().join("swapfile");
        fs::write(&file, "x").expect("a file");
        for (name, text) in [
            (
                "sys/block/loop0/loop/backing_file",
                format!("{}\n", file.display()),
            ),
            (
                "sys/class/vswap/vswap0/tiers",
                "/dev/loop0 size=1\n/dev/null dev=8:3\n".to_owned(),
            ),
        ] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        (root, system, file)
    }

    #[test]
    fn a_file_is_recognized_under_any_name() {
        let (root, system, file) = machine();
        let tiers = system
            .device()
            .and_then(|device| Ok(device.tiers()?))
            .expect("tiers");
        let tier = |path: &Path| system.tier_of(path, &tiers).map(|tier| tier.path.as_str());
        let link = root.path().join("hard");
        fs::hard_link(&file, &link).expect("a link");
        let symbolic = root.path().join("symbolic");
        std::os::unix::fs::symlink(&link, &symbolic).expect("a link");
        for path in [&file, &link, &symbolic] {
            assert_eq!(tier(path), Some("/dev/loop0"), "{}", path.display());
            let identity = Identity::of(path).expect("a file");
            assert_eq!(system.loop_over(identity).as_deref(), Some("/dev/loop0"));
        }
        // Another file gets the name.
        fs::remove_file(&file).expect("removed");
        fs::write(&file, "y").expect("a file");
        fs::write(
            root.path().join("sys/block/loop0/loop/backing_file"),
            format!("{} (deleted)\n", file.display()),
        )
        .expect("a file");
        assert_eq!(tier(&file), None);
        fs::remove_file(&file).expect("removed");
        assert_eq!(tier(&file), Some("/dev/loop0"));
        let behind = system.loop_file("/dev/loop0").expect("a file");
        assert_eq!(behind.shown(), format!("{} (deleted)", file.display()));
        assert_eq!(tier(Path::new(&behind.shown())), Some("/dev/loop0"));
    }

    #[test]
    fn names_resolve_to_udev_s_links() {
        for (name, path) in [
            ("/dev/sda1", "/dev/sda1"),
            ("PARTUUID=0A1B-2c", "/dev/disk/by-partuuid/0a1b-2c"),
            ("LABEL=\"my disk\"", "/dev/disk/by-label/my\\x20disk"),
            ("PARTLABEL=a/b", "/dev/disk/by-partlabel/a\\x2fb"),
            ("COLOUR=red", "COLOUR=red"),
        ] {
            assert_eq!(resolve(name), Path::new(path));
        }
    }

    #[test]
    fn fields_of_proc() {
        assert_eq!(unescaped("/a\\040b\\134c\\0"), "/a b\\c\\0");
    }
}
