//! Everything that must hold between definitions, the tables and the kinds of destinations. All problems at once, each
//! with its path and its remedy; nothing runs before there is no error among them.

mod archive;
mod attributes;
mod campaigns;
mod conditions;
mod contracts;
mod destinations;
mod files;
mod groups;
mod ids;
mod lists;
mod notifications;
mod schedule;
mod segments;
mod settings;
mod sources;

use crate::definition::{Definitions, RowsPerCustomer, Segment, Workspace};
use crate::document::Unreadable;
use crate::id::Slug;
use crate::problem::{Path, Problem};
use crate::schema::{CAMPAIGN_RECIPIENTS, Catalog, TableSchema};
use crate::spec::Kinds;
use crate::word;

/// Checks definitions against each other, the tables as the engine found them, and the kinds.
pub fn validate(definitions: &Definitions, catalog: &Catalog, kinds: &dyn Kinds) -> Vec<Problem> {
    check(definitions, Some(catalog), kinds, &Unreadable::default())
}

/// The same without the tables: what depends on their columns is left unchecked.
pub fn validate_without_catalog(definitions: &Definitions, kinds: &dyn Kinds) -> Vec<Problem> {
    check(definitions, None, kinds, &Unreadable::default())
}

pub(crate) fn check(
    definitions: &Definitions,
    catalog: Option<&Catalog>,
    kinds: &dyn Kinds,
    unreadable: &Unreadable,
) -> Vec<Problem> {
    let workspace = definitions.workspace.clone().unwrap_or_default();
    let mut validator = Validator { definitions, workspace: &workspace, catalog, kinds, unreadable, found: Vec::new() };
    validator.ids();
    validator.workspace();
    validator.notifications();
    validator.sources();
    validator.segments();
    validator.contracts();
    validator.destinations();
    validator.campaigns();
    validator.lists();
    validator.found
}

/// Definitions under validation, and the problems found so far.
struct Validator<'a> {
    definitions: &'a Definitions,
    workspace: &'a Workspace,
    catalog: Option<&'a Catalog>,
    kinds: &'a dyn Kinds,
    unreadable: &'a Unreadable,
    found: Vec<Problem>,
}

/// What is known of a table.
enum Known<'a> {
    /// The engine found it.
    Schema(&'a TableSchema),
    /// Only its declaration is known.
    Declared(RowsPerCustomer),
    /// It may exist: what would say so could not be read.
    Perhaps,
    /// It does not exist.
    Missing,
}

impl Known<'_> {
    /// How many rows it has for one customer, where that is known.
    fn rows(&self) -> Option<RowsPerCustomer> {
        match self {
            Self::Schema(schema) => Some(schema.rows),
            Self::Declared(rows) => Some(*rows),
            Self::Perhaps | Self::Missing => None,
        }
    }
}

impl<'a> Validator<'a> {
    fn error(&mut self, path: &Path, reason: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Problem::error(path.clone(), reason, remedy));
    }

    /// An error about the second of two things, of which the first is at `first`.
    fn second(&mut self, path: &Path, first: &Path, reason: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Problem { first: Some(first.clone()), ..Problem::error(path.clone(), reason, remedy) });
    }

    fn warning(&mut self, path: &Path, reason: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Problem::warning(path.clone(), reason, remedy));
    }

    fn table(&self, name: &str) -> Known<'a> {
        if let Some(schema) = self.catalog.and_then(|catalog| catalog.table(name)) {
            return Known::Schema(schema);
        }
        let mut declared = self.definitions.sources.iter().flat_map(|source| &source.tables);
        match declared.find(|table| table.name == name) {
            Some(table) => Known::Declared(table.rows),
            None if name == CAMPAIGN_RECIPIENTS => Known::Declared(RowsPerCustomer::Many),
            None if self.unreadable.any("sources") => Known::Perhaps,
            None => Known::Missing,
        }
    }

    /// The names of all tables.
    fn table_names(&self) -> Vec<&'a str> {
        let declared =
            self.definitions.sources.iter().flat_map(|source| &source.tables).map(|table| table.name.as_str());
        let found = self.catalog.into_iter().flat_map(Catalog::tables).map(|table| table.name.as_str());
        let mut names: Vec<&str> = declared.chain(found).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn missing_table(&mut self, name: &str, path: &Path) {
        let names = self.table_names();
        self.error(path, format!("there is no table `{name}`"), word::use_nearest(name, names.iter().copied()));
    }

    fn missing_column(&mut self, table: &TableSchema, column: &str, path: &Path) {
        let names = table.columns.iter().map(|column| column.name.as_str());
        let remedy = match word::nearest(column, names.clone()) {
            Some(near) => format!("write `{}.{near}`", table.name),
            None => word::use_nearest(column, names),
        };
        self.error(path, format!("`{}` has no column `{column}`", table.name), remedy);
    }

    fn segment(&self, id: &Slug) -> Option<&'a Segment> {
        self.definitions.segments.iter().find(|segment| segment.id == *id)
    }

    /// Reports a reference to a segment that does not exist.
    fn segment_exists(&mut self, id: &Slug, path: &Path) {
        if self.segment(id).is_none() && !self.unreadable.may_exist("segments", id) {
            let ids = self.definitions.segments.iter().map(|segment| segment.id.as_str());
            self.error(path, format!("there is no segment `{id}`"), word::use_nearest(id.as_str(), ids));
        }
    }
}

/// The path of an item of a list at the root.
fn item(section: &str, index: usize) -> Path {
    Path::default().field(section).item(index)
}
