//! `consign credentials`: secrets that the store keeps sealed, for definitions to refer to as `stored:NAME`.

use anyhow::{Result, ensure};
use consign_delivery::set_credential;
use consign_model::definition::SecretPlace;
use consign_model::id::Slug;
use consign_store::Store;

use crate::asked;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::{Credentials, StoredCredential};

pub async fn set(context: &Context, name: &Slug) -> Result<Exit> {
    let secret = asked::secret(&name.to_string())?;
    let data = context.data_folder()?;
    let store = context.store().await?;
    store.audit(&context.actor, "set credential", name.as_str(), "").await?;
    set_credential(&store, &data, name, &secret, &context.actor).await?;
    context.printer.note(&format!("`{name}` is stored; definitions refer to it as `stored:{name}`"));
    Ok(Exit::Fine)
}

pub async fn list(context: &Context) -> Result<Exit> {
    let stored = match context.existing_store().await? {
        Some(store) => store.credentials().await?,
        None => Vec::new(),
    };
    let credentials = stored.into_iter().map(|one| StoredCredential {
        name: one.name.to_string(),
        set_at: one.set_at,
        set_by: one.set_by,
    });
    context.printer.show(&Credentials { credentials: credentials.collect() })?;
    Ok(Exit::Fine)
}

pub async fn remove(context: &Context, name: &Slug, force: bool) -> Result<Exit> {
    let store = context.existing_store().await?.ok_or_else(|| Refusal::not_found("credential", name.as_str(), []))?;
    let known = store.credentials().await?;
    if !known.iter().any(|one| one.name == *name) {
        let names = known.iter().map(|one| one.name.as_str());
        return Err(Refusal::not_found("credential", name.as_str(), names).into());
    }
    if let Some(current) = store.current().await?.filter(|_| !force) {
        let secrets = current.definitions.secrets().into_iter();
        let uses = secrets.filter(|(_, secret)| secret.place() == SecretPlace::Stored(name.as_str()));
        let uses: Vec<_> = uses.map(|(place, _)| place).collect();
        ensure!(
            uses.is_empty(),
            "the credential `{name}` is in use by {}: change the definitions first, or repeat with --force",
            consign_model::word::list(uses.iter().map(String::as_str))
        );
    }
    store.audit(&context.actor, "remove credential", name.as_str(), "").await?;
    store.remove_credential(name).await?;
    context.printer.note(&format!("`{name}` is removed"));
    Ok(Exit::Fine)
}
