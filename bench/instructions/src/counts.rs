// SPDX-License-Identifier: GPL-2.0-only
//! The plugin's counts. See `bench/plugin/count.c` for its lines.

use serde::Serialize;
use std::ops::AddAssign;

/// The phases with the numbers that `swapbench` assigns.
pub const PHASES: [(u32, &str); 4] = [(1, "write"), (2, "read"), (3, "free"), (4, "swapoff")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Other,
    Locked,
    /// With its target, unless that is computed.
    Call(Option<u64>),
    /// A further step of a string instruction.
    Step,
    /// In user space, all together.
    User,
}

/// How often an instruction was executed in a phase.
#[derive(Debug, PartialEq, Eq)]
pub struct Count {
    /// From 1 on.
    pub run: usize,
    pub phase: &'static str,
    pub address: u64,
    pub times: u64,
    pub kind: Kind,
}

impl Count {
    /// None if that is not a line of the plugin.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let run = words.next()?.parse().ok()?;
        let phase: u32 = words.next()?.parse().ok()?;
        let (_, phase) = PHASES.into_iter().find(|&(number, _)| number == phase)?;
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        let times = words.next()?.parse().ok()?;
        let kind = words.next()?;
        let target = u64::from_str_radix(words.next()?, 16).ok()?;
        let kind = match kind {
            "-" => Kind::Other,
            "l" => Kind::Locked,
            "c" => Kind::Call((target != 0).then_some(target)),
            "s" => Kind::Step,
            "u" => Kind::User,
            _ => return None,
        };
        Some(Count {
            run,
            phase,
            address,
            times,
            kind,
        })
    }
}

/// Executed instructions, in total or a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// A string instruction counts as one, whatever it moves.
    pub instructions: f64,
    pub locked: f64,
    pub calls: f64,
    /// The steps of string instructions after the first.
    pub steps: f64,
}

impl Cost {
    pub fn add(&mut self, kind: Kind, times: f64) {
        match kind {
            Kind::User => return,
            Kind::Step => {
                self.steps += times;
                return;
            }
            Kind::Locked => self.locked += times,
            Kind::Call(_) => self.calls += times,
            Kind::Other => {}
        }
        self.instructions += times;
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.instructions += other.instructions;
        self.locked += other.locked;
        self.calls += other.calls;
        self.steps += other.steps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let count = |kind| Count {
            run: 2,
            phase: "read",
            address: 0xffff_ffff_8100_0000,
            times: 12,
            kind,
        };
        for (line, kind) in [
            ("2 2 ffffffff81000000 12 l 0", Kind::Locked),
            ("2 2 ffffffff81000000 12 c 0", Kind::Call(None)),
            ("2 2 ffffffff81000000 12 c 1f", Kind::Call(Some(0x1f))),
        ] {
            assert_eq!(Count::parse(line), Some(count(kind)));
        }
        for line in ["", "2 9 0 1 - 0", "2 2 0 1 x 0", "2 2 0 1 -"] {
            assert_eq!(Count::parse(line), None);
        }
    }

    #[test]
    fn steps_are_no_instructions_of_their_own() {
        let mut cost = Cost::default();
        cost.add(Kind::Other, 1.0);
        cost.add(Kind::Step, 99.0);
        cost.add(Kind::Locked, 2.0);
        cost.add(Kind::User, 5.0);
        assert_eq!(cost.instructions, 3.0);
        assert_eq!((cost.steps, cost.locked), (99.0, 2.0));
    }
}
