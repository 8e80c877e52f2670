//! `consign openapi`: the document of the API.

use anyhow::Result;
use consign_server::openapi::document;

use crate::context::Context;
use crate::exit::Exit;

pub fn run(context: &Context) -> Result<Exit> {
    context.printer.json_document(&document())?;
    Ok(Exit::Fine)
}
