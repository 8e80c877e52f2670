//! Tests of a campaign, by the command and by the API.

use std::fs;

use insta::assert_snapshot;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::api::{Served, answered, wait};
use crate::shop;
use crate::terminal::{Answer, Terminal};

const TEST: &str = "test churn --as-of 2026-11-25T10:00";

/// What was said, without what is another each time.
fn steady(answer: &Answer) -> String {
    let moments = |word: &str| {
        let bare = word.trim_end();
        bare.len() == 8 && bare.split(':').count() == 3 || bare.len() == 10 && bare.starts_with("20")
    };
    let text = answer.steady();
    let words = text.split_inclusive([' ', '\n']);
    words.map(|word| if moments(word) { word.replace(word.trim_end(), "[time]") } else { word.to_owned() }).collect()
}

#[test]
fn a_test_keeps_what_would_leave_and_leaves_no_trace() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 50);
    let none = terminal.consign("test churn --history");
    assert_eq!(none.code, 0, "{}", none.transcript());
    let test = terminal.consign(&format!("{TEST} --records 1 --out sample"));
    assert_eq!(test.code, 0, "{}", test.transcript());
    let history = terminal.consign("test churn --history");
    assert_snapshot!([none, test, history].map(|answer| steady(&answer)).join("\n"));
    assert_eq!(terminal.names("sample/active.letter.folder"), ["Churn_Letter.csv"]);
    let letter = fs::read_to_string(terminal.path("sample/active.letter.folder/Churn_Letter.csv")).expect("read");
    assert_eq!(letter.lines().count(), 2, "a header and a row: {letter}");
    let body = fs::read_to_string(terminal.path("sample/active.letter.mail/request_1.json")).expect("read");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let profiles = body.pointer("/data/attributes/profiles/data").and_then(Value::as_array).expect("profiles");
    assert_eq!(profiles.len(), 1, "{body}");
    assert_eq!(terminal.names("clean/out"), [""; 0], "nothing was sent");
    assert_eq!(terminal.consign("status --json").json()["runs"], Value::Array(Vec::new()));
}

#[test]
fn a_test_that_makes_no_sense_says_why() {
    let terminal = shop::applied();
    for (words, code) in [
        ("test churn --records 0", 2),
        ("test churn --records 10001", 2),
        ("test churn --history --out x", 2),
        ("test chrun", 5),
        ("test chrun --history", 5),
    ] {
        let answer = terminal.consign(words);
        assert_eq!(answer.code, code, "{}", answer.transcript());
        shop::discreet(&answer);
    }
}

/// What is at an address, as it is.
async fn text(served: &Served<'_>, path: &str) -> (StatusCode, String) {
    let response = served.request(Method::GET, path).send().await.expect("an answer");
    (response.status(), response.text().await.expect("a body"))
}

#[test]
fn a_draft_is_tested_and_what_would_leave_can_be_had() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let draft = served.get("/campaigns/churn/draft").await;
        let mut renamed = draft["campaign"].clone();
        renamed["name"] = "Stay".into();
        let kept = served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &renamed).await;
        assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
        let test = served.post("/campaigns/churn/test?records=1", &Value::Null).await;
        assert_eq!(test.status, StatusCode::CREATED, "{}", test.body);
        let id = test.body["test"].as_str().expect("an id");
        assert_eq!(served.get(&format!("/tests/{id}")).await, test.body);
        let tests = served.get("/campaigns/churn/tests").await;
        assert_eq!((&tests["items"][0]["test"], &tests["items"][0]["failed"]), (&id.into(), &0.into()), "{tests}");
        let folder = &test.body["deliveries"][1];
        assert_eq!(folder["files"][0]["name"], "Stay_Letter.csv", "the draft is tested: {folder}");
        let files = format!("/tests/{id}/files/active.letter.folder");
        let (status, letter) = text(&served, &format!("{files}/Stay_Letter.csv")).await;
        assert_eq!((status, letter.as_str()), (StatusCode::OK, "id,email\n00001,ada@example.com\n"));
        for nowhere in [
            format!("{files}/Churn_Letter.csv"),
            format!("{files}/..%2F..%2Ftest.json"),
            format!("/tests/{id}/files/..%2F../workspace.key"),
            "/tests/..%2Fruns".to_owned(),
        ] {
            let refused = answered(served.request(Method::GET, &nowhere)).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND, "{nowhere}: {}", refused.body);
        }
        for records in ["0", "10001", "x"] {
            let refused = served.post(&format!("/campaigns/churn/test?records={records}"), &Value::Null).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{records}: {}", refused.body);
        }
        renamed["include"] = Value::Array(Vec::new());
        let wrong = served.put("/campaigns/churn/draft", ("if-match", "\"1\""), &renamed).await;
        assert_eq!(wrong.status, StatusCode::OK, "{}", wrong.body);
        let refused = served.post("/campaigns/churn/test", &Value::Null).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert_eq!(served.get("/runs").await["items"], Value::Array(Vec::new()), "a test is no run");
        fs::remove_dir_all(terminal.path(&format!(".consign/tests/{id}/files"))).expect("removed");
        let (status, said) = text(&served, &format!("{files}/Stay_Letter.csv")).await;
        assert!(status == StatusCode::GONE && said.contains("retention"), "{said}");
        assert_eq!(served.get(&format!("/tests/{id}")).await["has_files"], false);
    });
}

#[test]
fn a_test_that_cannot_be_read_is_named() {
    let terminal = Terminal::with(&["clean"]);
    shop::apply(&terminal);
    fs::create_dir_all(terminal.path(".consign/tests/x")).expect("made");
    fs::write(terminal.path(".consign/tests/x/test.json"), "{").expect("written");
    let answer = terminal.consign("test churn --history");
    assert_eq!(answer.code, 1, "{}", answer.transcript());
    assert!(
        answer.err.contains(".consign/tests/x/test.json") && answer.err.contains("remove its folder"),
        "{}",
        answer.err
    );
}
