//! What is done with campaigns that are over, or were never needed; and by what campaigns are found: folders and labels.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use consign_model::definition::{Campaign, Schedule};
use consign_model::id::Slug;
use consign_store::Role;
use schemars::JsonSchema;
use serde::Serialize;

use super::campaigns;
use crate::access::Caller;
use crate::app::App;
use crate::edit::{self, Sort};
use crate::page::{Asked, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::tag::{self, Over};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post(
            "/campaigns/{campaign}/archive",
            "archive_campaign",
            "Puts a campaign away: it loses its schedule, and is in lists only on request",
            archive,
        )
        .gives::<Campaign>()
        .slow()
        .least(Role::Operator),
        Route::post(
            "/campaigns/{campaign}/bring_back",
            "bring_back_campaign",
            "Takes a campaign out of the archive, to be run by hand",
            bring_back,
        )
        .gives::<Campaign>()
        .slow()
        .least(Role::Operator),
        Route::delete(
            "/campaigns/{campaign}",
            "delete_campaign",
            "Removes a published campaign that never ran, and its draft",
            delete,
        )
        .edits()
        .slow()
        .least(Role::Operator),
        Route::get("/folders", "list_folders", "The folders that campaigns are in", folders)
            .query::<Paging>()
            .gives::<Page<Shared>>()
            .least(Role::Viewer),
        Route::get("/labels", "list_labels", "The labels that campaigns have", labels)
            .query::<Paging>()
            .gives::<Page<Shared>>()
            .least(Role::Viewer),
    ]
}

/// A folder or label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CampaignsNamed")]
struct Shared {
    /// Its name.
    name: String,
    /// How many campaigns and drafts have it, without those that are archived.
    campaigns: u64,
}

async fn archive(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<impl IntoResponse> {
    let campaign = slug(&id)?;
    if is_running(&app, &campaign).await? {
        return Err(Refusal::conflict("it is being run: wait until that has ended, or cancel it"));
    }
    // It would come back with the draft, and nobody would have said so.
    if app.store.draft(&campaign).await?.is_some() {
        return Err(Refusal::conflict("it has changes that are not published: publish or discard them first"));
    }
    let put_away = |campaign| Campaign { archived: true, schedule: Schedule::Manual, ..campaign };
    Ok(tag::tagged(campaigns::change(&app, &caller, &id, put_away).await?))
}

async fn bring_back(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<impl IntoResponse> {
    Ok(tag::tagged(campaigns::change(&app, &caller, &id, |campaign| Campaign { archived: false, ..campaign }).await?))
}

async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> Answer<StatusCode> {
    let over = Over::of(&headers)?;
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let campaign = campaigns::find(&stored, &id)?;
    over.check(Some(&tag::of_content(campaign)))?;
    if !app.store.runs(Some(&campaign.id), 1).await?.is_empty() {
        return Err(Refusal::conflict("it has run, and who got what stays on record: archive it"));
    }
    let tables = app.tables(&stored).await?.tables;
    let edited = edit::edit(&stored, &tables, app.registry.as_ref(), Sort::Campaign, &campaign.id, None);
    edit::apply(&app, &caller, &stored, &edited).await?;
    if let Some(draft) = app.store.draft(&campaign.id).await? {
        app.store.discard_draft(&campaign.id, draft.version).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn slug(id: &str) -> Answer<Slug> {
    crate::app::slug("published campaign", id)
}

async fn is_running(app: &App, campaign: &Slug) -> Answer<bool> {
    Ok(app.store.runs(Some(campaign), 1).await?.iter().any(|run| !run.state.is_finished()))
}

async fn folders(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<Shared>>> {
    let names = campaigns::names(&app).await?.into_iter().filter_map(|(folder, _)| folder);
    counted(&paging, names)
}

async fn labels(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<Shared>>> {
    let names = campaigns::names(&app).await?.into_iter().flat_map(|(_, labels)| labels);
    counted(&paging, names)
}

/// Names, each once, by name.
fn counted(paging: &Paging, names: impl Iterator<Item = String>) -> Answer<Json<Page<Shared>>> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let shared = counts.into_iter().map(|(name, campaigns)| Shared { name, campaigns }).collect();
    Ok(Json(paging.of(shared, |shared| &shared.name)?))
}
