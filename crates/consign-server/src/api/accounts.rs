//! Who may use the server: logging in and out, users.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use consign_store::{NewUser, Role, User, UserChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::access::{Caller, ComesFrom, unknown};
use crate::app::App;
use crate::page::{Asked, Body, Page, Paging};
use crate::password::{self, Unfit, secret_hash};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::sessions;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/login", "log_in", "Begins a session, which a cookie stands for", log_in)
            .takes::<Login>()
            .gives::<Me>()
            .open(),
        Route::post("/logout", "log_out", "Ends the session", log_out).least(Role::Viewer),
        Route::post("/set-up", "set_up", "Makes the first user, an admin, while there is none", set_up)
            .takes::<SetUp>()
            .makes::<Me>()
            .open(),
        Route::get("/me", "get_me", "Who asks, and what they may do", me).gives::<Me>().least(Role::Viewer),
        Route::post(
            "/me/password",
            "change_password",
            "Changes one's own password; other sessions end",
            change_password,
        )
        .takes::<NewPassword>()
        .least(Role::Viewer),
        Route::get("/users", "list_users", "The users", users).query::<Paging>().gives::<Page<UserLine>>(),
        Route::post("/users", "add_user", "Adds a user", add).takes::<UserToAdd>().makes::<UserLine>(),
        Route::post("/users/{user}", "change_user", "Changes a user: role, password, whether they may log in", change)
            .takes::<ChangeOfUser>()
            .gives::<UserLine>(),
        Route::delete("/users/{user}", "remove_user", "Removes a user with their tokens", remove),
    ]
}

/// Who logs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The user's name.
    name: String,
    /// Their password.
    password: String,
}

/// The first user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetUp {
    /// What the link has in it that `consign serve` said.
    token: String,
    /// What they will log in with.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// Their password, at least 12 characters.
    #[schemars(length(min = 12, max = 1000))]
    password: String,
}

/// A change of one's own password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The password so far.
    current: String,
    /// The password from now on, at least 12 characters.
    #[schemars(length(min = 12, max = 1000))]
    new: String,
}

/// A user to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UserToAdd {
    /// What they will log in with: an e-mail address or another name.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What they may do.
    role: Role,
    /// Their password to begin with, at least 12 characters.
    #[schemars(length(min = 12, max = 1000))]
    password: String,
}

/// A change of a user; what is left out stays.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ChangeOfUser {
    /// What they may do.
    role: Option<Role>,
    /// Whether they may not log in for now.
    disabled: Option<bool>,
    /// A new password, at least 12 characters.
    #[schemars(length(min = 12, max = 1000))]
    password: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Me {
    /// The user's id.
    id: String,
    /// The user's name.
    name: String,
    /// What they may do.
    role: Role,
    /// The operations of this document that they may use.
    may: Vec<&'static str>,
}

/// A user among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "User")]
struct UserLine {
    /// Given when they were added, and never again to another.
    id: String,
    /// What they log in with.
    name: String,
    /// What they may do.
    role: Role,
    /// Whether they may not log in for now.
    disabled: bool,
    /// When they were added.
    created_at: DateTime<Utc>,
}

impl From<User> for UserLine {
    fn from(User { id, name, role, disabled, created_at }: User) -> Self {
        Self { id, name, role, disabled, created_at }
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, unfit.to_string())
    }
}

fn describe(Caller { id, name, role }: Caller) -> Json<Me> {
    let may = super::routes().into_iter().filter(|route| route.access.allows(role)).map(|route| route.id).collect();
    Json(Me { id, name, role, may })
}

async fn log_in(
    State(app): State<App>,
    ComesFrom(address): ComesFrom,
    session: Session,
    Body(login): Body<Login>,
) -> Answer<Json<Me>> {
    // One that is no name is nobody's.
    let name = password::name(&login.name).unwrap_or_default();
    app.throttle.take(&name, address)?;
    let (known, right) = match app.store.user_and_password(&name).await? {
        Some((user, hash)) => (Some(user), is(&app, login.password, Some(hash)).await?),
        None => (None, is(&app, login.password, None).await?),
    };
    match known.filter(|user| right && !user.disabled) {
        Some(user) => {
            sessions::begin(&session, user.clone()).await?;
            Ok(describe(user.into()))
        }
        None => Err(unknown("the name or the password is not right: try again, or ask an admin for a new password")),
    }
}

async fn log_out(session: Session) -> Answer<StatusCode> {
    sessions::end(&session).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(caller: Caller) -> Json<Me> {
    describe(caller)
}

async fn set_up(
    State(app): State<App>,
    ComesFrom(address): ComesFrom,
    session: Session,
    Body(first): Body<SetUp>,
) -> Answer<impl IntoResponse> {
    app.throttle.take("", address)?;
    let new = new_user(&app, &first.name, Role::Admin, first.password).await?;
    let user = app.store.set_up(&secret_hash(&first.token), &new).await?;
    let user = user.ok_or_else(|| {
        unknown(
            "the link is not good any more: start `consign serve` again for a new one, or log in if somebody is set up",
        )
    })?;
    app.store.audit(&user.name, "set up", &user.name, "the first user").await?;
    sessions::begin(&session, user.clone()).await?;
    Ok((StatusCode::CREATED, describe(user.into())))
}

async fn change_password(
    State(app): State<App>,
    ComesFrom(address): ComesFrom,
    caller: Caller,
    session: Session,
    Body(change): Body<NewPassword>,
) -> Answer<StatusCode> {
    app.throttle.take(&caller.name, address)?;
    let known = app.store.user_and_password(&caller.name).await?;
    let (user, hash) = known.ok_or_else(|| unknown("you are no user any more"))?;
    if !is(&app, change.current, Some(hash)).await? {
        let detail = "the current password is not right: try again, or ask an admin for a new one";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let password = Some(hashed(&app, change.new).await?);
    app.store.audit(&caller.name, "change password", &caller.name, "").await?;
    app.store.change_user(&user.id, &UserChange { password, ..UserChange::default() }).await?;
    if sessions::caller(&session).await?.is_some() {
        sessions::begin(&session, user).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn users(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<UserLine>>> {
    let users = app.store.users().await?.into_iter().map(UserLine::from).collect();
    Ok(Json(paging.of(users, |user| &user.id)?))
}

async fn add(State(app): State<App>, caller: Caller, Body(user): Body<UserToAdd>) -> Answer<impl IntoResponse> {
    let new = new_user(&app, &user.name, user.role, user.password).await?;
    let added = app.store.add_user(&new).await?;
    let added = added.ok_or_else(|| Refusal::conflict("somebody has that name already: choose another"))?;
    app.store.audit(&caller.name, "add user", &added.name, added.role.name()).await?;
    Ok((StatusCode::CREATED, Json(UserLine::from(added))))
}

async fn change(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    Body(change): Body<ChangeOfUser>,
) -> Answer<Json<UserLine>> {
    let ChangeOfUser { role, disabled, password } = change;
    let said = [
        role.map(|role| format!("role {role}")),
        disabled.map(|disabled| if disabled { "disabled" } else { "enabled" }.to_owned()),
        password.as_ref().map(|_| "new password".to_owned()),
    ];
    let password = match password {
        Some(password) => Some(hashed(&app, password).await?),
        None => None,
    };
    let changed = app.store.change_user(&id, &UserChange { role, disabled, password }).await?;
    let changed = changed.ok_or_else(|| no_user(&id))?;
    let said: Vec<String> = said.into_iter().flatten().collect();
    app.store.audit(&caller.name, "change user", &changed.name, &said.join(", ")).await?;
    Ok(Json(changed.into()))
}

async fn remove(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<StatusCode> {
    let removed = app.store.remove_user(&id).await?.ok_or_else(|| no_user(&id))?;
    app.store.audit(&caller.name, "remove user", &removed.name, "").await?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_user(id: &str) -> Refusal {
    Refusal::not_found("user", id, [])
}

async fn new_user(app: &App, name: &str, role: Role, password: String) -> Answer<NewUser> {
    Ok(NewUser { name: password::name(name)?, role, password: hashed(app, password).await? })
}

/// Hashing takes memory and time: few at once, and not where requests are answered.
async fn hashed(app: &App, password: String) -> Answer<String> {
    let _one = app.hashing.acquire().await.map_err(|error| Refusal::failed(&error))?;
    let hashing = tokio::task::spawn_blocking(move || password::hash(&password)).await;
    Ok(hashing.map_err(|error| Refusal::failed(&error))??)
}

async fn is(app: &App, password: String, hash: Option<String>) -> Answer<bool> {
    let _one = app.hashing.acquire().await.map_err(|error| Refusal::failed(&error))?;
    let comparing = tokio::task::spawn_blocking(move || password::is(&password, hash.as_deref())).await;
    comparing.map_err(|error| Refusal::failed(&error))
}
