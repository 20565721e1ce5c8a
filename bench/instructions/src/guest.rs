// SPDX-License-Identifier: GPL-2.0-only
//! The guest's output: its functions, and the runs that were counted.

use crate::symbols::Symbols;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub struct Phase {
    pub pages: u64,
}

/// A run of one workload on one peer. Round 0 is warm-up.
#[derive(Deserialize)]
pub struct Run {
    pub peer: String,
    pub round: u32,
    pub workload: String,
    pub phases: BTreeMap<String, Phase>,
}

#[derive(Default)]
pub struct Guest {
    pub runs: Vec<Run>,
    /// By peer, whose modules differ.
    pub symbols: BTreeMap<String, Symbols>,
}

impl Guest {
    /// Ignores lines other than those of functions and runs.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut guest = Guest::default();
        let mut kernel = Symbols::default();
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("function ") {
                let mut words = function.split(' ').peekable();
                let peer = words.next_if(|word| word.starts_with('['));
                let symbols = match peer {
                    None => &mut kernel,
                    Some(peer) => guest
                        .symbols
                        .entry(peer.trim_matches(['[', ']']).to_owned())
                        .or_default(),
                };
                if !symbols.add(words) {
                    return Err(format!("'{line}' is not a function"));
                }
            } else if line.starts_with('{') {
                let run: Run = serde_json::from_str(line).map_err(|error| error.to_string())?;
                if run.round > 0 {
                    guest.runs.push(run);
                }
            }
        }
        for symbols in guest.symbols.values_mut() {
            symbols.extend(&kernel);
        }
        Ok(guest)
    }
}
