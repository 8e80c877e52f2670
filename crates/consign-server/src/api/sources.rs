//! Sources: where tables come from.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use consign_model::definition::{Definitions, Source};
use consign_store::Role;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::definitions::change;
use crate::access::Caller;
use crate::app::App;
use crate::edit::Sort;
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;
use crate::tag;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/sources", "list_sources", "The sources of tables", list)
            .query::<Paging>()
            .gives::<Page<Source>>()
            .least(Role::Viewer),
        Route::get("/sources/{source}", "get_source", "A source", one).gives::<Source>().least(Role::Viewer),
        Route::put(
            "/sources/{source}",
            "put_source",
            "Makes a source whose tables can be opened, or writes over one; secrets are named, never sent",
            put,
        )
        .takes::<Source>()
        .gives::<Source>()
        .edits()
        .slow()
        .least(Role::Admin),
        Route::delete("/sources/{source}", "delete_source", "Removes a source none of whose tables is used", delete)
            .edits()
            .slow()
            .least(Role::Admin),
        Route::post(
            "/sources/{source}/test",
            "test_source",
            "Opens the tables of a source, saved or not, and counts their rows; says exactly what failed",
            test,
        )
        .takes::<Source>()
        .gives::<SourceTest>()
        .slow()
        .least(Role::Admin),
    ]
}

/// What a test of a source found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct SourceTest {
    /// Whether all of its tables could be opened.
    works: bool,
    /// Its tables, in their order.
    tables: Vec<TableTest>,
}

/// What a test of a table found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct TableTest {
    /// Its name.
    name: String,
    /// Why it cannot be opened, and what to do; `null` where it can.
    problem: Option<String>,
    /// How many columns it has.
    columns: Option<usize>,
    /// How many rows it has.
    rows: Option<u64>,
    /// When the last of its files was written; `null` for a table of a database, which does not say.
    written: Option<DateTime<Utc>>,
}

async fn list(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<Source>>> {
    Ok(Json(paging.of(app.current().await?.definitions.sources, |source| source.id.as_str())?))
}

fn find<'a>(definitions: &'a Definitions, id: &str) -> Answer<&'a Source> {
    let sources = &definitions.sources;
    let found = sources.iter().find(|source| source.id.as_str() == id);
    found.ok_or_else(|| Refusal::not_found("source", id, sources.iter().map(|one| one.id.as_str())))
}

async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<impl IntoResponse> {
    Ok(tag::tagged(find(&app.current().await?.definitions, &id)?.clone()))
}

async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
    Body(thing): Body<Value>,
) -> Answer<impl IntoResponse> {
    let definitions = change(&app, &caller, Sort::Source, &id, &headers, Some(thing)).await?;
    Ok(tag::tagged(find(&definitions, &id)?.clone()))
}

async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    caller: Caller,
) -> Answer<StatusCode> {
    change(&app, &caller, Sort::Source, &id, &headers, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn test(State(app): State<App>, Path(_): Path<String>, Body(source): Body<Source>) -> Answer<Json<SourceTest>> {
    let folder = app.current().await?.folder;
    let alone = Definitions { sources: vec![source.clone()], ..Definitions::default() };
    let opened = app.look(&alone, &folder).await?;
    let testing = app.at_desk(move |_, cancel| async move {
        let mut tables = Vec::new();
        for (at, table) in source.tables.iter().enumerate() {
            let place = format!("sources[0].tables[{at}]");
            let problem = opened.problems().iter().find(|problem| problem.path.to_string() == place);
            let schema = opened.catalog().table(&table.name).filter(|_| problem.is_none());
            let rows = match schema {
                Some(_) => Some(opened.count_rows(&table.name, &cancel).await?),
                None => None,
            };
            tables.push(TableTest {
                name: table.name.clone(),
                problem: problem.map(|problem| format!("{}: {}", problem.reason, problem.remedy)),
                columns: schema.map(|schema| schema.columns.len()),
                written: schema.and_then(|_| opened.written(&table.name)),
                rows,
            });
        }
        Ok::<_, Refusal>(SourceTest { works: tables.iter().all(|table| table.problem.is_none()), tables })
    });
    Ok(Json(testing.await?))
}
