//! `consign audit`: who did what, and when.

use anyhow::Result;
use consign_store::Store;

use crate::cli::Moment;
use crate::context::Context;
use crate::exit::Exit;
use crate::view::Audit;

pub async fn run(context: &Context, since: Option<Moment>) -> Result<Exit> {
    let mut entries = Vec::new();
    if let Some(store) = context.existing_store().await? {
        let workspace = store.current().await?.and_then(|current| current.definitions.workspace).unwrap_or_default();
        let time_zone = workspace.time_zone.parse()?;
        entries = store.audited(since.map(|since| since.in_zone(time_zone))).await?;
    }
    context.printer.show(&Audit { entries })?;
    Ok(Exit::Fine)
}
