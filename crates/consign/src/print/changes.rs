//! What new definitions change.

use std::fmt::Write;

use crate::changes::{ChangeKind, Changes};

/// One line a change, then the remarks.
pub(crate) fn changes(changes: &Changes) -> String {
    let mut text = String::new();
    for change in &changes.changes {
        let sign = match change.what {
            ChangeKind::Added => '+',
            ChangeKind::Changed => '~',
            ChangeKind::Removed => '-',
        };
        let _ = write!(text, "{sign} {}", change.sort);
        if let Some(id) = &change.id {
            let _ = write!(text, " {id}");
        }
        if !change.fields.is_empty() {
            let _ = write!(text, ": {}", change.fields.join(", "));
        }
        text.push('\n');
    }
    for remark in &changes.remarks {
        let _ = writeln!(text, "note: {remark}");
    }
    text
}
