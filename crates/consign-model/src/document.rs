//! Definition files: their text to [`Definitions`], with the file, line and column of every value.
//!
//! Several files add up. Where the form of something is wrong, what was most probably meant is put in its place, so that
//! everything can still be validated and all problems be reported at once; what is past that is left out.

mod alternative;
mod node;
mod repair;
mod schema;
mod shape;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use schema::json_schema;
pub use write::write;

use crate::definition::Definitions;
use crate::id::Slug;
use crate::problem::{Path, Problem, Step};
use crate::schema::Catalog;
use crate::spec::Kinds;
use crate::validate;
use node::{Node, Place, Shape};
use repair::Repairs;
use shape::Checker;

/// Most bytes of a definition file.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// A problem and where in which file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Located {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// The file's name as given; none where the problem is about no file in particular.
    pub file: Option<String>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// What definition files say.
#[derive(Debug)]
pub struct Reading {
    /// What they say. Where there are problems of form, each malformed value is as it was most probably meant, or left
    /// out: good enough to be validated, and not to be used.
    pub definitions: Definitions,
    /// What is wrong with their form.
    pub problems: Vec<Located>,
    /// Where everything is.
    pub lines: Lines,
    /// What is left out of the definitions for its form.
    pub unreadable: Unreadable,
    repairs: Repairs,
}

/// What exists in the files and is left out of the definitions, so that references to it are not called dangling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// A file could not be read at all: anything may be missing.
    pub files: bool,
    /// The workspace's settings.
    pub workspace: bool,
    ids: BTreeMap<&'static str, BTreeSet<String>>,
    /// Sorts of which something without a readable id is left out.
    nameless: BTreeSet<&'static str>,
}

impl Unreadable {
    /// Whether a thing of that sort (`segments`, `destinations`, ...) may exist although the definitions lack it.
    pub fn may_exist(&self, sort: &str, id: &Slug) -> bool {
        self.files || self.nameless.contains(sort) || self.ids.get(sort).is_some_and(|ids| ids.contains(id.as_str()))
    }

    /// Whether something of that sort is left out.
    pub fn any(&self, sort: &str) -> bool {
        self.files || self.nameless.contains(sort) || self.ids.contains_key(sort)
    }
}

/// Where everything in the files is.
#[derive(Debug)]
pub struct Lines {
    files: Vec<String>,
    workspace: Option<Arc<Node>>,
    items: BTreeMap<&'static str, Vec<Arc<Node>>>,
    /// The place of each item of the definitions among those of the files.
    kept: BTreeMap<&'static str, Vec<usize>>,
}

impl Lines {
    /// Finds the place of a problem that validation of the definitions found. Its path becomes that of the files,
    /// which also count what is left out.
    pub fn locate(&self, mut problem: Problem) -> Located {
        problem.path = self.in_files(&problem.path);
        let place = self.place(&problem.path);
        let first = problem.first.as_ref().and_then(|first| self.place(&self.in_files(first)));
        if let Some((first, file)) = first.and_then(|first| Some((first, self.files.get(first.file)?))) {
            problem.reason = format!("{} ({file}:{})", problem.reason, first.line);
        }
        self.at(problem, place)
    }

    fn in_files(&self, path: &Path) -> Path {
        let mut steps = path.steps().to_vec();
        if let [Step::Field(sort), Step::Item(index), ..] = steps.as_mut_slice()
            && let Some(own) = self.kept.get(sort.as_str()).and_then(|kept| kept.get(*index))
        {
            *index = *own;
        }
        steps.into_iter().collect()
    }

    /// The place of the deepest value on a path that is written in the files.
    fn place(&self, path: &Path) -> Option<Place> {
        let (node, rest) = match path.steps() {
            [Step::Field(sort), Step::Item(index), rest @ ..] => (self.items.get(sort.as_str())?.get(*index)?, rest),
            [Step::Field(name), rest @ ..] if name == "workspace" => (self.workspace.as_ref()?, rest),
            _ => return None,
        };
        let mut node = node;
        let mut place = node.place;
        for step in rest {
            let key = match step {
                Step::Field(name) => node.entry(name).map(|entry| (&entry.node, entry.place)),
                Step::Item(index) => node.item(*index).map(|item| (item, item.place)),
            };
            let Some((inner, key)) = key else { break };
            node = inner;
            place = if matches!(node.shape, Shape::List(_) | Shape::Map(_)) { key } else { node.place };
        }
        Some(place)
    }

    fn at(&self, problem: Problem, place: Option<Place>) -> Located {
        let file = place.and_then(|place| self.files.get(place.file)).or(match self.files.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        Located { file: file.cloned(), problem, line, column }
    }
}

impl Reading {
    /// Every problem of form and of meaning, in the order of the files. Without a catalogue what depends on tables is
    /// left unchecked.
    pub fn validate(&self, catalog: Option<&Catalog>, kinds: &dyn Kinds) -> Vec<Located> {
        let found = validate::check(&self.definitions, catalog, kinds, &self.unreadable);
        let mut problems = self.problems.clone();
        let located = found.into_iter().map(|problem| self.lines.locate(problem));
        problems.extend(located.filter(|found| !self.repairs.explain(&found.problem.path)));
        let order = |file: &Option<String>| self.lines.files.iter().position(|known| Some(known) == file.as_ref());
        problems.sort_by_key(|found| (order(&found.file), found.line, found.column));
        problems
    }
}

/// Reads definition files: pairs of a name, for messages, and the text.
pub fn read(files: &[(String, String)]) -> Reading {
    let schema = json_schema();
    let mut parts = Parts::new(files, &schema);
    for (index, (_, text)) in files.iter().enumerate() {
        parts.read(index, text);
    }
    let mut definitions = Definitions::default();
    if let Some(node) = parts.workspace.clone() {
        let path = Path::default().field("workspace");
        let read = parts.one::<Option<_>>(&schema["properties"]["workspace"], &node, &path);
        parts.unreadable.workspace = read.is_none();
        definitions.workspace = read.flatten();
    }
    definitions.sources = parts.section("sources");
    definitions.segments = parts.section("segments");
    definitions.destinations = parts.section("destinations");
    definitions.campaigns = parts.section("campaigns");
    definitions.contracts = parts.section("contracts");
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    let Parts { checker, workspace, items, kept, unreadable, .. } = parts;
    let lines = Lines { files: names, workspace, items, kept };
    let Checker { mut found, repairs, .. } = checker;
    found.sort_by_key(|found| (found.place.file, found.place.line, found.place.column));
    let problems = found.into_iter().map(|found| lines.at(found.problem, Some(found.place))).collect();
    Reading { definitions, problems, lines, unreadable, repairs }
}

/// The keys of a file under which lists stand.
const SECTIONS: [&str; 5] = ["sources", "segments", "destinations", "campaigns", "contracts"];

/// What the files read so far add up to.
struct Parts<'a> {
    files: &'a [(String, String)],
    schema: &'a Value,
    checker: Checker<'a>,
    workspace: Option<Arc<Node>>,
    items: BTreeMap<&'static str, Vec<Arc<Node>>>,
    kept: BTreeMap<&'static str, Vec<usize>>,
    unreadable: Unreadable,
}

impl<'a> Parts<'a> {
    fn new(files: &'a [(String, String)], schema: &'a Value) -> Self {
        Self {
            files,
            schema,
            checker: Checker::new(schema),
            workspace: None,
            items: BTreeMap::new(),
            kept: BTreeMap::new(),
            unreadable: Unreadable::default(),
        }
    }

    fn read(&mut self, file: usize, text: &str) {
        let root = Path::default();
        let start = Place { file, line: 1, column: 1 };
        if text.len() > MAX_FILE_BYTES {
            self.unreadable.files = true;
            let reason = format!("the file has {} bytes, more than {MAX_FILE_BYTES}", text.len());
            return self.checker.report(start, &root, reason, "split it into several files");
        }
        match node::load(file, text.strip_prefix('\u{feff}').unwrap_or(text)) {
            Ok(documents) => documents.iter().for_each(|document| self.add(document)),
            Err(unreadable) => {
                self.unreadable.files = true;
                self.checker.report(unreadable.place, &root, unreadable.reason, unreadable.remedy);
            }
        }
    }

    /// Adds a document: a map of sections.
    fn add(&mut self, document: &Arc<Node>) {
        let root = Path::default();
        let entries = match &document.shape {
            Shape::Null => return,
            Shape::Map(entries) => entries,
            _ => {
                self.unreadable.files = true;
                let remedy = format!("begin it with one of {}, each followed by a colon", word_list());
                return self.checker.report(document.place, &root, "the file is not a map of definitions", remedy);
            }
        };
        self.checker.repeated(entries, &root);
        for entry in entries {
            let path = root.field(&entry.key);
            let section = SECTIONS.into_iter().find(|section| *section == entry.key);
            match (section, &entry.node.shape) {
                (Some(section), Shape::List(items)) => {
                    self.items.entry(section).or_default().extend(items.iter().cloned());
                }
                (Some(section), _) => {
                    self.unreadable.nameless.insert(section);
                    let property = &self.schema["properties"][section];
                    self.checker.check(property, &entry.node, &path);
                }
                (None, _) if entry.key == "workspace" => match &self.workspace {
                    Some(first) => {
                        let file = self.files.get(first.place.file).map_or("", |(name, _)| name.as_str());
                        let reason = format!("the workspace is described twice, first in {file}:{}", first.place.line);
                        self.checker.report(entry.place, &path, reason, "keep one of the two");
                    }
                    None => self.workspace = Some(Arc::clone(&entry.node)),
                },
                (None, _) => {
                    let known = SECTIONS.into_iter().chain(["workspace"]);
                    let reason = format!("`{}` is not a field of the definitions", shape::shortened(&entry.key));
                    if crate::word::nearest(&entry.key, known.clone()).is_some() {
                        self.unreadable.files = true;
                    }
                    let remedy = crate::word::use_nearest(&entry.key, known);
                    self.checker.report(entry.place, &path, reason, remedy);
                }
            }
        }
    }

    /// The well-formed items of a section.
    fn section<T: DeserializeOwned>(&mut self, section: &'static str) -> Vec<T> {
        let nodes = self.items.get(section).cloned().unwrap_or_default();
        let schema = &self.schema["properties"][section]["items"];
        let path = Path::default().field(section);
        let mut good = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            match self.one(schema, node, &path.item(index)) {
                Some(item) => {
                    self.kept.entry(section).or_default().push(index);
                    good.push(item);
                }
                None => {
                    if let Some(Shape::Text(id)) = node.entry("id").map(|entry| &entry.node.shape) {
                        self.unreadable.ids.entry(section).or_default().insert(id.clone());
                    } else {
                        self.unreadable.nameless.insert(section);
                    }
                }
            }
        }
        good
    }

    /// A value of a type, if its form is right.
    fn one<T: DeserializeOwned>(&mut self, schema: &'a Value, node: &Node, path: &Path) -> Option<T> {
        let before = self.checker.found.len();
        let meant = self.checker.check(schema, node, path);
        if self.checker.found.len() > before {
            return meant.and_then(|meant| serde_json::from_value(meant).ok());
        }
        match serde_json::from_value(node.value()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.checker.report(node.place, path, error.to_string(), "write it as the published schema says");
                None
            }
        }
    }
}

fn word_list() -> String {
    crate::word::list(SECTIONS.into_iter().chain(["workspace"]))
}
