// SPDX-License-Identifier: GPL-2.0-only
//! Runs the workers and merges what they say.

use crate::record::{Labels, Record};
use crate::worker::Message;
use std::io::{BufRead, BufReader, Error, Lines, Result, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    labels: Labels,
    /// Processes, each with memory of its own
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
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

/// What all workers say next; they go through the same phases.
fn messages(workers: &mut [Worker]) -> Result<Vec<Message>> {
    let said = workers
        .iter_mut()
        .map(Worker::next)
        .collect::<Result<Vec<_>>>()?;
    Ok(said.into_iter().flatten().collect())
}

/// Several workers' phase: from the first one's start to the last one's end.
fn merge(record: &mut Record, messages: Vec<Message>) {
    let mut merged = None;
    for message in messages {
        if let Message::Done { phase, span, pages } = message {
            merged = Some(match merged {
                None => (phase, span, pages),
                Some((_, all, sum)) => (phase, span.around(all), pages + sum),
            });
        }
    }
    if let Some((phase, span, pages)) = merged {
        record.add(&phase, span, pages);
    }
}

pub fn run(options: &Options) -> Result<()> {
    let mut record = Record::new(&options.labels)?;
    let mut workers = (0..options.processes)
        .map(|number| Worker::start(number, &options.worker))
        .collect::<Result<Vec<_>>>()?;
    loop {
        let said = messages(&mut workers)?;
        if said.len() < workers.len() {
            break;
        }
        if said.iter().all(|message| *message == Message::Ready) {
            for worker in &mut workers {
                worker.input.write_all(b"\n")?;
            }
        } else {
            merge(&mut record, said);
        }
    }
    for mut worker in workers {
        drop(worker.input);
        let status = worker.process.wait()?;
        if !status.success() {
            return Err(Error::other(format!("a process ended with {status}")));
        }
    }
    record.print()
}
