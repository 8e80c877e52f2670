//! `consign demo`: a workspace to look at.

use std::path::Path;

use anyhow::Result;

use crate::commands::campaign::exit_of;
use crate::context::Context;
use crate::exit::Exit;
use crate::wiring;

pub async fn run(context: &Context, folder: &Path, force: bool) -> Result<Exit> {
    let demo = wiring::demo(context, folder, force).await?;
    context.printer.show(&demo)?;
    Ok(exit_of(&demo.summary))
}
