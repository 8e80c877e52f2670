//! What a malformed value most probably was meant to be, so that the rest of its definition can be validated in the
//! same pass; and which problems of meaning follow from such guesses alone and are not the user's.

use serde_json::{Value, json};

use super::alternative::Alternative;
use crate::problem::Path;

/// What was put in the place of malformed values.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// Values that are lost or invented.
    lost: Vec<Path>,
    /// Values that are guessed, and on which their neighbours depend.
    guessed: Vec<Path>,
}

impl Repairs {
    pub fn lost(&mut self, path: &Path) {
        self.lost.push(path.clone());
    }

    pub fn guessed(&mut self, path: &Path) {
        self.guessed.push(path.clone());
    }

    /// Whether a problem of meaning at that path may come from a repair.
    pub fn explain(&self, path: &Path) -> bool {
        let steps = path.steps();
        // What is said of a list may come from one field of one of its items, two steps below.
        let holds = |inner: &Path| inner.steps().starts_with(steps) && inner.steps().len() <= steps.len() + 2;
        let within = |outer: &[crate::problem::Step]| steps.starts_with(outer);
        self.lost.iter().any(|lost| holds(lost) || within(lost.steps()))
            || self.guessed.iter().any(|guessed| {
                let beside = guessed.steps().split_last().map_or(&[][..], |(_, parent)| parent);
                holds(guessed) || within(beside)
            })
    }
}

/// A value that stands for one that is missing or past repair; `None` where anything would be wrong.
pub(super) fn stand_in(alternatives: &[Alternative<'_>], path: &Path) -> Option<Value> {
    let first = alternatives.iter().find(|one| !one.is_null())?;
    Some(match (first.owner, first.name) {
        (Some("Condition"), _) => json!({ "all": [] }),
        (_, Some("Slug")) => return None,
        (_, Some("SecretRef")) => json!("env:MISSING"),
        (_, Some("ColumnRef")) => json!("missing.column"),
        _ if first.constant().is_some() => json!(first.constant()),
        // Names must be unique.
        _ if first.takes("string") => json!(format!("missing at {path}")),
        _ if first.takes("array") => json!([]),
        _ if first.takes("integer") || first.takes("number") => json!(0),
        _ if first.takes("boolean") => json!(false),
        _ => return None,
    })
}
