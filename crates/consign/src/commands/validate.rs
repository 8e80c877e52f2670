//! `consign validate`: every problem of the definition files at once.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use consign_model::definition::Definitions;
use consign_model::problem::Severity;

use crate::context::Context;
use crate::definition_files::DefinitionFiles;
use crate::exit::Exit;
use crate::print::{Problems, plural};
use crate::view::Validation;
use crate::wiring;

pub async fn run(context: &Context, folder: &Path) -> Result<Exit> {
    let files = DefinitionFiles::read(folder)?;
    let validation = validate(context, &files, folder).await?;
    show_problems(context, &files, &validation)?;
    if context.printer.json() {
        context.printer.json_document(&validation)?;
    } else if validation.valid {
        let things = validation.definitions.iter().filter(|(_, number)| **number > 0);
        let things: Vec<String> = things.map(|(sort, number)| plural(*number, sort)).collect();
        let files = plural(files.files.len(), "file");
        context.printer.result(&format!("The definitions are valid: {} in {files}\n", things.join(", ")))?;
    }
    Ok(if validation.valid { Exit::Fine } else { Exit::Invalid })
}

/// Validates files, with the tables where they can be looked at.
pub async fn validate(context: &Context, files: &DefinitionFiles, folder: &Path) -> Result<Validation> {
    let problems = wiring::problems(context, files, folder).await?;
    let errors = problems.iter().filter(|found| found.problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    let definitions = counts(&files.reading.definitions);
    Ok(Validation { valid: errors == 0, errors, warnings, definitions, problems })
}

/// Prints the problems for people, with how many there are.
pub fn show_problems(context: &Context, files: &DefinitionFiles, validation: &Validation) -> Result<()> {
    if context.printer.json() || validation.problems.is_empty() {
        return Ok(());
    }
    let problems = Problems::of(&files.files, context.registry.as_ref());
    context.printer.diagnostics(|style| problems.text(&validation.problems, style))
}

/// How many of each sort of thing there are.
fn counts(definitions: &Definitions) -> BTreeMap<&'static str, usize> {
    BTreeMap::from([
        ("source", definitions.sources.len()),
        ("segment", definitions.segments.len()),
        ("destination", definitions.destinations.len()),
        ("campaign", definitions.campaigns.len()),
        ("contract", definitions.contracts.len()),
    ])
}
