// SPDX-License-Identifier: GPL-2.0-only

//! `top` in action: its frames are compared with recorded ones (see `outputs.rs`).

use serde::Deserialize;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};
use std::fs;
use std::path::Path;
use std::time::Duration;
use vswapctl::look::Look;
use vswapctl::snapshot::{Rates, Snapshot};
use vswapctl::system::System;
use vswapctl::top::Top;

/// A frame at the end of what tests/guest/recording.sh has recorded in a guest: a line for each second, as printed by
/// `top --once --json`.
fn frame(look: Look, height: u16) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let system = System::new(&here.join("states/drain"));
    let device = system.device().expect("a device");
    let mut top = Top::new(
        look,
        Snapshot::take(&system, &device).expect("a reading"),
        Duration::from_secs(1),
    );
    let recorded = fs::read_to_string(here.join("rates")).expect("a recording");
    for line in recorded.lines() {
        let document: serde_json::Value = serde_json::from_str(line).expect("JSON");
        top.push(Rates::deserialize(&document["rates"]).expect("rates"));
    }
    let width = u16::try_from(look.width).expect("a width");
    top.frame(width, height).expect("a frame")
}

#[test]
fn frames() {
    for (name, width, utf8, colour) in [
        ("top-80", 80, true, false),
        ("top-80-colours", 80, true, true),
        ("top-80-ascii", 80, false, false),
        ("top-60", 60, true, false),
        ("top-60-colours", 60, true, true),
        ("top-120-colours", 120, true, true),
        ("top-160", 160, true, false),
        ("top-160-colours", 160, true, true),
    ] {
        let text = frame(
            Look {
                colour,
                utf8,
                width,
            },
            24,
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/outputs")
            .join(name);
        let expected = Data::read_from(&file, Some(DataFormat::Text)).raw();
        Assert::new()
            .action_env("SNAPSHOTS")
            .normalize_paths(false)
            .eq(text, expected);
    }
}
