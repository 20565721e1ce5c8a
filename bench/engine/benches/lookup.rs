// SPDX-License-Identifier: GPL-2.0-only
//! From a slot to its entry, and an entry's change.

// The macros' functions have no docs.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, Criterion};
use std::hint::black_box;
use vswap_bench_engine::table;
use vswap_engine::entry::Entry;
use vswap_engine::last_used::LastUsed;
use vswap_engine::number::Carried;
use vswap_engine::slot::{Slot, SLOTS_PER_CLUSTER};
use vswap_engine::table::{Occupancy, Table};

/// Stands in for the module's cluster object in a look-up.
struct Cluster {
    number: Carried,
    table: Box<Table>,
}

impl Cluster {
    fn new(slot: Slot) -> Self {
        let number = Carried::default();
        number.take(slot.cluster());
        let table = table();
        let entry = Entry::same(7).expect("a small word");
        for offset in vswap_engine::slot::Offset::all() {
            table.fill(offset, entry);
        }
        Cluster { number, table }
    }
}

const CLUSTER: u32 = SLOTS_PER_CLUSTER as u32;
/// Clusters that take turns in a miss.
const CLUSTERS: u32 = 64;

fn lookup(criterion: &mut Criterion) {
    let clusters: Vec<Cluster> = (0..CLUSTERS)
        .map(|number| Cluster::new(Slot::new(number * CLUSTER)))
        .collect();
    let last_used = LastUsed::default();
    let mut group = criterion.benchmark_group("lookup");

    // Tokens are places in the vector, from 1 on, as an address is in the module.
    last_used.remember(1, || true);
    let mut offset = 0;
    group.bench_function("last-used-hit", |bencher| {
        bencher.iter(|| {
            offset = (offset + 1) % CLUSTER;
            let slot = black_box(Slot::new(offset));
            let cluster = last_used.get().and_then(|token| clusters.get(token - 1));
            cluster
                .filter(|cluster| cluster.number.is(slot.cluster()))
                .map(|cluster| cluster.table.load(slot.offset()))
        });
    });

    // The walk itself is the kernel's XArray; here it is as short as possible.
    let mut number = 0;
    group.bench_function("last-used-miss", |bencher| {
        bencher.iter(|| {
            number = (number + 1) % CLUSTERS;
            let slot = black_box(Slot::new(number * CLUSTER));
            let cluster = last_used.get().and_then(|token| clusters.get(token - 1));
            if let Some(cluster) = cluster.filter(|cluster| cluster.number.is(slot.cluster())) {
                return Some(cluster.table.load(slot.offset()));
            }
            let cluster = clusters.get(number as usize)?;
            last_used.remember(number as usize + 1, || cluster.number.is(slot.cluster()));
            Some(cluster.table.load(slot.offset()))
        });
    });

    let table = table();
    let mut occupancy = Occupancy::EMPTY;
    let entry = Entry::same(7).expect("a small word");
    let mut offset = 0;
    group.bench_function("table-update", |bencher| {
        bencher.iter(|| {
            offset = (offset + 1) % CLUSTER;
            let place = black_box(Slot::new(offset)).offset();
            let filled = table.replace(place, entry, &mut occupancy);
            let freed = table.replace(place, Entry::EMPTY, &mut occupancy);
            (filled, freed)
        });
    });
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);
