//! `consign apply`: valid definition files become the current definitions.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use consign_model::document::Located;
use consign_store::Store;
use serde::Serialize;

use crate::changes::{Changes, compare};
use crate::commands::validate::{show_problems, validate};
use crate::context::Context;
use crate::definition_files::DefinitionFiles;
use crate::exit::Exit;
use crate::print;

/// What applying came to.
#[derive(Debug, Serialize)]
struct Applying {
    /// The version that is current afterwards; `None` before anything is applied.
    version: Option<u64>,
    /// Whether the version is new.
    applied: bool,
    #[serde(flatten)]
    changes: Changes,
    /// Warnings of validation.
    problems: Vec<Located>,
}

pub async fn run(context: &Context, folder: &Path, dry_run: bool) -> Result<Exit> {
    let files = DefinitionFiles::read(folder)?;
    let validation = validate(context, &files, folder).await?;
    show_problems(context, &files, &validation)?;
    if !validation.valid {
        if context.printer.json() {
            context.printer.json_document(&validation)?;
        }
        return Ok(Exit::Invalid);
    }
    let definitions = &files.reading.definitions;
    let store = if dry_run { context.existing_store().await? } else { Some(context.store().await?) };
    let before = match &store {
        Some(store) => store.current().await?,
        None => None,
    };
    let old = before.as_ref().map(|before| before.definitions.clone()).unwrap_or_default();
    let changes = compare(&old, definitions);
    let (version, applied) = match &store {
        Some(store) if !dry_run => {
            let applied = store.apply(definitions, &absolute(folder)?, &author()).await?;
            (Some(applied.version), applied.changed)
        }
        _ => (before.map(|before| before.version), false),
    };
    if context.printer.json() {
        let applying = Applying { version, applied, changes, problems: validation.problems };
        context.printer.json_document(&applying)?;
        return Ok(Exit::Fine);
    }
    context.printer.result(&print::changes(&changes))?;
    let last = match version {
        Some(version) if applied => format!("Applied as version {version}\n"),
        Some(version) if changes.changes.is_empty() => format!("Nothing changes: version {version} is current\n"),
        _ => "Nothing is applied: this is what would change\n".to_owned(),
    };
    context.printer.result(&last)?;
    Ok(Exit::Fine)
}

/// The folder, so that relative paths in the definitions mean the same wherever the next command is called.
fn absolute(folder: &Path) -> Result<String> {
    let shown = folder.display();
    let absolute = fs::canonicalize(folder).with_context(|| format!("the folder `{shown}` cannot be found"))?;
    let text = absolute.to_str().with_context(|| format!("the path of `{shown}` is not UTF-8: rename its folders"))?;
    Ok(text.to_owned())
}

/// The user of the operating system.
pub fn author() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
