//! Settings of the whole workspace, and who did what in it.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use consign_model::definition::Workspace;
use consign_store::{AuditEntry, AuditFilter, Role, StoredDefinitions};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::access::Caller;
use crate::app::App;
use crate::edit;
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::tag::{self, Over};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/workspace", "get_workspace", "Settings of the whole workspace", get)
            .gives::<Workspace>()
            .least(Role::Viewer),
        Route::put("/workspace", "put_workspace", "Writes over the settings of the whole workspace", put)
            .takes::<Workspace>()
            .gives::<Workspace>()
            .edits()
            .slow()
            .least(Role::Admin),
        Route::get("/audit", "list_audit", "Who did what and when, the newest first", audit)
            .query::<AuditQuery>()
            .gives::<Page<AuditEntry>>()
            .least(Role::Admin),
    ]
}

/// What of the audit log is asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct AuditQuery {
    /// Only what this user did, or what acts by itself, such as `retention`.
    actor: Option<String>,
    /// Only this, such as `apply` or `run`.
    action: Option<String>,
    /// Only from this moment on.
    since: Option<DateTime<Utc>>,
    /// `next` of the page before.
    cursor: Option<u64>,
    /// How many items the page may have, 1 to 500; 100 without it.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

fn settings(stored: StoredDefinitions) -> Workspace {
    stored.definitions.workspace.unwrap_or_default()
}

async fn get(State(app): State<App>) -> Answer<impl IntoResponse> {
    Ok(tag::tagged(settings(app.current().await?)))
}

async fn put(
    State(app): State<App>,
    headers: HeaderMap,
    caller: Caller,
    Body(sent): Body<Value>,
) -> Answer<impl IntoResponse> {
    let over = Over::of(&headers)?;
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    over.check(Some(&tag::of_content(&settings(stored.clone()))))?;
    let tables = app.tables(&stored).await?.tables;
    let edited = edit::edit_workspace(&stored, &tables, app.registry.as_ref(), &sent);
    edit::apply(&app, &caller, &stored, &edited).await?;
    Ok(tag::tagged(edited.definitions.workspace.unwrap_or_default()))
}

async fn audit(State(app): State<App>, Asked(query): Asked<AuditQuery>) -> Answer<Json<Page<AuditEntry>>> {
    let AuditQuery { actor, action, since, cursor, limit } = query;
    let limit = Paging { cursor: None, limit }.limit()?;
    let filter = AuditFilter { actor, action, since, before: cursor };
    let more = u32::try_from(limit + 1).map_err(|error| Refusal::failed(&error))?;
    let mut items = app.store.audit_page(&filter, more).await?;
    let is_last = items.len() <= limit;
    items.truncate(limit);
    let next = items.last().filter(|_| !is_last).map(|last| last.sequence.to_string());
    Ok(Json(Page { items, next }))
}
