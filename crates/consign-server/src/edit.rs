//! Edits of definitions: read and checked as definition files are, so that the API says what `consign validate` says.

use std::collections::HashSet;

use consign_engine::Tables;
use consign_model::definition::{Definitions, SegmentBody};
use consign_model::document::read;
use consign_model::id::Slug;
use consign_model::problem::{Path, Problem, Severity, Step};
use consign_model::spec::Kinds;
use consign_model::validate::validate;
use consign_store::StoredDefinitions;
use serde_json::{Value, json};

use crate::app::App;
use crate::refusal::{Answer, Refusal};

/// What sort of thing is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Segment,
    Destination,
    Campaign,
}

impl Sort {
    /// The key under which definitions have them.
    fn key(self) -> &'static str {
        match self {
            Self::Segment => "segments",
            Self::Destination => "destinations",
            Self::Campaign => "campaigns",
        }
    }
}

/// What an edit would come to.
pub(crate) struct Edited {
    /// The definitions with it. Where there are problems of form, as they were most probably meant.
    pub definitions: Definitions,
    /// What is wrong with the thing itself, with paths from it on.
    pub own: Vec<Problem>,
    /// What it makes wrong elsewhere, with paths in the definitions.
    pub others: Vec<Problem>,
}

impl Edited {
    /// Whether it can be applied.
    pub fn is_valid(&self) -> bool {
        self.own.iter().chain(&self.others).all(|problem| problem.severity != Severity::Error)
    }
}

/// Puts a thing, as it was sent, in the place of the one with that id, or takes it away.
pub(crate) fn edit(
    stored: &StoredDefinitions,
    tables: &Tables,
    kinds: &dyn Kinds,
    sort: Sort,
    id: &Slug,
    thing: Option<Value>,
) -> Edited {
    let mut rest = stored.definitions.clone();
    let at = match sort {
        Sort::Segment => remove(&mut rest.segments, |one| one.id == *id),
        Sort::Destination => remove(&mut rest.destinations, |one| one.id == *id),
        Sort::Campaign => remove(&mut rest.campaigns, |one| one.id == *id),
    };
    let is_there = thing.is_some();
    let first = thing.map_or_else(|| json!({}), |thing| json!({ sort.key(): [named(thing, id)] }));
    let rest = serde_json::to_string(&rest).unwrap_or_default();
    let mut reading = read(&[("edited".to_owned(), first.to_string()), ("definitions".to_owned(), rest)]);
    let found = reading.validate(Some(tables.catalog()), kinds);
    let brought = {
        let known = validate(&stored.definitions, tables.catalog(), kinds);
        let known: HashSet<String> = known.into_iter().map(|problem| problem.reason).collect();
        move |problem: &Problem| !known.contains(&problem.reason)
    };
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for problem in found.into_iter().map(|found| found.problem) {
        match own_path(&problem.path, sort).filter(|_| is_there) {
            Some(path) => own.push(Problem { path, ..problem }),
            None if problem.severity == Severity::Error && brought(&problem) => others.push(problem),
            None => {}
        }
    }
    // In its place, so that lists keep their order.
    if let Some(at) = at.filter(|_| is_there) {
        let definitions = &mut reading.definitions;
        match sort {
            Sort::Segment => put_back(&mut definitions.segments, at),
            Sort::Destination => put_back(&mut definitions.destinations, at),
            Sort::Campaign => put_back(&mut definitions.campaigns, at),
        }
    }
    Edited { definitions: reading.definitions, own, others }
}

/// The same, with what the tables say of the SQL of a segment.
pub(crate) async fn check_sql(edited: &mut Edited, tables: &Tables, id: &Slug) {
    let segment = edited.definitions.segments.iter().find(|segment| segment.id == *id);
    if let Some(segment) = segment.filter(|segment| matches!(segment.customers, SegmentBody::Sql(_))) {
        let alone = Definitions { segments: vec![segment.clone()], ..edited.definitions.clone() };
        let found = tables.check_sql(&alone).await.into_iter();
        edited.own.extend(
            found.filter_map(|problem| Some(Problem { path: own_path(&problem.path, Sort::Segment)?, ..problem })),
        );
    }
}

/// Makes an edit the current definitions.
pub(crate) async fn apply(app: &App, stored: &StoredDefinitions, edited: &Edited) -> Answer<u64> {
    if !edited.is_valid() {
        let detail = if edited.own.iter().any(|problem| problem.severity == Severity::Error) {
            "it has problems: mend them first"
        } else {
            "other definitions would no longer be right: mend them first"
        };
        return Err(Refusal::invalid(detail, edited.own.iter().chain(&edited.others).cloned().collect()));
    }
    Ok(app.store.apply(&edited.definitions, &stored.folder, &app.author).await?.version)
}

/// A thing has the id of its address.
fn named(thing: Value, id: &Slug) -> Value {
    match thing {
        Value::Object(mut fields) => {
            fields.insert("id".to_owned(), id.as_str().into());
            Value::Object(fields)
        }
        other => other,
    }
}

fn remove<T>(things: &mut Vec<T>, is: impl Fn(&T) -> bool) -> Option<usize> {
    let at = things.iter().position(is)?;
    things.remove(at);
    Some(at)
}

fn put_back<T>(things: &mut [T], at: usize) {
    if at < things.len() {
        things[..=at].rotate_left(1);
    }
}

/// A path in the thing that was sent, from it on.
fn own_path(path: &Path, sort: Sort) -> Option<Path> {
    match path.steps() {
        [Step::Field(key), Step::Item(0), rest @ ..] if key == sort.key() => Some(rest.iter().cloned().collect()),
        _ => None,
    }
}
