//! `consign notifications`, and who is told when a command ends a run.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use serde_json::Value;

use crate::shop::{self, RUN, SECRET, deserted};
use crate::terminal::Terminal;

/// An address that accepts what it is told.
fn listening() -> (String, Receiver<Value>) {
    let (heard, hears) = mpsc::channel();
    let (bound, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            bound.send(listener.local_addr().expect("bound")).expect("somebody waits");
            let hear = move |body: String| async move {
                let _ = heard.send(serde_json::from_str(&body).expect("it is JSON"));
            };
            axum::serve(listener, Router::new().route("/hook", post(hear))).await.expect("served");
        });
    });
    (format!("http://{}/hook", address.recv().expect("an address")), hears)
}

/// The workspace, with somebody at that address who is told of what `on` says.
fn told(on: &str, url: &str) -> Terminal {
    let terminal = shop::applied();
    let told =
        format!("workspace:\n  notifications: [{{ id: ops, {on} webhook: {{ url: \"{url}\", secret: env:HOOK }} }}]\n");
    terminal.edit("clean/1_workspace.yaml", "workspace:\n", &told);
    shop::apply(&terminal);
    terminal
}

#[test]
fn who_is_reached_and_who_is_not_is_said() {
    let none = shop::applied();
    let answer = none.consign("notifications test");
    assert_eq!(answer.code, 5, "{}", answer.transcript());
    let (url, heard) = listening();
    let terminal = told("", &url);
    let answer = terminal.consign_with("notifications test", &[("HOOK", SECRET)]);
    assert_eq!((answer.code, answer.out.as_str()), (0, "  ok    ops\n"), "{}", answer.transcript());
    assert_eq!(heard.recv_timeout(Duration::from_mins(1)).expect("it is told")["occasion"], "test");
    let answer = terminal.consign("notifications test");
    assert_eq!(answer.code, 1, "{}", answer.transcript());
    assert!(answer.out.contains("FAIL  ops: ") && answer.out.contains("HOOK"), "{}", answer.transcript());
}

#[test]
fn a_run_tells_how_it_ended_once() {
    let (url, heard) = listening();
    let terminal = told("on: [succeeded, partial, failed],", &url);
    let run = terminal.consign_with(&format!("{RUN} --json"), &[("HOOK", SECRET)]);
    shop::discreet(&run);
    let message = heard.recv_timeout(Duration::from_mins(1)).expect("it is told");
    assert_eq!(message["occasion"], run.json()["outcome"], "{}", run.transcript());
    assert_eq!((&message["run"], &message["campaign"]), (&run.json()["run"], &"churn".into()));
    let again = terminal.consign_with("status", &[("HOOK", SECRET)]);
    assert_eq!((again.code, again.err.as_str()), (0, ""), "{}", again.transcript());
    assert!(heard.try_recv().is_err(), "it is told once");
}

#[test]
fn a_run_ends_as_it_did_where_nobody_can_be_told() {
    let terminal = told("on: [succeeded, partial, failed],", &deserted());
    let run = terminal.consign_with(RUN, &[("HOOK", SECRET)]);
    shop::discreet(&run);
    assert!(run.err.contains("`ops` could not be notified: the receiver cannot be reached"), "{}", run.transcript());
    let silent = shop::applied();
    assert_eq!(silent.consign(RUN).code, run.code);
}
