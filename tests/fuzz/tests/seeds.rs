// SPDX-License-Identifier: GPL-2.0-only

//! Runs the inputs kept in `seeds/`, and some plain ones.

use std::env;
use std::fs;
use std::path::Path;
use vswap_fuzz::TARGETS;

/// The inputs of a target: one a line, in hexadecimal digits.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    // Not the directory of the build: a copy of the tree may share a build.
    let here = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this");
    let path = Path::new(&here).join("seeds").join(target);
    let text = fs::read_to_string(path).expect("each target has seeds");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(bytes).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let texts = pairs.map(|pair| std::str::from_utf8(pair).expect("digits"));
    texts
        .map(|text| u8::from_str_radix(text, 16).expect("two digits"))
        .collect()
}

#[test]
fn kept_inputs_run() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name} has none");
        seeds.iter().for_each(|seed| run(seed));
    }
}

#[test]
fn plain_inputs_run() {
    for (_, run) in TARGETS {
        for length in (0..64).chain([500, 1000]) {
            for byte in [0, 1, 0x7f, 0xff] {
                run(&vec![byte; length]);
            }
        }
        let ascending: Vec<u8> = (0..=u8::MAX).collect();
        ascending.windows(64).for_each(run);
    }
}

/// Long ones, which short fuzzing seldom reaches; the same each time.
#[test]
fn random_inputs_run() {
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut byte = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 32) as u8
    };
    for (_, run) in TARGETS {
        for length in (8..1024).step_by(8) {
            let input: Vec<u8> = (0..length).map(|_| byte()).collect();
            run(&input);
        }
    }
}
