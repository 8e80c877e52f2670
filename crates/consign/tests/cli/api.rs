//! The API of `consign serve`, over HTTP.

use std::future::Future;

use consign_model::document::MAX_FILE_BYTES;
use futures::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::shop;
use crate::terminal::{Running, Terminal};

/// The password of everybody here.
pub const PASSWORD: &str = "correct horse battery";

/// A server of a workspace, until it is dropped.
pub struct Served<'a> {
    process: Option<Running<'a>>,
    pub base: String,
    pub client: Client,
    /// What it is asked with.
    token: String,
}

/// What was answered.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Adds a user where there is none, and makes a token that may do as much.
pub fn user(terminal: &Terminal, name: &str, role: &str) -> String {
    let listed = terminal.consign("users list --json").json();
    if !listed["users"].as_array().expect("a list").iter().any(|user| user["name"] == name) {
        let added = terminal.consign_reading(&format!("users add {name} --role {role}"), &format!("{PASSWORD}\n"));
        assert_eq!(added.code, 0, "{}", added.transcript());
    }
    let token = terminal.consign(&format!("tokens add test --user {name} --role {role} --quiet"));
    assert_eq!(token.code, 0, "{}", token.transcript());
    token.out.trim().to_owned()
}

impl<'a> Served<'a> {
    /// With an admin `ada`, in whose name it is asked.
    pub fn start(terminal: &'a Terminal) -> Self {
        Self::start_with(terminal, "serve", &[])
    }

    pub fn start_with(terminal: &'a Terminal, words: &str, variables: &[(&str, &str)]) -> Self {
        let token = user(terminal, "ada", "admin");
        let mut process = terminal.start(words, variables);
        let told = process.told("address=");
        let base = told.rsplit("address=").next().expect("an address").trim().to_owned();
        Self { process: Some(process), base, client: Client::new(), token }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anybodys(method, path).bearer_auth(&self.token)
    }

    /// A request of nobody that is known.
    pub fn anybodys(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Value {
        let answered = answered(self.request(Method::GET, path)).await;
        assert_eq!(answered.status, StatusCode::OK, "{path}: {}", answered.body);
        answered.body
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answered {
        answered(sending(self.request(Method::POST, path), body)).await
    }

    pub async fn put(&self, path: &str, over: (&str, &str), body: &Value) -> Answered {
        answered(sending(self.request(Method::PUT, path), body).header(over.0, over.1)).await
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.signal("TERM");
            let answer = process.answer();
            if !std::thread::panicking() {
                assert_eq!(answer.code, 0, "{}", answer.transcript());
                shop::discreet(&answer);
            }
        }
    }
}

pub fn sending(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

pub async fn answered(request: RequestBuilder) -> Answered {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Answered { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

pub fn wait<T>(of: impl Future<Output = T>) -> T {
    Runtime::new().expect("a runtime").block_on(of)
}

fn problems(answered: &Answered) -> Vec<&str> {
    let problems = answered.body["problems"].as_array().into_iter().flatten();
    problems.filter_map(|problem| problem["path"].as_str()).collect()
}

/// A step of a draft's way, with a changed name.
fn renamed(draft: &Value, name: &str) -> Value {
    let mut campaign = draft["campaign"].clone();
    campaign["name"] = name.into();
    campaign
}

#[test]
fn tables_are_looked_at_and_customers_counted() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let tables = served.get("/tables").await;
        let names: Vec<&str> =
            tables["items"].as_array().expect("a list").iter().filter_map(|table| table["name"].as_str()).collect();
        assert!(names.contains(&"Merged_Customers") && names.contains(&"Orders"), "{tables}");
        let table = served.get("/tables/Merged_Customers").await;
        let sample = served.get("/tables/Merged_Customers/sample?limit=100").await;
        assert_eq!(json!(sample["rows"].as_array().map(Vec::len)), table["rows"]);
        assert!(sample["rows"].to_string().contains("\"00001\""), "keys stay as they are: {sample}");
        let values = served.get("/tables/Customer_360/columns/status/values?prefix=ACT").await;
        assert_eq!(values["items"][0]["value"], "active", "{values}");
        let active = json!({ "condition": { "column": "Customer_360.status", "operator": "is", "value": "active" } });
        let counted = served.post("/counts", &active).await;
        assert_eq!(counted.body["customers"], values["items"][0]["rows"], "{}", counted.body);
        assert_eq!(counted.body["all"], table["rows"]);
    });
}

#[test]
fn what_cannot_be_counted_names_each_problem_and_its_place() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let condition = json!({ "condition": { "all": [
            { "column": "Customer_360.nothing", "operator": "is", "value": "x" },
            { "column": "Customer_360.status", "operator": "resembles", "value": "x" },
        ] } });
        let refused = served.post("/counts", &condition).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        assert_eq!(problems(&refused), ["customers.where.all[0].column", "customers.where.all[1].operator"]);
    });
}

#[test]
fn the_counts_of_a_draft_are_those_of_its_preview() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let draft = served.get("/campaigns/churn/draft").await;
        let counted = served.post("/counts", &json!({ "campaign": draft["campaign"] })).await;
        let preview = served.post("/campaigns/churn/preview?rows=1&diff=true", &Value::Null).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
        assert_eq!(counted.body["audience"], preview.body["audience"]);
        assert_eq!(preview.body["deliveries"][1]["sample"][1], "00001,ada@example.com", "{}", preview.body);
    });
}

#[test]
fn a_draft_is_kept_however_wrong_and_published_only_when_it_is_right() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let draft = served.get("/campaigns/churn/draft").await;
        assert_eq!((&draft["version"], &draft["published"]), (&0.into(), &true.into()), "{draft}");
        let mut wrong = renamed(&draft, "Churn again");
        wrong["include"] = json!(["nobody"]);
        wrong["sub_audiences"][0]["groups"][0]["percent"] = json!(50);
        wrong["remaining"] = json!(7);
        let kept = served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &wrong).await;
        assert_eq!((kept.status, &kept.body["campaign"]), (StatusCode::OK, &wrong));
        assert_eq!(kept.headers["etag"], "\"1\"");
        let found = served.post("/campaigns/churn/validate", &Value::Null).await;
        assert_eq!(problems(&found), ["include[0]", "sub_audiences[0].groups", "remaining"], "{}", found.body);
        let publish = |tag: &'static str| {
            answered(served.request(Method::POST, "/campaigns/churn/publish").header("if-match", tag))
        };
        assert_eq!(publish("\"1\"").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(served.get("/campaigns/churn").await["name"], "Churn");

        let right = renamed(&draft, "Churn again");
        let mended = served.put("/campaigns/churn/draft", ("if-match", "\"1\""), &right).await;
        assert_eq!(mended.headers["etag"], "\"2\"");
        assert_eq!(publish("\"1\"").await.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(publish("\"2\"").await.status, StatusCode::OK);
        assert_eq!(served.get("/campaigns/churn").await["name"], "Churn again");
        assert_eq!(served.get("/campaigns/churn/draft").await["version"], 0);
    });
    let exported = terminal.consign("export");
    assert!(exported.out.contains("name: Churn again"), "{}", exported.transcript());
}

#[test]
fn of_two_who_edit_one_draft_the_second_is_told() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let draft = served.get("/campaigns/churn/draft").await;
        let (one, two) = (renamed(&draft, "One"), renamed(&draft, "Two"));
        let (first, second) = tokio::join!(
            served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &one),
            served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &two),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::PRECONDITION_FAILED]);
        let without = sending(served.request(Method::PUT, "/campaigns/churn/draft"), &draft["campaign"]);
        assert_eq!(answered(without).await.status, StatusCode::PRECONDITION_REQUIRED);
    });
}

#[test]
fn new_campaigns_and_copies_have_ids_of_their_own() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let made = served.post("/campaigns", &json!({ "name": "Churn" })).await;
        assert_eq!((made.status, &made.body["id"]), (StatusCode::CREATED, &"churn_2".into()), "{}", made.body);
        let copied = served.post("/campaigns/churn/copy", &json!({ "name": "Churn" })).await;
        assert_eq!((&copied.body["id"], &copied.body["published"]), (&"churn_3".into(), &false.into()));
        let listed = served.get("/campaigns").await;
        let of = |line: &Value| (line["id"].as_str().map(str::to_owned), line["status"].as_str().map(str::to_owned));
        let listed: Vec<_> = listed["items"].as_array().expect("a list").iter().map(of).collect();
        let some = |text: &str| Some(text.to_owned());
        let expected =
            [(some("churn"), some("ready")), (some("churn_2"), some("draft")), (some("churn_3"), some("draft"))];
        assert_eq!(listed, expected);
        let discarded = served.request(Method::DELETE, "/campaigns/churn_2/draft").header("if-match", "\"1\"");
        assert_eq!(answered(discarded).await.status, StatusCode::NO_CONTENT);
        let gone = answered(served.request(Method::GET, "/campaigns/churn_2/draft")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_run_is_begun_once_for_a_key_and_told_to_its_end() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    let run = wait(async {
        let run =
            || answered(served.request(Method::POST, "/campaigns/churn/run").header("idempotency-key", "a click"));
        let begun = run().await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
        let id = begun.body["run"].as_str().expect("an id").to_owned();
        let told = told(&served, &id, None).await;
        assert!(told.ends_with("event: over\ndata: \"succeeded\"\n\n"), "{told}");
        assert!(told.contains("\"what\":\"staging -> delivering\""), "{told}");
        let all = told.matches("event: happened").count();
        let rest = self::told(&served, &id, Some(all - 2)).await;
        assert_eq!(rest.matches("event: happened").count(), 2, "{rest}");
        assert_eq!(run().await.body, begun.body);
        assert_eq!(served.get("/runs").await["items"].as_array().map(Vec::len), Some(1));
        let requests = served.get(&format!("/runs/{id}/requests?limit=500")).await;
        assert!(requests["requests"].as_array().is_some_and(|all| !all.is_empty()), "{requests}");
        assert_eq!(served.get("/campaigns/churn/explain/00001").await["run"], id);
        assert_eq!(served.get("/campaigns").await["items"][0]["status"], "delivered");
        served.get(&format!("/runs/{id}")).await
    });
    let folder = terminal.path("").canonicalize().expect("it exists");
    let run = run.to_string().replace(folder.to_str().expect("UTF-8"), "[folder]");
    assert_eq!(run, terminal.consign("status latest --json").json().to_string());
    assert_eq!(terminal.names("clean/out"), ["Churn_Letter.csv"]);
}

/// What is told of a run until it is over.
async fn told(served: &Served<'_>, run: &str, after: Option<usize>) -> String {
    let mut request = served.request(Method::GET, &format!("/runs/{run}/events"));
    if let Some(after) = after {
        request = request.header("last-event-id", after.to_string());
    }
    let mut stream = request.send().await.expect("an answer").bytes_stream();
    let mut told = String::new();
    while let Some(bytes) = stream.next().await {
        told.push_str(&String::from_utf8_lossy(&bytes.expect("bytes")));
    }
    told
}

#[test]
fn a_key_of_a_call_outlives_the_server() {
    let terminal = shop::applied();
    let run = async |served: &Served<'_>, key: &str| {
        answered(served.request(Method::POST, "/campaigns/churn/run").header("idempotency-key", key)).await
    };
    let served = Served::start(&terminal);
    let begun = wait(async {
        let begun = run(&served, "a click").await.body;
        told(&served, begun["run"].as_str().expect("an id"), None).await;
        begun
    });
    drop(served);
    let served = Served::start(&terminal);
    wait(async {
        assert_eq!(run(&served, "a click").await.body, begun);
        assert_eq!(served.get("/runs").await["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(run(&served, &"x".repeat(201)).await.status, StatusCode::BAD_REQUEST);
        assert_ne!(run(&served, "another").await.body, begun);
    });
}

#[test]
fn a_run_that_is_cancelled_by_a_click_ends() {
    let (terminal, silence) = crate::interrupts::waiting();
    let served = Served::start_with(&terminal, "serve", &shop::keys());
    wait(async {
        let begun = answered(served.request(Method::POST, "/campaigns/churn/run")).await;
        let id = begun.body["run"].as_str().expect("an id").to_owned();
        let _open = silence.connected();
        let again = answered(served.request(Method::POST, "/campaigns/churn/run")).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
        let cancelled = answered(served.request(Method::POST, &format!("/runs/{id}/cancel"))).await;
        assert_eq!(cancelled.status, StatusCode::OK);
        assert!(told(&served, &id, None).await.ends_with("event: over\ndata: \"cancelled\"\n\n"));
        let late = answered(served.request(Method::POST, &format!("/runs/{id}/cancel"))).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    });
}

#[test]
fn a_segment_is_made_edited_and_removed_unless_it_is_used() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let active = json!({ "name": "Active", "customers": { "where":
            { "column": "Customer_360.status", "operator": "is", "value": "active" } } });
        let made = served.put("/segments/active", ("if-none-match", "*"), &active).await;
        assert_eq!((made.status, &made.body["id"]), (StatusCode::OK, &"active".into()), "{}", made.body);
        let again = served.put("/segments/active", ("if-none-match", "*"), &active).await;
        assert_eq!(again.status, StatusCode::PRECONDITION_FAILED);
        let tag = made.headers["etag"].to_str().expect("text").to_owned();
        let mut wrong = active.clone();
        wrong["customers"]["where"]["column"] = "Customer_360.nothing".into();
        let refused = served.put("/segments/active", ("if-match", &tag), &wrong).await;
        assert_eq!(problems(&refused), ["customers.where.column"], "{}", refused.body);
        let sql = json!({ "name": "Active", "customers": { "sql": "DELETE FROM Customer_360" } });
        let refused = served.put("/segments/active", ("if-match", &tag), &sql).await;
        assert_eq!(problems(&refused), ["customers.sql"], "{}", refused.body);
        let remove = |id: &str, tag: &str| {
            answered(served.request(Method::DELETE, &format!("/segments/{id}")).header("if-match", tag))
        };
        assert_eq!(remove("active", &tag).await.status, StatusCode::NO_CONTENT);
        let used = answered(served.request(Method::GET, "/segments/high_value")).await;
        let tag = used.headers["etag"].to_str().expect("text").to_owned();
        let refused = remove("high_value", &tag).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problems(&refused).contains(&"campaigns[0].include[0]"), "{}", refused.body);
        assert_eq!(served.get("/segments/high_value").await["id"], "high_value");
    });
}

#[test]
fn the_document_is_of_every_route_and_each_answers() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let document = served.get("/openapi.json").await;
        assert_eq!(document["openapi"], "3.1.0");
        let routes = consign_server::routes();
        for route in &routes {
            let operation = &document["paths"][route.path][route.method.name().to_ascii_lowercase()];
            assert_eq!(operation["operationId"], route.id, "{}", route.path);
            let path: String = route
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { "missing" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answered = answered(served.request(route.method.name().parse().expect("a method"), &path)).await;
            assert_ne!(answered.status, StatusCode::METHOD_NOT_ALLOWED, "{}", route.path);
            assert!(!answered.status.is_server_error(), "{}: {}", route.path, answered.body);
            assert!(
                answered.headers.contains_key("x-request-id")
                    && answered.headers.contains_key("content-security-policy")
            );
        }
        let mut ids: Vec<&str> = routes.iter().map(|route| route.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), routes.len(), "each operation has a name of its own");
        let page = served.request(Method::GET, "/docs").send().await.expect("an answer").text().await.expect("text");
        assert!(page.contains("list_campaigns") || page.contains("/campaigns/{campaign}/draft"));
        assert!(!page.contains("http://") && !page.contains("https://"), "it asks nobody else for anything");
    });
    assert_eq!(terminal.consign("openapi").json()["info"]["title"], "Consign");
}

#[test]
fn bodies_that_are_too_large_or_no_json_are_refused() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let draft = || served.request(Method::PUT, "/campaigns/churn/draft").header("if-match", "\"0\"");
        // Hardly too large: the server has read it all, or it would close on who still writes.
        let large = json!({ "name": "x".repeat(MAX_FILE_BYTES) });
        assert_eq!(answered(sending(draft(), &large)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
        let broken = draft().header("content-type", "application/json").body("{");
        assert_eq!(answered(broken).await.status, StatusCode::BAD_REQUEST);
        let form = draft().header("content-type", "application/x-www-form-urlencoded").body("name=x");
        assert_eq!(answered(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let ready = served.client.get(format!("{}/readyz", served.base)).send().await.expect("an answer");
        assert_eq!(ready.status(), StatusCode::OK);
        let metrics = served.client.get(format!("{}/metrics", served.base));
        let metrics = metrics.bearer_auth(&served.token).send().await.expect("an answer");
        let metrics = metrics.text().await.expect("text");
        let counted =
            "consign_http_requests_total{method=\"PUT\",route=\"/api/v1/campaigns/{campaign}/draft\",status=\"400\"} 1";
        assert!(metrics.contains(counted), "{metrics}");
    });
}

#[test]
fn every_address_outside_the_api_is_the_interface_but_for_files_that_are_not_there() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        for address in ["/", "/campaigns/churn"] {
            let page = served.client.get(format!("{}{address}", served.base)).send().await.expect("an answer");
            assert_eq!(page.status(), StatusCode::OK, "{address}");
            assert!(page.headers()["content-type"].to_str().is_ok_and(|media| media.starts_with("text/html")));
        }
        for address in ["/assets/missing.js", "/api/v1/missing", "/api/v1"] {
            let missing = answered(served.client.get(format!("{}{address}", served.base))).await;
            assert_eq!((missing.status, &missing.body["status"]), (StatusCode::NOT_FOUND, &404.into()), "{address}");
        }
    });
}

#[test]
fn an_archived_campaign_has_no_schedule_and_is_shown_only_on_request() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let daily = json!({ "recurring": { "every": "day", "start": "2099-03-28T02:30", "end": { "after": 3 } } });
        let times = served.post("/campaigns/churn/times", &daily).await;
        let next: Vec<&str> = times.body["next"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(times.body["time_zone"], "Europe/Berlin");
        let skipped = "2099-03-29T03:00:00+02:00";
        assert_eq!(next, ["2099-03-28T02:30:00+01:00", skipped, "2099-03-30T02:30:00+02:00"], "{}", times.body);
        assert_eq!(served.post("/campaigns/churn/schedule", &daily).await.status, StatusCode::OK);
        let line = served.get("/campaigns").await["items"][0].clone();
        assert_eq!((&line["status"], &line["often"]), (&"scheduled".into(), &"daily".into()), "{line}");

        let draft = served.get("/campaigns/churn/draft").await;
        let mut placed = draft["campaign"].clone();
        placed["folder"] = "Spring".into();
        placed["labels"] = json!(["vip", "mail"]);
        served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &placed).await;
        let refused = served.post("/campaigns/churn/archive", &Value::Null).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "its draft would bring it back: {}", refused.body);
        let publish = served.request(Method::POST, "/campaigns/churn/publish").header("if-match", "\"1\"");
        assert_eq!(answered(publish).await.status, StatusCode::OK);
        assert_eq!(served.get("/folders").await["items"], json!([{ "name": "Spring", "campaigns": 1 }]));
        assert_eq!(served.get("/labels?limit=1").await["items"], json!([{ "name": "mail", "campaigns": 1 }]));
        assert_eq!(served.get("/campaigns?label=vip&folder=Spring").await["items"][0]["id"], "churn");
        assert_eq!(served.get("/campaigns?label=sms").await["items"], json!([]));

        let archived = served.post("/campaigns/churn/archive", &Value::Null).await;
        assert_eq!((archived.status, &archived.body["schedule"]), (StatusCode::OK, &"manual".into()));
        assert_eq!(served.get("/campaigns").await["items"], json!([]));
        assert_eq!(served.get("/campaigns?archived=true").await["items"][0]["status"], "archived");
        assert_eq!(served.get("/labels").await["items"], json!([]));
        let refused = served.post("/campaigns/churn/run", &Value::Null).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        let refused = served.post("/campaigns/churn/schedule", &daily).await;
        assert_eq!(problems(&refused), ["schedule"], "{}", refused.body);

        let back = served.post("/campaigns/churn/bring_back", &Value::Null).await;
        assert_eq!((back.status, &back.body["archived"]), (StatusCode::OK, &Value::Null), "{}", back.body);
        assert_eq!(served.get("/campaigns").await["items"][0]["status"], "ready");
    });
    let exported = terminal.consign("export").out;
    assert!(exported.contains("folder: Spring") && !exported.contains("archived"), "{exported}");
}

#[test]
fn a_campaign_that_never_ran_is_deleted_with_its_draft_and_one_that_ran_is_not() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let copied = served.post("/campaigns/churn/copy", &json!({ "name": "Again" })).await;
        assert_eq!(copied.status, StatusCode::CREATED);
        let delete = |id: &'static str| {
            let served = &served;
            async move {
                let read = answered(served.request(Method::GET, &format!("/campaigns/{id}"))).await;
                let tag = read.headers["etag"].clone();
                answered(served.request(Method::DELETE, &format!("/campaigns/{id}")).header("if-match", tag)).await
            }
        };
        let draft = served.get("/campaigns/churn/draft").await;
        served.put("/campaigns/churn/draft", ("if-match", "\"0\""), &renamed(&draft, "Other")).await;
        assert_eq!(delete("churn").await.status, StatusCode::NO_CONTENT);
        let left = served.get("/campaigns").await;
        assert_eq!((left["items"].as_array().map(Vec::len), &left["items"][0]["id"]), (Some(1), &"again".into()));
        let publish = served.request(Method::POST, "/campaigns/again/publish").header("if-match", "\"1\"");
        assert_eq!(answered(publish).await.status, StatusCode::OK);
        let run = served.post("/campaigns/again/run", &Value::Null).await;
        told(&served, run.body["run"].as_str().expect("an id"), None).await;
        assert_eq!(delete("again").await.status, StatusCode::CONFLICT);
    });
}

#[test]
fn who_was_sent_what_and_who_was_not_is_downloaded_by_customer_key_alone() {
    let terminal = shop::applied();
    // It is no rehearsal any more: those leave no trace in recipients.
    terminal.edit(shop::DESTINATIONS, "    sandbox: true\n", "");
    terminal.edit(shop::PROFILES, "active,true", "active,");
    shop::apply(&terminal);
    let served = Served::start(&terminal);
    wait(async {
        let run = served.post("/campaigns/churn/run", &Value::Null).await;
        let run = run.body["run"].as_str().expect("an id").to_owned();
        told(&served, &run, None).await;
        let download = async |path: String| {
            let answer = served.request(Method::GET, &path).send().await.expect("an answer");
            let headers = answer.headers().clone();
            let text = answer.text().await.expect("text");
            let name = headers.get("content-disposition").and_then(|name| name.to_str().ok());
            assert!(name.is_some_and(|name| name.ends_with(".csv\"")), "{path}: {text}");
            text
        };
        let recipients = download(format!("/runs/{run}/recipients")).await;
        let mut lines = recipients.lines();
        assert!(
            lines.next().is_some_and(|header| header.starts_with("campaign_id,campaign_name,run_id,customer_key,"))
        );
        assert!(lines.clone().any(|line| line.contains(",00001,") && line.contains(",folder,sent,")), "{recipients}");
        assert_eq!(download("/campaigns/churn/recipients".to_owned()).await, recipients);
        let summary = served.get(&format!("/runs/{run}")).await;
        let delivery = "active.letter.mail";
        let rejects = download(format!("/runs/{run}/rejects?delivery={delivery}")).await;
        assert_eq!(rejects, "customer_key,attribute,reason\n00001,,no_consent\n", "{summary}");
        let other = download(format!("/runs/{run}/rejects?delivery={delivery}&reason=duplicate")).await;
        assert_eq!(other, "customer_key,attribute,reason\n");
        for private in ["ada", "Ada", "grace@", "Grace"] {
            assert!(!recipients.contains(private) && !rejects.contains(private), "{recipients}{rejects}");
        }
        let unknown = answered(served.request(Method::GET, &format!("/runs/{run}/rejects?delivery=x"))).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{}", unknown.body);
    });
}

#[test]
fn settings_of_the_workspace_are_edited_and_refused_at_their_fields() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let read = answered(served.request(Method::GET, "/workspace")).await;
        let tag = read.headers["etag"].to_str().expect("text").to_owned();
        let mut settings = read.body.clone();
        settings["time_zone"] = "America/New_Yrok".into();
        settings["always_exclude"] = json!(["nobody"]);
        settings["retention_days"] = 0.into();
        let refused = served.put("/workspace", ("if-match", &tag), &settings).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert_eq!(problems(&refused), ["time_zone", "always_exclude[0]", "retention_days"]);
        settings["time_zone"] = "America/New_York".into();
        settings["always_exclude"] = json!(["opted_out"]);
        settings["retention_days"] = 3.into();
        let saved = served.put("/workspace", ("if-match", &tag), &settings).await;
        assert_eq!((saved.status, &saved.body), (StatusCode::OK, &settings));
        let late = served.put("/workspace", ("if-match", &tag), &settings).await;
        assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(served.get("/workspace").await["retention_days"], 3);
    });
    let audit = wait(async {
        let first = served.get("/audit?action=apply&limit=1").await;
        let rest =
            served.get(&format!("/audit?action=apply&limit=1&cursor={}", first["next"].as_str().expect("more"))).await;
        assert_eq!(rest["next"], Value::Null, "{rest}");
        assert_eq!(served.get("/audit?action=run").await["items"], json!([]));
        assert_eq!(served.get("/audit?since=2099-01-01T00:00:00Z").await["items"], json!([]));
        vec![first["items"][0]["subject"].clone(), rest["items"][0]["subject"].clone()]
    });
    assert_eq!(audit, ["version 2", "version 1"]);
}

#[test]
fn a_source_is_tested_saved_once_its_tables_open_and_removed_unless_it_is_used() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let source =
            |table: Value| json!({ "id": "more", "connection": { "files": { "url": "data" } }, "tables": [table] });
        let wrong = source(json!({ "name": "Visits", "rows": "many" }));
        let tested = served.post("/sources/more/test", &wrong).await;
        assert_eq!((tested.status, &tested.body["works"]), (StatusCode::OK, &false.into()), "{}", tested.body);
        let problem = tested.body["tables"][0]["problem"].as_str().expect("why");
        assert!(problem.contains("there is no file"), "{problem}");
        let refused = served.put("/sources/more", ("if-none-match", "*"), &wrong).await;
        assert_eq!((refused.status, problems(&refused)), (StatusCode::UNPROCESSABLE_ENTITY, vec!["tables[0]"]));

        let right = source(json!({ "name": "Bought", "path": "Orders.csv", "rows": "many" }));
        let tested = served.post("/sources/more/test", &right).await;
        let table = &tested.body["tables"][0];
        assert_eq!((&table["rows"], &table["problem"]), (&3.into(), &Value::Null), "{}", tested.body);
        assert!(table["written"].is_string(), "{table}");
        let made = served.put("/sources/more", ("if-none-match", "*"), &right).await;
        assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        let there = served.get("/tables/Bought").await;
        assert_eq!((&there["rows"], &there["written"]), (&3.into(), &table["written"]), "{there}");
        let remove = async |id: &str| {
            let tag = answered(served.request(Method::GET, &format!("/sources/{id}"))).await.headers["etag"].clone();
            answered(served.request(Method::DELETE, &format!("/sources/{id}")).header("if-match", tag)).await
        };
        assert_eq!(remove("more").await.status, StatusCode::NO_CONTENT);
        let sources = served.get("/sources").await;
        let used = sources["items"][0]["id"].as_str().expect("an id");
        assert_eq!(remove(used).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    });
}

#[test]
fn the_parts_of_an_overlap_are_counted_once_each_and_add_up_to_its_segments() {
    let terminal = shop::applied();
    shop::crowd(&terminal, 7);
    let served = Served::start(&terminal);
    wait(async {
        let segment = |name: &str, value: &str| {
            json!({ "name": name, "customers": { "where": {
                "column": "Merged_Customers.customer_id", "operator": "is_like", "value": value } } })
        };
        // Of k0000000 to k0000006: those that end on 0 to 3, and on 2 to 5; and 00001, who is in neither.
        let low = json!({ "name": "Low", "customers": { "sql":
            "SELECT customer_id FROM Merged_Customers WHERE customer_id < 'k0000004' AND customer_id >= 'k'" } });
        let high = json!({ "name": "High", "customers": { "sql":
            "SELECT customer_id FROM Merged_Customers WHERE customer_id BETWEEN 'k0000002' AND 'k0000005'" } });
        for (id, body) in [("low", low), ("high", high), ("k", segment("Crowd", "k%"))] {
            let made = served.put(&format!("/segments/{id}"), ("if-none-match", "*"), &body).await;
            assert_eq!(made.status, StatusCode::OK, "{}", made.body);
        }
        let counted = served.post("/counts", &json!({ "overlap": ["low", "high", "k"] })).await.body;
        let of = |list: &str, key: fn(&Value) -> String| -> Vec<(String, u64)> {
            let items = counted[list].as_array().into_iter().flatten();
            items.map(|one| (key(one), one["customers"].as_u64().expect("a count"))).collect()
        };
        let segments = of("segments", |one| one["segment"].as_str().expect("an id").to_owned());
        assert_eq!(segments, [("low".to_owned(), 4), ("high".to_owned(), 4), ("k".to_owned(), 7)], "{counted}");
        let parts = of("parts", |one| one["segments"].to_string());
        let some: Vec<_> = parts.iter().filter(|(_, customers)| *customers > 0).cloned().collect();
        let expected =
            [("[\"k\"]", 1), ("[\"low\",\"k\"]", 2), ("[\"high\",\"k\"]", 2), ("[\"low\",\"high\",\"k\"]", 2)];
        let mut some: Vec<(&str, u64)> = some.iter().map(|(ids, customers)| (ids.as_str(), *customers)).collect();
        some.sort_by_key(|(ids, _)| ids.len());
        assert_eq!((parts.len(), some), (7, expected.to_vec()), "{counted}");
        for wrong in [json!(["low"]), json!(["low", "low"]), json!(["low", "nobody"])] {
            let refused = served.post("/counts", &json!({ "overlap": wrong })).await;
            assert!(refused.status.is_client_error(), "{wrong}: {}", refused.body);
        }
    });
}
