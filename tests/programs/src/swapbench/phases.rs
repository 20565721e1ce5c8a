// SPDX-License-Identifier: GPL-2.0-only
//! Runs the workers and merges their messages.

use crate::clock::{timed, KernelThreads, Span};
use crate::record::{Labels, Record};
use crate::stat::Stat;
use crate::worker::Message;
use std::io::{BufRead, BufReader, Error, Lines, Result, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    /// Processes, each with memory of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    /// What the device says of itself: vswap's stat or zram's mm_stat
    #[arg(long)]
    stat: Option<PathBuf>,
    /// Options of "worker"
    #[arg(last = true)]
    worker: Vec<String>,
}

struct Worker {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    fn start(number: u32, options: &[String]) -> Result<Self> {
        let mut process = Command::new("/proc/self/exe")
            .arg("worker")
            .args(options)
            .args(["--seed", &format!("{number}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let none = || Error::other("a process without pipes");
        Ok(Worker {
            process,
            input: input.ok_or_else(none)?,
            output: BufReader::new(output.ok_or_else(none)?).lines(),
        })
    }

    fn next(&mut self) -> Result<Option<Message>> {
        self.output
            .next()
            .map(|line| Ok(serde_json::from_str(&line?)?))
            .transpose()
    }
}

/// The next message of each worker; they go through the same phases.
fn messages(workers: &mut [Worker]) -> Result<Vec<Message>> {
    let said = workers
        .iter_mut()
        .map(Worker::next)
        .collect::<Result<Vec<_>>>()?;
    Ok(said.into_iter().flatten().collect())
}

/// Several workers' phase: from the first one's start to the last one's end.
fn merge(messages: Vec<Message>) -> Option<(String, Span, u64)> {
    let mut merged = None;
    for message in messages {
        if let Message::Done { phase, span, pages } = message {
            merged = Some(match merged {
                None => (phase, span, pages),
                Some((_, all, sum)) => (phase, span.around(all), pages + sum),
            });
        }
    }
    merged
}

/// The device's statistics before anything was done, and when it was filled.
struct Device<'a> {
    path: &'a Path,
    before: Stat,
    filled: Option<Stat>,
}

impl<'a> Device<'a> {
    fn new(path: &'a Path) -> Result<Self> {
        Ok(Device {
            path,
            before: Stat::read(path)?,
            filled: None,
        })
    }

    /// Only the first call counts.
    fn is_filled(&mut self) -> Result<()> {
        if self.filled.is_none() {
            self.filled = Some(Stat::read(self.path)?);
        }
        Ok(())
    }

    /// All that was written out is freed, and the kernel has had its time.
    fn is_empty(&self) -> Result<()> {
        let used = |stat: &Stat| stat.used_slots().saturating_sub(self.before.used_slots());
        let (now, most) = (Stat::read(self.path)?, self.filled.as_ref().map_or(0, used));
        if used(&now) * 8 > most {
            return Err(Error::other(format!(
                "{}: {} of {most} slots are still in use",
                self.path.display(),
                used(&now)
            )));
        }
        Ok(())
    }

    fn tell(&self, record: &mut Record) -> Result<()> {
        if let Some(filled) = &self.filled {
            record.stat = filled.told(&self.before, &Stat::read(self.path)?);
        }
        Ok(())
    }
}

/// Adds a phase that freed memory, and as NAME-total the CPU time of all of it:
/// that of the workers, and of the kernel's threads from then on. Waits for them.
fn freed(
    record: &mut Record,
    (phase, span, pages): (&str, Span, u64),
    threads: &KernelThreads,
    device: Option<&Device<'_>>,
) -> Result<()> {
    record.add(phase, span, pages);
    let later = threads.settled()?;
    record.add_ns(&format!("{phase}-total"), span.cpu + later, pages);
    device.map_or(Ok(()), Device::is_empty)
}

/// Kills the workers. Lasts until the last one is reaped.
fn kill(workers: &mut [Worker]) -> Result<Span> {
    let span = timed(|| {
        for worker in workers.iter_mut() {
            worker.process.kill()?;
        }
        for worker in workers.iter_mut() {
            worker.process.wait()?;
        }
        Ok(())
    })?;
    // Exiting costs the workers CPU time, which is unknown once they are gone. With one of
    // them, nobody else runs meanwhile.
    Ok(Span {
        cpu: span.ns(),
        ..span
    })
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let mut device = options.stat.as_deref().map(Device::new).transpose()?;
    let mut threads = KernelThreads::now()?;
    let mut workers = (0..options.processes)
        .map(|number| Worker::start(number, &options.worker))
        .collect::<Result<Vec<_>>>()?;
    loop {
        let said = messages(&mut workers)?;
        if said.len() < workers.len() {
            break;
        }
        if said.iter().all(|message| *message == Message::Ready) {
            threads = KernelThreads::now()?;
            for worker in &mut workers {
                worker.input.write_all(b"\n")?;
            }
            continue;
        }
        let waiting: Vec<u64> = said
            .iter()
            .filter_map(|message| match message {
                Message::Waiting { pages } => Some(*pages),
                _ => None,
            })
            .collect();
        if waiting.len() == workers.len() {
            threads = KernelThreads::now()?;
            let exit = ("exit", kill(&mut workers)?, waiting.iter().sum());
            freed(&mut record, exit, &threads, device.as_ref())?;
            device.map_or(Ok(()), |device| device.tell(&mut record))?;
            return record.print();
        }
        match merge(said) {
            Some((phase, span, pages)) if phase == "free" => {
                let free = (phase.as_str(), span, pages);
                freed(&mut record, free, &threads, device.as_ref())?;
            }
            Some((phase, span, pages)) => {
                record.add(&phase, span, pages);
                if let (Some(device), "write") = (&mut device, phase.as_str()) {
                    device.is_filled()?;
                }
            }
            None => {}
        }
    }
    for mut worker in workers {
        drop(worker.input);
        let status = worker.process.wait()?;
        if !status.success() {
            return Err(Error::other(format!("a process ended with {status}")));
        }
    }
    device.map_or(Ok(()), |device| device.tell(&mut record))?;
    record.print()
}
