//! Problems of validation. They are values, collected and shown together, never errors that stop at the first.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One thing that is wrong with the definitions: where, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Whether it stops a run.
    pub severity: Severity,
    /// Where in the definitions, for example `campaigns[0].sub_audiences[2].groups`.
    pub path: Path,
    /// What is wrong, one sentence without a full stop.
    pub reason: String,
    /// What to do about it, one sentence without a full stop.
    pub remedy: String,
    /// Where the first of two things is that are one too many; the second is at `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Path>,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing runs before it is mended.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

impl Problem {
    /// A problem that stops a run.
    pub fn error(path: Path, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path, reason: reason.into(), remedy: remedy.into(), first: None }
    }

    /// A problem that does not stop a run.
    pub fn warning(path: Path, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, reason, remedy) }
    }
}

/// A place in the definitions. Prints as `campaigns[0].name`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// An item of a list, from 0.
    Item(usize),
}

impl Path {
    /// The path of a field of what this path names.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        self.with(Step::Field(name.to_owned()))
    }

    /// The path of an item of the list that this path names.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl JsonSchema for Path {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A place in the definitions, such as `campaigns[0].sub_audiences[2].groups`."
        })
    }
}

impl Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
