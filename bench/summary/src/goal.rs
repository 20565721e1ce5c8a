// SPDX-License-Identifier: GPL-2.0-only
//! The targets, and whether they are reached.

use crate::results::Spread;
use serde::Serialize;

/// A target: a ratio, where more is better or less is.
#[derive(Serialize)]
pub struct Goal {
    pub measure: String,
    pub measured: Option<Spread>,
    pub bound: Bound,
}

#[derive(Clone, Copy, Serialize)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    /// To the digits that are shown.
    pub fn is_reached(&self) -> Option<bool> {
        let median = (self.measured.as_ref()?.median * 100.0).round();
        Some(match self.bound {
            Bound::AtLeast(bound) => median >= (bound * 100.0).round(),
            Bound::AtMost(bound) => median <= (bound * 100.0).round(),
        })
    }
}
