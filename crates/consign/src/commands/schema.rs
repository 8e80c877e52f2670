//! `consign schema`: the JSON Schema of definition files.

use anyhow::Result;
use consign_model::document::json_schema;

use crate::context::Context;
use crate::exit::Exit;

pub fn run(context: &Context) -> Result<Exit> {
    context.printer.json_document(&json_schema())?;
    Ok(Exit::Fine)
}
