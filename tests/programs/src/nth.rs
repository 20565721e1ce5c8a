// SPDX-License-Identifier: GPL-2.0-only
//! Makes one system call again and again, and has the kernel fail one thing in it each time,
//! each of those once that the filters in debugfs let through (see the kernel's
//! Documentation/fault-injection). Each time it has to succeed, or fail with an error that is
//! expected. Exit status 1 means that it did neither.

use clap::{Parser, Subcommand};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Error, Result};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Parser)]
#[command(about = "Makes a system call with each thing in it failing in turn")]
struct Options {
    /// At most for so long; what is left out is said
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// An error that is expected beside ENOMEM, as the C library has it
    #[arg(long)]
    error: Vec<String>,
    /// Another order of the things that fail
    #[arg(long, default_value_t = 0)]
    seed: u32,
    #[command(subcommand)]
    call: Call,
}

#[derive(Subcommand)]
enum Call {
    /// Loads a module, and unloads it again
    Load { file: String, parameters: String },
    /// Swaps on, and off again
    Swapon { node: String },
    /// Swaps off, and on again
    Swapoff { node: String },
    /// Writes to a file, and then what undoes it to another
    Write {
        file: String,
        text: String,
        undo: Option<String>,
        undo_text: Option<String>,
    },
}

/// A call that can be made, and undone when it has succeeded.
struct Prepared<'a> {
    make: Box<dyn FnMut() -> Result<()> + 'a>,
    undo: Box<dyn FnMut() -> Result<()> + 'a>,
}

/// The result of a system call that only says whether it succeeded.
fn checked(returned: i64) -> Result<()> {
    if returned < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(())
    }
}

fn write_to(file: &File, text: &str) -> Result<()> {
    // SAFETY: the text is as long as is said.
    checked(unsafe { libc::write(file.as_raw_fd(), text.as_ptr().cast(), text.len()) } as i64)
}

/// Does everything except the call itself in advance.
fn prepare(call: &Call) -> Result<Prepared<'_>> {
    let swap_on = |node: &str| -> Result<Box<dyn FnMut() -> Result<()>>> {
        let node = CString::new(node)?;
        // SAFETY: the path ends with a NUL.
        Ok(Box::new(move || {
            checked(unsafe { libc::swapon(node.as_ptr(), 0) }.into())
        }))
    };
    let swap_off = |node: &str| -> Result<Box<dyn FnMut() -> Result<()>>> {
        let node = CString::new(node)?;
        // SAFETY: the path ends with a NUL.
        Ok(Box::new(move || {
            checked(unsafe { libc::swapoff(node.as_ptr()) }.into())
        }))
    };
    let write = |path: &str, text: &str| -> Result<Box<dyn FnMut() -> Result<()>>> {
        let file = OpenOptions::new().write(true).open(path)?;
        let text = text.to_string();
        Ok(Box::new(move || write_to(&file, &text)))
    };
    Ok(match call {
        Call::Load { file, parameters } => {
            let name = std::path::Path::new(file).file_stem();
            let name = CString::new(name.unwrap_or_default().as_encoded_bytes())?;
            let file = File::open(file)?;
            let parameters = CString::new(parameters.as_str())?;
            Prepared {
                // SAFETY: the texts end with a NUL, and the file is open.
                make: Box::new(move || {
                    checked(unsafe {
                        libc::syscall(
                            libc::SYS_finit_module,
                            file.as_raw_fd(),
                            parameters.as_ptr(),
                            0,
                        )
                    })
                }),
                // SAFETY: the name ends with a NUL.
                undo: Box::new(move || {
                    checked(unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), 0) })
                }),
            }
        }
        Call::Swapon { node } => Prepared {
            make: swap_on(node)?,
            undo: swap_off(node)?,
        },
        Call::Swapoff { node } => Prepared {
            make: swap_off(node)?,
            undo: swap_on(node)?,
        },
        Call::Write {
            file,
            text,
            undo,
            undo_text,
        } => Prepared {
            make: write(file, text)?,
            undo: match undo.as_ref().zip(undo_text.as_ref()) {
                Some((file, text)) => write(file, text)?,
                None => Box::new(|| Ok(())),
            },
        },
    })
}

/// The kernel's file that says what fails next in this thread.
struct FailNth(File);

impl FailNth {
    fn open() -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/proc/thread-self/fail-nth")?;
        Ok(Self(file))
    }

    fn set(&self, nth: u32) -> Result<()> {
        self.0.write_all_at(nth.to_string().as_bytes(), 0)
    }

    /// How many more can fail before that; 0 if it has failed.
    fn left(&self) -> Result<u32> {
        let mut text = [0; 16];
        let length = self.0.read_at(&mut text, 0)?;
        let text = String::from_utf8_lossy(&text[..length]);
        text.trim()
            .parse()
            .map_err(|_| Error::other(format!("fail-nth says '{text}'")))
    }
}

fn run(options: &Options) -> Result<bool> {
    const MANY: u32 = 1_000_000_000;
    // A prime, so that each comes once, and not in order.
    const STRIDE: u64 = 1_000_003;
    let fail = FailNth::open()?;
    let mut call = prepare(&options.call)?;
    // The number of things that can fail; the first time there may be more.
    let mut count = 0;
    for _ in 0..2 {
        fail.set(MANY)?;
        let outcome = (call.make)();
        let left = fail.left()?;
        fail.set(0)?;
        outcome?;
        (call.undo)()?;
        count = MANY - left;
    }
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let (mut failed, mut refused, mut well) = (0, 0, true);
    for number in 0..count {
        if Instant::now() > end {
            break;
        }
        let place = u64::from(options.seed) + u64::from(number) * STRIDE;
        let nth = u32::try_from(place % u64::from(count)).unwrap_or(0) + 1;
        fail.set(nth)?;
        let outcome = (call.make)();
        let left = fail.left()?;
        fail.set(0)?;
        failed += u32::from(left == 0);
        match outcome {
            Ok(()) => (call.undo)()?,
            Err(error) => {
                let text = error.to_string();
                refused += 1;
                let expected = error.raw_os_error() == Some(libc::ENOMEM)
                    || options.error.iter().any(|start| text.starts_with(start));
                if !expected || left != 0 {
                    eprintln!("nth: with the {nth}. of {count} failing: {text}");
                    well = false;
                }
            }
        }
    }
    println!("nth: {failed} of {count} failed in turn, and the call {refused} times");
    Ok(well && (failed > 0 || count == 0))
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(well) => ExitCode::from(u8::from(!well)),
        Err(error) => {
            eprintln!("nth: {error}");
            ExitCode::from(1)
        }
    }
}
