//! Tables that are not as they should be: one error that says where, why and what to do; nothing is sent, nothing of what
//! is stored changes, and when the table is mended the campaign runs.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::shop::{self, CUSTOMERS, ORDERS, PROFILES, RUN};
use crate::terminal::Terminal;

/// What is said of a table that `spoil` spoils after the definitions are applied: when they are looked at again, and when
/// the campaign is run.
fn said(spoil: impl FnOnce(&Terminal)) -> String {
    let terminal = shop::applied();
    let good = [CUSTOMERS, PROFILES, ORDERS].map(|file| (file, fs::read(terminal.path(file)).expect("read")));
    let before = terminal.consign("export").out;
    spoil(&terminal);
    let [validated, applied, run] = ["validate clean", "apply clean", RUN].map(|command| terminal.consign(command));
    assert_eq!((applied.code, &applied.err), (validated.code, &validated.err));
    let found = terminal.consign("validate clean --json").json();
    for command in ["preview churn --json", "explain churn 00001 --json", &format!("{RUN} --json")] {
        let answer = terminal.consign(command);
        shop::discreet(&answer);
        let error = answer.json()["error"].clone();
        assert_eq!((error["exit_code"].as_i64(), answer.err.as_str()), (Some(i64::from(run.code)), ""), "{error}");
    }
    for answer in [&validated, &applied, &run] {
        shop::discreet(answer);
        assert_ne!(answer.code, 0, "{}", answer.transcript());
    }
    assert_eq!(terminal.names("clean/out"), [""; 0], "nothing is sent");
    assert_eq!(terminal.consign("export").out, before, "what is stored is as it was");
    assert_eq!(terminal.names(".consign/spill"), [""; 0], "nothing half-done is left");
    for (file, bytes) in good {
        fs::write(terminal.path(file), bytes).expect("written");
    }
    assert_eq!(terminal.consign(RUN).code, 0, "nothing stands in the way of the next run");
    format!("{}\n{}", problems(&found), run.steady())
}

/// The problems of a document, a paragraph each. Lines of what is printed break where the folder's name makes them.
fn problems(validation: &Value) -> String {
    let mut text = String::from("$ consign validate clean --json\n");
    for problem in validation["problems"].as_array().expect("a list") {
        let said = |field: &str| problem[field].as_str().expect("a text").to_owned();
        let place = format!("{}:{}:{}", said("file"), problem["line"], problem["column"]);
        let lines =
            [format!("{place} {}", said("path")), said("reason"), format!("help: {}", said("remedy")), String::new()];
        text += &lines.join("\n  ");
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[test]
fn a_missing_file() {
    assert_snapshot!(said(|shop| fs::remove_file(shop.path(CUSTOMERS)).expect("removed")));
}

#[test]
fn a_column_of_another_type() {
    assert_snapshot!(said(|shop| shop.edit(PROFILES, "250.5", "much")));
}

#[test]
fn a_column_that_is_gone() {
    assert_snapshot!(said(|shop| shop.edit(PROFILES, "lifetime_value", "value")));
}

#[test]
fn a_row_with_too_few_fields() {
    assert_snapshot!(said(|shop| shop::append(shop, CUSTOMERS, "00003,Eve,eve@example.com\n")));
}

#[test]
fn a_field_of_ten_megabytes() {
    let field = "x".repeat(10_000_000);
    assert_snapshot!(said(|shop| shop::append(shop, CUSTOMERS, format!("00003,\"{field}\",eve@example.com,,1,DE\n"))));
}

#[test]
fn text_that_is_not_utf_8() {
    assert_snapshot!(said(|shop| shop::append(shop, CUSTOMERS, b"00003,Ev\xe9,eve@example.com,,1,DE\n")));
}

#[test]
fn a_file_without_a_header() {
    assert_snapshot!(said(|shop| fs::write(shop.path(CUSTOMERS), "").expect("written")));
}

#[test]
fn a_byte_order_mark_is_accepted() {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    for file in [CUSTOMERS, PROFILES, "clean/1_workspace.yaml"] {
        let text = fs::read_to_string(terminal.path(file)).expect("read");
        fs::write(terminal.path(file), format!("\u{feff}{text}")).expect("written");
    }
    shop::apply(&terminal);
    assert_eq!(terminal.consign(RUN).code, 0);
    let list = fs::read_to_string(terminal.path("clean/out/Churn_Letter.csv")).expect("written");
    assert_eq!(list, "id,email\n00001,ada@example.com\n");
}

#[test]
fn a_table_without_rows_gives_lists_without_rows() {
    let terminal = shop::applied();
    let text = fs::read_to_string(terminal.path(CUSTOMERS)).expect("read");
    let (header, _) = text.split_once('\n').expect("a header");
    fs::write(terminal.path(CUSTOMERS), format!("{header}\n")).expect("written");
    let run = terminal.consign(RUN);
    assert_snapshot!(run.steady());
    assert_eq!(fs::read_to_string(terminal.path("clean/out/Churn_Letter.csv")).expect("written"), "id,email\n");
}

#[test]
fn a_key_that_a_one_row_table_has_a_million_times_fails_the_run() {
    let terminal = shop::applied();
    shop::append(&terminal, PROFILES, "00003,250,active,true\n".repeat(1_000_000));
    let run = terminal.consign(RUN);
    shop::discreet(&run);
    assert_snapshot!(run.steady());
    assert_eq!(terminal.names("clean/out"), [""; 0]);
    assert_eq!(terminal.consign("status --json").json()["runs"][0]["outcome"], "failed");
}

#[test]
fn a_customer_with_a_million_orders_is_one_customer() {
    let terminal = shop::applied();
    shop::append(&terminal, ORDERS, "00001,A-9,2026-11-02,sent,80\n".repeat(1_000_000));
    let text = fs::read_to_string(terminal.path("clean/1_workspace.yaml")).expect("read");
    let wanted = "{ aggregate: count, table: Orders, operator: at_least, value: 1000000 }";
    let old = "{ column: Customer_360.lifetime_value, operator: at_least, value: 100 }";
    fs::write(terminal.path("clean/1_workspace.yaml"), text.replace(old, wanted)).expect("written");
    shop::apply(&terminal);
    let run = terminal.consign(&format!("{RUN} --json"));
    assert_eq!((run.code, &run.json()["audience"]["customers"]), (0, &1.into()), "{}", run.transcript());
}

#[test]
fn parquet_that_is_cut_short_or_damaged_fails_the_run_and_sends_nothing() {
    let terminal = Terminal::with(&[]);
    consign_demo::write(&terminal.path("clean"), consign_demo::Options::default()).expect("written");
    shop::apply(&terminal);
    let file = terminal.path("clean/data/Customer_360.parquet");
    let whole = fs::read(&file).expect("read");
    let mut cut = whole.clone();
    cut.truncate(whole.len() / 2);
    fs::write(&file, cut).expect("written");
    assert_snapshot!("parquet_cut_short", terminal.consign("run churn_prevention --as-of 1998-06-30").steady());
    let mut bytes = whole;
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xff);
    fs::write(&file, bytes).expect("written");
    let run = terminal.consign("run churn_prevention --as-of 1998-06-30");
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.transcript());
    assert!(run.err.contains("Parquet file is damaged") && run.err.contains("write the file again"), "{}", run.err);
    assert_eq!(terminal.names("clean/out/staging"), [""; 0]);
    assert_eq!(terminal.consign("status --json").json()["runs"][0]["outcome"], "failed");
}
