// SPDX-License-Identifier: GPL-2.0-only

//! `picture light|dark`: text with colours from the standard input to a picture of a terminal, as
//! SVG, on the standard output. See `scripts/pictures`.

use anstyle::RgbColor;
use anstyle_svg::Term;
use std::io::{self, Read};

fn main() -> io::Result<()> {
    let (foreground, background, palette) = match std::env::args().nth(1).as_deref() {
        Some("light") => (
            RgbColor(0, 0, 0),
            RgbColor(255, 255, 255),
            anstyle_svg::Palette::default(),
        ),
        _ => (
            RgbColor(204, 204, 204),
            RgbColor(0, 0, 0),
            anstyle_svg::Palette::default(),
        ),
    };
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let term = Term::new()
        .palette(palette)
        .fg_color(foreground.into())
        .bg_color(background.into());
    print!("{}", term.render_svg(&text));
    Ok(())
}
