//! Campaigns that are published, and what is done with them.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use chrono::{DateTime, FixedOffset, Utc};
use consign_model::definition::{Cadence, Campaign, Schedule};
use consign_model::id::Slug;
use consign_store::{Draft, Outcome, Role, Run, StoredDefinitions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::drafts;
use crate::access::Caller;
use crate::app::App;
use crate::edit::{self, Sort};
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::schedules;
use crate::show;
use crate::tag;
use crate::view::Explanation;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/campaigns", "list_campaigns", "The campaigns and drafts, with where each stands", list)
            .query::<CampaignsQuery>()
            .gives::<Page<CampaignLine>>()
            .least(Role::Viewer),
        Route::get("/campaigns/{campaign}", "get_campaign", "A campaign as it was published", one)
            .gives::<Campaign>()
            .least(Role::Viewer),
        Route::post("/campaigns/{campaign}/schedule", "schedule_campaign", "Gives a campaign a schedule", schedule)
            .takes::<Schedule>()
            .gives::<Campaign>()
            .least(Role::Operator),
        Route::post(
            "/campaigns/{campaign}/unschedule",
            "unschedule_campaign",
            "Lets a campaign run by hand only",
            unschedule,
        )
        .gives::<Campaign>()
        .least(Role::Operator),
        Route::post(
            "/campaigns/{campaign}/times",
            "list_times",
            "When a campaign runs next; with another schedule than it has, when it would if it got that now",
            times,
        )
        .takes::<Schedule>()
        .gives::<Times>()
        .least(Role::Viewer),
        Route::get(
            "/campaigns/{campaign}/explain/{customer}",
            "explain_customer",
            "Why a customer is where it is in a campaign",
            explain,
        )
        .gives::<Explanation>()
        .slow()
        .least(Role::Editor),
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
    /// It is put away.
    Archived,
}

/// How often a campaign runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Often {
    ByHand,
    Once,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    ByCron,
}

impl Often {
    fn of(schedule: &Schedule) -> Self {
        match schedule {
            Schedule::Manual => Self::ByHand,
            Schedule::AsSoonAsPossible | Schedule::At(_) => Self::Once,
            Schedule::Recurring(recurring) => match recurring.every {
                Cadence::Hour => Self::Hourly,
                Cadence::Day => Self::Daily,
                Cadence::Week => Self::Weekly,
                Cadence::Month => Self::Monthly,
                Cadence::Quarter => Self::Quarterly,
                Cadence::Cron(_) => Self::ByCron,
            },
        }
    }
}

/// Which campaigns are asked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct CampaignsQuery {
    /// Also those that are archived.
    archived: bool,
    /// Only those in this folder.
    folder: Option<String>,
    /// Only those with this label.
    label: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items the page may have, 1 to 500; 100 without it.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// The next times of a schedule.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Times {
    /// The zone whose clocks it follows.
    time_zone: String,
    /// The next five, or as many as there are, as its clocks show them.
    next: Vec<DateTime<FixedOffset>>,
}

/// A campaign among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct CampaignLine {
    /// Its id.
    id: Slug,
    /// Its name.
    name: String,
    /// The folder in which it is.
    folder: Option<String>,
    /// The words by which it can be found.
    labels: Vec<String>,
    /// Where it stands.
    status: Status,
    /// Whether there is a draft that is not published.
    has_draft: bool,
    /// Its schedule in words.
    cadence: String,
    /// How often it runs.
    often: Often,
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

async fn list(State(app): State<App>, Asked(query): Asked<CampaignsQuery>) -> Answer<Json<Page<CampaignLine>>> {
    let CampaignsQuery { archived, folder, label, cursor, limit } = query;
    let mut lines = lines(&app).await?;
    lines.retain(|line| {
        (archived || line.status != Status::Archived)
            && folder.as_ref().is_none_or(|folder| line.folder.as_ref() == Some(folder))
            && label.as_ref().is_none_or(|label| line.labels.contains(label))
    });
    Ok(Json(Paging { cursor, limit }.of(lines, |line| line.id.as_str())?))
}

/// All campaigns and drafts.
async fn lines(app: &App) -> Answer<Vec<CampaignLine>> {
    let stored = app.current().await?;
    let mut drafts: BTreeMap<Slug, Draft> =
        app.store.drafts().await?.into_iter().map(|draft| (draft.campaign.clone(), draft)).collect();
    let mut lines = Vec::new();
    for campaign in &stored.definitions.campaigns {
        let draft = drafts.remove(&campaign.id);
        lines.push(line(app, &stored, campaign, draft).await?);
    }
    lines.extend(drafts.into_values().map(drafted));
    Ok(lines)
}

/// The folder and the labels of each campaign and draft that is not archived.
pub(super) async fn names(app: &App) -> Answer<Vec<(Option<String>, Vec<String>)>> {
    let shown = lines(app).await?.into_iter().filter(|line| line.status != Status::Archived);
    Ok(shown.map(|line| (line.folder, line.labels)).collect())
}

/// A draft that was never published, as far as it says something.
fn drafted(draft: Draft) -> CampaignLine {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let field = |name: &str| draft.content.get(name);
    let schedule = field("schedule").and_then(|schedule| serde_json::from_value::<Schedule>(schedule.clone()).ok());
    CampaignLine {
        name: field("name").and_then(text).unwrap_or_else(|| draft.campaign.to_string()),
        folder: field("folder").and_then(text),
        labels: field("labels").and_then(Value::as_array).into_iter().flatten().filter_map(text).collect(),
        status: Status::Draft,
        has_draft: true,
        cadence: schedule.as_ref().map(show::schedule).unwrap_or_default(),
        often: schedule.as_ref().map_or(Often::ByHand, Often::of),
        customers: None,
        destinations: Vec::new(),
        last_run: None,
        last_delivery: None,
        next_delivery: None,
        edited_by: draft.edited_by,
        id: draft.campaign,
    }
}

async fn line(
    app: &App,
    stored: &StoredDefinitions,
    campaign: &Campaign,
    draft: Option<Draft>,
) -> Answer<CampaignLine> {
    let last = app.store.runs(Some(&campaign.id), 1).await?.into_iter().next();
    let next = schedules::next(app.store.as_ref(), campaign, schedules::zone(stored)).await?;
    Ok(CampaignLine {
        id: campaign.id.clone(),
        name: campaign.name.clone(),
        folder: campaign.folder.clone(),
        labels: campaign.labels.clone(),
        status: if campaign.archived { Status::Archived } else { status(last.as_ref(), next) },
        has_draft: draft.is_some(),
        cadence: show::schedule(&campaign.schedule),
        often: Often::of(&campaign.schedule),
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

pub(super) fn find<'a>(stored: &'a StoredDefinitions, id: &str) -> Answer<&'a Campaign> {
    let campaigns = &stored.definitions.campaigns;
    let found = campaigns.iter().find(|campaign| campaign.id.as_str() == id);
    found.ok_or_else(|| Refusal::not_found("published campaign", id, campaigns.iter().map(|one| one.id.as_str())))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let stored = app.current().await?;
    let found = find(&stored, &id)?;
    Ok(tag::tagged(found.clone()))
}

async fn schedule(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    Body(schedule): Body<Schedule>,
) -> Answer<impl IntoResponse> {
    reschedule(&app, &caller, &id, schedule).await
}

async fn unschedule(State(app): State<App>, Path(id): Path<String>, caller: Caller) -> Answer<impl IntoResponse> {
    reschedule(&app, &caller, &id, Schedule::Manual).await
}

async fn reschedule(app: &App, caller: &Caller, id: &str, schedule: Schedule) -> Answer<impl IntoResponse + use<>> {
    let campaign = change(app, caller, id, |campaign| Campaign { schedule, ..campaign }).await?;
    Ok(tag::tagged(campaign))
}

/// Makes another campaign of one that is published, and publishes that.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    id: &str,
    to: impl FnOnce(Campaign) -> Campaign,
) -> Answer<Campaign> {
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let campaign = to(find(&stored, id)?.clone());
    let thing = serde_json::to_value(&campaign).map_err(|error| Refusal::failed(&error))?;
    let tables = app.tables(&stored).await?.tables;
    let edited = edit::edit(&stored, &tables, app.registry.as_ref(), Sort::Campaign, &campaign.id, Some(thing));
    edit::apply(app, caller, &stored, &edited).await?;
    Ok(campaign)
}

async fn times(State(app): State<App>, Path(id): Path<String>, Body(schedule): Body<Schedule>) -> Answer<Json<Times>> {
    let stored = app.current().await?;
    drafts::find(&app, &stored, &id).await?;
    let zone = schedules::zone(&stored);
    let campaign = find(&stored, &id).ok();
    let found = schedules::times(app.store.as_ref(), campaign, &schedule, zone, Utc::now()).await?;
    let (zone, next) = found.unwrap_or((zone, Vec::new()));
    Ok(Json(Times { time_zone: zone.name().to_owned(), next }))
}

async fn explain(State(app): State<App>, Path((id, customer)): Path<(String, String)>) -> Answer<Json<Explanation>> {
    let stored = app.current().await?;
    let campaign = find(&stored, &id)?.id.clone();
    let explaining = app.at_desk(move |work, _| async move { work.explain(&stored, &campaign, &customer).await });
    Ok(Json(explaining.await?))
}
