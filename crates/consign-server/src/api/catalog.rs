//! Kinds of destinations and tables: what there is to work with.

use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use consign_model::definition::RowsPerCustomer;
use consign_model::schema::Column;
use consign_model::spec::{KindSpec, Kinds};
use consign_store::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::counts::{self, CountOf, Counts};
use crate::page::{Asked, Body, Page, Paging};
use crate::refusal::{Answer, Refusal};
use crate::route::Route;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/kinds", "list_kinds", "The kinds of destinations, with all that each asks for", kinds)
            .query::<Paging>()
            .gives::<Page<KindSpec>>()
            .least(Role::Viewer),
        Route::get("/kinds/{kind}", "get_kind", "A kind of destinations", kind).gives::<KindSpec>().least(Role::Viewer),
        Route::get("/tables", "list_tables", "The tables, and why some cannot be read", tables)
            .query::<Paging>()
            .gives::<Page<TableLine>>()
            .slow()
            .least(Role::Viewer),
        Route::get("/tables/{table}", "get_table", "A table with its columns, its rows counted", table)
            .gives::<TableDetail>()
            .slow()
            .least(Role::Viewer),
        Route::get("/tables/{table}/sample", "sample_table", "The first rows of a table", sample)
            .query::<SampleQuery>()
            .gives::<Sample>()
            .slow()
            .least(Role::Editor),
        Route::get("/tables/{table}/columns/{column}/values", "list_values", "The values that most rows have", values)
            .query::<ValuesQuery>()
            .gives::<Page<Value>>()
            .slow()
            .least(Role::Editor),
        Route::post("/counts", "count", "Counts customers, exactly; ends when nobody waits for it", count)
            .takes::<CountOf>()
            .gives::<Counts>()
            .slow()
            .least(Role::Viewer),
    ]
}

/// A table among others.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct TableLine {
    /// Its name.
    name: String,
    /// The id of its source.
    source: String,
    /// One row a customer, or many.
    rows_per_customer: RowsPerCustomer,
    /// The column that identifies a customer.
    customer_key: String,
    /// Whether it says who exists.
    is_customer_table: bool,
    /// How many columns it has; `None` where it cannot be read.
    columns: Option<usize>,
    /// Why it cannot be read, and what to do.
    problem: Option<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct TableDetail {
    /// Its name.
    name: String,
    /// The id of its source.
    source: String,
    /// One row a customer, or many.
    rows_per_customer: RowsPerCustomer,
    /// The column that identifies a customer.
    customer_key: String,
    /// Whether it says who exists.
    is_customer_table: bool,
    /// Its rows.
    rows: u64,
    /// When the last of its files was written; `null` for a table of a database, which does not say.
    written: Option<DateTime<Utc>>,
    /// Its columns, in their order.
    columns: Vec<Column>,
}

/// Rows of a table, to look at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Sample {
    /// The names of the columns.
    columns: Vec<String>,
    /// Each row's values as text, in the order of the columns; `null` for null.
    rows: Vec<Vec<Option<String>>>,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ColumnValue")]
struct Value {
    /// The value as text.
    value: String,
    /// How many rows have it.
    rows: u64,
}

/// How many rows are looked at.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct SampleQuery {
    /// How many rows, 1 to 100; 10 without it.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u16>,
}

/// Which values are looked for.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct ValuesQuery {
    /// Only values that begin so, in any case.
    prefix: Option<String>,
    /// How many values, 1 to 100; 20 without it.
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u16>,
}

/// A number of things that are looked at.
fn few(limit: Option<u16>, usual: u16) -> Answer<usize> {
    match limit.unwrap_or(usual) {
        limit @ 1..=100 => Ok(limit.into()),
        limit => Err(Refusal::bad(format!("`limit` is {limit}: write a number from 1 to 100"))),
    }
}

async fn kinds(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<KindSpec>>> {
    let kinds = app.registry.specs().into_iter().cloned().collect();
    Ok(Json(paging.of(kinds, |spec: &KindSpec| spec.kind)?))
}

async fn kind(State(app): State<App>, Path(kind): Path<String>) -> Answer<Json<KindSpec>> {
    let specs = app.registry.specs();
    let found = specs.iter().find(|spec| spec.kind == kind);
    let found = found.ok_or_else(|| Refusal::not_found("kind", &kind, specs.iter().map(|spec| spec.kind)))?;
    Ok(Json((*found).clone()))
}

async fn tables(State(app): State<App>, Asked(paging): Asked<Paging>) -> Answer<Json<Page<TableLine>>> {
    let stored = app.current().await?;
    let tables = app.tables(&stored).await?.tables;
    let customer_table = stored.definitions.workspace.clone().unwrap_or_default().customer_table;
    let mut lines = Vec::new();
    for (i, source) in stored.definitions.sources.iter().enumerate() {
        for (j, table) in source.tables.iter().enumerate() {
            let place = format!("sources[{i}].tables[{j}]");
            let problem = tables.problems().iter().find(|problem| {
                let path = problem.path.to_string();
                path == place || path.strip_prefix(&place).is_some_and(|rest| rest.starts_with('.'))
            });
            lines.push(TableLine {
                name: table.name.clone(),
                source: source.id.to_string(),
                rows_per_customer: table.rows,
                customer_key: table.customer_key.clone(),
                is_customer_table: table.name == customer_table,
                columns: tables.catalog().table(&table.name).map(|schema| schema.columns.len()),
                problem: problem.map(|problem| format!("{}: {}", problem.reason, problem.remedy)),
            });
        }
    }
    Ok(Json(paging.of(lines, |line| &line.name)?))
}

async fn table(State(app): State<App>, Path(name): Path<String>) -> Answer<Json<TableDetail>> {
    let stored = app.current().await?;
    let tables = app.tables(&stored).await?.tables;
    let schema = known(&tables, &name)?.clone();
    let written = tables.written(&name);
    let rows = app.at_desk(move |_, cancel| async move { tables.count_rows(&name, &cancel).await }).await?;
    let source = stored.definitions.sources.iter().find(|one| one.tables.iter().any(|table| table.name == schema.name));
    let customer_table = stored.definitions.workspace.clone().unwrap_or_default().customer_table;
    Ok(Json(TableDetail {
        source: source.map(|source| source.id.to_string()).unwrap_or_default(),
        is_customer_table: schema.name == customer_table,
        name: schema.name,
        rows_per_customer: schema.rows,
        customer_key: schema.customer_key,
        written,
        rows,
        columns: schema.columns,
    }))
}

fn known<'a>(tables: &'a consign_engine::Tables, name: &str) -> Answer<&'a consign_model::schema::TableSchema> {
    let catalog = tables.catalog();
    let names = catalog.tables().map(|table| table.name.as_str()).collect::<Vec<_>>();
    catalog.table(name).ok_or_else(|| Refusal::not_found("table", name, names))
}

async fn sample(
    State(app): State<App>,
    Path(name): Path<String>,
    Asked(query): Asked<SampleQuery>,
) -> Answer<Json<Sample>> {
    let limit = few(query.limit, 10)?;
    let tables = app.tables(&app.current().await?).await?.tables;
    let columns = known(&tables, &name)?.columns.iter().map(|column| column.name.clone()).collect();
    let rows = app.at_desk(move |_, cancel| async move { tables.first_rows(&name, limit, &cancel).await }).await?;
    Ok(Json(Sample { columns, rows }))
}

async fn values(
    State(app): State<App>,
    Path((name, column)): Path<(String, String)>,
    Asked(query): Asked<ValuesQuery>,
) -> Answer<Json<Page<Value>>> {
    let limit = few(query.limit, 20)?;
    let tables = app.tables(&app.current().await?).await?.tables;
    let columns = known(&tables, &name)?.columns.iter().map(|column| column.name.as_str());
    if columns.clone().all(|known| known != column) {
        return Err(Refusal::not_found("column", &column, columns));
    }
    let prefix = query.prefix.unwrap_or_default();
    let found = app
        .at_desk(move |_, cancel| async move { tables.frequent_values(&name, &column, &prefix, limit, &cancel).await });
    let items = found.await?.into_iter().map(|found| Value { value: found.value, rows: found.rows }).collect();
    Ok(Json(Page { items, next: None }))
}

async fn count(State(app): State<App>, Body(of): Body<CountOf>) -> Answer<Json<Counts>> {
    Ok(Json(counts::count(&app, of).await?))
}
