//! Drafts: campaigns that somebody is making. They are kept as they are sent, valid or not.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use consign_delivery::PreviewOptions;
use consign_model::definition::Campaign;
use consign_model::id::Slug;
use consign_model::problem::{Problem, Severity};
use consign_store::{Draft, Role, StoredDefinitions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::campaigns;
use super::definitions::SLUG;
use crate::access::Caller;
use crate::app::App;
use crate::edit::{self, Edited, Sort};
use crate::page::{Asked, Body};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::tag::{self, Over, stale};
use crate::view::Preview;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/campaigns", "create_campaign", "Begins the draft of a new campaign", create)
            .takes::<NewCampaign>()
            .makes::<DraftDetail>()
            .least(Role::Editor),
        Route::get(
            "/campaigns/{campaign}/draft",
            "get_draft",
            "The draft of a campaign; where there is none, what is published",
            get,
        )
        .gives::<DraftDetail>()
        .least(Role::Viewer),
        Route::put("/campaigns/{campaign}/draft", "put_draft", "Keeps a draft as it is sent, valid or not", put)
            .takes::<Map<String, Value>>()
            .gives::<DraftDetail>()
            .edits()
            .least(Role::Editor),
        Route::delete("/campaigns/{campaign}/draft", "discard_draft", "Throws a draft away", discard)
            .edits()
            .least(Role::Editor),
        Route::post("/campaigns/{campaign}/validate", "validate_draft", "Every problem of a draft", validate)
            .gives::<DraftProblems>()
            .slow()
            .least(Role::Viewer),
        Route::post(
            "/campaigns/{campaign}/preview",
            "preview_campaign",
            "Counts a valid draft and what it would send; nothing is sent",
            preview,
        )
        .query::<PreviewQuery>()
        .gives::<Preview>()
        .slow()
        .least(Role::Editor),
        Route::post("/campaigns/{campaign}/publish", "publish_draft", "Makes a valid draft the campaign", publish)
            .gives::<Campaign>()
            .edits()
            .slow()
            .least(Role::Operator),
        Route::post("/campaigns/{campaign}/copy", "copy_campaign", "Begins a draft with what a campaign says", copy)
            .takes::<NewCampaign>()
            .makes::<DraftDetail>()
            .least(Role::Editor),
    ]
}

/// A campaign to begin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewCampaign {
    /// Its name, of which its id is made.
    #[schemars(length(min = 1, max = 200))]
    name: String,
}

/// A draft of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Draft")]
pub(super) struct DraftDetail {
    /// The campaign's id.
    id: Slug,
    /// From 1, one more with each edit; 0 where nothing was edited since it was published. It is the tag for edits.
    version: u64,
    /// Whether the campaign was ever published.
    published: bool,
    /// When it was last edited.
    edited_at: DateTime<Utc>,
    /// Who edited it last.
    edited_by: String,
    /// A `Campaign`, of which anything may be missing or wrong.
    #[schemars(with = "Map<String, Value>")]
    campaign: Value,
}

/// What is wrong with a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct DraftProblems {
    /// Whether it can be published.
    valid: bool,
    /// How many problems keep it from that.
    errors: usize,
    /// How many do not.
    warnings: usize,
    /// What is wrong with it, with paths in the campaign.
    problems: Vec<Problem>,
    /// What it would make wrong elsewhere, with paths in the definitions.
    others: Vec<Problem>,
}

/// What a preview shows.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct PreviewQuery {
    /// Whether it says what would change on lists that were delivered before.
    diff: bool,
    /// How many rows of each delivery are shown as they would leave, up to 100.
    #[schemars(range(max = 100))]
    rows: u8,
}

fn detail(draft: Draft, published: bool) -> DraftDetail {
    DraftDetail {
        id: draft.campaign,
        version: draft.version,
        published,
        edited_at: draft.edited_at,
        edited_by: draft.edited_by,
        campaign: draft.content,
    }
}

/// The draft of a campaign, or what is published as one that was not edited.
pub(super) async fn find(app: &App, stored: &StoredDefinitions, id: &str) -> Answer<DraftDetail> {
    let published = campaigns::find(stored, id);
    if let Ok(id) = id.parse::<Slug>()
        && let Some(draft) = app.store.draft(&id).await?
    {
        return Ok(detail(draft, published.is_ok()));
    }
    let campaign = published?;
    Ok(DraftDetail {
        id: campaign.id.clone(),
        version: 0,
        published: true,
        edited_at: stored.applied_at,
        edited_by: stored.applied_by.clone(),
        campaign: serde_json::to_value(campaign).map_err(|error| Refusal::failed(&error))?,
    })
}

fn tagged(status: StatusCode, draft: DraftDetail) -> impl IntoResponse + use<> {
    (status, tag::header(&draft.version.to_string()), Json(draft))
}

async fn create(State(app): State<App>, caller: Caller, Body(new): Body<NewCampaign>) -> Answer<impl IntoResponse> {
    // Lists are named by groups, and a list of Meta should not have `treatment` in its name.
    let campaign = json!({ "include": [], "remaining": [
        { "name": "Control", "control": true, "percent": 10 }, { "name": "Group 1", "percent": 90 }
    ] });
    begin(&app, &caller, &new.name, campaign).await
}

async fn copy(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    Body(new): Body<NewCampaign>,
) -> Answer<impl IntoResponse> {
    let stored = app.current().await?;
    let mut campaign = find(&app, &stored, &id).await?.campaign;
    if let Some(fields) = campaign.as_object_mut() {
        // A copy is not due when its original is, and its groups have lists of their own.
        fields.remove("schedule");
        fields.remove("archived");
    }
    begin(&app, &caller, &new.name, campaign).await
}

/// Longest name of a new campaign, in characters.
const LONGEST: usize = 200;

/// Begins a draft under an id that no campaign has.
async fn begin(app: &App, caller: &Caller, name: &str, mut campaign: Value) -> Answer<impl IntoResponse + use<>> {
    if name.chars().count() > LONGEST {
        return Err(Refusal::bad(format!("the name has more than {LONGEST} characters: shorten it")));
    }
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let slug = Slug::from_name(name);
    let slug =
        slug.ok_or_else(|| Refusal::bad("the name has neither letters a to z nor digits: add one for the id"))?;
    let base: String = slug.as_str().chars().take(70).collect();
    for number in 1..=1_000 {
        let id = if number == 1 { base.clone() } else { format!("{base}_{number}") };
        let id: Slug = id.parse().map_err(|_| Refusal::bad(SLUG))?;
        if campaigns::find(&stored, id.as_str()).is_ok() {
            continue;
        }
        campaign["id"] = id.as_str().into();
        campaign["name"] = name.into();
        if let Some(draft) = app.store.put_draft(&id, &campaign, 0, &caller.name).await? {
            return Ok(tagged(StatusCode::CREATED, detail(draft, false)));
        }
    }
    Err(Refusal::conflict("a thousand campaigns have that name: choose another"))
}

async fn get(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let stored = app.current().await?;
    Ok(tagged(StatusCode::OK, find(&app, &stored, &id).await?))
}

async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
    Body(campaign): Body<Map<String, Value>>,
) -> Answer<impl IntoResponse> {
    let over = Over::of(&headers)?;
    let stored = app.current().await?;
    let there = find(&app, &stored, &id).await.ok().map(|draft| draft.version);
    over.check(there.map(|version| version.to_string()).as_deref())?;
    let id: Slug = id.parse().map_err(|_| Refusal::bad(SLUG))?;
    let put = app.store.put_draft(&id, &Value::Object(campaign), there.unwrap_or(0), &caller.name).await?;
    let put = put.ok_or_else(|| stale("somebody else has changed it meanwhile: load it again"))?;
    Ok(tagged(StatusCode::OK, detail(put, campaigns::find(&stored, id.as_str()).is_ok())))
}

async fn discard(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answer<StatusCode> {
    let over = Over::of(&headers)?;
    let found = find(&app, &app.current().await?, &id).await?;
    over.check(Some(&found.version.to_string()))?;
    if found.version > 0 && !app.store.discard_draft(&found.id, found.version).await? {
        return Err(stale("somebody else has changed it meanwhile: load it again"));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What publishing a draft would come to.
async fn edited(app: &App, stored: &StoredDefinitions, draft: &DraftDetail) -> Answer<Edited> {
    let tables = app.tables(stored).await?.tables;
    let thing = Some(draft.campaign.clone());
    Ok(edit::edit(stored, &tables, app.registry.as_ref(), Sort::Campaign, &draft.id, thing))
}

async fn validate(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<DraftProblems>> {
    let stored = app.current().await?;
    let edited = edited(&app, &stored, &find(&app, &stored, &id).await?).await?;
    let found = edited.own.iter().chain(&edited.others);
    let errors = found.clone().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = found.count() - errors;
    let valid = edited.is_valid();
    Ok(Json(DraftProblems { valid, errors, warnings, problems: edited.own, others: edited.others }))
}

async fn preview(
    State(app): State<App>,
    Path(id): Path<String>,
    Asked(query): Asked<PreviewQuery>,
) -> Answer<Json<Preview>> {
    if query.rows > 100 {
        return Err(Refusal::bad("`rows` is more than 100: write a smaller number"));
    }
    let (would_be, campaign) = published(&app, &id).await?;
    let options = PreviewOptions { show_rows: query.rows.into(), diff: query.diff };
    let previewing =
        app.at_desk(move |work, cancel| async move { work.preview(&would_be, &campaign, options, cancel).await });
    Ok(Json(previewing.await?))
}

/// The definitions as they would be if a draft, which must be valid, were published; and the campaign's id.
pub(super) async fn published(app: &App, id: &str) -> Answer<(StoredDefinitions, Slug)> {
    let stored = app.current().await?;
    let draft = find(app, &stored, id).await?;
    let edited = edited(app, &stored, &draft).await?;
    if !edited.is_valid() {
        let problems = edited.own.into_iter().chain(edited.others).collect();
        return Err(Refusal::invalid("it has problems: mend them first", problems));
    }
    Ok((StoredDefinitions { definitions: edited.definitions, ..stored }, draft.id))
}

async fn publish(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> Answer<impl IntoResponse> {
    let over = Over::of(&headers)?;
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let draft = find(&app, &stored, &id).await?;
    over.check(Some(&draft.version.to_string()))?;
    let edited = edited(&app, &stored, &draft).await?;
    edit::apply(&app, &caller, &stored, &edited).await?;
    // An edit that came between stays a draft, over what is published now.
    app.store.discard_draft(&draft.id, draft.version).await?;
    let campaign = edited.definitions.campaigns.into_iter().find(|campaign| campaign.id == draft.id);
    let campaign = campaign.ok_or_else(|| Refusal::conflict("it is no campaign: load it again"))?;
    Ok(tag::tagged(campaign))
}
