//! Commands that are stopped: by an interrupt, which ends a run as cancelled, and by a death, which ends nothing.

use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::shop::{self, CAMPAIGN, RUN};
use crate::terminal::Terminal;

/// A bucket that takes connections and never answers.
pub struct Silence {
    listener: TcpListener,
}

impl Silence {
    fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").expect("a free port") }
    }

    fn address(&self) -> String {
        self.listener.local_addr().expect("bound").to_string()
    }

    /// Waits until somebody connects. Who does waits as long as what this gives is kept.
    pub fn connected(&self) -> TcpStream {
        let (listener, (sender, receiver)) = (self.listener.try_clone().expect("a handle"), mpsc::channel());
        thread::spawn(move || sender.send(listener.accept()));
        let accepted = receiver.recv_timeout(Duration::from_mins(1));
        accepted.expect("somebody connects").expect("a connection").0
    }
}

/// A workspace whose run waits for a bucket that never answers.
pub fn waiting() -> (Terminal, Silence) {
    let (terminal, silence) = (shop::applied(), Silence::new());
    shop::with_bucket(&terminal, &format!("http://{}", silence.address()));
    (terminal, silence)
}

/// Only whole lists are in the folder.
fn lists_are_whole(terminal: &Terminal) {
    for name in terminal.names("clean/out") {
        let list = std::fs::read_to_string(terminal.path("clean/out").join(&name)).expect("read");
        assert_eq!((name.as_str(), list.as_str()), ("Churn_Letter.csv", "id,email\n00001,ada@example.com\n"));
    }
}

#[test]
fn an_interrupted_run_ends_as_cancelled() {
    let (terminal, silence) = waiting();
    let run = terminal.start(&format!("{RUN} --json"), &shop::keys());
    let _open = silence.connected();
    run.signal("INT");
    let answer = run.answer();
    assert_eq!((answer.code, &answer.json()["outcome"]), (130, &"cancelled".into()), "{}", answer.transcript());
    lists_are_whole(&terminal);
    let status = terminal.consign("status latest --json").json();
    assert_eq!((&status["outcome"], &status["deliveries"][0]["state"]), (&"cancelled".into(), &"cancelled".into()));
    assert_eq!(terminal.names(".consign/spill"), [""; 0]);
    // The next run finds nothing in its way.
    terminal.edit(CAMPAIGN, "[bucket, folder]", "[folder]");
    shop::apply(&terminal);
    assert_eq!(terminal.consign(RUN).code, 0);
}

#[test]
fn a_run_in_the_way_is_exit_code_6_and_a_dead_one_is_in_nobodys_way() {
    let (terminal, silence) = waiting();
    let run = terminal.start(RUN, &shop::keys());
    let _open = silence.connected();
    let second = terminal.consign(&format!("{RUN} --json"));
    assert_eq!((second.code, &second.json()["error"]["exit_code"]), (6, &6.into()), "{}", second.transcript());
    assert_eq!(terminal.consign("status latest --json").json()["state"], "delivering");
    run.signal("KILL");
    assert_eq!(run.answer().code, -1);
    lists_are_whole(&terminal);
    terminal.edit(CAMPAIGN, "[bucket, folder]", "[folder]");
    shop::apply(&terminal);
    let after = terminal.consign(RUN);
    assert_eq!(after.code, 0, "{}", after.transcript());
    assert_eq!(terminal.names(".consign/locks"), [""; 0]);
    let runs = terminal.consign("status --json").json()["runs"].clone();
    assert_eq!((&runs[0]["outcome"], &runs[1]["outcome"]), (&"succeeded".into(), &"failed".into()));
    let dead = terminal.consign(&format!("status {} --json", runs[1]["run"].as_str().expect("an id"))).json();
    assert!(dead["error"].as_str().is_some_and(|error| error.starts_with("the process ended")), "{dead}");
}

#[test]
fn a_command_that_only_looks_stops_at_once() {
    let (terminal, silence) = (Terminal::with(&["clean"]), Silence::new());
    shop::with_database(&terminal);
    let looking = terminal.start("validate clean", &[("DB", &format!("postgres://ada:x@{}/shop", silence.address()))]);
    let _open = silence.connected();
    looking.signal("INT");
    let answer = looking.answer();
    assert_eq!((answer.code, answer.out.as_str()), (130, ""), "{}", answer.transcript());
}
