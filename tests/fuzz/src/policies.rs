// SPDX-License-Identifier: GPL-2.0-only

//! The decisions where pages go and when: the disks' order, generations, watermarks, the
//! daily limit, a disk's state. Each beside the simplest implementation.

use arbitrary::Arbitrary;
use std::cmp::Reverse;
use vswap_engine::budget::Budget;
use vswap_engine::config::Refusal;
use vswap_engine::entry::{DiskNumber, MAX_DISKS};
use vswap_engine::generation::{Generation, Generations};
use vswap_engine::health::{Change, Fault, Health, State, ERRORS_IN_A_ROW};
use vswap_engine::order::Order;
use vswap_engine::traffic::Direction;
use vswap_engine::watermarks::Watermarks;

/// Minutes.
const DAY: u64 = 1440;

#[derive(Arbitrary, Debug)]
enum Step {
    Priorities([Option<i8>; MAX_DISKS]),
    Generation(bool),
    High(u8),
    Low(u8),
    Shares(u64),
    Limit(u32),
    Spend(u32, u32),
    Failed(bool),
    Succeeded,
    StartDraining,
    Cancel,
    StopDraining,
}

#[derive(Default)]
struct Engine {
    order: Order,
    generations: Generations,
    marks: Watermarks,
    budget: Budget,
    health: Health,
}

#[derive(Default)]
struct Model {
    /// How many generations have ended, and begun after the first two.
    generations: (u32, u32),
    marks: Option<(u64, u64)>,
    /// Seconds.
    now: u32,
    /// Since when, in minutes, and how many pages.
    spent: (u64, u64),
    limit: u64,
    in_a_row: u64,
    has_failed: bool,
    is_draining: bool,
    is_cancelled: bool,
}

/// Runs an input.
pub fn run(data: &[u8]) {
    let Some(((), steps)) = crate::read::<(), Step>(data) else {
        return;
    };
    let engine = Engine::default();
    let mut engine = engine;
    let mut model = Model::default();
    for step in &steps {
        model.step(&mut engine, step);
        model.compare(&engine);
    }
}

impl Model {
    fn step(&mut self, engine: &mut Engine, step: &Step) {
        let (high, low) = self.marks.unwrap_or((95, 92));
        let crossed = |is_right: bool| is_right.then_some(()).ok_or(Refusal::WatermarksCross);
        match *step {
            Step::Priorities(priorities) => {
                engine
                    .order
                    .set(|disk| priorities[disk.index()].map(i32::from));
                let mut disks: Vec<usize> = (0..MAX_DISKS)
                    .filter(|disk| priorities[*disk].is_some())
                    .collect();
                disks.sort_by_key(|disk| Reverse(priorities[*disk]));
                assert!(engine
                    .order
                    .disks()
                    .map(DiskNumber::index)
                    .eq(disks.iter().copied()));
                assert_eq!(engine.order.is_empty(), disks.is_empty());
            }
            Step::Generation(begins) => {
                let (ended, begun) = &mut self.generations;
                let is_left = *begun - *ended < 6;
                if begins {
                    assert_eq!(engine.generations.begin(), is_left);
                    *begun += u32::from(is_left);
                } else {
                    engine.generations.end_oldest();
                    *begun += u32::from(*begun == *ended);
                    *ended += 1;
                }
            }
            Step::High(percent) => {
                let percent = u64::from(percent % 110);
                assert_eq!(engine.marks.set_high(percent), crossed(percent > low));
                self.marks = Some((if percent > low { percent } else { high }, low));
            }
            Step::Low(percent) => {
                let percent = u64::from(percent % 110);
                assert_eq!(engine.marks.set_low(percent), crossed(percent < high));
                self.marks = Some((high, if percent < high { percent } else { low }));
            }
            Step::Shares(limit) => {
                let share = |percent: u64| u128::from(limit / 100) * u128::from(percent);
                assert!(u128::from(engine.marks.high(limit)) == share(high).min(u64::MAX.into()));
                assert!(engine.marks.low(limit) <= engine.marks.high(limit));
            }
            Step::Limit(bytes) => {
                engine.budget.set_limit(bytes.into());
                self.limit = bytes.into();
            }
            Step::Spend(bytes, later) => {
                self.now = self.now.saturating_add(later % 100_000);
                engine.budget.spend(bytes.into(), self.now);
                if self.limit != 0 {
                    let minute = u64::from(self.now / 60);
                    if minute - self.spent.0 >= DAY || self.spent.1 == 0 {
                        self.spent = (minute, 0);
                    }
                    self.spent.1 += u64::from(bytes).div_ceil(4096);
                }
            }
            Step::Failed(gone) => {
                self.in_a_row += u64::from(!gone);
                let fails = gone || self.in_a_row >= ERRORS_IN_A_ROW;
                let fault = if gone { Fault::Gone } else { Fault::Device };
                let change = match fails && !self.has_failed {
                    true => Change::Failed,
                    false => Change::None,
                };
                assert_eq!(engine.health.failed(Direction::Write, fault), change);
                self.has_failed |= fails;
            }
            Step::Succeeded => {
                engine.health.succeeded(Direction::Write);
                self.in_a_row = 0;
            }
            Step::StartDraining => {
                assert_eq!(engine.health.start_draining(), !self.is_draining);
                self.is_draining = true;
            }
            Step::Cancel => {
                let first = self.is_draining && !self.is_cancelled;
                assert_eq!(engine.health.cancel(), first);
                self.is_cancelled |= first;
            }
            Step::StopDraining => {
                engine.health.stop_draining();
                (self.is_draining, self.is_cancelled) = (false, false);
            }
        }
    }

    fn compare(&self, engine: &Engine) {
        let (ended, begun) = self.generations;
        assert_eq!(engine.generations.oldest(), Generation::of(ended));
        assert_eq!(engine.generations.newest(), Generation::of(begun + 1));
        let marks = (engine.marks.high_percent(), engine.marks.low_percent());
        assert_eq!(marks, self.marks.unwrap_or((95, 92)));
        let left = match self.limit {
            0 => u64::MAX,
            limit if u64::from(self.now / 60) - self.spent.0 >= DAY => limit,
            limit => limit.saturating_sub(self.spent.1 * 4096),
        };
        assert_eq!(engine.budget.left(self.now), left);
        let state = match (self.is_draining, self.has_failed) {
            (true, _) => State::Draining,
            (false, true) => State::Failed,
            (false, false) => State::Active,
        };
        assert_eq!(engine.health.state(), state);
        assert_eq!(engine.health.is_cancelled(), self.is_cancelled);
        assert_eq!(engine.health.is_failing(), self.has_failed);
    }
}
