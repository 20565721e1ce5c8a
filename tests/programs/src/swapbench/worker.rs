// SPDX-License-Identifier: GPL-2.0-only
//! One process of a run. It prints "ready" before each phase, begins it when a byte arrives,
//! and then prints how long it took, so that several can begin together.

use crate::clock::{timed, Span};
use crate::data::{swapped_pages, Data, Shape};
use crate::marker::{self, Phase};
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::io::{stdin, Error, Read, Result};

#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub shape: Shape,
    /// Instead of reading back and freeing: swapoff of this device
    #[arg(long)]
    pub swapoff: Option<String>,
    /// Instead of reading back and freeing: wait to be killed
    #[arg(long, conflicts_with = "swapoff")]
    pub killed: bool,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Tell the plugin when this run and its phases begin and end
    #[arg(long)]
    pub mark: bool,
}

/// A worker's messages, a line each.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
pub enum Message {
    Ready,
    /// It waits to be killed, with that many pages swapped out.
    Waiting {
        pages: u64,
    },
    Done {
        phase: String,
        span: Span,
        pages: u64,
    },
}

fn say(message: &Message) -> Result<()> {
    println!("{}", serde_json::to_string(message)?);
    Ok(())
}

fn together(mark: bool, phase: Phase, work: impl FnOnce() -> Result<()>) -> Result<Span> {
    say(&Message::Ready)?;
    stdin().lock().read_exact(&mut [0])?;
    if mark {
        timed(|| marker::within(phase, work))
    } else {
        timed(work)
    }
}

fn done(phase: &str, span: Span, pages: u64) -> Result<()> {
    say(&Message::Done {
        phase: phase.to_owned(),
        span,
        pages,
    })
}

/// Fills memory and writes it out. Returns the number of pages that are out.
fn write(mark: bool, data: &mut Data) -> Result<u64> {
    data.fill();
    let span = together(mark, Phase::Write, || data.page_out())?;
    let pages = swapped_pages()?;
    // The rest was in the lists of a CPU that this process ran on before.
    if pages < data.pages() as u64 * 9 / 10 {
        return Err(Error::other(format!(
            "only {pages} of {} pages were swapped out",
            data.pages()
        )));
    }
    done("write", span, pages)?;
    Ok(pages)
}

fn swapoff(device: &str) -> Result<()> {
    let device = CString::new(device)?;
    // SAFETY: a C string.
    match unsafe { libc::swapoff(device.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

pub fn run(options: &Options) -> Result<()> {
    if options.mark {
        marker::run();
    }
    let mut data = Data::new(options.shape, options.seed)?;
    let pages = write(options.mark, &mut data)?;
    if let Some(device) = &options.swapoff {
        done(
            "swapoff",
            together(options.mark, Phase::Swapoff, || swapoff(device))?,
            pages,
        )?;
        return data.compare(|_| None);
    }
    if options.killed {
        say(&Message::Waiting { pages })?;
        stdin().lock().read_exact(&mut [0])?;
        return Err(Error::other("not killed"));
    }
    let span = together(options.mark, Phase::Read, || {
        data.touch();
        Ok(())
    })?;
    done("read", span, pages)?;
    data.compare(|_| None)?;
    // Filled again, as an unchanged page would not be written again.
    let pages = write(options.mark, &mut data)?;
    done(
        "free",
        together(options.mark, Phase::Free, || data.unmap())?,
        pages,
    )
}
