//! Segments and destinations: definitions that are edited one at a time.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use consign_model::definition::{AttributeMapping, Campaign, Definitions, Destination, Segment};
use consign_model::id::Slug;
use consign_store::{Role, StoredDefinitions};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::access::Caller;
use crate::app::{App, slug};
use crate::edit::{self, Sort};
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::tag::{self, Over};
use crate::view::TestResult;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/segments", "list_segments", "The segments, and which campaigns use them", segments)
            .query::<Paging>()
            .gives::<Page<SegmentLine>>()
            .least(Role::Viewer),
        Route::get("/segments/{segment}", "get_segment", "A segment", segment).gives::<Segment>().least(Role::Viewer),
        Route::put("/segments/{segment}", "put_segment", "Makes a segment, or writes over one", put_segment)
            .takes::<Segment>()
            .gives::<Segment>()
            .edits()
            .least(Role::Editor),
        Route::delete("/segments/{segment}", "delete_segment", "Removes a segment that nothing uses", delete_segment)
            .edits()
            .least(Role::Editor),
        Route::get("/destinations", "list_destinations", "The configured destinations", destinations)
            .query::<Paging>()
            .gives::<Page<DestinationDetail>>()
            .least(Role::Viewer),
        Route::get("/destinations/{destination}", "get_destination", "A destination", destination)
            .gives::<Destination>()
            .least(Role::Viewer),
        Route::put(
            "/destinations/{destination}",
            "put_destination",
            "Makes a destination, or writes over one; secrets are named, never sent",
            put_destination,
        )
        .takes::<Destination>()
        .gives::<Destination>()
        .edits()
        .least(Role::Admin),
        Route::delete(
            "/destinations/{destination}",
            "delete_destination",
            "Removes a destination that nothing uses",
            delete_destination,
        )
        .edits()
        .least(Role::Admin),
        Route::post(
            "/destinations/{destination}/test",
            "test_destination",
            "Connects to a destination, and says exactly what failed",
            test,
        )
        .gives::<TestResult>()
        .slow()
        .least(Role::Operator),
        Route::get(
            "/destinations/{destination}/default_attributes",
            "get_default_attributes",
            "The attributes that campaigns begin with at a destination",
            default_attributes,
        )
        .gives::<DefaultAttributes>()
        .slow()
        .least(Role::Viewer),
    ]
}

/// A segment among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct SegmentLine {
    /// What it says.
    segment: Segment,
    /// Its tag, for edits.
    tag: String,
    /// The ids of the campaigns that include or exclude it.
    used_by: Vec<Slug>,
}

/// A destination among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct DestinationDetail {
    /// What it says.
    destination: Destination,
    /// Its tag, for edits.
    tag: String,
    /// The ids of the campaigns that send lists to it.
    used_by: Vec<Slug>,
}

/// The attributes that campaigns begin with at a destination.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct DefaultAttributes {
    /// Whether the destination says so itself; else they follow from its kind and the meanings of columns.
    own: bool,
    /// The attributes.
    attributes: Vec<AttributeMapping>,
}

async fn segments(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<SegmentLine>>> {
    let Definitions { segments, campaigns, .. } = app.current().await?.definitions;
    let line = |segment: Segment| {
        let uses = |campaign: &&Campaign| campaign.include.iter().chain(&campaign.exclude).any(|id| *id == segment.id);
        let used_by = campaigns.iter().filter(uses).map(|campaign| campaign.id.clone()).collect();
        SegmentLine { tag: tag::of_content(&segment), used_by, segment }
    };
    Ok(Json(paging.of(segments.into_iter().map(line).collect(), |line| line.segment.id.as_str())?))
}

async fn segment(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let definitions = app.current().await?.definitions;
    let found = find_segment(&definitions, &id)?;
    Ok(tag::tagged(found.clone()))
}

fn find_segment<'a>(definitions: &'a Definitions, id: &str) -> Answer<&'a Segment> {
    let segments = &definitions.segments;
    let found = segments.iter().find(|segment| segment.id.as_str() == id);
    found.ok_or_else(|| Refusal::not_found("segment", id, segments.iter().map(|one| one.id.as_str())))
}

fn find_destination<'a>(definitions: &'a Definitions, id: &str) -> Answer<&'a Destination> {
    let destinations = &definitions.destinations;
    let found = destinations.iter().find(|destination| destination.id.as_str() == id);
    found.ok_or_else(|| Refusal::not_found("destination", id, destinations.iter().map(|one| one.id.as_str())))
}

async fn put_segment(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
    Body(thing): Body<Value>,
) -> Answer<impl IntoResponse> {
    let definitions = change(&app, &caller, Sort::Segment, &id, &headers, Some(thing)).await?;
    let saved = find_segment(&definitions, &id)?;
    Ok(tag::tagged(saved.clone()))
}

async fn delete_segment(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> Answer<StatusCode> {
    change(&app, &caller, Sort::Segment, &id, &headers, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn destinations(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<DestinationDetail>>> {
    let Definitions { destinations, campaigns, .. } = app.current().await?.definitions;
    let line = |destination: Destination| {
        let uses = |campaign: &&Campaign| super::campaigns::destinations(campaign).contains(&destination.id);
        let used_by = campaigns.iter().filter(uses).map(|campaign| campaign.id.clone()).collect();
        DestinationDetail { tag: tag::of_content(&destination), used_by, destination }
    };
    Ok(Json(paging.of(destinations.into_iter().map(line).collect(), |line| line.destination.id.as_str())?))
}

async fn destination(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    let definitions = app.current().await?.definitions;
    let found = find_destination(&definitions, &id)?;
    Ok(tag::tagged(found.clone()))
}

async fn put_destination(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
    Body(thing): Body<Value>,
) -> Answer<impl IntoResponse> {
    let definitions = change(&app, &caller, Sort::Destination, &id, &headers, Some(thing)).await?;
    let saved = find_destination(&definitions, &id)?;
    Ok(tag::tagged(saved.clone()))
}

async fn delete_destination(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> Answer<StatusCode> {
    change(&app, &caller, Sort::Destination, &id, &headers, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Applies an edit of one thing, and gives the definitions with it.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    sort: Sort,
    id: &str,
    headers: &HeaderMap,
    thing: Option<Value>,
) -> Answer<Definitions> {
    let over = Over::of(headers)?;
    let _editing = app.editing.lock().await;
    let stored = app.current().await?;
    let definitions = &stored.definitions;
    let there = match sort {
        Sort::Source => definitions.sources.iter().find(|one| one.id.as_str() == id).map(tag::of_content),
        Sort::Segment => find_segment(definitions, id).ok().map(tag::of_content),
        Sort::Destination => find_destination(definitions, id).ok().map(tag::of_content),
        Sort::Campaign => definitions.campaigns.iter().find(|one| one.id.as_str() == id).map(tag::of_content),
    };
    over.check(there.as_deref())?;
    let id = slug("thing", id).map_err(|_| Refusal::bad(SLUG))?;
    let tables = app.tables(&stored).await?.tables;
    let again = thing.clone();
    let mut edited = edit::edit(&stored, &tables, app.registry.as_ref(), sort, &id, thing);
    if sort == Sort::Source && edited.is_valid() {
        // What is in the tables of the source is known once they are open.
        let looked = app.look(&edited.definitions, &stored.folder).await?;
        edited = edit::edit(&stored, &looked, app.registry.as_ref(), sort, &id, again);
        edit::check_tables(&mut edited, &looked, &id);
    }
    if sort == Sort::Segment {
        let (of, id) = (tables.clone(), id.clone());
        edited = app
            .at_desk(move |_, _| async move {
                edit::check_sql(&mut edited, &of, &id).await;
                Ok::<_, Refusal>(edited)
            })
            .await?;
    }
    edit::apply(app, caller, &stored, &edited).await?;
    Ok(edited.definitions)
}

/// What an id must be.
pub(super) const SLUG: &str =
    "the id in the address is none: use a-z, 0-9, `_` and `-`, beginning with a letter or digit, at most 80 characters";

async fn test(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<TestResult>> {
    let StoredDefinitions { definitions, folder, .. } = app.current().await?;
    let destination = find_destination(&definitions, &id)?.clone();
    let testing = app.at_desk(move |work, _| async move { work.test_destination(&destination, folder.as_ref()).await });
    Ok(Json(testing.await?))
}

async fn default_attributes(State(app): State<App>, Path(id): Path<String>) -> Answer<Json<DefaultAttributes>> {
    let stored = app.current().await?;
    let destination = find_destination(&stored.definitions, &id)?;
    if let Some(attributes) = &destination.default_attributes {
        return Ok(Json(DefaultAttributes { own: true, attributes: attributes.clone() }));
    }
    let tables = app.tables(&stored).await?.tables;
    let attributes = consign_model::plan::default_attributes(
        &stored.definitions,
        tables.catalog(),
        app.registry.as_ref(),
        destination,
    );
    Ok(Json(DefaultAttributes { own: false, attributes }))
}
