//! A folder with twenty planted mistakes: all twenty are named, each with file, line, path, reason and remedy.

use consign_model::document::read;
use insta::assert_snapshot;

use crate::workspace::{files, problems, shown};

#[test]
fn all_twenty_mistakes_are_named_and_nothing_else_is() {
    let files = files("twenty_mistakes");
    let found = problems(&read(&files));
    // Each planted mistake stands in the line below a comment that begins with its number.
    let mut planted: Vec<(String, usize)> = files
        .iter()
        .flat_map(|(name, text)| {
            let marked = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("# mistake "));
            marked.map(|(index, _)| (name.clone(), index + 2)).collect::<Vec<_>>()
        })
        .collect();
    planted.sort();
    let mut named: Vec<(String, usize)> =
        found.iter().map(|found| (found.file.clone().unwrap_or_default(), found.line)).collect();
    named.sort();
    assert_eq!(planted.len(), 20);
    assert_eq!(named, planted, "{}", shown(&found));
    assert_snapshot!(shown(&found));
}
