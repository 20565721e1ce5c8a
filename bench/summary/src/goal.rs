// SPDX-License-Identifier: GPL-2.0-only
//! What is to be reached, and whether it is.

use crate::results::Spread;
use serde::Serialize;

/// What is to be reached: a ratio, where more is better or less is.
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
    /// As far as the digits go that are shown.
    pub fn is_reached(&self) -> Option<bool> {
        let median = (self.measured.as_ref()?.median * 100.0).round();
        Some(match self.bound {
            Bound::AtLeast(bound) => median >= (bound * 100.0).round(),
            Bound::AtMost(bound) => median <= (bound * 100.0).round(),
        })
    }
}
