// SPDX-License-Identifier: GPL-2.0-only

//! A disk or a swap file becomes a tier.

use crate::failure::{failed, usage, Code, Failure};
use crate::signature;
use crate::system::System;
use crate::{loops, size};
use rustix::fs::{fallocate, FallocateFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use vswap_sysfs::{Device, Protection};

/// The file system `tmpfs` and its like, by the numbers that `statfs` has for them.
const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];

/// A disk that is to be a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// A block device, or a regular file.
    pub path: PathBuf,
    /// Higher ones are filled first.
    pub priority: i32,
    /// What protects its pages.
    pub protection: Protection,
    /// The size in bytes of the file that is made if there is none.
    pub create: Option<u64>,
    /// Whatever is there is overwritten.
    pub force: bool,
}

impl Disk {
    /// Makes it a tier; gives the node that it is one by.
    ///
    /// # Errors
    ///
    /// It is missing, busy, a tier already, has data on it, or the module refuses it. Then all is
    /// as it was, and a file that was made is gone.
    pub fn add(&self, system: &System, device: &Device, may_ask: bool) -> Result<String, Failure> {
        let tiers = device.tiers()?;
        if system.tier_of(&self.path, &tiers).is_some() {
            return Err(failed(format!("{} is a tier already", self.path.display())));
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
                return Err(failed(format!(
                    "{path} is neither a block device nor a regular file"
                )))
            }
            (Ok(metadata), Some(size)) if metadata.len() != size => {
                return Err(failed(format!(
                "{path} is there already, and of {}; leave --create out, or delete the file first",
                size::human(metadata.len())
            )))
            }
            (Ok(_), _) => false,
            (Err(error), Some(size)) if error.kind() == io::ErrorKind::NotFound => {
                self.make(size)?;
                true
            }
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                return Err(failed(format!(
                    "there is no {path}; --create SIZE makes a swap file of that name"
                )))
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
        if let Some(holder) = system.holder(&self.path) {
            return Err(busy(&self.path, &holder));
        }
        self.ask_about_data(may_ask)?;
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
        if system
            .swaps()
            .iter()
            .any(|swap| Path::new(&swap.path) == whole)
        {
            return Err(busy(&self.path, "is swapped on; swap it off first"));
        }
        if let Some(node) = system.loop_over(&whole) {
            return Err(busy(&self.path, &format!("is in use through {node}")));
        }
        if !is_new {
            self.check_file()?;
            self.ask_about_data(may_ask)?;
        }
        let node = loops::attach(system, &whole)?;
        let added = self.add_node(device, &node);
        // While it is a tier it is held open, and it goes with the tier, whoever removes that.
        let detached = loops::detach(&node);
        added.and(detached).map(|()| node)
    }

    /// What makes a file a bad disk, but for what it has in it.
    fn check_file(&self) -> Result<(), Failure> {
        let path = self.path.display();
        let metadata =
            fs::metadata(&self.path).map_err(|error| failed(format!("{path}: {error}")))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            eprintln!(
                "vswapctl: warning: others may read {path}; 'chmod 600 {path}' keeps them from it."
            );
        }
        if self.force {
            return Ok(());
        }
        if metadata.blocks().saturating_mul(512) < metadata.len() {
            return Err(failed(format!(
                "{path} has holes, so the file system may be full when a page is to be written there; \
                 delete it and use --create {}",
                size::human(metadata.len())
            )));
        }
        self.check_place(&self.path)
    }

    /// A file in memory would take what it is to give.
    fn check_place(&self, place: &Path) -> Result<(), Failure> {
        let kind = rustix::fs::statfs(place).map_or(0, |statfs| statfs.f_type);
        if IN_MEMORY.contains(&kind) && !self.force {
            let path = self.path.display();
            return Err(failed(format!(
                "{path} lies in memory itself; use a file on a disk"
            )));
        }
        Ok(())
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
        let file = file.map_err(|error| failed(format!("{path} can't be made: {error}")))?;
        let filled = fill(&file, size);
        if filled.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        filled.map_err(|error| {
            failed(format!(
                "{path} can't be made {} long: {error}",
                size::human(size)
            ))
        })
    }

    fn ask_about_data(&self, may_ask: bool) -> Result<(), Failure> {
        if self.force {
            return Ok(());
        }
        let Some(found) = signature::find(&self.path)? else {
            return Ok(());
        };
        let path = self.path.display();
        if may_ask && io::stdin().is_terminal() && io::stderr().is_terminal() {
            eprint!("There is {found} on {path}. Overwrite it? [y/N] ");
            let _ = io::stderr().flush();
            let mut answer = String::new();
            let _ = io::stdin().lock().read_line(&mut answer);
            if matches!(answer.trim(), "y" | "Y" | "yes") {
                return Ok(());
            }
            return Err(Failure::new(
                Code::DataFound,
                format!("{path} is left as it is"),
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
            .add_tier(node, self.priority, self.protection)
            .map_err(|error| match error.number() {
                Some(libc::EBUSY) => busy(&self.path, "is in use by somebody else"),
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
                Some(libc::EOPNOTSUPP) => failed(format!(
                    "{path} can't be encrypted: the kernel has no xts(aes); its modules are xts and aesni_intel"
                )),
                Some(libc::ENOMEM) if self.protection.integrity => failed(format!(
                    "there is no memory for the tags of {path}: 8 bytes a page"
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

fn fill(file: &File, size: u64) -> io::Result<()> {
    fallocate(file, FallocateFlags::empty(), 0, size)?;
    file.sync_all()
}

/// Checks what does not depend on the machine's state.
///
/// # Errors
///
/// The size of a file that is to be made is too small.
pub fn check_created(size: u64) -> Result<u64, Failure> {
    if size < 4 << 20 {
        return Err(usage("a swap file has to have at least 4 MiB"));
    }
    Ok(size & !4095)
}
