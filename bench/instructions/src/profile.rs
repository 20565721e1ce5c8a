// SPDX-License-Identifier: GPL-2.0-only
//! Counts by function, of each phase of each run.

use crate::counts::{Cost, Count, Kind, PHASES};
use crate::guest::Guest;
use crate::symbols::Function;
use serde::Serialize;
use std::collections::BTreeMap;

pub const MODULE: &str = "vswap";

/// All values are per page.
#[derive(Default, Serialize)]
pub struct Phase {
    pub phase: &'static str,
    pub pages: u64,
    /// Instructions outside the kernel.
    pub user: f64,
    pub kernel: Cost,
    /// Of that, inside vswap.ko.
    pub vswap: Cost,
    pub functions: BTreeMap<String, Cost>,
    /// Calls by functions of vswap.ko, by callee.
    pub called: BTreeMap<String, f64>,
}

#[derive(Serialize)]
pub struct Run {
    pub peer: String,
    pub contents: String,
    pub phases: Vec<Phase>,
}

impl Run {
    pub fn phase(&self, name: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.phase == name)
    }

    /// Writing a page, reading it and freeing one.
    pub fn sum(&self, cost: impl Fn(&Phase) -> Cost) -> Cost {
        let mut sum = Cost::default();
        for phase in &self.phases {
            sum += cost(phase);
        }
        sum
    }
}

/// Fails if the counts don't fit what the guest did.
pub fn profile(guest: &Guest, counts: &str) -> Result<Vec<Run>, String> {
    let mut runs: Vec<Run> = guest
        .runs
        .iter()
        .map(|run| Run {
            peer: run.peer.clone(),
            contents: run.workload.clone(),
            phases: PHASES
                .into_iter()
                .filter_map(|(_, name)| {
                    Some(Phase {
                        phase: name,
                        pages: run.phases.get(name).filter(|phase| phase.pages > 0)?.pages,
                        ..Phase::default()
                    })
                })
                .collect(),
        })
        .collect();
    for line in counts.lines() {
        let count = Count::parse(line).ok_or_else(|| format!("'{line}' is not a count"))?;
        // What is executed before the first run belongs to no run.
        let Some(index) = count.run.checked_sub(1) else {
            continue;
        };
        let run = runs
            .get_mut(index)
            .ok_or_else(|| format!("run {} is counted, but did not end", count.run))?;
        let symbols = guest
            .symbols
            .get(&run.peer)
            .ok_or_else(|| format!("the functions of {} are missing", run.peer))?;
        let phase = run
            .phases
            .iter_mut()
            .find(|phase| phase.phase == count.phase)
            .ok_or_else(|| format!("run {} had no phase '{}'", count.run, count.phase))?;
        let times = count.times as f64 / phase.pages as f64;
        if count.kind == Kind::User {
            phase.user += times;
            continue;
        }
        phase.kernel.add(count.kind, times);
        let name = |function: Option<&Function>| {
            function.map_or_else(|| "unknown".to_owned(), ToString::to_string)
        };
        let function = symbols.function(count.address);
        let functions = &mut phase.functions;
        functions
            .entry(name(function))
            .or_default()
            .add(count.kind, times);
        if function.is_some_and(|function| function.module.as_deref() == Some(MODULE)) {
            phase.vswap.add(count.kind, times);
            if let Kind::Call(target) = count.kind {
                let target = target.map_or_else(
                    || "computed".to_owned(),
                    |address| name(symbols.function(address)),
                );
                *phase.called.entry(target).or_default() += times;
            }
        }
    }
    for (run, number) in runs.iter().zip(1..) {
        if let Some(phase) = run
            .phases
            .iter()
            .find(|phase| phase.kernel.instructions == 0.0)
        {
            return Err(format!(
                "nothing was counted in phase '{}' of run {number}",
                phase.phase
            ));
        }
    }
    if runs.is_empty() {
        return Err("no run was counted".to_owned());
    }
    Ok(runs)
}
