//! The sandbox looked at: a page for people, JSON for programs, and the button that forgets.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::log::{Log, Seen};
use crate::platform::Platform;
use crate::server::{Shared, plain};
use crate::world::{List, World};

/// Requests, refusals and jobs that are shown.
const SHOWN: usize = 100;

/// Special credentials and names: platform, what to use, what happens.
const SPECIAL: [(Platform, &str, &str); 25] = [
    (Platform::Klaviyo, "API key `pk_wrong…`, `pk_expired…`", "401 `authentication_failed`"),
    (
        Platform::Klaviyo,
        "API key `pk_no_lists_write…` (so for every scope)",
        "403 `permission_denied` for calls that need it",
    ),
    (Platform::Attentive, "token `wrong…`, `expired…`", "401"),
    (Platform::Attentive, "token `no-segments…`, `no-attributes…`", "403 for those calls"),
    (Platform::Attentive, "token `v1-only…`", "404 for `/v2/me`, 200 for `/v1/me`"),
    (Platform::Criteo, "client id or secret `wrong…`", "401 `invalid_client`"),
    (Platform::Criteo, "refresh token `wrong…`", "400 `invalid_grant`"),
    (Platform::Criteo, "refresh token `once…`", "good for one use, as are those that it rotates to"),
    (Platform::Criteo, "client id that ends in `-` and digits", "may act for that advertiser; any other for 12345"),
    (Platform::Criteo, "client id `no-consent…`", "no advertiser is accessible"),
    (Platform::Criteo, "client id `no-permission…`, `read-only…`", "403 for all calls, for calls that write"),
    (Platform::Criteo, "client id `expired…`", "its tokens have expired at once"),
    (Platform::Criteo, "segment name with `[read-only]`", "`isReadOnly`, 403 when it is filled"),
    (Platform::Tiktok, "token `expired…`, `wrong…`, `no-application…`, `blocked…`", "40102, 40105, 40106, 41000"),
    (Platform::Tiktok, "token `analyst…`", "40001 for calls that write"),
    (Platform::Tiktok, "token `no-advertiser-info…`, `no-audiences…`", "40001 for those calls"),
    (Platform::Tiktok, "advertiser id `9999…`", "40300"),
    (Platform::Meta, "token `expired…`, `wrong…`", "190/463, 190"),
    (Platform::Meta, "token `no-permission…`, `no-management…`", "10 for all calls, 200 for calls that write"),
    (Platform::Meta, "token `no-terms…`, `no-business…`", "200/1870090, 200/1870050"),
    (Platform::Meta, "token `blocked…`", "368 for calls that write"),
    (Platform::Meta, "token `proof.SECRET.…`", "demands the `appsecret_proof` made with SECRET"),
    (Platform::Meta, "account `act_404…`", "100/33"),
    (Platform::Meta, "account `act_999…`", "`account_status` 2"),
    (Platform::Meta, "any other", "accepted, as everywhere"),
];

/// Faults and what they do.
const FAULTS: [(&str, &str); 16] = [
    ("rate-limit, rate-limit:60", "refused with the platform's own signal, so many seconds"),
    ("unavailable", "a server error; nothing was done"),
    ("unavailable-after-effect", "a server error, although it was done"),
    ("slow:2s, slow:200ms", "it is done at once; the answer comes late"),
    ("drop", "the connection closes; nothing was done"),
    ("drop-after-effect", "the connection closes, although it was done"),
    ("half-answer", "it was done; the connection closes within the answer"),
    ("expired-token", "the credential has expired"),
    ("reject-rows:3", "three rows of the batch are refused"),
    ("html", "a page for people in place of JSON"),
    ("redirect", "a redirect to another host"),
    ("huge", "it is done; the answer has 3 GiB"),
    ("odd-ids", "it is done; ids in the answer are numbers where they are digits, else lists of one text"),
    ("fail-job", "Klaviyo, Attentive: the job does not succeed"),
    ("session-expired", "Meta: the window of the replace session has closed"),
    ("code:413, code:40050, code:2650/1870148", "that status (TikTok, Meta: that code and subcode)"),
];

/// `GET /state.json`
pub(crate) async fn state(State(shared): State<Arc<Shared>>) -> Response {
    let body = {
        let world = shared.world();
        let log = shared.log();
        state_of(&world, &log)
    };
    json_response(StatusCode::OK, &body)
}

fn state_of(world: &World, log: &Log) -> Value {
    let lists: Vec<Value> = Platform::ALL
        .into_iter()
        .flat_map(|platform| world.lists_of(platform).into_iter().map(move |list| (platform, list)))
        .map(|(platform, list)| summary(platform, list))
        .collect();
    let mut jobs: Vec<_> = world.jobs.values().collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.number));
    let jobs: Vec<Value> = jobs
        .into_iter()
        .take(SHOWN)
        .map(|job| {
            json!({"id": job.id, "platform": job.platform, "accepted": job.made, "due": job.due, "rows": job.total,
                "rejected": job.rejected.len(), "done": job.done, "fails": job.fails})
        })
        .collect();
    json!({"lists": lists, "profiles": world.profiles.len(), "jobs": jobs, "requests_total": log.total,
        "requests": log.requests.iter().take(SHOWN).collect::<Vec<_>>(),
        "refusals": log.refusals.iter().take(SHOWN).collect::<Vec<_>>()})
}

fn summary(platform: Platform, list: &List) -> Value {
    let identifiers = list.members.identifiers() + list.profiles.len();
    json!({"platform": platform, "account": list.account, "id": list.id, "name": list.name, "details": list.details,
        "members": list.len(), "identifiers": identifiers, "created": list.created, "updated": list.updated})
}

/// Which members of a list to show.
#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    platform: Option<Platform>,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// `GET /lists/{id}.json`, with `offset`, `limit` (1,000 unless given, at most 100,000) and, where two
/// platforms have one id, `platform`.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(file): Path<String>,
    Query(window): Query<Window>,
) -> Response {
    let body = {
        let world = shared.world();
        file.strip_suffix(".json").and_then(|id| list_of(&world, id, &window))
    };
    match body {
        Some(body) => json_response(StatusCode::OK, &body),
        None => json_response(StatusCode::NOT_FOUND, &json!({"message": "no such list"})),
    }
}

fn list_of(world: &World, id: &str, window: &Window) -> Option<Value> {
    let (platform, list) = Platform::ALL
        .into_iter()
        .filter(|platform| window.platform.is_none_or(|only| only == *platform))
        .find_map(|platform| Some((platform, world.list(platform, id)?)))?;
    let limit = window.limit.unwrap_or(1_000).min(100_000);
    let profiles = list.profiles.iter().map(|number| Value::Object(world.profiles.attributes(*number)));
    let rows = list.members.rows().map(|(columns, values)| {
        let member: Map<String, Value> = columns
            .iter()
            .zip(values)
            .filter(|(_, value)| !value.is_empty())
            .map(|(column, value)| (column.clone(), json!(value)))
            .collect();
        Value::Object(member)
    });
    let members: Vec<Value> = profiles.chain(rows).skip(window.offset).take(limit).collect();
    let mut shown = summary(platform, list);
    shown["offset"] = json!(window.offset);
    shown["total"] = json!(list.len());
    shown["members"] = json!(members);
    Some(shown)
}

/// `POST /reset`
pub(crate) async fn reset(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    if !origin.is_empty() && origin.split_once("://").map(|(_, host)| host) != Some(host) {
        return plain(StatusCode::FORBIDDEN, "another site may not reset the sandbox\n".to_owned());
    }
    if let Err(error) = shared.reset() {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, format!("the state cannot be cleared: {error}\n"));
    }
    let mut response = Response::new(Body::empty());
    if text(header::ACCEPT).contains("text/html") {
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/"));
    } else {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `GET /`
pub(crate) async fn html(State(shared): State<Arc<Shared>>) -> Response {
    let body = {
        let world = shared.world();
        let log = shared.log();
        html_of(&world, &log)
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem;\
color:#1a1a1a;background:#fff}table{border-collapse:collapse;width:100%;margin:0 0 2rem}caption{text-align:left;\
padding:.25rem 0}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #767676;\
vertical-align:top;overflow-wrap:anywhere}th,td:first-child{overflow-wrap:normal}.n{text-align:right}button{font:inherit;padding:.4rem 1rem}";

fn html_of(world: &World, log: &Log) -> String {
    let mut page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Consign sandbox</title><style>{STYLE}</style></head>\
         <body><main><h1>Consign sandbox</h1><p>This server plays five marketing platforms. Nothing that is sent to \
         it reaches anybody. Programs read <a href=\"/state.json\">state.json</a>.</p>"
    );
    let lists: Vec<Vec<Cell>> = Platform::ALL
        .into_iter()
        .flat_map(|platform| world.lists_of(platform).into_iter().map(move |list| (platform, list)))
        .map(|(platform, list)| {
            let address = format!(
                "/lists/{}.json?platform={platform}",
                list.id.replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(' ', "%20")
            );
            vec![
                Cell::Text(platform.to_string()),
                Cell::Text(list.account.clone()),
                Cell::Link(address, list.name.clone()),
                Cell::Text(list.id.clone()),
                Cell::Number(list.len()),
                Cell::Text(list.updated.to_rfc3339_opts(SecondsFormat::Secs, true)),
            ]
        })
        .collect();
    let headings = ["Platform", "Account", "Name", "Id", "Members", "Changed"];
    table(
        &mut page,
        "Lists",
        "What each platform holds; the name leads to its members, as received.",
        &headings,
        lists,
    );
    let requests = |entries: &std::collections::VecDeque<Seen>| -> Vec<Vec<Cell>> {
        entries.iter().take(SHOWN).map(request_row).collect()
    };
    let headings = ["Time", "Platform", "Call", "Request", "Status", "Rows", "Fault", "Refused because"];
    table(
        &mut page,
        "Refusals",
        "Calls that a platform did not do, or not wholly, the newest first.",
        &headings,
        requests(&log.refusals),
    );
    table(&mut page, "Requests", "The last calls, the newest first.", &headings, requests(&log.requests));
    let addresses = Platform::ALL
        .map(|platform| vec![Cell::Text(platform.to_string()), Cell::Text(format!("/{platform}"))])
        .to_vec();
    table(&mut page, "Addresses", "The base URL of a client is this server's and:", &["Platform", "Path"], addresses);
    let special = SPECIAL
        .iter()
        .map(|(platform, what, then)| {
            vec![Cell::Text(platform.to_string()), Cell::Text((*what).to_owned()), Cell::Text((*then).to_owned())]
        })
        .collect();
    table(
        &mut page,
        "Special credentials and names",
        "Any credential of the platform's form is accepted, but those that begin like these:",
        &["Platform", "Used", "Outcome"],
        special,
    );
    let faults = FAULTS
        .iter()
        .map(|(what, then)| vec![Cell::Text((*what).to_owned()), Cell::Text((*then).to_owned())])
        .collect();
    table(
        &mut page,
        "Faults",
        "In the request header x-sandbox-fault, or for calls to come with --fault PLATFORM:CALL:WHEN:WHAT.",
        &["Fault", "Outcome"],
        faults,
    );
    page.push_str(
        "<h2>Reset</h2><p>Forgets all lists, members, jobs and requests.</p>\
         <form method=\"post\" action=\"/reset\"><button>Reset the sandbox</button></form></main></body></html>",
    );
    page
}

#[derive(Clone)]
enum Cell {
    Text(String),
    Number(usize),
    Link(String, String),
}

fn request_row(seen: &Seen) -> Vec<Cell> {
    let status = if seen.status == 0 { "no answer".to_owned() } else { seen.status.to_string() };
    vec![
        Cell::Text(seen.at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        Cell::Text(seen.platform.to_string()),
        Cell::Text(seen.call.to_owned()),
        Cell::Text(format!("{} {}", seen.method, seen.target)),
        Cell::Text(status),
        Cell::Number(seen.rows),
        Cell::Text(seen.fault.clone().unwrap_or_default()),
        Cell::Text(seen.refusal.clone().unwrap_or_default()),
    ]
}

/// A section with a table, or a sentence where there is nothing to show.
fn table(page: &mut String, title: &str, caption: &str, headings: &[&str], rows: Vec<Vec<Cell>>) {
    // Writing to a string cannot fail.
    let _ = write!(page, "<h2>{}</h2>", escape(title));
    if rows.is_empty() {
        page.push_str("<p>None.</p>");
        return;
    }
    let _ = write!(page, "<table><caption>{}</caption><thead><tr>", escape(caption));
    for heading in headings {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escape(heading));
    }
    page.push_str("</tr></thead><tbody>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = match cell {
                Cell::Text(text) => write!(page, "<td>{}</td>", escape(&text)),
                Cell::Number(number) => write!(page, "<td class=\"n\">{number}</td>"),
                Cell::Link(to, text) => write!(page, "<td><a href=\"{}\">{}</a></td>", escape(&to), escape(&text)),
            };
        }
        page.push_str("</tr>");
    }
    page.push_str("</tbody></table>");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
