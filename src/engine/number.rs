// SPDX-License-Identifier: GPL-2.0-only

//! The number that a cluster object carries while it is a cluster.

use super::slot::ClusterNumber;
use super::sync::{AtomicU32, Ordering};

/// Which cluster a cluster object is at the moment, if any.
///
/// Cluster objects are reused for other clusters after a grace period, and a reader that
/// finds one through a stale pointer must notice. So an object takes its number before it is
/// published and gives it up before it is unpublished; a reader whose slot is in use, and with
/// it the slot's cluster, may rely on an object that carries the number it looks for:
///
/// - the object of a cluster with a slot in use carries that cluster's number, and
/// - an older object of the same cluster gave the number up before the newer one was
///   published, which happened before the slot came into use.
#[derive(Debug)]
pub struct Carried(AtomicU32);

/// No cluster's number.
const NONE: u32 = u32::MAX;

impl Default for Carried {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

impl Carried {
    /// The object is that cluster from now on. It is not published yet.
    pub fn take(&self, number: ClusterNumber) {
        self.0.store(number.index(), Ordering::Release);
    }

    /// The object is no cluster from now on. It is unpublished afterwards.
    pub fn give_up(&self) {
        self.0.store(NONE, Ordering::Release);
    }

    /// Whether the object is that cluster.
    #[inline]
    pub fn is(&self, number: ClusterNumber) -> bool {
        self.0.load(Ordering::Acquire) == number.index()
    }
}
