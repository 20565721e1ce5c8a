// SPDX-License-Identifier: GPL-2.0-only

//! The kernel, as the platform of the engine's concurrent code.

use super::clock;
use super::cpu::{self, Pinned};
use super::memory::OwnedTable;
use super::object_map::ObjectMap;
use super::once::Once;
use super::published::Published;
use super::rcu::{self, Reader};
use super::spinlock::SpinLock;
use super::srcu::Domain;
use crate::engine::platform::{PerCpu, Platform};

/// The kernel.
pub(crate) struct Kernel;

impl Platform for Kernel {
    type Cpu = Pinned;
    type Reader = Reader;
    type Lock<T: Send + 'static> = SpinLock<T>;
    type PerCpu<T: Default + Send + Sync + 'static> = cpu::PerCpu<T>;
    type Map<T: Send + Sync + 'static, L: Default + Send + Sync + 'static> = ObjectMap<T, L>;
    type TableMemory = OwnedTable;
    type Sections = Domain;
    type Published<D: Send + Sync + 'static> = Published<D>;
    type Once<T> = Once<T>;

    #[inline]
    fn pin() -> Pinned {
        Pinned::new()
    }

    #[inline(always)]
    fn alone<R>(cpu: &Pinned, then: impl FnOnce() -> R) -> R {
        cpu.alone(then)
    }

    fn synchronize() {
        rcu::synchronize();
    }

    #[inline]
    fn seconds() -> u32 {
        clock::seconds()
    }
}

impl<T: Default + Send + Sync + 'static> PerCpu<T> for cpu::PerCpu<T> {
    type Cpu = Pinned;

    fn new() -> Option<Self> {
        Self::new().ok()
    }

    #[inline]
    fn local<'a>(&'a self, cpu: &Pinned) -> Option<&'a T> {
        self.local(cpu)
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }
}
