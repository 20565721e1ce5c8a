// SPDX-License-Identifier: GPL-2.0-only

//! Documents for scripts. Each has a version and a schema, which `vswapctl schema` prints.

use crate::failure::{failed, Failure};
use crate::{bench, check, config, estimate, processes, settings, status, top};
use clap::ValueEnum;
use schemars::schema_for;
use serde::Serialize;

/// A document that has a schema. Its version is incremented when a field is removed or changes its
/// meaning, not when one is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// status --json
    Status,
    /// get --json
    Get,
    /// check --json
    Check,
    /// config --json
    Config,
    /// bench --json
    Bench,
    /// top --once --json
    Top,
    /// estimate --json
    Estimate,
    /// processes --json
    Processes,
}

/// The JSON schema of a document.
///
/// # Errors
///
/// Those of [`text`].
pub fn schema(what: What) -> Result<String, Failure> {
    text(&match what {
        What::Status => schema_for!(status::Document),
        What::Get => schema_for!(settings::Document),
        What::Check => schema_for!(check::Document),
        What::Config => schema_for!(config::Document),
        What::Bench => schema_for!(bench::Document),
        What::Top => schema_for!(top::Document),
        What::Estimate => schema_for!(estimate::Estimate),
        What::Processes => schema_for!(processes::Document),
    })
}

/// A document as text.
///
/// # Errors
///
/// It can't be written as JSON.
pub fn text(document: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(document)
        .map(|text| text + "\n")
        .map_err(|error| failed(format!("this can't be written as JSON: {error}")))
}
