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

use crate::access::Caller;
use crate::app::App;
use crate::refusal::{Answer, Refusal};

/// What sort of thing is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Source,
    Segment,
    Destination,
    Campaign,
}

impl Sort {
    /// The key under which definitions have them.
    fn key(self) -> &'static str {
        match self {
            Self::Source => "sources",
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
        Sort::Source => remove(&mut rest.sources, |one| one.id == *id),
        Sort::Segment => remove(&mut rest.segments, |one| one.id == *id),
        Sort::Destination => remove(&mut rest.destinations, |one| one.id == *id),
        Sort::Campaign => remove(&mut rest.campaigns, |one| one.id == *id),
    };
    let is_there = thing.is_some();
    let first = thing.map_or_else(|| json!({}), |thing| json!({ sort.key(): [named(thing, id)] }));
    let own = |path: &Path| own_path(path, sort).filter(|_| is_there);
    let mut edited = read_over(stored, tables, kinds, &first, &rest, own);
    // In its place, so that lists keep their order.
    if let Some(at) = at.filter(|_| is_there) {
        let definitions = &mut edited.definitions;
        match sort {
            Sort::Source => put_back(&mut definitions.sources, at),
            Sort::Segment => put_back(&mut definitions.segments, at),
            Sort::Destination => put_back(&mut definitions.destinations, at),
            Sort::Campaign => put_back(&mut definitions.campaigns, at),
        }
    }
    edited
}

/// Puts settings of the workspace, as they were sent, in the place of those that are there.
pub(crate) fn edit_workspace(
    stored: &StoredDefinitions,
    tables: &Tables,
    kinds: &dyn Kinds,
    settings: &Value,
) -> Edited {
    let rest = Definitions { workspace: None, ..stored.definitions.clone() };
    let own = |path: &Path| match path.steps() {
        [Step::Field(key), rest @ ..] if key == "workspace" => Some(rest.iter().cloned().collect()),
        _ => None,
    };
    read_over(stored, tables, kinds, &json!({ "workspace": settings }), &rest, own)
}

/// Reads what was sent before the rest of the definitions, and tells its own problems from those that it brings.
fn read_over(
    stored: &StoredDefinitions,
    tables: &Tables,
    kinds: &dyn Kinds,
    sent: &Value,
    rest: &Definitions,
    own_path: impl Fn(&Path) -> Option<Path>,
) -> Edited {
    let rest = serde_json::to_string(rest).unwrap_or_default();
    let reading = read(&[("edited".to_owned(), sent.to_string()), ("definitions".to_owned(), rest)]);
    let known = validate(&stored.definitions, tables.catalog(), kinds);
    let known: HashSet<String> = known.into_iter().map(|problem| problem.reason).collect();
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for problem in reading.validate(Some(tables.catalog()), kinds).into_iter().map(|found| found.problem) {
        match own_path(&problem.path) {
            Some(path) => own.push(Problem { path, ..problem }),
            None if problem.severity == Severity::Error && !known.contains(&problem.reason) => others.push(problem),
            None => {}
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

/// The same, with what the tables say of why those of a source cannot be opened.
pub(crate) fn check_tables(edited: &mut Edited, tables: &Tables, id: &Slug) {
    let at = edited.definitions.sources.iter().position(|source| source.id == *id);
    edited.own.extend(tables.problems().iter().filter_map(|problem| match problem.path.steps() {
        [Step::Field(_), Step::Item(source), rest @ ..] if Some(*source) == at => {
            Some(Problem { path: rest.iter().cloned().collect(), ..problem.clone() })
        }
        _ => None,
    }));
}

/// Makes somebody's edit the current definitions.
pub(crate) async fn apply(app: &App, caller: &Caller, stored: &StoredDefinitions, edited: &Edited) -> Answer<u64> {
    if !edited.is_valid() {
        let detail = if edited.own.iter().any(|problem| problem.severity == Severity::Error) {
            "it has problems: mend them first"
        } else {
            "other definitions would no longer be right: mend them first"
        };
        return Err(Refusal::invalid(detail, edited.own.iter().chain(&edited.others).cloned().collect()));
    }
    Ok(app.store.apply(&edited.definitions, &stored.folder, &caller.name).await?.version)
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
