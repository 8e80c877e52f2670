//! Campaigns that are published, and what is done with them.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use consign_model::definition::{Campaign, Schedule};
use consign_model::id::Slug;
use consign_model::schedule::Timetable;
use consign_store::{Draft, Outcome, Run, StoredDefinitions};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::edit::{self, Sort};
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::show;
use crate::tag;
use crate::view::Explanation;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/campaigns", "list_campaigns", "The campaigns and drafts, with where each stands", list)
            .query::<Paging>()
            .gives::<Page<CampaignLine>>(),
        Route::get("/campaigns/{campaign}", "get_campaign", "A campaign as it was published", one).gives::<Campaign>(),
        Route::post("/campaigns/{campaign}/schedule", "schedule_campaign", "Gives a campaign a schedule", schedule)
            .takes::<Schedule>()
            .gives::<Campaign>(),
        Route::post(
            "/campaigns/{campaign}/unschedule",
            "unschedule_campaign",
            "Lets a campaign run by hand only",
            unschedule,
        )
        .gives::<Campaign>(),
        Route::get(
            "/campaigns/{campaign}/explain/{customer}",
            "explain_customer",
            "Why a customer is where it is in a campaign",
            explain,
        )
        .gives::<Explanation>()
        .slow(),
    ]
}

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// It was never published.
    Draft,
    /// It is published, and was neither run nor is it to be.
    Ready,
    /// It will run.
    Scheduled,
    /// It runs.
    Running,
    /// Its last run arrived, and no other will be.
    Delivered,
    /// Its last run failed, or a part of it did.
    Error,
}

/// A campaign among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct CampaignLine {
    /// Its id.
    id: Slug,
    /// Its name.
    name: String,
    /// Where it stands.
    status: Status,
    /// Whether there is a draft that is not published.
    has_draft: bool,
    /// Its schedule in words.
    cadence: String,
    /// Customers in the audience of its last run.
    customers: Option<u64>,
    /// The ids of its destinations.
    destinations: Vec<Slug>,
    /// Its last run.
    last_run: Option<String>,
    /// When its last run ended.
    last_delivery: Option<DateTime<Utc>>,
    /// When it runs next.
    next_delivery: Option<DateTime<Utc>>,
    /// Who edited it last.
    edited_by: String,
}

/// The ids of the destinations of a campaign's groups.
pub(super) fn destinations(campaign: &Campaign) -> BTreeSet<Slug> {
    let groups = campaign.sub_audiences.iter().flat_map(|one| &one.groups).chain(&campaign.remaining);
    groups.flat_map(|group| &group.destinations).map(|used| used.id().clone()).collect()
}

async fn list(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<CampaignLine>>> {
    let stored = app.current().await?;
    let mut drafts: BTreeMap<Slug, Draft> =
        app.store.drafts().await?.into_iter().map(|draft| (draft.campaign.clone(), draft)).collect();
    let mut lines = Vec::new();
    for campaign in &stored.definitions.campaigns {
        let draft = drafts.remove(&campaign.id);
        lines.push(line(&app, &stored, campaign, draft).await?);
    }
    let names = |draft: &Draft| draft.content.get("name").and_then(Value::as_str).map(ToOwned::to_owned);
    lines.extend(drafts.into_values().map(|draft| CampaignLine {
        name: names(&draft).unwrap_or_else(|| draft.campaign.to_string()),
        id: draft.campaign,
        status: Status::Draft,
        has_draft: true,
        cadence: String::new(),
        customers: None,
        destinations: Vec::new(),
        last_run: None,
        last_delivery: None,
        next_delivery: None,
        edited_by: draft.edited_by,
    }));
    Ok(Json(paging.of(lines, |line| line.id.as_str())?))
}

async fn line(
    app: &App,
    stored: &StoredDefinitions,
    campaign: &Campaign,
    draft: Option<Draft>,
) -> Answer<CampaignLine> {
    let last = app.store.runs(Some(&campaign.id), 1).await?.into_iter().next();
    let next = next(app, stored, campaign).await?;
    Ok(CampaignLine {
        id: campaign.id.clone(),
        name: campaign.name.clone(),
        status: status(last.as_ref(), next),
        has_draft: draft.is_some(),
        cadence: show::schedule(&campaign.schedule),
        customers: last.as_ref().and_then(|run| Some(run.audience.as_ref()?.customers)),
        destinations: destinations(campaign).into_iter().collect(),
        last_delivery: last.as_ref().and_then(|run| run.finished_at),
        last_run: last.map(|run| run.id),
        next_delivery: next,
        edited_by: draft.map_or_else(|| stored.applied_by.clone(), |draft| draft.edited_by),
    })
}

fn status(last: Option<&Run>, next: Option<DateTime<Utc>>) -> Status {
    match last.map(|run| run.state.outcome()) {
        Some(None) => Status::Running,
        Some(Some(Outcome::Failed | Outcome::Partial)) => Status::Error,
        _ if next.is_some() => Status::Scheduled,
        Some(Some(Outcome::Succeeded)) => Status::Delivered,
        Some(Some(Outcome::Cancelled)) | None => Status::Ready,
    }
}

/// When a campaign runs next.
async fn next(app: &App, stored: &StoredDefinitions, campaign: &Campaign) -> Answer<Option<DateTime<Utc>>> {
    let zone = stored.definitions.workspace.clone().unwrap_or_default().time_zone.parse().unwrap_or(Tz::UTC);
    let Some(begun) = app.store.schedule_begun(&campaign.id).await? else { return Ok(None) };
    let Some(timetable) = Timetable::of(&campaign.schedule, zone, begun.at) else { return Ok(None) };
    let decided = app.store.last_occurrence(&campaign.id, Some(begun.version)).await?.map(|last| last.due);
    Ok(timetable.times(decided).next())
}

pub(super) fn find<'a>(stored: &'a StoredDefinitions, id: &str) -> Answer<&'a Campaign> {
    let campaigns = &stored.definitions.campaigns;
    let found = campaigns.iter().find(|campaign| campaign.id.as_str() == id);
    found.ok_or_else(|| Refusal::not_found("published campaign", id, campaigns.iter().map(|one| one.id.as_str())))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let stored = app.current().await?;
    let found = find(&stored, &id)?;
    Ok((tag::header(&tag::of_content(found)), Json(found.clone())))
}

async fn schedule(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(schedule): Body<Schedule>,
) -> Answer<impl IntoResponse> {
    reschedule(&app, &id, schedule).await
}

async fn unschedule(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    reschedule(&app, &id, Schedule::Manual).await
}

async fn reschedule(app: &App, id: &str, schedule: Schedule) -> Answer<impl IntoResponse + use<>> {
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let campaign = Campaign { schedule, ..find(&stored, id)?.clone() };
    let thing = serde_json::to_value(&campaign).map_err(|error| Refusal::failed(&error))?;
    let tables = app.tables(&stored).await?.tables;
    let edited = edit::edit(&stored, &tables, app.registry.as_ref(), Sort::Campaign, &campaign.id, Some(thing));
    edit::apply(app, &stored, &edited).await?;
    Ok((StatusCode::OK, tag::header(&tag::of_content(&campaign)), Json(campaign)))
}

async fn explain(State(app): State<App>, Path((id, customer)): Path<(String, String)>) -> Answer<Json<Explanation>> {
    let stored = app.current().await?;
    let campaign = find(&stored, &id)?.id.clone();
    let explaining = app.at_desk(move |work, _| async move { work.explain(&stored, &campaign, &customer).await });
    Ok(Json(explaining.await?))
}
