//! Who may use the API of `consign serve`, and how they say who they are.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use consign_server::access::Access;
use consign_server::route::Route;
use consign_store::Role;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::api::{Answered, PASSWORD, Served, answered, sending, user, wait};
use crate::shop;

/// A call of a route, about things that there are not.
fn call(served: &Served<'_>, route: &Route) -> RequestBuilder {
    let part = |part: &str| if part.starts_with('{') { "missing".to_owned() } else { part.to_owned() };
    let path = route.path.split('/').map(part).collect::<Vec<_>>().join("/");
    served.anybodys(route.method.name().parse().expect("a method"), &path)
}

#[test]
fn each_route_is_for_its_role_and_those_above_it() {
    let terminal = shop::applied();
    let tokens = Role::ALL.map(|role| (role, user(&terminal, &format!("the-{role}"), role.name())));
    let served = Served::start(&terminal);
    wait(async {
        for route in consign_server::routes() {
            let nobody = answered(call(&served, &route)).await;
            let is_open = route.access == Access::Anybody;
            assert_eq!(nobody.status != StatusCode::UNAUTHORIZED, is_open, "{}: {}", route.id, nobody.body);
            for (role, token) in &tokens {
                let got = answered(call(&served, &route).bearer_auth(token)).await;
                let (refused, may) = (got.status == StatusCode::FORBIDDEN, route.access.allows(*role));
                assert_eq!(refused, !may, "{} as {role}: {}", route.id, got.body);
                assert_ne!(got.status, StatusCode::UNAUTHORIZED, "{} as {role}", route.id);
            }
        }
        for (role, token) in &tokens {
            let me = answered(served.anybodys(Method::GET, "/me").bearer_auth(token)).await.body;
            assert_eq!((&me["name"], &me["role"]), (&json!(format!("the-{role}")), &json!(role)));
            let may = me["may"].as_array().expect("a list");
            assert_eq!(may.contains(&"publish_draft".into()), *role >= Role::Operator, "{me}");
        }
        let metrics = |token: Option<&str>| {
            let request = served.client.get(format!("{}/metrics", served.base));
            answered(token.into_iter().fold(request, RequestBuilder::bearer_auth))
        };
        assert_eq!(metrics(None).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(metrics(Some(&tokens[0].1)).await.status, StatusCode::OK);
    });
}

#[test]
fn the_page_on_security_says_who_may_do_what() {
    let mut table = String::from("| least role | operation | what it does |\n| --- | --- | --- |\n");
    let mut routes = consign_server::routes();
    routes.sort_by_key(|route| match route.access {
        Access::Anybody => None,
        Access::From(role) => Some(role),
    });
    for Route { access, id, summary, .. } in routes {
        let may = match access {
            Access::Anybody => "anybody",
            Access::From(role) => role.name(),
        };
        writeln!(table, "| {may} | `{id}` | {summary} |").expect("written");
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let text = fs::read_to_string(&page).expect("read");
    let (head, _) = text.split_once("| least role |").expect("the page has the table");
    if std::env::var_os("CONSIGN_UPDATE_DOCS").is_some() {
        fs::write(&page, format!("{head}{table}")).expect("written");
    } else {
        assert!(text == format!("{head}{table}"), "write `docs/security.md` anew with CONSIGN_UPDATE_DOCS=1");
    }
}

/// The cookie that an answer sets, as it is sent back.
fn cookie(of: &Answered) -> String {
    let set = of.headers["set-cookie"].to_str().expect("text");
    set.split(';').next().expect("a cookie").to_owned()
}

async fn log_in(served: &Served<'_>, name: &str, password: &str) -> Answered {
    let login = json!({ "name": name, "password": password });
    answered(sending(served.anybodys(Method::POST, "/login"), &login)).await
}

async fn me(served: &Served<'_>, cookie: &str) -> StatusCode {
    answered(served.anybodys(Method::GET, "/me").header("cookie", cookie)).await.status
}

#[test]
fn a_session_begins_with_the_password_and_ends_with_logging_out() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        for (name, password) in [("ada", "correct horse batterz"), ("nobody", PASSWORD), ("", "")] {
            let refused = log_in(&served, name, password).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{name}");
            assert!(!refused.headers.contains_key("set-cookie"));
            assert!(!refused.body.to_string().contains(PASSWORD));
        }
        let begun = log_in(&served, " Ada ", PASSWORD).await;
        assert_eq!((begun.status, &begun.body["name"]), (StatusCode::OK, &json!("ada")), "{}", begun.body);
        let set = begun.headers["set-cookie"].to_str().expect("text");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("Secure"), "{set}");
        let (first, second) = (cookie(&begun), cookie(&log_in(&served, "ada", PASSWORD).await));
        assert_ne!(first, second);
        assert_eq!(me(&served, &first).await, StatusCode::OK);
        let out = answered(served.anybodys(Method::POST, "/logout").header("cookie", &first)).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT);
        assert_eq!(me(&served, &first).await, StatusCode::UNAUTHORIZED);
        assert_eq!(me(&served, &second).await, StatusCode::OK, "another session goes on");
        let again = cookie(
            &answered(sending(
                served.anybodys(Method::POST, "/login").header("cookie", &second),
                &json!({ "name": "ada", "password": PASSWORD }),
            ))
            .await,
        );
        assert_ne!(again, second, "who logs in gets an id that nobody knew before");
        assert_eq!(me(&served, &second).await, StatusCode::UNAUTHORIZED);
        let kept = fs::read(terminal.path(".consign/consign.db")).expect("read");
        let value = again.split_once('=').expect("a cookie").1;
        assert!(!kept.windows(value.len()).any(|bytes| bytes == value.as_bytes()), "the store has its hash alone");
    });
}

#[test]
fn a_changed_password_ends_other_sessions_and_a_disabled_user_may_do_nothing() {
    let terminal = shop::applied();
    let token = user(&terminal, "zoe", "viewer");
    let served = Served::start(&terminal);
    wait(async {
        let (one, two) = (log_in(&served, "zoe", PASSWORD).await, log_in(&served, "zoe", PASSWORD).await);
        let change = |current: &str, new: &str| {
            let request = served.anybodys(Method::POST, "/me/password").header("cookie", cookie(&one));
            answered(sending(request, &json!({ "current": current, "new": new })))
        };
        assert_eq!(change("not the password", "another password").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(change(PASSWORD, "too short").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let changed = change(PASSWORD, "another password").await;
        assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.body);
        assert_eq!(me(&served, &cookie(&changed)).await, StatusCode::OK);
        assert_eq!(me(&served, &cookie(&two)).await, StatusCode::UNAUTHORIZED);
        assert_eq!(log_in(&served, "zoe", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
        let begun = log_in(&served, "zoe", "another password").await;
        assert_eq!(begun.status, StatusCode::OK);

        let id = begun.body["id"].as_str().expect("an id");
        let disabled = served.post(&format!("/users/{id}"), &json!({ "disabled": true })).await;
        assert_eq!((disabled.status, &disabled.body["disabled"]), (StatusCode::OK, &json!(true)));
        assert_eq!(me(&served, &cookie(&begun)).await, StatusCode::UNAUTHORIZED);
        assert_eq!(log_in(&served, "zoe", "another password").await.status, StatusCode::UNAUTHORIZED);
        let by_token = answered(served.anybodys(Method::GET, "/me").bearer_auth(&token)).await;
        assert_eq!(by_token.status, StatusCode::UNAUTHORIZED);
    });
}

#[test]
fn users_are_added_changed_and_removed_and_one_admin_stays() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let new = json!({ "name": "Zoe@example.com", "role": "editor", "password": PASSWORD });
        let added = served.post("/users", &new).await;
        assert_eq!((added.status, &added.body["name"]), (StatusCode::CREATED, &json!("zoe@example.com")));
        assert_eq!(served.post("/users", &new).await.status, StatusCode::CONFLICT);
        let users = served.get("/users").await;
        let ids: Vec<&str> =
            users["items"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
        let [ada, zoe] = ids[..] else { panic!("{users}") };
        let lesser = served.post(&format!("/users/{ada}"), &json!({ "role": "viewer" })).await;
        assert_eq!(lesser.status, StatusCode::CONFLICT, "{}", lesser.body);
        let promoted = served.post(&format!("/users/{zoe}"), &json!({ "role": "operator" })).await;
        assert_eq!((promoted.status, &promoted.body["role"]), (StatusCode::OK, &json!("operator")));
        let gone = || answered(served.request(Method::DELETE, &format!("/users/{zoe}")));
        assert_eq!(gone().await.status, StatusCode::NO_CONTENT);
        assert_eq!(gone().await.status, StatusCode::NOT_FOUND);
    });
    let audited = terminal.consign("audit --json").json().to_string();
    for said in ["add user", "change user", "remove user", "zoe@example.com", "role operator"] {
        assert!(audited.contains(said), "{said}: {audited}");
    }
}

#[test]
fn a_token_may_do_no_more_than_its_owner_and_only_its_owner_and_admins_see_it() {
    let terminal = shop::applied();
    let (zoe, eve) = (user(&terminal, "zoe", "editor"), user(&terminal, "eve", "viewer"));
    let served = Served::start(&terminal);
    let of = |token: &str, method: Method, path: &str| served.anybodys(method, path).bearer_auth(token);
    wait(async {
        let make = |role: &str| {
            let body = json!({ "name": "nightly", "role": role, "days": 30 });
            answered(sending(of(&zoe, Method::POST, "/tokens"), &body))
        };
        assert_eq!(make("operator").await.status, StatusCode::FORBIDDEN);
        let made = make("editor").await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let secret = made.body["secret"].as_str().expect("a secret").to_owned();
        let id = made.body["token"]["id"].as_str().expect("an id").to_owned();
        let begin =
            |secret: &str| answered(sending(of(secret, Method::POST, "/campaigns"), &json!({ "name": "Spring" })));
        let begun = begin(&secret).await;
        assert_eq!((begun.status, &begun.body["edited_by"]), (StatusCode::CREATED, &json!("zoe")));
        let seen = |token: &str| {
            let request = answered(of(token, Method::GET, "/tokens"));
            async { request.await.body["items"].as_array().expect("a list").len() }
        };
        assert_eq!((seen(&eve).await, seen(&zoe).await), (1, 2));
        let all = served.get("/tokens").await;
        assert!(!all.to_string().contains(&secret), "nobody is shown it again");
        assert_eq!(all["items"].as_array().map(Vec::len), Some(4), "an admin sees all: {all}");
        assert!(
            all["items"].as_array().expect("a list").iter().any(|one| one["id"] == id && one["used_at"].is_string())
        );
        let user = answered(of(&zoe, Method::GET, "/me")).await.body["id"].as_str().expect("an id").to_owned();
        served.post(&format!("/users/{user}"), &json!({ "role": "viewer" })).await;
        assert_eq!(begin(&secret).await.status, StatusCode::FORBIDDEN, "its owner may not any more");
        let remove = |token: &str| answered(of(token, Method::DELETE, &format!("/tokens/{id}")));
        assert_eq!(remove(&eve).await.status, StatusCode::NOT_FOUND);
        assert_eq!(remove(&zoe).await.status, StatusCode::NO_CONTENT);
        assert_eq!(begin(&secret).await.status, StatusCode::UNAUTHORIZED);
    });
}

#[test]
fn what_somebody_does_is_noted_in_their_name() {
    let terminal = shop::applied();
    let zoe = user(&terminal, "zoe@example.com", "operator");
    let served = Served::start(&terminal);
    wait(async {
        let run = answered(served.anybodys(Method::POST, "/campaigns/churn/run").bearer_auth(&zoe)).await;
        assert_eq!(run.status, StatusCode::ACCEPTED, "{}", run.body);
        let request = served.anybodys(Method::POST, "/campaigns/churn/copy").bearer_auth(&zoe);
        let copied = answered(sending(request, &json!({ "name": "Spring" }))).await;
        assert_eq!(copied.body["edited_by"], "zoe@example.com", "{}", copied.body);
        let publish = served.anybodys(Method::POST, "/campaigns/spring/publish").header("if-match", "\"1\"");
        let published = answered(publish.bearer_auth(&zoe)).await;
        assert_eq!(published.status, StatusCode::OK, "{}", published.body);
    });
    let audited = terminal.consign("audit --json").json();
    let by = |action: &str| {
        let entries = audited["entries"].as_array().expect("a list");
        entries.iter().rfind(|entry| entry["action"] == action).map(|entry| entry["actor"].clone())
    };
    assert_eq!((by("run"), by("apply")), (Some("zoe@example.com".into()), Some("zoe@example.com".into())), "{audited}");
}

#[test]
fn while_nobody_can_log_in_the_link_makes_the_first_admin_once() {
    let terminal = shop::applied();
    let mut process = terminal.start("serve", &[]);
    let told = process.told("/set-up#");
    let link = told.split_whitespace().find(|word| word.contains("/set-up#")).expect("a link").to_owned();
    let (base, token) = link.split_once("/set-up#").expect("a link");
    let client = reqwest::Client::new();
    let first = |token: &str, name: &str| {
        let body = json!({ "token": token, "name": name, "password": PASSWORD });
        answered(sending(client.post(format!("{base}/api/v1/set-up")), &body))
    };
    wait(async {
        let early = answered(client.get(format!("{base}/api/v1/campaigns"))).await;
        assert_eq!(early.status, StatusCode::UNAUTHORIZED);
        assert!(early.body["detail"].as_str().is_some_and(|detail| detail.contains("nobody can log in yet")));
        for path in ["/healthz", "/readyz"] {
            assert_eq!(answered(client.get(format!("{base}{path}"))).await.status, StatusCode::OK, "{path}");
        }
        assert_eq!(first("consign_guessed", "eve").await.status, StatusCode::UNAUTHORIZED);
        let made = first(token, "ada@example.com").await;
        assert_eq!((made.status, &made.body["role"]), (StatusCode::CREATED, &json!("admin")), "{}", made.body);
        let campaigns = client.get(format!("{base}/api/v1/campaigns")).header("cookie", cookie(&made));
        assert_eq!(answered(campaigns).await.status, StatusCode::OK);
        assert_eq!(first(token, "eve").await.status, StatusCode::UNAUTHORIZED, "it is good once");
    });
    process.signal("TERM");
    assert_eq!(process.answer().code, 0);
    assert_eq!(terminal.consign("users list --json").json()["users"].as_array().map(Vec::len), Some(1));
}

#[test]
fn logging_in_is_tried_only_so_often() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let mut last = StatusCode::OK;
        for _ in 0..12 {
            last = log_in(&served, "ada", "not the password").await.status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
        let refused = log_in(&served, "ada", PASSWORD).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "the right password tells nothing either");
        assert!(refused.headers.contains_key("retry-after"));
        assert_eq!(log_in(&served, "zoe", PASSWORD).await.status, StatusCode::UNAUTHORIZED, "another name");
    });
}

#[test]
fn pages_of_other_sites_and_other_hosts_are_refused() {
    let terminal = shop::applied();
    let served = Served::start(&terminal);
    wait(async {
        let session = cookie(&log_in(&served, "ada", PASSWORD).await);
        let run = || served.anybodys(Method::POST, "/campaigns/churn/run").header("cookie", &session);
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("host", "evil.example"),
        ] {
            let refused = answered(run().header(name, value)).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}: {}", refused.body);
        }
        let read = served.anybodys(Method::GET, "/segments").header("cookie", &session);
        assert_eq!(answered(read.header("host", "evil.example:80")).await.status, StatusCode::FORBIDDEN);
        assert_eq!(served.get("/runs").await["items"], json!([]));
        let own = answered(run().header("origin", &served.base)).await;
        assert_eq!(own.status, StatusCode::ACCEPTED, "{}", own.body);
    });
}

#[test]
fn behind_a_proxy_its_address_is_ours_and_the_cookie_goes_by_tls_alone() {
    let terminal = shop::applied();
    let served = Served::start_with(&terminal, "serve --url https://consign.example.com", &[]);
    wait(async {
        let login = |from: &str, host: &str| {
            let request = served.anybodys(Method::POST, "/login").header("origin", format!("https://{from}"));
            let body = json!({ "name": "ada", "password": PASSWORD });
            answered(sending(request.header("host", host), &body))
        };
        for host in ["consign.example.com", "127.0.0.1:8470"] {
            let begun = login("consign.example.com", host).await;
            assert_eq!(begun.status, StatusCode::OK, "{host}: {}", begun.body);
            assert!(begun.headers["set-cookie"].to_str().is_ok_and(|set| set.contains("Secure")));
        }
        assert_eq!(login("evil.example", "consign.example.com").await.status, StatusCode::FORBIDDEN);
        assert_eq!(login("consign.example.com", "evil.example").await.status, StatusCode::FORBIDDEN);
    });
}

#[test]
fn an_address_that_others_can_reach_takes_a_user_and_says_how_browsers_reach_it() {
    let terminal = shop::applied();
    let refused = |words: &str, said: &str| {
        let answer = terminal.consign(words);
        assert_eq!(answer.code, 1, "{}", answer.transcript());
        assert!(answer.err.contains(said), "{}", answer.transcript());
    };
    refused("serve --listen 0.0.0.0:0 --url https://consign.example.com", "nobody can log in yet");
    user(&terminal, "zoe", "admin");
    refused("serve --listen 0.0.0.0:0", "say with `--url`");
    for url in ["http://consign.example.com", "https://consign.example.com/below", "mailto:ada@example.com"] {
        refused(&format!("serve --url {url}"), "cannot be where browsers reach it");
    }
    let served = Served::start_with(&terminal, "serve --listen 0.0.0.0:0 --url http://localhost", &[]);
    let base = served.base.replace("0.0.0.0", "127.0.0.1");
    let ready = wait(async { answered(served.client.get(format!("{base}/readyz"))).await });
    assert_eq!(ready.status, StatusCode::OK);
}

#[test]
fn who_locked_themselves_out_gets_in_again_by_the_command() {
    let terminal = shop::applied();
    let zoe = |words: &str, input: &str| terminal.consign_reading(&format!("users {words}"), input);
    assert_eq!(zoe("add zoe --role admin", "too short\n").code, 1);
    assert_eq!(zoe("add zoe --role admin", PASSWORD).code, 0);
    assert_eq!(zoe("add zoe --role admin", PASSWORD).code, 1, "the name is taken");
    let last = zoe("disable zoe", "");
    assert!(last.code == 1 && last.err.contains("no admin"), "{}", last.transcript());
    assert_eq!(zoe("password zoe", "another password").code, 0);
    let missing = zoe("password zo", PASSWORD);
    assert!(missing.code == 5 && missing.err.contains("`zoe`"), "{}", missing.transcript());
    let served = Served::start(&terminal);
    wait(async {
        assert_eq!(log_in(&served, "zoe", "another password").await.status, StatusCode::OK);
    });
    assert_eq!(zoe("role zoe viewer", "").code, 0);
    assert_eq!(zoe("disable zoe", "").code, 0);
    assert_eq!(wait(log_in(&served, "zoe", "another password")).status, StatusCode::UNAUTHORIZED);
    assert_eq!(zoe("enable zoe", "").code, 0);
    let listed = zoe("list --json", "").json();
    let kept = |name: &str| listed["users"].as_array().expect("a list").iter().any(|one: &Value| one["name"] == name);
    assert!(kept("ada") && kept("zoe") && !listed.to_string().contains("argon2"), "{listed}");
    assert_eq!(zoe("remove zoe", "").code, 0);
    let tokens = terminal.consign("tokens list --json").json();
    let id = tokens["tokens"][0]["id"].as_str().expect("an id");
    assert_eq!(terminal.consign(&format!("tokens remove {id}")).code, 0);
    assert_eq!(terminal.consign(&format!("tokens remove {id}")).code, 5);
}
