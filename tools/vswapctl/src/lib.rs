// SPDX-License-Identifier: GPL-2.0-only

//! The parts of `vswapctl`.
#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic on a closed output"
)]

pub mod age;
pub mod bar;
pub mod bash;
pub mod bench;
pub mod bring;
pub mod check;
pub mod cli;
pub mod columns;
pub mod command;
pub mod completion;
pub mod config;
pub mod disk;
pub mod dry;
pub mod estimate;
pub mod expression;
pub mod failure;
pub mod generate;
pub mod json;
pub mod lock;
pub mod look;
pub mod loops;
pub mod metrics;
pub mod migrate;
pub mod out;
pub mod processes;
pub mod remove;
pub mod settings;
pub mod signature;
pub mod size;
pub mod snapshot;
pub mod status;
pub mod swap;
pub mod system;
pub mod top;
pub mod zsh;

use bring::Plan;
use cli::{Cli, Command};
use config::Config;
use disk::Disk;
use expression::Expression;
use failure::{failed, usage, Failure};
use look::Look;
use settings::Key;
use size::Style;
use system::System;
use vswap_sysfs::{DiskOptions, Protection};

/// Runs the command that the command line names. Returns its output.
///
/// # Errors
///
/// A sentence for the user and a status, and perhaps output to print in any case.
pub fn run(cli: &Cli) -> Result<String, Failure> {
    let system = System::new(&cli.root);
    let look = Look::of_stdout(cli.color);
    match &cli.command {
        Command::Status(options) => status::run(&system, look, options),
        Command::On(options) => {
            let plan = plan(&system, options)?;
            if options.dry_run {
                return dry::up(&system, &plan);
            }
            bring::up(&system, &plan).map(line)
        }
        Command::Off(options) | Command::Stop(options) if options.dry_run => {
            dry::down(&system, options.unload)
        }
        Command::Off(options) | Command::Stop(options) => {
            bring::down(&system, options.unload, options.force).map(line)
        }
        Command::Add(options) => add(&system, options).map(line),
        Command::Remove(options) if options.dry_run => dry::remove(&system, &options.name),
        Command::Remove(options) => {
            system.require_root()?;
            remove::run(&system, &system::resolve(&options.name), options.force).map(line)
        }
        Command::Set(options) => {
            let settings = settings::parse(&options.settings, system.ram())?;
            if options.dry_run {
                return dry::set(&system.device()?, &settings);
            }
            system.require_root()?;
            let device = system.device()?;
            let _lock = lock::take(&system)?;
            settings::apply(&system, &device, &settings).map(|()| String::new())
        }
        Command::Get(options) => {
            let style = if options.bytes {
                Style::Bytes
            } else {
                Style::Human
            };
            let device = system.device()?;
            if options.json {
                return json::text(&settings::document(&device)?);
            }
            settings::show(&device, options.key.as_deref(), style)
        }
        Command::Writeback(options) => writeback(&system, options.age).map(line),
        Command::Recompress(options) => recompress(&system, options.age).map(line),
        Command::Top(options) => top::run(&system, look, options),
        Command::Metrics(options) => {
            let text = metrics::text(&system)?;
            match &options.output {
                Some(file) => metrics::write(file, &text).map(|()| String::new()),
                None => Ok(text),
            }
        }
        Command::Bench(options) => {
            let bytes = config::checked(&options.size, system.ram()).map_err(usage)?;
            let measured = bench::run(&system, bytes)?;
            if options.json {
                return json::text(&measured);
            }
            Ok(bench::table(&measured))
        }
        Command::Estimate(options) => estimate::run(&system, look, options),
        Command::Processes(options) => processes::run(&system, look, options),
        Command::Migrate(options) => migrate::run(&system, options),
        Command::Schema(options) => json::schema(options.what),
        Command::Check(options) => check(&system, look, options.json),
        Command::Config(options) if options.disks => {
            let (plan, _) = Config::load(&system).plan(system.ram());
            let word = |is_optional: bool| if is_optional { "optional" } else { "required" };
            let line = |(disk, is_optional): &(Disk, bool)| {
                format!("{} {}\n", word(*is_optional), disk.path.display())
            };
            Ok(plan.disks.iter().map(line).collect())
        }
        Command::Config(options) if options.json => {
            json::text(&Config::load(&system).document(&system))
        }
        Command::Config(options) => match &options.check {
            Some(file) => {
                let (config, what) = match file {
                    Some(file) => (Config::of_file(file)?, file.display().to_string()),
                    None => (Config::load(&system), "the configuration".to_owned()),
                };
                config.check(&system)?;
                Ok(line(format!("{what} is valid")))
            }
            None => Ok(Config::load(&system).show(&system)),
        },
        Command::Start(options) => start(&system, options).map(line),
        Command::Generate(options) => generate::run(options).map(|()| String::new()),
    }
}

fn line(mut text: String) -> String {
    text.push('\n');
    text
}

/// Runs `start`, for the service.
fn start(system: &System, options: &cli::Start) -> Result<String, Failure> {
    system.require_root()?;
    let (mut plan, problems) = Config::load(system).plan(system.ram());
    for problem in &problems {
        out::warn(&problem.to_string());
    }
    if let Some(path) = &options.disk {
        return bring::late(system, &plan, path);
    }
    if options.dry_run {
        return dry::up(system, &plan).map(|text| text.trim_end().to_owned());
    }
    if let Some(problem) = problems.iter().find(|problem| problem.is_fatal) {
        return Err(usage(problem.to_string()));
    }
    plan.goes_on = true;
    plan.module.clone_from(&options.module);
    bring::up(system, &plan)
}

/// What `on` has to do.
fn plan(system: &System, options: &cli::On) -> Result<Plan, Failure> {
    let ram = system.ram();
    let mut plan = Plan {
        module: options.module.clone(),
        priority: options.priority,
        may_ask: true,
        ..Plan::default()
    };
    let mut set = |key: Key, value: &Option<Expression>| -> Result<(), Failure> {
        if let Some(value) = value {
            let bytes = config::checked(value, ram).map_err(usage)?;
            plan.settings.push((key, key.kept(bytes, ram)?));
        }
        Ok(())
    };
    set(Key::Size, &options.size)?;
    set(Key::RamLimit, &options.ram_limit)?;
    if let Some(name) = &options.algorithm {
        let name = Key::Algorithm.parse(name, ram)?;
        plan.settings.push((Key::Algorithm, name));
    }
    for (name, priority) in &options.disks {
        let disk = Disk {
            path: system::resolve(name),
            priority: *priority,
            options: DiskOptions::default(),
            create: None,
            takes_any_size: false,
            force: options.force,
        };
        plan.disks.push((disk, false));
    }
    Ok(plan)
}

fn add(system: &System, options: &cli::Add) -> Result<String, Failure> {
    system.require_root()?;
    let device = system.device()?;
    let _lock = lock::take(system)?;
    let create = match &options.create {
        Some(size) => Some(disk::check_created(
            config::checked(size, system.ram()).map_err(usage)?,
        )?),
        None => None,
    };
    let disk = Disk {
        path: system::resolve(&options.name),
        priority: options.priority,
        options: DiskOptions {
            protection: Protection {
                encrypt: options.encrypt,
                integrity: options.integrity,
            },
            compress: options.compress.map(|switch| switch == cli::Switch::On),
            discard: options.discard,
        },
        create,
        takes_any_size: false,
        force: options.force,
    };
    if options.dry_run {
        let steps = disk.would(system, Some(&device))?;
        return Ok(format!("would {steps}"));
    }
    let node = disk.add(system, &device, true)?;
    let path = out::printable(&options.name);
    let through = if disk.path.to_str() == Some(node.as_str()) {
        String::new()
    } else {
        format!(" through {node}")
    };
    Ok(format!(
        "{path} is a tier{through}, with priority {}",
        options.priority
    ))
}

fn writeback(system: &System, age: u32) -> Result<String, Failure> {
    system.require_root()?;
    let device = system.device()?;
    if device.tiers()?.is_empty() {
        return Err(failed(
            "there is no disk to write to; 'vswapctl add' adds one",
        ));
    }
    let before = device.stat()?.written_back_pages();
    device
        .write_back(age)
        .map_err(|error| match error.number() {
            Some(libc::ENOSPC) => failed("the disks are full; 'vswapctl add' adds another one"),
            _ => error.into(),
        })?;
    let pages = device.stat()?.written_back_pages().saturating_sub(before);
    Ok(format!(
        "{} written back",
        size::human(pages * vswap_sysfs::page_bytes())
    ))
}

fn recompress(system: &System, age: u32) -> Result<String, Failure> {
    system.require_root()?;
    let device = system.device()?;
    let before = device.stat()?;
    device.recompress(age)?;
    let after = device.stat()?;
    let pages = after
        .recompressed_pages()
        .saturating_sub(before.recompressed_pages());
    Ok(format!(
        "{pages} pages compressed again; the pool took {} before, and takes {} now",
        size::human(before.pool_bytes()),
        size::human(after.pool_bytes())
    ))
}

fn check(system: &System, look: Look, is_json: bool) -> Result<String, Failure> {
    let findings = check::run(system);
    let warnings = findings.iter().filter(|one| one.is_warning).count();
    let text = if is_json {
        json::text(&check::Document {
            version: 1,
            findings,
        })?
    } else {
        let line = |one: &check::Finding| match one.is_warning {
            false => format!("ok       {}\n", one.sentence),
            true => format!("{}  {}\n", look.alarm("warning"), one.sentence),
        };
        findings.iter().map(line).collect()
    };
    if warnings == 0 {
        return Ok(text);
    }
    let noun = if warnings == 1 { "warning" } else { "warnings" };
    Err(Failure {
        output: text,
        ..failed(format!("{warnings} {noun}"))
    })
}
