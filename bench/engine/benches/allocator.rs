// SPDX-License-Identifier: GPL-2.0-only
//! A disk's slots, allocated and freed, alone and by threads at once.

// The macros' functions have no docs.
#![allow(missing_docs)]

use criterion::{criterion_group, criterion_main, BatchSize, Criterion, Throughput};
use std::time::{Duration, Instant};
use vswap_bench_engine::{Disk, Lock};
use vswap_engine::allocator::{Allocator, Current};
use vswap_engine::slot::PhysicalSlot;

/// Of the disk: 256 MiB.
const SLOTS: u32 = 1 << 16;
/// That a thread has at a time: several clusters.
const BATCH: usize = 4096;

fn fill(allocator: &Allocator<'_, Lock>, current: &Current) -> Vec<PhysicalSlot> {
    let next = || allocator.allocate(current, 1, false).map(|(slot, _)| slot);
    std::iter::from_fn(next).take(BATCH).collect()
}

fn empty(allocator: &Allocator<'_, Lock>, slots: Vec<PhysicalSlot>) {
    for slot in slots {
        assert!(allocator.free(slot));
    }
}

fn alone(criterion: &mut Criterion) {
    let disk = Disk::new(SLOTS);
    let (allocator, current) = (disk.allocator(), Current::default());
    let mut group = criterion.benchmark_group("allocator");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("allocate", |bencher| {
        bencher.iter_custom(|times| {
            let mut sum = Duration::ZERO;
            for _ in 0..times {
                let began = Instant::now();
                let slots = fill(&allocator, &current);
                sum += began.elapsed();
                assert_eq!(slots.len(), BATCH);
                empty(&allocator, slots);
            }
            sum
        });
    });
    group.bench_function("free", |bencher| {
        bencher.iter_batched(
            || fill(&allocator, &current),
            |slots| empty(&allocator, slots),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Each thread has a current cluster of its own, as each CPU has.
fn together(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("allocator-threads");
    for threads in [1, 2] {
        let disk = Disk::new(SLOTS);
        let allocator = disk.allocator();
        group.throughput(Throughput::Elements(threads * BATCH as u64));
        group.bench_function(format!("allocate-and-free-{threads}"), |bencher| {
            bencher.iter_custom(|times| {
                let began = Instant::now();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| {
                            let current = Current::default();
                            for _ in 0..times {
                                let slots = fill(&allocator, &current);
                                assert_eq!(slots.len(), BATCH);
                                empty(&allocator, slots);
                            }
                            allocator.reset(&current);
                        });
                    }
                });
                began.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, alone, together);
criterion_main!(benches);
