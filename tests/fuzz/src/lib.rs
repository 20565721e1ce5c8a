// SPDX-License-Identifier: GPL-2.0-only

//! The engine driven by arbitrary operations, each target beside a plain model with the expected
//! results.
//!
//! A target turns any bytes into operations, does them, and panics when the engine's results
//! differ from the model's. With `--cfg fuzzing` the programs in `bin/` are libFuzzer's;
//! without, they run the files that they are given.

pub mod allocator;
pub mod device;
pub mod entry;
pub mod freed;
pub mod header;
pub mod map;
pub mod parsers;
pub mod policies;
pub mod same;
pub mod space;

use arbitrary::{Arbitrary, Unstructured};

/// A function that runs an input.
pub type Target = fn(&[u8]);

/// The targets, by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("allocator", allocator::run),
    ("device", device::run),
    ("entry", entry::run),
    ("freed", freed::run),
    ("header", header::run),
    ("map", map::run),
    ("parsers", parsers::run),
    ("policies", policies::run),
    ("same", same::run),
    ("space", space::run),
];

/// The input as a `T` and the rest of it, as a sequence of `S`; `None` when it is too short.
fn read<'a, T: Arbitrary<'a>, S: Arbitrary<'a>>(data: &'a [u8]) -> Option<(T, Vec<S>)> {
    let mut input = Unstructured::new(data);
    let first = input.arbitrary().ok()?;
    let mut steps = Vec::new();
    while !input.is_empty() {
        steps.push(input.arbitrary().ok()?);
    }
    Some((first, steps))
}

/// Runs the files named on the command line. For programs that are not libFuzzer's.
pub fn replay(target: Target) {
    for path in std::env::args_os().skip(1) {
        println!("{}", path.to_string_lossy());
        target(&std::fs::read(path).expect("a file"));
    }
}

/// The program of a target.
#[macro_export]
macro_rules! program {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target::run(data));

        #[cfg(not(fuzzing))]
        fn main() {
            $crate::replay($crate::$target::run);
        }
    };
}
