//! `consign tokens`: what programs use the API with.

use anyhow::Result;
use chrono::{TimeDelta, Utc};
use consign_server::password;
use consign_store::{Accounts, NewToken, Role, Store};

use super::users;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::{NewTokenSecret, TokenLine, Tokens};

pub async fn add(context: &Context, name: &str, user: &str, role: Role, days: Option<u16>) -> Result<Exit> {
    let (store, owner) = users::find(context, user).await?;
    let secret = password::secret();
    let until = days.map(|days| Utc::now() + TimeDelta::days(days.into()));
    let new = NewToken { name: name.to_owned(), role, hash: password::secret_hash(&secret), until };
    let added = store.add_token(&owner.id, &new).await?;
    store.audit(&context.actor, "add token", &added.id, &format!("{name}, {role}, of {}", owner.name)).await?;
    context.printer.note("the token is shown this once: programs send it as `Authorization: Bearer TOKEN`");
    context.printer.show(&NewTokenSecret { token: added.into(), secret })?;
    Ok(Exit::Fine)
}

pub async fn list(context: &Context) -> Result<Exit> {
    let tokens = match context.existing_store().await? {
        Some(store) => store.tokens().await?,
        None => Vec::new(),
    };
    context.printer.show(&Tokens { tokens: tokens.into_iter().map(TokenLine::from).collect() })?;
    Ok(Exit::Fine)
}

pub async fn remove(context: &Context, id: &str) -> Result<Exit> {
    let missing = || Refusal::not_found("token", id, []);
    let store = context.existing_store().await?.ok_or_else(missing)?;
    if !store.remove_token(id).await? {
        return Err(missing().into());
    }
    store.audit(&context.actor, "remove token", id, "").await?;
    context.printer.note(&format!("the token `{id}` is removed"));
    Ok(Exit::Fine)
}
