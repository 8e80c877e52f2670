//! YAML text as a tree in which every value knows its place.
//!
//! The tree is built from the parser's events rather than loaded whole, so that duplicate keys are seen, aliases are
//! shared and not copied, and depth and size are bounded whatever the text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use serde_json::{Number, Value};

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 64;
/// Most values of a file, those that aliases repeat counted each time.
const MAX_VALUES: usize = 500_000;

/// A place in a file; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub file: usize,
    pub line: usize,
    pub column: usize,
}

/// A value and its place.
#[derive(Debug)]
pub(super) struct Node {
    pub place: Place,
    pub shape: Shape,
    /// Values in it, itself counted.
    size: usize,
    /// Levels of lists and maps in it, itself counted.
    depth: usize,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Boolean(bool),
    Number {
        value: Number,
        written: String,
    },
    Text(String),
    List(Vec<Arc<Node>>),
    Map(Vec<Entry>),
    /// YAML that definitions do not take: why, and what to do.
    Refused {
        reason: String,
        remedy: String,
    },
}

/// A key of a map and its value. Keys may repeat; who reads the map says so.
#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Arc<Node>,
}

/// Why a text is not YAML, or too much of it.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub place: Place,
    pub reason: String,
    pub remedy: String,
}

impl Node {
    fn new(place: Place, shape: Shape) -> Self {
        let (size, depth) = match &shape {
            Shape::List(items) => measure(items.iter()),
            Shape::Map(entries) => measure(entries.iter().map(|entry| &entry.node)),
            _ => (1, 0),
        };
        Self { place, shape, size, depth }
    }

    /// The value without its places. Of a repeated key the last value counts.
    pub fn value(&self) -> Value {
        match &self.shape {
            Shape::Null | Shape::Refused { .. } => Value::Null,
            Shape::Boolean(value) => Value::Bool(*value),
            Shape::Number { value, .. } => Value::Number(value.clone()),
            Shape::Text(text) => Value::String(text.clone()),
            Shape::List(items) => items.iter().map(|item| item.value()).collect(),
            Shape::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.value())).collect())
            }
        }
    }

    /// The entry of a map under a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.shape {
            Shape::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The item of a list.
    pub fn item(&self, index: usize) -> Option<&Arc<Node>> {
        match &self.shape {
            Shape::List(items) => items.get(index),
            _ => None,
        }
    }
}

fn measure<'a>(inner: impl Iterator<Item = &'a Arc<Node>>) -> (usize, usize) {
    let (size, depth) =
        inner.fold((1_usize, 0), |(size, depth), node| (size.saturating_add(node.size), depth.max(node.depth)));
    (size, depth + 1)
}

/// A list or map that has begun and not ended.
struct Open {
    place: Place,
    anchor: usize,
    inner: Inner,
}

enum Inner {
    List(Vec<Arc<Node>>),
    Map { entries: Vec<Entry>, key: Option<(String, Place)> },
}

/// The documents of a file.
pub(super) fn load(file: usize, text: &str) -> Result<Vec<Arc<Node>>, Unreadable> {
    let mut loader = Loader { file, open: Vec::new(), anchors: HashMap::new(), documents: Vec::new(), values: 0 };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| Unreadable {
            place: loader.place(error.marker()),
            reason: format!("this is not YAML: {}", error.info()),
            remedy: "mend the indentation or brackets here, and put quotes around text with `: `, ` #` or a leading \
                     `@`, `*`, `&`, `!`, `%` in it"
                .into(),
        })?;
        let place = loader.place(&span.start);
        loader.take(event, place)?;
    }
    Ok(loader.documents)
}

struct Loader {
    file: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Arc<Node>>,
    documents: Vec<Arc<Node>>,
    values: usize,
}

impl Loader {
    fn place(&self, marker: &Marker) -> Place {
        Place { file: self.file, line: marker.line().max(1), column: marker.col() + 1 }
    }

    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), Unreadable> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let shape = scalar(&text, style, tag.as_ref());
                self.close(Node::new(place, shape), anchor, Some(&text))
            }
            Event::SequenceStart(anchor, _) => self.begin(place, anchor, Inner::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(place, anchor, Inner::Map { entries: Vec::new(), key: None }),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(ended) = self.open.pop() else { return Ok(()) };
                let shape = match ended.inner {
                    Inner::List(items) => Shape::List(items),
                    Inner::Map { entries, .. } => Shape::Map(entries),
                };
                self.close(Node::new(ended.place, shape), ended.anchor, None)
            }
            Event::Alias(anchor) => {
                let node = match self.anchors.get(&anchor) {
                    None => refused(place, "the alias refers to itself or to nothing", "write the value out"),
                    Some(node) if node.depth + self.open.len() > MAX_DEPTH => return Err(too_deep(place)),
                    Some(node) => Arc::clone(node),
                };
                let size = node.size;
                self.add(node, None, place, size)
            }
            Event::DocumentEnd | Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd => Ok(()),
        }
    }

    fn begin(&mut self, place: Place, anchor: usize, inner: Inner) -> Result<(), Unreadable> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.open.push(Open { place, anchor, inner });
        Ok(())
    }

    fn close(&mut self, node: Node, anchor: usize, text: Option<&str>) -> Result<(), Unreadable> {
        let place = node.place;
        let node = Arc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        self.add(node, text, place, 1)
    }

    /// Puts a finished value where it belongs: key, value, item or document.
    fn add(&mut self, node: Arc<Node>, text: Option<&str>, place: Place, size: usize) -> Result<(), Unreadable> {
        self.values = self.values.saturating_add(size);
        if self.values > MAX_VALUES {
            return Err(Unreadable {
                place,
                reason: format!("the file holds more than {MAX_VALUES} values"),
                remedy: "split the file, and use fewer aliases".into(),
            });
        }
        match self.open.last_mut().map(|open| &mut open.inner) {
            None => self.documents.push(node),
            Some(Inner::List(items)) => items.push(node),
            Some(Inner::Map { entries, key }) => match key.take() {
                Some((key, place)) => entries.push(Entry { key, place, node }),
                None => match (&node.shape, text) {
                    (Shape::Text(text), _) => *key = Some((text.clone(), place)),
                    (Shape::Null | Shape::Boolean(_) | Shape::Number { .. }, Some(text)) => {
                        *key = Some((text.to_owned(), place));
                    }
                    _ => {
                        return Err(Unreadable {
                            place,
                            reason: "a key is a list, a map or an alias".into(),
                            remedy: "write keys as text".into(),
                        });
                    }
                },
            },
        }
        Ok(())
    }
}

fn too_deep(place: Place) -> Unreadable {
    Unreadable {
        place,
        reason: format!("lists and maps are nested deeper than {MAX_DEPTH} levels"),
        remedy: "move inner conditions to segments of their own".into(),
    }
}

fn refused(place: Place, reason: &str, remedy: &str) -> Arc<Node> {
    Arc::new(Node::new(place, Shape::Refused { reason: reason.into(), remedy: remedy.into() }))
}

/// A scalar by YAML's core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Cow<'_, Tag>>) -> Shape {
    let foreign = tag.is_some_and(|tag| !tag.is_yaml_core_schema());
    match Scalar::parse_from_cow_and_metadata(Cow::Borrowed(text), style, tag) {
        _ if foreign => {
            Shape::Refused { reason: "the value has a tag of its own".into(), remedy: "remove the tag".into() }
        }
        Some(Scalar::Null) => Shape::Null,
        Some(Scalar::Boolean(value)) => Shape::Boolean(value),
        Some(Scalar::Integer(value)) => Shape::Number { value: value.into(), written: text.to_owned() },
        Some(Scalar::FloatingPoint(value)) => match Number::from_f64(value.into_inner()) {
            Some(value) => Shape::Number { value, written: text.to_owned() },
            None => Shape::Refused {
                reason: "the number is not finite".into(),
                remedy: "write a number, or put the text in quotes".into(),
            },
        },
        Some(Scalar::String(text)) => Shape::Text(text.into_owned()),
        None => Shape::Refused {
            reason: "the value does not fit its tag".into(),
            remedy: "remove the tag, or write a value that fits it".into(),
        },
    }
}
