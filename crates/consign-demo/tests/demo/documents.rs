//! The definitions in the documents are ones that Consign takes.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use consign_model::schema::ColumnType;
use consign_model::test::operators;
use consign_model::word::word;

use crate::definitions::problems;

/// The blocks of YAML in a document.
fn blocks(document: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(document);
    let text = fs::read_to_string(path).expect("the document is there");
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_first_campaign_of_the_readme_is_valid() {
    let blocks = blocks("README.md");
    assert_eq!(blocks.len(), 1);
    assert_eq!(problems(&[("README.md".into(), blocks[0].clone())]), (vec![], vec![]));
}

#[test]
fn the_conditions_of_the_documents_are_valid_on_the_demos_tables() {
    let blocks = blocks("docs/conditions.md");
    assert!(blocks.len() > 5);
    let mut segments = "segments:\n  - { id: summer_buyers, name: Summer, customers: { sql: SELECT 1 } }\n".to_owned();
    for (number, block) in blocks.iter().enumerate() {
        let indented = block.trim_end().replace('\n', "\n      ");
        writeln!(segments, "  - id: block_{number}\n    name: Block {number}\n    customers:\n      {indented}")
            .expect("text takes text");
    }
    let workspace = crate::definitions::files().swap_remove(0).1.replace("staff_and_test_accounts", "summer_buyers");
    let files = [("workspace.yaml".to_owned(), workspace), ("segments.yaml".to_owned(), segments)];
    assert_eq!(problems(&files), (vec![], vec![]));
}

#[test]
fn every_operator_is_in_the_document_of_conditions() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conditions.md");
    let text = fs::read_to_string(path).expect("the document is there");
    for column_type in
        [ColumnType::Text, ColumnType::Number, ColumnType::Date, ColumnType::Timestamp, ColumnType::Boolean]
    {
        for operator in operators(column_type) {
            let word = word(operator);
            assert!(text.contains(&format!("`{word}`")), "`{word}` is not in docs/conditions.md");
        }
    }
}
