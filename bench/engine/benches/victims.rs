// SPDX-License-Identifier: GPL-2.0-only
//! The next cluster to be written back, among few and among very many.

// The macros' functions have no docs.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion};
use vswap_engine::generation::Generations;
use vswap_engine::lists::{Links, Lists, Nodes};
use vswap_engine::slot::ClusterNumber;

struct Clusters(Vec<Links>);

impl Nodes for Clusters {
    fn with(&self, number: ClusterNumber, then: impl FnOnce(&Links)) {
        then(&self.0[number.index() as usize]);
    }
}

/// One step of a writer: the first cluster of the oldest generation with any goes to the end of
/// the newest one's list.
fn step(
    lists: &mut Lists,
    generations: &Generations,
    clusters: &Clusters,
) -> Option<ClusterNumber> {
    let first = |generation| Some((lists.first(generation)?, generation));
    let (number, generation) = generations.by_age().find_map(first)?;
    if generations.oldest() != generation {
        generations.end_oldest();
    }
    lists.remove(generation, number, clusters);
    lists.push(generations.newest(), number, clusters);
    Some(number)
}

fn victims(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("victims");
    for count in [1_000, 1_000_000] {
        let clusters = Clusters((0..count).map(|_| Links::default()).collect());
        let (mut lists, generations) = (Lists::default(), Generations::default());
        for number in (0..count).filter_map(ClusterNumber::new) {
            lists.push(generations.newest(), number, &clusters);
        }
        group.bench_function(BenchmarkId::new("next", count), |bencher| {
            bencher.iter(|| step(&mut lists, &generations, &clusters));
        });
    }
    group.finish();
}

criterion_group!(benches, victims);
criterion_main!(benches);
