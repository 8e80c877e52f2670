//! Tokens: what programs use the API with.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{TimeDelta, Utc};
use consign_store::{NewToken, Role, Token};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::access::Caller;
use crate::app::App;
use crate::page::{Asked, Body, Page, Paging};
use crate::password::{secret, secret_hash};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::view::{NewTokenSecret, TokenLine};

/// Longest name of a token, in characters.
const LONGEST: usize = 100;
/// Most days that a token is good.
const MOST_DAYS: u16 = 3_650;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/tokens", "list_tokens", "One's own tokens; all of them for an admin", list)
            .query::<Paging>()
            .gives::<Page<TokenLine>>()
            .least(Role::Viewer),
        Route::post("/tokens", "add_token", "Makes a token of one's own, which is shown this once", add)
            .takes::<TokenToAdd>()
            .makes::<NewTokenSecret>()
            .least(Role::Viewer),
        Route::delete(
            "/tokens/{token}",
            "remove_token",
            "Removes a token of one's own; any of them for an admin",
            remove,
        )
        .least(Role::Viewer),
    ]
}

/// A token to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TokenToAdd {
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What it may do, at most what one may oneself.
    role: Role,
    /// How many days it is good; until it is removed without it.
    #[schemars(range(min = 1, max = 3650))]
    days: Option<u16>,
}

/// The tokens that somebody may see and remove.
async fn visible(app: &App, caller: &Caller) -> Answer<Vec<Token>> {
    let mut tokens = app.store.tokens().await?;
    tokens.retain(|token| caller.role == Role::Admin || token.owner == caller.name);
    Ok(tokens)
}

async fn list(State(app): State<App>, caller: Caller, Asked(paging): Asked<Paging>) -> Answer<Json<Page<TokenLine>>> {
    let tokens = visible(&app, &caller).await?.into_iter().map(TokenLine::from).collect();
    Ok(Json(paging.of(tokens, |token| &token.id)?))
}

async fn add(State(app): State<App>, caller: Caller, Body(token): Body<TokenToAdd>) -> Answer<impl IntoResponse> {
    if !(1..=LONGEST).contains(&token.name.trim().chars().count()) {
        return Err(Refusal::bad(format!("the name has 1 to {LONGEST} characters: write what the token is for")));
    }
    if token.days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
        return Err(Refusal::bad(format!("`days` is a number from 1 to {MOST_DAYS}, or left out")));
    }
    if token.role > caller.role {
        let detail =
            format!("a token may do no more than `{}`, who has {} here: choose that", caller.name, caller.role);
        return Err(Refusal::new(StatusCode::FORBIDDEN, detail));
    }
    let secret = secret();
    let until = token.days.map(|days| Utc::now() + TimeDelta::days(days.into()));
    let new = NewToken { name: token.name.trim().to_owned(), role: token.role, hash: secret_hash(&secret), until };
    let added = app.store.add_token(&caller.id, &new).await?;
    app.store.audit(&caller.name, "add token", &added.id, &format!("{}, {}", added.name, added.role)).await?;
    Ok((StatusCode::CREATED, Json(NewTokenSecret { token: added.into(), secret })))
}

async fn remove(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<StatusCode> {
    let token = visible(&app, &caller).await?.into_iter().find(|token| token.id == id);
    let token = token.ok_or_else(|| Refusal::not_found("token", &id, []))?;
    app.store.remove_token(&token.id).await?;
    app.store.audit(&caller.name, "remove token", &token.id, &format!("{} of {}", token.name, token.owner)).await?;
    Ok(StatusCode::NO_CONTENT)
}
