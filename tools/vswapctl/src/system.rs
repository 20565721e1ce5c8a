// SPDX-License-Identifier: GPL-2.0-only

//! What the kernel says about the machine, beside the device itself.

use crate::failure::{Code, Failure};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use vswap_sysfs::{Device, Tier, NODE};

/// The machine, whose files are below a root directory.
#[derive(Clone, Debug)]
pub struct System {
    root: PathBuf,
}

/// A swap device, as `/proc/swaps` has it. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Swap {
    /// Its path.
    pub path: String,
    /// What fits.
    pub size: u64,
    /// What the swap core has in use, which may be more than what the device holds.
    pub used: u64,
    /// The highest is used first.
    pub priority: i32,
}

impl System {
    /// The machine below that root directory.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Where the file of that absolute path is.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// The text of the file of that absolute path, without white space around it.
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

    /// Refuses to go on for anybody but root.
    ///
    /// # Errors
    ///
    /// The user is somebody else.
    pub fn require_root(&self) -> Result<(), Failure> {
        // A test's root directory belongs to whoever tests.
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

    /// Memory that can be had without swapping, in bytes.
    pub fn available(&self) -> u64 {
        self.meminfo("MemAvailable")
    }

    /// A line of `/proc/vmstat`.
    pub fn vmstat(&self, name: &str) -> Option<u64> {
        let text = self.read("/proc/vmstat")?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    }

    /// All swap devices.
    pub fn swaps(&self) -> Vec<Swap> {
        let text = self.read("/proc/swaps").unwrap_or_default();
        let swap = |line: &str| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let kib = |index: usize| words.get(index)?.parse::<u64>().ok()?.checked_mul(1024);
            Some(Swap {
                // Blanks in paths are written as \040.
                path: words.first()?.replace("\\040", " "),
                size: kib(2)?,
                used: kib(3)?,
                priority: words.get(4)?.parse().ok()?,
            })
        };
        text.lines().skip(1).filter_map(swap).collect()
    }

    /// The device as the swap core sees it, when it is swapped on.
    pub fn swap(&self) -> Option<Swap> {
        self.swaps().into_iter().find(|swap| swap.path == NODE)
    }

    /// The file behind a loop device, if it is one.
    pub fn loop_file(&self, node: &str) -> Option<String> {
        let name = Path::new(node).file_name()?.to_str()?;
        self.read(&format!("/sys/block/{name}/loop/backing_file"))
            .filter(|file| !file.is_empty())
    }

    /// The loop device over a file, if there is one.
    pub fn loop_over(&self, file: &Path) -> Option<String> {
        let entries = fs::read_dir(self.path("/sys/block")).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names
            .filter(|name| name.starts_with("loop"))
            .map(|name| format!("/dev/{name}"))
            .find(|node| {
                self.loop_file(node)
                    .is_some_and(|behind| Path::new(&behind) == file)
            })
    }

    /// Where a disk was mounted, or what else holds it, in words.
    pub fn holder(&self, node: &Path) -> Option<String> {
        let node = fs::canonicalize(node).ok()?;
        let same = |path: &str| fs::canonicalize(path).is_ok_and(|path| path == node);
        if self.swaps().iter().any(|swap| same(&swap.path)) {
            return Some("is swapped on; swap it off first".to_owned());
        }
        let mounts = self.read("/proc/self/mounts").unwrap_or_default();
        let mount = mounts.lines().find_map(|line| {
            let (source, rest) = line.split_once(' ')?;
            same(source).then(|| rest.split(' ').next().unwrap_or("").to_owned())
        });
        if let Some(mount) = mount {
            return Some(format!("is mounted at {mount}; unmount it first"));
        }
        let name = node.file_name()?.to_str()?;
        let mut holders =
            fs::read_dir(self.path(&format!("/sys/class/block/{name}/holders"))).ok()?;
        let holder = holders.next()?.ok()?.file_name();
        Some(format!("is part of {}", holder.to_string_lossy()))
    }

    /// Which of the tiers a path stands for: its own, that of a link to it, or that of the loop
    /// device over it.
    pub fn tier_of<'a>(&self, path: &Path, tiers: &'a [Tier]) -> Option<&'a Tier> {
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        tiers.iter().find(|tier| {
            Path::new(&tier.path) == path
                || fs::canonicalize(&tier.path).is_ok_and(|tier| tier == whole)
                || self
                    .loop_file(&tier.path)
                    .is_some_and(|file| Path::new(&file) == whole)
        })
    }

    /// The kernel's release.
    pub fn release(&self) -> String {
        self.read("/proc/sys/kernel/osrelease").unwrap_or_default()
    }

    /// Whether the kernel is one that has what vswap needs. One that can't be told is.
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
