// SPDX-License-Identifier: GPL-2.0-only

//! The pictures in `docs/pictures/` show what the program prints: the outputs that `outputs.rs` and
//! `charts.rs` compare, on a dark and a light terminal. `SNAPSHOTS=overwrite` draws them again.

use anstyle::RgbColor;
use anstyle_svg::Term;
use snapbox::data::DataFormat;
use snapbox::{Assert, Data};
use std::fs;
use std::path::Path;

#[test]
fn pictures_match_the_outputs() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pictures = here.join("../../docs/pictures");
    for (picture, output, is_light) in [
        ("status-80-dark", "status-drain-colours", false),
        ("status-80-light", "status-drain-colours", true),
        ("status-160-dark", "status-drain-160-colours", false),
        ("status-160-light", "status-drain-160-colours", true),
        ("status-80-plain", "status-drain", false),
        ("top-80-dark", "top-80-colours", false),
        ("top-80-light", "top-80-colours", true),
        ("top-160-dark", "top-160-colours", false),
        ("top-160-light", "top-160-colours", true),
        ("top-80-plain", "top-80", false),
    ] {
        let (foreground, background) = if is_light {
            (RgbColor(0, 0, 0), RgbColor(255, 255, 255))
        } else {
            (RgbColor(204, 204, 204), RgbColor(0, 0, 0))
        };
        let term = Term::new()
            .fg_color(foreground.into())
            .bg_color(background.into());
        let text = fs::read_to_string(here.join("tests/outputs").join(output)).expect(output);
        let file = pictures.join(picture).with_extension("svg");
        let expected = Data::read_from(&file, Some(DataFormat::Text)).raw();
        Assert::new()
            .action_env("SNAPSHOTS")
            .normalize_paths(false)
            .eq(term.render_svg(&text), expected);
    }
    assert_eq!(fs::read_dir(pictures).expect("pictures").count(), 10);
}
