//! `consign backup` and `restore`: what of a workspace cannot be made again, in a folder; and a workspace from one.

use std::path::Path;

use anyhow::Result;
use consign_delivery::backup;

use crate::context::Context;
use crate::exit::{Exit, Refusal};

pub async fn back_up(context: &Context, to: &Path, with_key: bool) -> Result<Exit> {
    let Some(store) = context.existing_store().await? else {
        let data = context.data.display();
        return Err(Refusal::missing(format!("there is nothing in `{data}` to back up: name it with `--data`")).into());
    };
    let backed_up = backup::back_up(&store, &context.data_folder()?, to, with_key, &context.actor).await?;
    context.printer.show(&backed_up)?;
    Ok(Exit::Fine)
}

pub async fn restore(context: &Context, from: &Path) -> Result<Exit> {
    let restored = backup::restore(from, &context.data, &context.location(), &context.actor).await?;
    context.printer.show(&restored)?;
    Ok(Exit::Fine)
}
