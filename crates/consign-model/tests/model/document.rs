//! Definition files: what they say, where, and what is wrong with their form.

use consign_model::document::{json_schema, read, write};
use insta::assert_snapshot;

use crate::workspace::{changed, files, shown};

fn problems(text: &str) -> String {
    shown(&read(&[("a.yaml".into(), text.into())]).problems)
}

#[test]
fn malformed_definitions_are_named_all_at_once() {
    let found = problems(
        r#"
workspace: { time_zone: UTC, customer_tabel: X, retention_days: -1 }
segments:
  - id: High Value
    name: 00012
    customers:
      where:
        all:
          - { column: a.b, operatr: is, value: 00001 }
          - { column: ab, operator: iss, value: x }
          - { foo: 1 }
          - 3
          - { all: [], any: [] }
  - id: two
    name: x
    customers: { sql: 3, foo: 1 }
  - id: three
    nmae: x
    customers: { where: { aggregate: count, tabel: Orders, operator: at_least, value: [a, true] } }
destinations:
  - id: a
    name: b
    name: c
    kind: klaviyo
    credentials: { api_key: pk_123456, b: 123 }
    settings: { account: 007, ratio: .inf, other: !mine x }
campaigns:
  - id: c
    include: s2
    name:
    schedule: recuring
    first_match_only: yes
    sub_audiences:
      - name: x
        where: { segment: s2 }
        groups:
          - { name: a, percent: 50%, destinations: [1, a, { idd: a }] }
          - { name: a, percent: 33.333 }
          - { name: a, percent: 120, control: "true" }
    launch: on
  - id: d
    name: D
    include: [s2]
    schedule: at
    destinations: { a: { file: { delimiter: ab, format: cvs } }, B: {} }
campaign: []
contracts: {}
"#,
    );
    assert_snapshot!(found);
}

#[test]
fn what_is_not_yaml_or_not_a_map_is_said_with_its_line() {
    assert_snapshot!(problems("segments:\n  - id: a\n   name: b\n"));
    assert_snapshot!(problems("- a\n- b\n"));
    assert_snapshot!(problems("segments: &a [*a]\n"));
    assert_snapshot!(problems("? [a]\n: b\n"));
}

#[test]
fn deep_and_repeating_files_are_refused_and_not_expanded() {
    let deep = format!("segments: {}{}", "[".repeat(100), "]".repeat(100));
    assert!(problems(&deep).contains("nested deeper than 64 levels"), "{}", problems(&deep));
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let inner = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs += &["a", &i.to_string(), ": &a", &i.to_string(), " [", &inner, "]\n"].concat();
    }
    assert!(problems(&laughs).contains("more than 500000 values"), "{}", problems(&laughs));
    let long = format!("# {}\n", "x".repeat(4 << 20));
    assert!(problems(&long).contains("split it into several files"), "{}", problems(&long));
}

#[test]
fn a_condition_as_deep_as_is_allowed_is_read() {
    let nested = format!("{}{{ segment: s }}{}", "{ not: ".repeat(58), " }".repeat(58));
    let text = format!("segments:\n  - {{ id: s, name: S, customers: {{ where: {nested} }} }}\n");
    assert_eq!(problems(&text), "");
}

#[test]
fn files_add_up_and_the_workspace_is_in_one_of_them() {
    let segment = |id: &str| format!("segments:\n  - {{ id: {id}, name: {id}, customers: {{ sql: SELECT 1 }} }}\n");
    let one = ("one.yaml".to_owned(), format!("workspace: {{ time_zone: UTC }}\n{}", segment("a")));
    let two = ("two.yaml".to_owned(), format!("\u{feff}# second\n{}\nworkspace: {{}}\n", segment("b")));
    let three = ("three.yaml".to_owned(), String::new());
    let reading = read(&[one, two, three]);
    assert_eq!(reading.definitions.segments.len(), 2);
    assert_snapshot!(shown(&reading.problems));
}

#[test]
fn mistakes_of_meaning_are_found_beside_mistakes_of_form() {
    let reading = changed(&[
        ("name: Active\n    customers", "nam: Active\n    customers"),
        ("{ segment: high_value }", "{ segment: high_valeu }"),
    ]);
    let found = shown(&crate::workspace::problems(&reading));
    assert_snapshot!(found);
}

#[test]
fn what_only_follows_from_a_mistake_of_form_is_not_reported() {
    // Without the share the groups do not add up, and without the list the segment is not there.
    for (old, new) in [
        ("percent: 45.5", "percent: lots"),
        ("percent: 45.5, ", ""),
        ("include: [high_value, vip]", "include: {}"),
        ("destinations: [ads, bucket, import] }", "destinations: { ads: 1 } }"),
        ("operator: in_last, value: { days: 180 }", "operator: last, value: { days: 180 }"),
        ("- id: vip\n    name: VIP", "- name: VIP"),
        ("column: Customer_360.status, operator: is, value: active", "column: status, operator: is, value: active"),
        ("kind: texter", "kind: [texter]"),
    ] {
        let found = crate::workspace::problems(&changed(&[(old, new)]));
        assert_eq!(found.len(), 1, "{new}: {}", shown(&found));
    }
}

#[test]
fn definitions_are_written_as_yaml_that_reads_back() {
    let definitions = read(&files("clean")).definitions;
    let text = write(&definitions);
    assert_snapshot!(text);
    assert_eq!(read(&[("x.yaml".into(), text)]).definitions, definitions);
}

#[test]
fn the_published_schema_takes_the_clean_workspace() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let value = serde_json::to_value(read(&files("clean")).definitions).expect("definitions are JSON");
    assert!(validator.is_valid(&value));
    assert!(!schema.to_string().contains("[`"), "links of the code are not for readers of the schema");
}
