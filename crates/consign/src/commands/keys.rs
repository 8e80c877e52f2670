//! `consign keys`: the workspace key, with which everything is sealed that must not lie about plain.

use anyhow::Result;
use consign_delivery::rotate_key;
use consign_secrets::new_key;
use consign_store::Store;
use secrecy::ExposeSecret;

use crate::context::Context;
use crate::exit::Exit;

pub fn new(context: &Context) -> Result<Exit> {
    context.printer.result(&format!("{}\n", new_key()?.expose_secret()))?;
    Ok(Exit::Fine)
}

pub async fn rotate(context: &Context) -> Result<Exit> {
    let data = context.data_folder()?;
    let store = context.store().await?;
    store.audit(&context.actor, "rotate key", "workspace", "").await?;
    context.printer.show(&rotate_key(&store, &data).await?)?;
    Ok(Exit::Fine)
}
