//! `validate`, `apply`, `export`: from files to the store and back.

use std::fs;

use insta::assert_snapshot;

use crate::terminal::Terminal;

/// The secret that somebody wrote into the folder with mistakes.
const SECRET: &str = "pk_live_0123456789";

#[test]
fn a_clean_folder_is_valid() {
    assert_snapshot!(Terminal::with(&["clean"]).consign("validate clean").transcript());
}

#[test]
fn all_twenty_mistakes_are_named_at_once() {
    let terminal = Terminal::with(&["twenty_mistakes"]);
    let answer = terminal.consign("validate twenty_mistakes");
    assert_snapshot!(answer.transcript());
    // Each planted mistake stands in the line below a comment that begins with its number.
    let mut planted = Vec::new();
    for name in ["1_workspace.yaml", "2_destinations.yaml", "3_campaigns.yaml"] {
        let text = fs::read_to_string(terminal.path("twenty_mistakes").join(name)).expect("read");
        let marked = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("# mistake "));
        planted.extend(marked.map(|(index, _)| (name.to_owned(), index as u64 + 2)));
    }
    let found = terminal.consign("validate twenty_mistakes --json").json();
    let named: Vec<(String, u64)> = found["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|found| found["severity"] == "error")
        .map(|found| (found["file"].as_str().expect("a file").to_owned(), found["line"].as_u64().expect("a line")))
        .collect();
    assert_eq!(planted.len(), 20);
    assert_eq!(named, planted);
    assert_eq!(found["errors"], 20);
}

#[test]
fn problems_are_json_for_machines() {
    let answer = Terminal::with(&["twenty_mistakes"]).consign("validate twenty_mistakes --json");
    assert_eq!((answer.code, answer.err.as_str()), (3, ""));
    let problem = &answer.json()["problems"][0];
    assert_snapshot!(serde_json::to_string_pretty(problem).expect("JSON"));
}

#[test]
fn a_secret_in_a_file_is_never_repeated() {
    let terminal = Terminal::with(&["twenty_mistakes"]);
    let written = fs::read_to_string(terminal.path("twenty_mistakes/2_destinations.yaml")).expect("read");
    assert!(written.contains(SECRET), "the file holds it");
    // In the place of a reference, in one line with another mistake, under a wrong name, and under a wrong key.
    for (index, destination) in [
        format!("{{ id: a, nam: A, kind: klaviyo, credentials: {{ api_key: {SECRET} }} }}"),
        format!("{{ id: a, name: A, kind: klaviyo, credentials: {{ key: \"{SECRET}\" }} }}"),
        format!("{{ id: a, name: A, kind: klaviyo, settings: {{ api_key: {SECRET} }} }}"),
        format!("{{ id: a, name: A, kind: klaviyo, api_key: {SECRET} }}"),
        format!("{{ id: a, name: A, kind: klaviyo, credentials: {SECRET} }}"),
        format!("{{ id: a, name: A, kind: klaviyo, credentials: [{SECRET}] }}"),
        format!("{{ id: a, name: A, kind: sftp, settings: {{ password: {SECRET} }}, credentials: {{}} }}"),
        format!("\n      id: a\n      name: A\n      kind: klaviyo\n      credentials:\n        api_key: |\n          {SECRET}"),
        format!("\n      id: a\n      name: A\n      kind: klaviyo\n      credentials:\n        {SECRET}"),
    ]
    .iter()
    .enumerate()
    {
        let folder = format!("{index}");
        fs::create_dir(terminal.path(&folder)).expect("made");
        let text = format!("destinations:\n  - {destination}\n");
        fs::write(terminal.path(&folder).join("destinations.yaml"), text).expect("written");
        fs::write(
            terminal.path(&folder).join("sources.yaml"),
            format!(
                "sources:\n  - {{ id: db, connection: {{ postgres: {{ url: 'postgres://ada:{SECRET}@db/x' }} }}, \
                 tables: [] }}\n"
            ),
        )
        .expect("written");
        for command in ["validate", "apply", "validate --json", "apply --json"] {
            let answer = terminal.consign(&format!("{command} {folder}"));
            assert_eq!(answer.code, 3, "{}", answer.transcript());
            assert!(!answer.transcript().contains(SECRET), "{}", answer.transcript());
        }
    }
    assert!(!terminal.consign("validate twenty_mistakes").transcript().contains(SECRET));
}

#[test]
fn nothing_is_stored_where_there_are_errors() {
    let terminal = Terminal::with(&["twenty_mistakes"]);
    let answer = terminal.consign("apply twenty_mistakes");
    assert_eq!((answer.code, answer.out.as_str()), (3, ""));
    assert!(!terminal.path(".consign").exists());
}

#[test]
fn applying_says_what_changes_and_twice_changes_nothing() {
    let terminal = Terminal::with(&["clean"]);
    assert_snapshot!("applied_first", terminal.consign("apply clean").transcript());
    assert_snapshot!("applied_again", terminal.consign("apply clean").transcript());
    let file = terminal.path("clean/campaigns/churn.yaml");
    let text = fs::read_to_string(&file).expect("read");
    fs::write(&file, text.replace("name: Letter,", "name: Card,").replace("exclude: [opted_out]", ""))
        .expect("written");
    let file = terminal.path("clean/1_workspace.yaml");
    let text = fs::read_to_string(&file).expect("read");
    let (kept, _) = text.split_once("  - id: opted_out").expect("it is there");
    fs::write(&file, kept.replace("time_zone: Europe/Berlin", "time_zone: Europe/Vienna")).expect("written");
    assert_snapshot!("applied_dry", terminal.consign("apply clean --dry-run").transcript());
    assert_snapshot!("applied_changed", terminal.consign("apply clean").transcript());
    let json = terminal.consign("apply clean --json").json();
    assert_eq!((&json["version"], &json["applied"]), (&2.into(), &false.into()));
}

#[test]
fn what_is_exported_can_be_applied_and_changes_nothing() {
    let terminal = Terminal::with(&["clean"]);
    terminal.consign("apply clean");
    let exported = terminal.consign("export");
    assert_snapshot!(exported.transcript());
    let again = terminal.consign("export --out clean2");
    assert_eq!((again.code, again.err.as_str()), (0, "wrote version 1 to `clean2/definitions.yaml`\n"));
    assert_eq!(fs::read_to_string(terminal.path("clean2/definitions.yaml")).expect("written"), exported.out);
    let refused = terminal.consign("export --out clean2");
    assert_eq!(refused.code, 1);
    assert_eq!(
        refused.err,
        "error: `clean2/definitions.yaml` exists already: move it away, or choose another folder\n"
    );
    assert_eq!(fs::read_dir(terminal.path("clean2")).expect("read").count(), 1, "nothing else is left there");
    // The same content in the place of the files.
    for old in ["1_workspace.yaml", "2_destinations.yml", "campaigns/churn.yaml"] {
        fs::remove_file(terminal.path("clean").join(old)).expect("removed");
    }
    fs::rename(terminal.path("clean2/definitions.yaml"), terminal.path("clean/all.yaml")).expect("moved");
    let applied = terminal.consign("apply clean");
    assert_eq!(applied.out, "Nothing changes: version 1 is current\n", "{}", applied.transcript());
}

#[test]
fn files_that_cannot_be_read_are_problems_among_the_others() {
    let terminal = Terminal::with(&["clean"]);
    fs::write(terminal.path("clean/4_latin.yaml"), b"segments: # \xe9\n").expect("written");
    fs::write(terminal.path("clean/5_huge.yaml"), " ".repeat((4 << 20) + 1)).expect("written");
    fs::create_dir(terminal.path("clean/.hidden")).expect("made");
    fs::write(terminal.path("clean/.hidden/6.yaml"), "nonsense").expect("written");
    fs::write(terminal.path("clean/7_nonsense.yaml"), "workspace: {").expect("written");
    assert_snapshot!(terminal.consign("validate clean").transcript());
}

#[test]
fn a_folder_without_definitions_is_an_error() {
    let terminal = Terminal::with(&[]);
    let missing = terminal.consign("validate shop");
    assert_eq!(missing.code, 1);
    assert!(missing.err.starts_with("error: the folder `shop` cannot be read: check the path\n  because: "));
    fs::create_dir(terminal.path("shop")).expect("made");
    let empty = terminal.consign("validate shop --json");
    assert_eq!((empty.code, empty.err.as_str()), (1, ""));
    assert_snapshot!(empty.out);
}
