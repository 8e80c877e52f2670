//! `consign users`: who may log in. Whoever may write to the store may do this, so that nobody is locked out for good.

use anyhow::Result;
use consign_server::password;
use consign_store::{Accounts, NewUser, Role, SqlStore, Store, User, UserChange};
use secrecy::ExposeSecret;

use crate::asked;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::view::{UserLine, Users};

pub async fn add(context: &Context, name: &str, role: Role) -> Result<Exit> {
    let (name, store) = (password::name(name)?, context.store().await?);
    if store.users().await?.iter().any(|user| user.name == name) {
        anyhow::bail!("there is a user `{name}` already: choose another name, or change what they may do");
    }
    let new = NewUser { password: hashed(&name)?, name, role };
    let added = store.add_user(&new).await?;
    let added = added.ok_or_else(|| anyhow::anyhow!("somebody else added `{}` meanwhile", new.name))?;
    store.audit(&context.actor, "add user", &added.name, role.name()).await?;
    context.printer.note(&format!("`{}` may log in, as {role}", added.name));
    Ok(Exit::Fine)
}

pub async fn list(context: &Context) -> Result<Exit> {
    let users = match context.existing_store().await? {
        Some(store) => store.users().await?,
        None => Vec::new(),
    };
    let line = |User { name, role, disabled, created_at, .. }| UserLine { name, role, disabled, created_at };
    context.printer.show(&Users { users: users.into_iter().map(line).collect() })?;
    Ok(Exit::Fine)
}

pub async fn password(context: &Context, name: &str) -> Result<Exit> {
    let (store, user) = find(context, name).await?;
    let change = UserChange { password: Some(hashed(&user.name)?), ..UserChange::default() };
    change_user(context, &store, &user, &change, "new password").await?;
    context.printer.note(&format!("`{}` has another password, and is logged out everywhere", user.name));
    Ok(Exit::Fine)
}

pub async fn role(context: &Context, name: &str, role: Role) -> Result<Exit> {
    let (store, user) = find(context, name).await?;
    let change = UserChange { role: Some(role), ..UserChange::default() };
    change_user(context, &store, &user, &change, &format!("role {role}")).await?;
    context.printer.note(&format!("`{}` is {role}", user.name));
    Ok(Exit::Fine)
}

pub async fn disable(context: &Context, name: &str, disabled: bool) -> Result<Exit> {
    let (store, user) = find(context, name).await?;
    let change = UserChange { disabled: Some(disabled), ..UserChange::default() };
    change_user(context, &store, &user, &change, if disabled { "disabled" } else { "enabled" }).await?;
    context.printer.note(&format!("`{}` may {} log in", user.name, if disabled { "not" } else { "again" }));
    Ok(Exit::Fine)
}

pub async fn remove(context: &Context, name: &str) -> Result<Exit> {
    let (store, user) = find(context, name).await?;
    store.remove_user(&user.id).await?;
    store.audit(&context.actor, "remove user", &user.name, "").await?;
    context.printer.note(&format!("`{}` is removed", user.name));
    Ok(Exit::Fine)
}

/// The store, and the user of a name in it.
pub(super) async fn find(context: &Context, name: &str) -> Result<(SqlStore, User)> {
    let store = context.existing_store().await?.ok_or_else(|| Refusal::not_found("user", name, []))?;
    let users = store.users().await?;
    let wanted = password::name(name)?;
    let found = users.iter().find(|user| user.name == wanted).cloned();
    let found = found.ok_or_else(|| Refusal::not_found("user", name, users.iter().map(|user| user.name.as_str())))?;
    Ok((store, found))
}

async fn change_user(context: &Context, store: &SqlStore, user: &User, change: &UserChange, said: &str) -> Result<()> {
    store.change_user(&user.id, change).await?;
    Ok(store.audit(&context.actor, "change user", &user.name, said).await?)
}

/// The hash of the password that somebody is to have.
fn hashed(name: &str) -> Result<String> {
    let secret = asked::secret(&format!("password of {name}"))?;
    Ok(password::hash(secret.expose_secret())?)
}
