// SPDX-License-Identifier: GPL-2.0-only

//! The table of `status`: a row for each part, a column for each figure.

use crate::look;
use crate::out::printable;
use crate::size::{self, Style};
use crate::snapshot::Part;
use clap::ValueEnum;
use serde_json::{json, Map, Value};
use vswap_sysfs::page_bytes;

macro_rules! columns {
    ($($name:ident $heading:literal $meaning:literal;)*) => {
        /// A column: one figure of each part.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        pub enum Column {
            $(#[doc = $meaning] #[value(name = $heading)] $name,)*
        }

        impl Column {
            /// The heading.
            pub fn heading(self) -> &'static str {
                match self { $(Self::$name => $heading,)* }
            }
        }
    };
}

columns! {
    Name "NAME" "A disk's path, that of a swap file, or the kind of place";
    Kind "KIND" "same, ram, raw, disk or lost";
    Device "DEVICE" "The disk's node; for a swap file, that of its loop device";
    Prio "PRIO" "Priority of the disk";
    State "STATE" "active, draining, stuck or failed";
    Size "SIZE" "Size of the disk";
    Pages "PAGES" "Pages that lie there";
    Data "DATA" "Their uncompressed size: that of a page each";
    Used "USED" "How much they take";
    Ratio "RATIO" "DATA over USED";
    Bad "BAD" "How much of the disk is unusable because writing there failed";
    Errors "ERRORS" "Errors of the disk";
    Protection "PROTECTION" "What protects the disk's pages: encrypt, integrity, or both";
    Corrupt "CORRUPT" "Pages that were not what was written, on disks with integrity";
    Packed "PACKED" "Pages that are compressed on the disk";
    Live "LIVE" "The share of the space for compressed pages that holds pages in use, in percent";
    Amplification "AMPLIFICATION" "Bytes written to the disk for each byte of compressed pages that came to it";
    Discarded "DISCARDED" "How much was discarded, on disks with discard";
    Read "READ" "Read from the disk";
    Written "WRITTEN" "Written to the disk";
    Moved "MOVED" "During a removal: how much has moved";
    ToMove "TO-MOVE" "During a removal: how much has to move";
}

/// The columns of a table when none are named.
pub const DEFAULT: &[Column] = &[
    Column::Name,
    Column::Kind,
    Column::Prio,
    Column::State,
    Column::Size,
    Column::Data,
    Column::Used,
    Column::Ratio,
];

enum Cell {
    Text(String),
    Number(i64),
    Pages(u64),
    Bytes(u64),
    Ratio(f64),
    Nothing,
}

impl Column {
    fn cell(self, part: &Part) -> Cell {
        let bytes = |bytes: Option<u64>| bytes.map_or(Cell::Nothing, Cell::Bytes);
        let disk = part.disk.as_ref();
        match self {
            Self::Name => Cell::Text(part.name.clone()),
            Self::Kind => Cell::Text(format!("{:?}", part.kind).to_lowercase()),
            Self::Device => disk.map_or(Cell::Nothing, |disk| Cell::Text(disk.path.clone())),
            Self::Prio => disk.map_or(Cell::Nothing, |disk| Cell::Number(disk.priority.into())),
            Self::State => disk.map_or(Cell::Nothing, |disk| Cell::Text(disk.state.to_string())),
            Self::Size => bytes(disk.map(|disk| disk.size)),
            Self::Pages => Cell::Pages(part.holds / page_bytes()),
            Self::Data => Cell::Bytes(part.holds),
            Self::Used => Cell::Bytes(part.takes),
            Self::Ratio if part.takes == 0 => Cell::Nothing,
            Self::Ratio => Cell::Ratio(part.holds as f64 / part.takes as f64),
            Self::Bad => bytes(disk.map(|disk| disk.bad)),
            Self::Errors => disk.map_or(Cell::Nothing, |disk| Cell::Pages(disk.errors)),
            Self::Protection => disk.map_or(Cell::Nothing, |disk| {
                match (disk.protection.encrypt, disk.protection.integrity) {
                    (false, false) => Cell::Nothing,
                    (true, false) => Cell::Text("encrypt".to_owned()),
                    (false, true) => Cell::Text("integrity".to_owned()),
                    (true, true) => Cell::Text("encrypt+integrity".to_owned()),
                }
            }),
            Self::Corrupt => disk
                .filter(|disk| disk.protection.integrity)
                .map_or(Cell::Nothing, |disk| Cell::Pages(disk.corrupt)),
            Self::Packed => disk
                .and_then(|disk| disk.packed)
                .map_or(Cell::Nothing, |packed| Cell::Pages(packed.pages)),
            Self::Live => disk
                .and_then(|disk| disk.packed)
                .filter(|packed| packed.segment_bytes != 0)
                .map_or(Cell::Nothing, |packed| {
                    Cell::Pages(packed.bytes.saturating_mul(100) / packed.segment_bytes)
                }),
            Self::Amplification => disk
                .and_then(|disk| disk.packed?.amplification())
                .map_or(Cell::Nothing, Cell::Ratio),
            Self::Discarded => bytes(disk.and_then(|disk| disk.discarded)),
            Self::Read => bytes(disk.map(|disk| disk.read)),
            Self::Written => bytes(disk.map(|disk| disk.written)),
            Self::Moved => bytes(disk.and_then(|disk| Some(disk.removal?.moved))),
            Self::ToMove => bytes(disk.and_then(|disk| Some(disk.removal?.total))),
        }
    }

    fn is_text(self) -> bool {
        matches!(
            self,
            Self::Name | Self::Kind | Self::Device | Self::State | Self::Protection
        )
    }
}

impl Cell {
    fn text(&self, style: Style) -> String {
        match self {
            Self::Text(text) => printable(text),
            Self::Number(number) => number.to_string(),
            Self::Pages(number) => number.to_string(),
            Self::Bytes(bytes) => style.show(*bytes),
            Self::Ratio(ratio) => format!("{ratio:.2}"),
            Self::Nothing => String::new(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::Pages(number) | Self::Bytes(number) => json!(number),
            Self::Ratio(ratio) => json!((ratio * 100.0).round() / 100.0),
            Self::Nothing => Value::Null,
        }
    }
}

/// The layout of a table.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// With headings.
    pub headings: bool,
    /// With single blanks between the columns, and - for an empty cell.
    pub raw: bool,
    /// How to show sizes.
    pub style: size::Style,
}

/// The table.
pub fn table(parts: &[Part], columns: &[Column], layout: Layout) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if layout.headings {
        rows.push(
            columns
                .iter()
                .map(|column| column.heading().to_owned())
                .collect(),
        );
    }
    for part in parts {
        rows.push(
            columns
                .iter()
                .map(|column| column.cell(part).text(layout.style))
                .collect(),
        );
    }
    let width = |column: usize| {
        rows.iter()
            .map(|row| look::columns(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(columns)
            .zip(&widths)
            .map(|((cell, column), width)| {
                if layout.raw {
                    // As in `lsblk`, so that a blank always separates columns.
                    let cell = cell.replace(' ', "\\x20");
                    if cell.is_empty() {
                        "-".to_owned()
                    } else {
                        cell
                    }
                } else {
                    look::padded(cell, *width, !column.is_text())
                }
            });
        let line = cells
            .collect::<Vec<_>>()
            .join(if layout.raw { " " } else { "  " });
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The table as JSON: an object for each part.
pub fn json(parts: &[Part], columns: &[Column]) -> Value {
    let object = |part: &Part| -> Value {
        let pair = |column: &Column| {
            let name = column.heading().to_lowercase().replace('-', "_");
            (name, column.cell(part).json())
        };
        columns.iter().map(pair).collect::<Map<_, _>>().into()
    };
    parts.iter().map(object).collect()
}
