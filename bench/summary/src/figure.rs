// SPDX-License-Identifier: GPL-2.0-only
//! Drawing: panels of bars or lines, two in a row, a colour for each peer, as SVG and PNG.

use crate::results::Spread;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

pub struct Figure {
    pub title: String,
    pub panels: Vec<Panel>,
}

pub struct Panel {
    pub title: String,
    /// The meaning of the height.
    pub axis: String,
    /// A height at which there is a line across.
    pub mark: Option<f64>,
    pub drawn: Drawn,
}

pub enum Drawn {
    Bars(Bars),
    Lines(Lines),
}

/// Groups with a name each, of bars with the name of a peer each.
pub struct Bars(pub Vec<(String, Vec<(String, Spread)>)>);

/// Lines with the name of a peer each. Their points stand at equal distances.
pub struct Lines {
    /// The unit of the points' numbers.
    pub axis: String,
    pub lines: Vec<(String, Vec<(f64, Spread)>)>,
}

impl From<Bars> for Drawn {
    fn from(bars: Bars) -> Self {
        Drawn::Bars(bars)
    }
}

impl From<Lines> for Drawn {
    fn from(lines: Lines) -> Self {
        Drawn::Lines(lines)
    }
}

impl Drawn {
    pub fn is_empty(&self) -> bool {
        self.spreads().next().is_none()
    }

    fn spreads(&self) -> Box<dyn Iterator<Item = (&str, &Spread)> + '_> {
        match self {
            Drawn::Bars(Bars(groups)) => {
                Box::new(groups.iter().flat_map(|(_, bars)| {
                    bars.iter().map(|(peer, spread)| (peer.as_str(), spread))
                }))
            }
            Drawn::Lines(Lines { lines, .. }) => {
                Box::new(lines.iter().flat_map(|(peer, points)| {
                    points
                        .iter()
                        .map(move |(_, spread)| (peer.as_str(), spread))
                }))
            }
        }
    }

    /// The labels below the axis, from left to right.
    fn places(&self) -> Vec<String> {
        match self {
            Drawn::Bars(Bars(groups)) => groups.iter().map(|(name, _)| name.clone()).collect(),
            Drawn::Lines(lines) => lines.numbers().iter().map(f64::to_string).collect(),
        }
    }
}

impl Lines {
    fn numbers(&self) -> Vec<f64> {
        let points = self.lines.iter().flat_map(|(_, points)| points);
        let mut numbers: Vec<f64> = points.map(|(number, _)| *number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        numbers
    }
}

/// Colours that colour-blind readers can distinguish (Okabe and Ito's), and marks for lines.
fn colour(peer: &str) -> RGBColor {
    match peer {
        "plain" => RGBColor(128, 128, 128),
        "zram" | "zram-disk" => RGBColor(230, 159, 0),
        "zswap" => RGBColor(204, 121, 167),
        "vswap" => RGBColor(0, 114, 178),
        "vswap-disk" => RGBColor(86, 180, 233),
        "vswap-pmem" | "zram-writeback" => RGBColor(0, 158, 115),
        _ => RGBColor(213, 94, 0),
    }
}

const INK: RGBColor = RGBColor(32, 32, 32);
const FAINT: RGBColor = RGBColor(216, 216, 216);
const FONT: &str = "sans-serif";

const PANEL: (u32, u32) = (520, 340);
const TOP: u32 = 76;
/// Pixels of the PNG for one of the SVG.
const ZOOM: f32 = 1.5;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Registers the font that sizes of text are measured with.
pub fn prepare() -> Result<()> {
    plotters::style::register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| "the font can't be used".into())
}

fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size).into_font().color(&colour)
}

fn centred(size: u32, colour: RGBColor) -> TextStyle<'static> {
    text(size, colour).pos(Pos::new(HPos::Center, VPos::Top))
}

impl Figure {
    /// Peers in the order in which they first appear.
    fn peers(&self) -> Vec<&str> {
        let mut peers = Vec::new();
        for (peer, _) in self.panels.iter().flat_map(|panel| panel.drawn.spreads()) {
            if !peers.contains(&peer) {
                peers.push(peer);
            }
        }
        peers
    }

    pub fn svg(&self) -> Result<String> {
        let count = self.panels.len();
        let (columns, rows) = (count.clamp(1, 2), count.div_ceil(2).max(1));
        // One panel alone may be wider.
        let width = if count == 1 {
            880
        } else {
            PANEL.0 * u32::try_from(columns)?
        };
        let height = TOP + PANEL.1 * u32::try_from(rows)?;
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
            root.fill(&WHITE)?;
            let (head, body) = root.split_vertically(TOP);
            self.head(&head)?;
            for (panel, area) in self.panels.iter().zip(body.split_evenly((rows, columns))) {
                draw(panel, &area)?;
            }
            root.present()?;
        }
        Ok(svg)
    }

    /// The title, and the legend.
    fn head(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<()> {
        area.draw(&Text::new(self.title.as_str(), (16, 12), text(20, INK)))?;
        let mut x = 16;
        for peer in self.peers() {
            let box_ = [(x, 48), (x + 14, 62)];
            area.draw(&Rectangle::new(box_, colour(peer).filled()))?;
            area.draw(&Text::new(peer, (x + 20, 50), text(14, INK)))?;
            let (wide, _) = area.estimate_text_size(peer, &text(14, INK))?;
            x += 20 + i32::try_from(wide)? + 22;
        }
        Ok(())
    }

    /// The SVG as a PNG.
    pub fn png(svg: &str) -> Result<Vec<u8>> {
        let mut fonts = resvg::usvg::fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        let options = resvg::usvg::Options {
            fontdb: Arc::new(fonts),
            ..Default::default()
        };
        let tree = resvg::usvg::Tree::from_str(svg, &options)?;
        let size = tree.size().to_int_size().scale_by(ZOOM).ok_or("no size")?;
        let mut pixels =
            resvg::tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("no size")?;
        let zoom = resvg::tiny_skia::Transform::from_scale(ZOOM, ZOOM);
        resvg::render(&tree, zoom, &mut pixels.as_mut());
        Ok(pixels.encode_png()?)
    }

    /// NAME.svg and NAME.png in that directory.
    pub fn write(&self, directory: &Path, name: &str) -> Result<()> {
        let svg = self.svg()?;
        std::fs::write(directory.join(format!("{name}.png")), Self::png(&svg)?)?;
        std::fs::write(directory.join(format!("{name}.svg")), svg + "\n")?;
        Ok(())
    }
}

fn draw(panel: &Panel, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<()> {
    let places = panel.drawn.places();
    let top = panel
        .drawn
        .spreads()
        .map(|(_, spread)| spread.upper_quartile)
        .chain(panel.mark)
        .fold(0.0, f64::max);
    // A range needs at least one value.
    let top = if top > 0.0 { top * 1.08 } else { 1.0 };
    let width = places.len().max(1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, text(15, INK))
        .margin(8)
        .margin_right(16)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..width, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(6)
        .y_label_formatter(&|value| number(*value))
        .y_desc(&panel.axis)
        .axis_desc_style(text(13, INK))
        .label_style(text(12, INK))
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .draw()?;
    if let Some(mark) = panel.mark {
        chart.draw_series([PathElement::new(
            [(0.0, mark), (width, mark)],
            INK.stroke_width(1),
        )])?;
    }
    match &panel.drawn {
        Drawn::Bars(Bars(groups)) => {
            for (left, (_, bars)) in groups.iter().enumerate() {
                let each = 0.84 / bars.len().max(1) as f64;
                for (place, (peer, spread)) in bars.iter().enumerate() {
                    let x = left as f64 + 0.08 + each * place as f64;
                    chart.draw_series([Rectangle::new(
                        [(x + each * 0.06, 0.0), (x + each * 0.94, spread.median)],
                        colour(peer).filled(),
                    )])?;
                    chart.draw_series([whisker(x + each / 2.0, spread, INK)])?;
                }
            }
        }
        Drawn::Lines(lines) => {
            let numbers = lines.numbers();
            for (peer, points) in &lines.lines {
                let at = |number: &f64| numbers.iter().position(|other| other == number);
                let placed: Vec<(f64, &Spread)> = points
                    .iter()
                    .filter_map(|(number, spread)| Some((at(number)? as f64 + 0.5, spread)))
                    .collect();
                let colour = colour(peer);
                let heights = placed.iter().map(|&(x, spread)| (x, spread.median));
                chart.draw_series(LineSeries::new(heights.clone(), colour.stroke_width(2)))?;
                chart.draw_series(heights.map(|point| Circle::new(point, 4, colour.filled())))?;
                chart.draw_series(placed.iter().map(|&(x, spread)| whisker(x, spread, colour)))?;
            }
        }
    }
    // Below the axis, in the middle of each place.
    let (columns, rows) = chart.plotting_area().get_pixel_range();
    let (left, wide) = (columns.start, columns.end - columns.start);
    let (above, beside) = area.get_pixel_range();
    let bottom = rows.end - beside.start;
    let each = f64::from(wide) / width;
    for (place, name) in places.iter().enumerate() {
        let x = left - above.start + (each * (place as f64 + 0.5)) as i32;
        area.draw(&Text::new(name.as_str(), (x, bottom + 6), centred(13, INK)))?;
    }
    if let Drawn::Lines(lines) = &panel.drawn {
        let x = left - above.start + wide / 2;
        area.draw(&Text::new(
            lines.axis.as_str(),
            (x, bottom + 24),
            centred(13, INK),
        ))?;
    }
    Ok(())
}

/// With as many digits as the marks on an axis need.
fn number(value: f64) -> String {
    ((value * 1000.0).round() / 1000.0).to_string()
}

/// From quartile to quartile.
fn whisker(x: f64, spread: &Spread, colour: RGBColor) -> PathElement<(f64, f64)> {
    let ends = [(x, spread.lower_quartile), (x, spread.upper_quartile)];
    PathElement::new(ends, colour.stroke_width(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_its_text_and_becomes_an_image() {
        prepare().unwrap();
        let bars = Bars(vec![(
            "same".to_owned(),
            vec![("zram".to_owned(), Spread::of(&[2.0, 3.0]))],
        )]);
        let lines = Lines {
            axis: "CPUs".to_owned(),
            lines: vec![("vswap".to_owned(), vec![(4.0, Spread::of(&[1.0]))])],
        };
        let panel = |drawn| Panel {
            title: "write".to_owned(),
            axis: "µs a page".to_owned(),
            mark: None,
            drawn,
        };
        let figure = Figure {
            title: "Throughput".to_owned(),
            panels: vec![panel(bars.into()), panel(lines.into())],
        };
        let svg = figure.svg().unwrap();
        for text in ["Throughput", "zram", "vswap", "same", "CPUs", "µs a page"] {
            assert!(svg.contains(text), "{text}");
        }
        let png = Figure::png(&svg).unwrap();
        assert_eq!(png[1..4], *b"PNG");
    }
}
