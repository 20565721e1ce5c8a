// SPDX-License-Identifier: GPL-2.0-only

//! Makes a disk or a swap file a tier.

use crate::failure::{failed, usage, Code, Failure};
use crate::out;
use crate::signature::{self, Found};
use crate::system::{Identity, System};
use crate::{loops, size};
use rustix::fs::{
    fallocate, ioctl_getflags, ioctl_setflags, statfs, FallocateFlags, FsWord, IFlags,
};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use vswap_sysfs::{Device, DiskOptions};

/// The module accepts no smaller disk.
pub const MIN_BYTES: u64 = 4 << 20;

/// File systems on which a swap file does harm, by their `statfs` numbers
/// (`include/uapi/linux/magic.h`), and why. Writing to such a file may need memory that only swapping
/// could free.
const UNFIT: [(FsWord, &str, &str); 11] = [
    (0x0102_1994, "tmpfs", "is memory itself"),
    (0x8584_58f6, "ramfs", "is memory itself"),
    (0x9584_58f6, "hugetlbfs", "is memory itself"),
    (
        0x2fc1_2fc1,
        "ZFS",
        "needs memory to write; use a ZFS volume or a partition",
    ),
    (
        0x6573_5546,
        "FUSE",
        "is served by a program that may be swapped out",
    ),
    (0x6969, "NFS", "needs memory to write"),
    (0xff53_4d42, "CIFS", "needs memory to write"),
    (0xfe53_4d42, "SMB", "needs memory to write"),
    (0x0102_1997, "9p", "needs memory to write"),
    (0x00c3_6400, "Ceph", "needs memory to write"),
    (
        0xca45_1a4e,
        "bcachefs",
        "allocates new blocks with each write",
    ),
];
const BTRFS: FsWord = 0x9123_683e;

/// A disk that is to become a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// A block device or a regular file.
    pub path: PathBuf,
    /// Disks of higher priority are filled first.
    pub priority: i32,
    /// Its options.
    pub options: DiskOptions,
    /// If there is no such file, it is created with this size in bytes.
    pub create: Option<u64>,
    /// Whether an existing file is used whatever its size.
    pub takes_any_size: bool,
    /// Whether to overwrite existing data.
    pub force: bool,
}

impl Disk {
    /// Makes it a tier. Returns the node of the block device. Needs the [lock](crate::lock).
    ///
    /// # Errors
    ///
    /// It is missing, busy, a tier already, has data on it, or the module refuses it. Then nothing has
    /// changed, and a file that was created is removed again.
    pub fn add(&self, system: &System, device: &Device, may_ask: bool) -> Result<String, Failure> {
        let tiers = device.tiers()?;
        if system.tier_of(&self.path, &tiers).is_some() {
            return Err(failed(format!("{} is a tier already", self.path.display())));
        }
        if let Some(uuid) = signature::own_uuid(system) {
            // An older module has no such attribute and signs without a UUID.
            vswap_sysfs::known(device.set_disk_uuid(uuid))?;
        }
        if !self.path.is_absolute() || fits(&self.path).is_none() {
            let whole = std::path::absolute(&self.path).and_then(|path| {
                if fits(&path).is_some() {
                    Ok(path)
                } else {
                    fs::canonicalize(&path)
                }
            });
            let path =
                whole.map_err(|error| failed(format!("{}: {error}", self.path.display())))?;
            return Self {
                path,
                ..self.clone()
            }
            .add_absolute(system, device, may_ask);
        }
        self.add_absolute(system, device, may_ask)
    }

    /// What [`add`](Self::add) would do, in words that follow "would". Makes the same checks.
    ///
    /// # Errors
    ///
    /// It would fail.
    pub fn would(&self, system: &System, device: Option<&Device>) -> Result<String, Failure> {
        let path = self.path.display();
        let tiers = match device {
            Some(device) => device.tiers()?,
            None => Vec::new(),
        };
        if system.tier_of(&self.path, &tiers).is_some() {
            return Err(failed(format!("{path} is a tier already")));
        }
        let priority = self.priority;
        match fs::metadata(&self.path) {
            Ok(metadata) if metadata.file_type().is_block_device() => {
                if let Some(holder) = Identity::of(&self.path).and_then(|disk| system.holder(disk))
                {
                    return Err(busy(&self.path, &holder));
                }
                self.ask_about_data(system, device, false)?;
                Ok(format!(
                    "make {path} a tier with priority {priority}, and overwrite it"
                ))
            }
            Ok(metadata) if metadata.is_file() => {
                self.check_holders(system)?;
                self.check_file()?;
                self.ask_about_data(system, device, false)?;
                Ok(format!(
                    "make {path} a tier with priority {priority} through a loop device, and overwrite it"
                ))
            }
            Ok(_) => Err(failed(format!(
                "{path} is neither a block device nor a regular file"
            ))),
            Err(error) => match self
                .create
                .filter(|_| error.kind() == io::ErrorKind::NotFound)
            {
                Some(size) => {
                    if let Some(directory) = self.path.parent() {
                        self.check_place(directory)?;
                    }
                    Ok(format!(
                        "create the file {path} with {}, and make it a tier with priority {priority}",
                        size::exact(size)
                    ))
                }
                None => Err(failed(format!("{path}: {error}"))),
            },
        }
    }

    /// Refuses a file that is in use.
    fn check_holders(&self, system: &System) -> Result<(), Failure> {
        let identity = Identity::of(&self.path)
            .ok_or_else(|| failed(format!("there is no {}", self.path.display())))?;
        if system
            .swaps()
            .iter()
            .any(|swap| Identity::of(Path::new(&swap.path)) == Some(identity))
        {
            return Err(busy(&self.path, "is swapped on; swap it off first"));
        }
        if let Some(node) = system.loop_over(identity) {
            return Err(busy(&self.path, &format!("is in use through {node}")));
        }
        Ok(())
    }

    fn add_absolute(
        &self,
        system: &System,
        device: &Device,
        may_ask: bool,
    ) -> Result<String, Failure> {
        let path = self.path.display();
        let is_new = match (fs::metadata(&self.path), self.create) {
            (Ok(metadata), None) if metadata.file_type().is_block_device() => {
                return self.add_device(system, device, may_ask)
            }
            (Ok(metadata), _) if !metadata.is_file() => {
                return Err(failed(if metadata.file_type().is_block_device() {
                    format!("{path} is a block device, not a file to create; leave the size out")
                } else {
                    format!("{path} is neither a block device nor a regular file")
                }))
            }
            (Ok(metadata), Some(size)) if metadata.len() != size => {
                let there = size::exact(metadata.len());
                if !self.takes_any_size {
                    return Err(failed(format!(
                        "{path} exists already, with {there}; leave --create out, or delete the file first"
                    )));
                }
                out::warn(&format!(
                    "{path} exists already, with {there} and not {}; it is used as it is. To change its size, remove \
                     the disk and delete the file",
                    size::exact(size)
                ));
                false
            }
            (Ok(_), _) => false,
            (Err(error), Some(size)) if error.kind() == io::ErrorKind::NotFound => {
                self.make(size)?;
                true
            }
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                return Err(failed(if self.path.starts_with("/dev") {
                    format!("there is no {path}")
                } else {
                    format!("there is no {path}; --create SIZE makes a swap file of that name")
                }))
            }
            (Err(error), _) => return Err(failed(format!("{path}: {error}"))),
        };
        let added = self.add_file(system, device, may_ask, is_new);
        if added.is_err() && is_new {
            let _ = fs::remove_file(&self.path);
        }
        added
    }

    fn add_device(
        &self,
        system: &System,
        device: &Device,
        may_ask: bool,
    ) -> Result<String, Failure> {
        if let Some(holder) = Identity::of(&self.path).and_then(|disk| system.holder(disk)) {
            return Err(busy(&self.path, &holder));
        }
        self.ask_about_data(system, Some(device), may_ask)?;
        let node =
            fits(&self.path).ok_or_else(|| failed("the path is too long or has blanks in it"))?;
        self.add_node(device, node)?;
        Ok(node.to_owned())
    }

    fn add_file(
        &self,
        system: &System,
        device: &Device,
        may_ask: bool,
        is_new: bool,
    ) -> Result<String, Failure> {
        let whole = fs::canonicalize(&self.path)
            .map_err(|error| failed(format!("{}: {error}", self.path.display())))?;
        self.check_holders(system)?;
        if !is_new {
            self.check_file()?;
            self.ask_about_data(system, Some(device), may_ask)?;
        }
        let node = loops::attach(system, &whole)?;
        let added = self.add_node(device, &node);
        // The tier holds it open, so it goes with the tier, whoever removes that.
        let detached = loops::detach(&node);
        added.and(detached).map(|()| node)
    }

    /// Checks everything about a file except its contents.
    fn check_file(&self) -> Result<(), Failure> {
        let path = self.path.display();
        let metadata =
            fs::metadata(&self.path).map_err(|error| failed(format!("{path}: {error}")))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            out::warn(&format!(
                "other users can read {path}; 'chmod 600 {path}' prevents that"
            ));
        }
        if self.force {
            return Ok(());
        }
        if metadata.blocks().saturating_mul(512) < metadata.len() {
            return Err(failed(format!(
                "{path} has holes, so the file system may run out of space when a page is written there; \
                 delete it and use --create {}",
                size::exact(metadata.len())
            )));
        }
        self.check_place(&self.path)?;
        if kind(&self.path) == BTRFS && is_copied_on_write(&self.path) {
            out::warn(&format!(
                "btrfs copies each block of {path} that is written; delete it and use --create {}, which makes a file \
                 that is written in place",
                size::exact(metadata.len())
            ));
        }
        Ok(())
    }

    /// Refuses file systems on which a swap file does harm.
    fn check_place(&self, place: &Path) -> Result<(), Failure> {
        let kind = kind(place);
        match UNFIT.iter().find(|(number, ..)| *number == kind) {
            Some((_, name, why)) if !self.force => Err(failed(format!(
                "{} is on {name}, which {why}; a swap file has to be on a file system of a local disk",
                self.path.display()
            ))),
            _ => Ok(()),
        }
    }

    fn make(&self, size: u64) -> Result<(), Failure> {
        let path = self.path.display();
        if let Some(directory) = self.path.parent() {
            self.check_place(directory)?;
        }
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path);
        let file = file.map_err(|error| failed(format!("{path} can't be created: {error}")))?;
        let filled = fill(&file, size);
        if filled.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        filled.map_err(|error| {
            failed(format!(
                "{path} can't be extended to {}: {error}",
                size::exact(size)
            ))
        })
    }

    fn ask_about_data(
        &self,
        system: &System,
        device: Option<&Device>,
        may_ask: bool,
    ) -> Result<(), Failure> {
        if self.force {
            return Ok(());
        }
        let Found::Data(found) = signature::find(system, device, &self.path)? else {
            return Ok(());
        };
        let path = self.path.display();
        if may_ask && io::stdin().is_terminal() && io::stderr().is_terminal() {
            let question = format!("There is {found} on {path}. Overwrite it? [y/N] ");
            out::note(&out::printable(&question));
            let mut answer = String::new();
            let _ = io::stdin().lock().read_line(&mut answer);
            if matches!(answer.trim(), "y" | "Y" | "yes") {
                return Ok(());
            }
            return Err(Failure::new(
                Code::DataFound,
                format!("{path} was not changed"),
            ));
        }
        Err(Failure::new(
            Code::DataFound,
            format!("there is {found} on {path}; --force overwrites it"),
        ))
    }

    fn add_node(&self, device: &Device, node: &str) -> Result<(), Failure> {
        let path = self.path.display();
        device
            .add_tier(node, self.priority, self.options)
            .map_err(|error| match error.number() {
                Some(libc::EBUSY) => busy(&self.path, "is in use by another program"),
                Some(libc::EEXIST) => failed(format!("{path} is a tier already")),
                Some(libc::ENOENT | libc::ENXIO | libc::ENODEV) => {
                    failed(format!("there is no device {path}"))
                }
                Some(libc::EROFS) => failed(format!("{path} is read-only")),
                Some(libc::ENOTBLK) => failed(format!("{path} is not a block device")),
                Some(libc::ENOSPC) => failed(
                    "there are eight disks already, and no more are possible; remove one first",
                ),
                Some(libc::EINVAL) => failed(format!(
                    "{path} can't be a tier: it is zoned, or smaller than 4 MiB"
                )),
                Some(libc::EOPNOTSUPP) if self.options.discard => failed(format!(
                    "{path} can't be added with discard: it is a file or can't discard, or, with encrypt, the kernel has no xts(aes)"
                )),
                Some(libc::EOPNOTSUPP) => failed(format!(
                    "{path} can't be encrypted: the kernel has no xts(aes); its modules are xts and aesni_intel"
                )),
                Some(libc::ENOMEM) if self.options.protection.integrity => failed(format!(
                    "there is not enough memory for the tags of {path}, which take 8 bytes a page"
                )),
                _ => failed(format!("{path} can't be added: {error}"))
                    .with(Failure::from(error).code),
            })
    }
}

/// The path, if the module can take it.
fn fits(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    (text.len() <= 255 && !text.contains(|c: char| c.is_ascii_whitespace())).then_some(text)
}

fn busy(path: &Path, holder: &str) -> Failure {
    Failure::new(Code::Busy, format!("{} {holder}", path.display()))
}

/// The file system's `statfs` number, or 0 if it is unknown.
fn kind(place: &Path) -> FsWord {
    statfs(place).map_or(0, |statfs| statfs.f_type)
}

fn is_copied_on_write(path: &Path) -> bool {
    let flags = File::open(path).map(|file| ioctl_getflags(&file));
    matches!(flags, Ok(Ok(flags)) if !flags.contains(IFlags::NOCOW))
}

fn fill(file: &File, size: u64) -> io::Result<()> {
    // Otherwise btrfs would allocate new blocks with each write. The flag can only be set on an empty
    // file, and other file systems don't know it.
    if let Ok(flags) = ioctl_getflags(file) {
        let _ = ioctl_setflags(file, flags | IFlags::NOCOW);
    }
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Ok(()) => {}
        Err(Errno::OPNOTSUPP) => write_zeros(file, size)?,
        Err(error) => return Err(error.into()),
    }
    file.sync_all()
}

/// For file systems that can't allocate without writing.
fn write_zeros(mut file: &File, size: u64) -> io::Result<()> {
    const CHUNK: usize = 1 << 20;
    let zeros = vec![0; CHUNK];
    let mut left = size;
    while left > 0 {
        let length = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        file.write_all(&zeros[..length])?;
        left -= length as u64;
    }
    Ok(())
}

/// Checks what does not depend on the machine's state.
///
/// # Errors
///
/// The size for a new file is too small.
pub fn check_created(size: u64) -> Result<u64, Failure> {
    if size < MIN_BYTES {
        return Err(usage("a swap file needs at least 4 MiB"));
    }
    Ok(size & !4095)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_zeros_are_written() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        write_zeros(file.as_file(), (1 << 20) + 4096).expect("written");
        let bytes = fs::read(file.path()).expect("read");
        assert_eq!(bytes.len(), (1 << 20) + 4096);
        assert!(bytes.iter().all(|byte| *byte == 0));
    }
}
