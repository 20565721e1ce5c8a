// SPDX-License-Identifier: GPL-2.0-only

//! The device and its attributes.

use crate::{DiskOptions, Error, Stat, Tier};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The node that is swapped on.
pub const NODE: &str = "/dev/vswap0";

const DIRECTORY: &str = "sys/class/vswap/vswap0";

/// The compression algorithms of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms {
    /// The algorithm for new pages.
    pub current: String,
    /// All algorithms.
    pub all: Vec<String>,
}

/// The device `vswap0`.
#[derive(Clone, Debug)]
pub struct Device {
    directory: PathBuf,
}

impl Device {
    /// The device below the root directory `root`, which is `/` except in tests.
    ///
    /// # Errors
    ///
    /// [`Error::NotLoaded`] if there is none.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, Error> {
        let directory = root.as_ref().join(DIRECTORY);
        if directory.is_dir() {
            Ok(Self { directory })
        } else {
            Err(Error::NotLoaded)
        }
    }

    /// The virtual size in bytes.
    ///
    /// # Errors
    ///
    /// Like all functions here that read: [`Error::Io`], or [`Error::Text`] when the attribute can't be
    /// parsed.
    pub fn size(&self) -> Result<u64, Error> {
        self.number("size")
    }

    /// Sets the virtual size in bytes.
    ///
    /// # Errors
    ///
    /// Like all functions here that write: [`Error::Io`] with the module's answer, here `EBUSY` while
    /// the device is swapped on and `EINVAL` for an impossible size.
    pub fn set_size(&self, bytes: u64) -> Result<(), Error> {
        self.write("size", &bytes.to_string())
    }

    /// The most that the ram tier may take, in bytes.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn ram_limit(&self) -> Result<u64, Error> {
        self.number("ram_limit")
    }

    /// Sets the most that the ram tier may take, in bytes. Stored pages stay.
    ///
    /// # Errors
    ///
    /// `EINVAL` for more than the machine has; see [`set_size`](Self::set_size).
    pub fn set_ram_limit(&self, bytes: u64) -> Result<(), Error> {
        self.write("ram_limit", &bytes.to_string())
    }

    /// The compression algorithms.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn algorithms(&self) -> Result<Algorithms, Error> {
        let text = self.read("comp_algorithm")?;
        let mut algorithms = Algorithms {
            current: String::new(),
            all: Vec::new(),
        };
        for word in text.split_ascii_whitespace() {
            let name = word.trim_matches(['[', ']']);
            if name != word {
                name.clone_into(&mut algorithms.current);
            }
            algorithms.all.push(name.to_owned());
        }
        if algorithms.current.is_empty() {
            return Err(self.nonsense("comp_algorithm", text));
        }
        Ok(algorithms)
    }

    /// Sets the algorithm for new pages.
    ///
    /// # Errors
    ///
    /// `EINVAL` for an unknown algorithm; see [`set_size`](Self::set_size).
    pub fn set_algorithm(&self, name: &str) -> Result<(), Error> {
        self.write("comp_algorithm", name)
    }

    /// The statistics.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn stat(&self) -> Result<Stat, Error> {
        Ok(Stat::parse(&self.read("stat")?))
    }

    /// The disks, in the module's order. Ignores lines with another form.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn tiers(&self) -> Result<Vec<Tier>, Error> {
        Ok(self
            .read("tiers")?
            .lines()
            .filter_map(Tier::parse)
            .collect())
    }

    /// The version of the attributes' form. It is incremented when an attribute or figure is removed or
    /// changes its meaning. 0: the module is older than this version.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn abi(&self) -> Result<u64, Error> {
        Ok(known(self.number("abi"))?.unwrap_or(0))
    }

    /// Adds a disk. Its contents are overwritten.
    ///
    /// # Errors
    ///
    /// `EBUSY`: another program uses it. `EEXIST`: it was added before. `ENOTBLK`: it is not a block
    /// device. `ENOSPC`: there are eight already. `EOPNOTSUPP`: the kernel can't encrypt, or the disk
    /// can't discard. See [`set_size`](Self::set_size).
    pub fn add_tier(&self, path: &str, priority: i32, options: DiskOptions) -> Result<(), Error> {
        let words = options.words();
        self.write("tier_add", &format!("{path} {priority}{words}"))
    }

    /// The UUID for the signatures of disks that are added.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn disk_uuid(&self) -> Result<u128, Error> {
        let text = self.read("disk_uuid")?;
        u128::from_str_radix(text.trim(), 16).map_err(|_| self.nonsense("disk_uuid", text))
    }

    /// Sets the UUID for the signatures of disks that are added from now on.
    ///
    /// # Errors
    ///
    /// `ENOENT`: the module is too old; see [`set_size`](Self::set_size).
    pub fn set_disk_uuid(&self, uuid: u128) -> Result<(), Error> {
        self.write("disk_uuid", &format!("{uuid:032x}"))
    }

    /// Removes a disk: moves its pages elsewhere and closes it, which may take long. With `force`, pages
    /// that can't be read are given up.
    ///
    /// # Errors
    ///
    /// `ENOSPC`: there is no room elsewhere. `EIO`: pages can't be read. `ECANCELED`, `EINTR`: it was
    /// cancelled. `EBUSY`: it is already being removed. `ENOENT`: it is not a tier.
    pub fn remove_tier(&self, path: &str, force: bool) -> Result<(), Error> {
        let word = if force { " force" } else { "" };
        self.write("tier_remove", &format!("{path}{word}"))
    }

    /// Stops the removal of a disk, which stays in service with the remaining pages.
    ///
    /// # Errors
    ///
    /// `EINVAL`: it is not being removed. `ENOENT`: it is not a tier.
    pub fn cancel_removal(&self, path: &str) -> Result<(), Error> {
        self.write("tier_cancel", path)
    }

    /// Writes back pages of the ram tier that were not used for that many seconds; 0 stands for all.
    ///
    /// # Errors
    ///
    /// `ENOSPC`: no disk has room. `EINTR`: a signal came. See [`set_size`](Self::set_size).
    pub fn write_back(&self, seconds: u32) -> Result<(), Error> {
        self.write("writeback", &age(seconds))
    }

    /// Compresses pages of the ram tier with zstd that were not used for that many seconds; 0 stands for
    /// all.
    ///
    /// # Errors
    ///
    /// See [`write_back`](Self::write_back).
    pub fn recompress(&self, seconds: u32) -> Result<(), Error> {
        self.write("recompress", &age(seconds))
    }

    /// The most that may be written to disks in a day, in bytes; 0 is no limit.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn writeback_limit(&self) -> Result<u64, Error> {
        self.number("writeback_limit")
    }

    /// Sets the most that may be written to disks in a day, in bytes; 0 is no limit.
    ///
    /// # Errors
    ///
    /// See [`set_size`](Self::set_size).
    pub fn set_writeback_limit(&self, bytes: u64) -> Result<(), Error> {
        self.write("writeback_limit", &bytes.to_string())
    }

    /// The share of the ram limit above which cold pages are written back, in percent.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn high_watermark(&self) -> Result<u64, Error> {
        self.number("high_watermark")
    }

    /// Sets the share of the ram limit above which cold pages are written back, in percent.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not above the low one; see [`set_size`](Self::set_size).
    pub fn set_high_watermark(&self, percent: u64) -> Result<(), Error> {
        self.write("high_watermark", &percent.to_string())
    }

    /// The share of the ram limit down to which cold pages are written back, in percent.
    ///
    /// # Errors
    ///
    /// See [`size`](Self::size).
    pub fn low_watermark(&self) -> Result<u64, Error> {
        self.number("low_watermark")
    }

    /// Sets the share of the ram limit down to which cold pages are written back, in percent.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is not below the high one; see [`set_size`](Self::set_size).
    pub fn set_low_watermark(&self, percent: u64) -> Result<(), Error> {
        self.write("low_watermark", &percent.to_string())
    }

    fn read(&self, name: &str) -> Result<String, Error> {
        let attribute = self.directory.join(name);
        fs::read_to_string(&attribute).map_err(|source| Error::Io { attribute, source })
    }

    fn number(&self, name: &str) -> Result<u64, Error> {
        let text = self.read(name)?;
        text.trim()
            .parse()
            .map_err(|_| self.nonsense(name, text.clone()))
    }

    /// In one piece: the module takes each write as a whole value.
    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let attribute = self.directory.join(name);
        fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&attribute)
            .and_then(|mut file| file.write(text.as_bytes()))
            .map(drop)
            .map_err(|source| Error::Io { attribute, source })
    }

    fn nonsense(&self, name: &str, text: String) -> Error {
        Error::Text {
            attribute: self.directory.join(name),
            text,
        }
    }
}

/// `None` for an attribute that an older or newer module does not have, or writes in another form.
///
/// # Errors
///
/// The attribute exists and can't be read.
pub fn known<T>(value: Result<T, Error>) -> Result<Option<T>, Error> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(Error::Text { .. }) => Ok(None),
        Err(error) if error.number() == Some(2) => Ok(None),
        Err(error) => Err(error),
    }
}

fn age(seconds: u32) -> String {
    match seconds {
        0 => "all".to_owned(),
        seconds => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> (tempfile::TempDir, Device) {
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(root.path().join(DIRECTORY)).expect("a directory");
        let device = Device::open(root.path()).expect("a device");
        (root, device)
    }

    fn says(device: &Device, name: &str) -> String {
        fs::read_to_string(device.directory.join(name)).expect("text")
    }

    #[test]
    fn no_directory_is_no_device() {
        let root = tempfile::tempdir().expect("a directory");
        assert!(matches!(Device::open(root.path()), Err(Error::NotLoaded)));
    }

    #[test]
    fn what_is_read() {
        let (_root, device) = device();
        for (name, text) in [
            ("size", "8192\n"),
            ("comp_algorithm", "lz4 [zstd]\n"),
            ("tiers", "/dev/a size=1\n= of tomorrow\n/dev/b size=2\n"),
            ("ram_limit", "much\n"),
        ] {
            fs::write(device.directory.join(name), text).expect("a file");
        }
        assert_eq!(device.size().expect("a size"), 8192);
        assert!(matches!(device.ram_limit(), Err(Error::Text { .. })));
        assert!(matches!(device.writeback_limit(), Err(Error::Io { .. })));
        let algorithms = device.algorithms().expect("algorithms");
        assert_eq!(algorithms.current, "zstd");
        assert_eq!(algorithms.all, ["lz4", "zstd"]);
        assert_eq!(device.tiers().expect("tiers").len(), 2);
        assert_eq!(known(device.size()).expect("a size"), Some(8192));
        assert_eq!(known(device.ram_limit()).expect("nothing"), None);
        assert_eq!(known(device.writeback_limit()).expect("nothing"), None);
        assert_eq!(device.abi().expect("a version"), 0);
    }

    #[test]
    fn what_is_written() {
        let (_root, device) = device();
        let names = ["tier_add", "tier_remove", "writeback", "recompress"];
        for name in names {
            fs::write(
                device.directory.join(name),
                "something longer than what comes",
            )
            .expect("a file");
        }
        device
            .add_tier("/dev/a", -3, DiskOptions::default())
            .expect("written");
        assert_eq!(says(&device, "tier_add"), "/dev/a -3");
        fs::write(device.directory.join("disk_uuid"), "").expect("a file");
        device.set_disk_uuid(0xa5).expect("written");
        assert_eq!(device.disk_uuid().expect("a UUID"), 0xa5);
        device.remove_tier("/dev/a", true).expect("written");
        assert_eq!(says(&device, "tier_remove"), "/dev/a force");
        device.write_back(0).expect("written");
        assert_eq!(says(&device, "writeback"), "all");
        device.recompress(90).expect("written");
        assert_eq!(says(&device, "recompress"), "90");
        // The attribute is never created.
        assert_eq!(device.set_size(1).expect_err("no file").number(), Some(2));
    }
}
