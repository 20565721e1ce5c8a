// SPDX-License-Identifier: GPL-2.0-only
//! Does to the device's attributes and its node what their users should not, in an order drawn
//! from a seed, in several processes at once. Exit status 1 means that a call was answered as none
//! may be, or that a process died of it.

mod attributes;
mod node;
mod tally;
mod text;
mod user;

use attributes::Attributes;
use clap::Parser;
use fastrand::Rng;
use node::Node;
use std::io::{Error, Result};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tally::Tally;
use user::User;

#[derive(Parser)]
#[command(about = "Calls on the attributes and the node that nobody should make")]
struct Options {
    /// The folder of the attributes
    #[arg(long, default_value = "/sys/class/vswap/vswap0")]
    class: String,
    /// The node
    #[arg(long, default_value = "/dev/vswap0")]
    node: String,
    /// A disk that may be added and removed
    #[arg(long)]
    disk: Vec<String>,
    #[arg(long, value_enum, default_value = "root")]
    user: User,
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    workers: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Signals interrupt what sleeps, and do nothing else.
extern "C" fn on_alarm(_: libc::c_int) {}

fn take_alarms() {
    // SAFETY: a zeroed sigaction is a valid one, and the handler has the right signature.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_alarm as *const () as usize;
        libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut());
    }
}

/// One process's calls, until the time is over.
fn work(options: &Options, tally: &Tally, number: u64, end: Instant) -> Result<()> {
    let mut rng = Rng::with_seed(options.seed.wrapping_mul(1000).wrapping_add(number));
    take_alarms();
    // While this one may still read it.
    let node = Node::new(&options.node, options.user, tally)?;
    options.user.become_it()?;
    let attributes = Attributes {
        folder: &options.class,
        disks: &options.disk,
        user: options.user,
        tally,
    };
    while Instant::now() < end {
        if rng.bool() {
            attributes.go(&mut rng);
        } else {
            node.go(&mut rng);
        }
    }
    Ok(())
}

/// Starts all processes and waits for them. Says whether all ended well.
fn run(options: &Options, tally: &Tally) -> Result<bool> {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut children = Vec::new();
    for number in 0..options.workers {
        // SAFETY: there are no other threads.
        match unsafe { libc::fork() } {
            0 => {
                let result = work(options, tally, number, end);
                if let Err(error) = &result {
                    eprintln!("fuzz: {error}");
                }
                std::process::exit(result.is_err().into());
            }
            child if child > 0 => children.push(child),
            _ => return Err(Error::last_os_error()),
        }
    }
    let mut well = true;
    for child in children {
        let mut status = 0;
        // SAFETY: waits for our own child.
        if unsafe { libc::waitpid(child, &mut status, 0) } != child || status != 0 {
            eprintln!("fuzz: a process ended with wait status {status:#x}");
            well = false;
        }
    }
    Ok(well)
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = Tally::shared().and_then(|tally| Ok((run(&options, tally)?, tally.read())));
    match result {
        Ok((well, [calls, refused, wrong])) => {
            println!(
                "fuzz: seed {}: {calls} calls, {refused} refused, {wrong} answered wrongly",
                options.seed
            );
            ExitCode::from(u8::from(!well || wrong != 0 || calls == 0))
        }
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::from(1)
        }
    }
}
