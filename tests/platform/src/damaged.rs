// SPDX-License-Identifier: GPL-2.0-only

//! A cluster whose form is invalid.

use crate::{Host, HostMap};
use vswap_engine::entry::Content;
use vswap_engine::held::{HeldContent, Owned, PinnedSlot};
use vswap_engine::index::{Counts, Index, Refusal};
use vswap_engine::platform::{Platform, TableMemory};
use vswap_engine::slot::Slot;
use vswap_engine::table::Table;

/// A host whose pages have no address, so that a cluster with a table says that it has none.
struct Damaging;

struct Nowhere;

impl Platform for Damaging {
    type Cpu = <Host as Platform>::Cpu;
    type Reader = <Host as Platform>::Reader;
    type Lock<T: Send + 'static> = <Host as Platform>::Lock<T>;
    type PerCpu<T: Default + Send + Sync + 'static> = <Host as Platform>::PerCpu<T>;
    type Map<T, L>
        = HostMap<T, L>
    where
        T: Send + Sync + 'static,
        L: Default + Send + Sync + 'static;
    type TableMemory = Nowhere;
    type Sections = <Host as Platform>::Sections;
    type Published<D: Send + Sync + 'static> = <Host as Platform>::Published<D>;
    type Once<T> = <Host as Platform>::Once<T>;

    fn pin() -> Self::Cpu {
        Host::pin()
    }

    fn alone<R>(cpu: &Self::Cpu, then: impl FnOnce() -> R) -> R {
        Host::alone(cpu, then)
    }

    fn synchronize() {
        Host::synchronize();
    }

    fn seconds() -> u32 {
        Host::seconds()
    }
}

impl TableMemory for Nowhere {
    fn new() -> Option<Self> {
        Some(Self)
    }

    fn into_address(self) -> usize {
        0
    }

    fn from_address(address: usize) -> Self {
        panic!("{address}: there is no such page");
    }

    fn with<R>(address: usize, _then: impl FnOnce(&Table) -> R) -> R {
        panic!("{address}: there is no such page");
    }
}

#[test]
fn puts_into_a_damaged_cluster_fail() {
    let index = Index::<Damaging>::new().unwrap();
    let slot = Slot::new(7);
    let made = [Counts { all: 1, whole: 0 }, Counts::default()];
    for clusters in made {
        let new = Owned::same(5).unwrap();
        let refused = index.put(&Host::pin(), slot, new).unwrap_err();
        assert_eq!(refused.why, Refusal::Damaged);
        assert_eq!(refused.new.content(), Some(Content::Same(5)));
        assert_eq!(refused.clusters, clusters);
    }
    let (reader, pinned) = (Host::reader(), PinnedSlot::new(slot));
    let (held, _) = index.load(&Host::pin(), &reader, &pinned);
    assert!(matches!(held.content(), Some(HeldContent::Empty)));
    drop(reader);
    assert!(index.empty(&Host::pin(), slot).old.is_empty());
}
