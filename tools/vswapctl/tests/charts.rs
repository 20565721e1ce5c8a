// SPDX-License-Identifier: GPL-2.0-only

//! `top` in action: its frames are compared with recorded ones (see `outputs.rs`).

use snapbox::data::DataFormat;
use snapbox::{Assert, Data};
use std::path::Path;
use std::time::Duration;
use vswapctl::look::Look;
use vswapctl::snapshot::{Rates, Snapshot};
use vswapctl::system::System;
use vswapctl::top::Top;

/// A frame after some time in which the rates went up and down, in the same way each time.
fn frame(look: Look, height: u16) -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let system = System::new(&here.join("states/drain"));
    let device = system.device().expect("a device");
    let mut top = Top::new(
        look,
        Snapshot::take(&system, &device).expect("a reading"),
        Duration::from_secs(1),
    );
    for second in 0..120u64 {
        let wave = |period: u64| {
            let place = second % period;
            place.min(period - place) * 100 / period
        };
        top.push(Rates {
            out: wave(40) * wave(13) * 20,
            same_in: wave(30) * 4,
            ram_in: wave(25) * 70,
            disk_in: wave(60) * 3,
            written_back: if second % 50 > 30 { wave(20) << 20 } else { 0 },
            drained: 0,
            disk_read: wave(60) * 3 * 4096,
            disk_written: wave(35) << 19,
        });
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
