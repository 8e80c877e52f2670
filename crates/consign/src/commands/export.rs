//! `consign export`: the current definitions as YAML.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use consign_model::document::write;
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;

/// The name of the file in the folder.
const NAME: &str = "definitions.yaml";

pub async fn run(context: &Context, out: Option<&Path>) -> Result<Exit> {
    let (_store, current) = context.current().await?;
    let Some(folder) = out else {
        if context.printer.json() {
            context.printer.json_document(&current.definitions)?;
        } else {
            context.printer.result(&write(&current.definitions))?;
        }
        return Ok(Exit::Fine);
    };
    let file = folder.join(NAME);
    let shown = file.display();
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder `{}` cannot be made: check that you may write there", folder.display()))?;
    let written = || format!("`{shown}` cannot be written: check that you may write there, and that the disk has room");
    // Linked to its name when it is whole; a link, unlike a renaming, never takes the place of another file.
    let part = folder.join(format!(".{NAME}.{}.tmp", std::process::id()));
    fs::write(&part, write(&current.definitions)).with_context(written)?;
    let linked = fs::hard_link(&part, &file);
    fs::remove_file(&part).with_context(written)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("`{shown}` exists already: move it away, or choose another folder")
        }
        linked => linked.with_context(written)?,
    }
    if context.printer.json() {
        context.printer.json_document(&json!({ "version": current.version, "file": file }))?;
    } else {
        context.printer.note(&format!("wrote version {} to `{shown}`", current.version));
    }
    Ok(Exit::Fine)
}
