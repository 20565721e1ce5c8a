// SPDX-License-Identifier: GPL-2.0-only

//! Runs models, and prints in how many orders their threads' steps were tried.

use loom::model::Builder;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::{env, println, thread};

/// Runs a model in every order.
pub(super) fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
    run(None, model);
}

/// Runs a model in every order with up to `most` preemptions, and
/// `VSWAP_MORE_PREEMPTIONS` more.
pub(super) fn with_preemptions(most: usize, model: impl Fn() + Send + Sync + 'static) {
    let more = env::var("VSWAP_MORE_PREEMPTIONS").map_or(0, |more| more.parse().unwrap());
    run(Some(most + more), model);
}

fn run(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    let orders = Arc::new(AtomicU64::new(0));
    let counter = orders.clone();
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let current = thread::current();
    // tests/models adds these up.
    println!(
        "{}: {} orders",
        current.name().unwrap_or("a model"),
        orders.load(Ordering::Relaxed)
    );
}
