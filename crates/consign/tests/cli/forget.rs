//! `consign forget`: whoever is forgotten is in no list, no file and no later run, and what was counted stays.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::slice;

use arrow::array::Array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::chaos::reaper::{Death, Reaper};
use crate::chaos::start::{DESTINATIONS, line, profile};
use crate::shop::{self, CUSTOMERS, PROFILES, RUN};
use crate::terminal::{Answer, Terminal};

/// A customer of the workspace who is sent everything.
struct Person {
    key: String,
    email: String,
    phone: String,
}

impl Person {
    /// The n-th of the workspace.
    fn nth(i: usize) -> Self {
        Self { key: format!("k{i:05}"), email: format!("eve{i}@example.com"), phone: format!("+1206555{i:04}") }
    }

    /// Some who are sent everything, as the file of the last run says.
    fn sent(terminal: &Terminal) -> Vec<Self> {
        let file = terminal.names("clean/out").pop().expect("a file");
        let text = fs::read_to_string(terminal.path("clean/out").join(file)).expect("read");
        let keys = text.lines().filter_map(|line| line.strip_prefix('k')?.get(..5)?.parse().ok());
        keys.map(Self::nth).collect()
    }

    /// What a trace of the person would hold.
    fn texts(&self) -> [&str; 3] {
        [&self.key, &self.email, &self.phone]
    }

    /// Takes the person out of the tables.
    fn leave(&self, terminal: &Terminal) {
        for file in [CUSTOMERS, PROFILES] {
            let text = fs::read_to_string(terminal.path(file)).expect("read");
            let others: String = text.split_inclusive('\n').filter(|line| !line.starts_with(&self.key)).collect();
            fs::write(terminal.path(file), others).expect("written");
        }
    }
}

/// The files of the data folder in which any of these texts is, in a column of any type or plain.
fn traces(terminal: &Terminal, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![terminal.path(".consign")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("read").path();
            if path.is_dir() {
                folders.push(path);
            } else if texts.iter().any(|text| holds(&path, text)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn holds(path: &Path, text: &str) -> bool {
    if path.extension().is_none_or(|extension| extension != "parquet") {
        let bytes = fs::read(path).expect("read");
        return bytes.windows(text.len()).any(|window| window == text.as_bytes());
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("there")).expect("Parquet");
    reader.build().expect("readable").any(|rows| {
        rows.expect("read").columns().iter().any(|column| {
            let shown = ArrayFormatter::try_new(column, &FormatOptions::default()).expect("shown");
            (0..column.len()).any(|row| shown.value(row).to_string().contains(text))
        })
    })
}

/// Five platforms and a folder, and 121 customers.
fn workspace() -> Terminal {
    let terminal = Terminal::with(&["clean"]);
    fs::create_dir(terminal.path("clean/out")).expect("made");
    fs::write(terminal.path(shop::DESTINATIONS), DESTINATIONS).expect("written");
    terminal.edit(shop::CAMPAIGN, "[mail, folder]", "[mail, sms, criteo, tiktok, meta, folder]");
    let sms = "      sms:\n        attributes: [{ attribute: phone, column: Merged_Customers.phone }]\n";
    terminal.edit(shop::CAMPAIGN, "    destinations:\n", &format!("    destinations:\n{sms}"));
    shop::append(&terminal, CUSTOMERS, (0..120).map(line).collect::<String>());
    shop::append(&terminal, PROFILES, (0..120).map(profile).collect::<String>());
    shop::apply(&terminal);
    terminal
}

/// The same, run once.
fn delivered() -> Terminal {
    let terminal = workspace();
    let run = terminal.consign(RUN);
    assert_eq!(run.code, 0, "{}", run.transcript());
    terminal
}

/// The same with customers who have changed since: some are gone, one is new, one has another address.
fn changed_since() -> Terminal {
    let terminal = delivered();
    terminal.edit(CUSTOMERS, "eve7@", "eve.of.old@");
    let gone = |text: String| text.split_inclusive('\n').filter(|line| !line.starts_with("k0001")).collect::<String>();
    for (file, new) in [(CUSTOMERS, line(200)), (PROFILES, profile(200))] {
        let text = fs::read_to_string(terminal.path(file)).expect("read");
        fs::write(terminal.path(file), gone(text) + &new).expect("written");
    }
    terminal
}

/// The members of the lists at platforms, each beside its list.
fn lists(terminal: &Terminal) -> BTreeSet<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let get = |path: &str| -> Value {
        let url = format!("{}{path}", terminal.sandbox());
        let text = runtime.block_on(async { reqwest::get(url).await.expect("asked").text().await.expect("read") });
        serde_json::from_str(&text).expect("JSON")
    };
    let mut found = BTreeSet::new();
    for list in get("/state.json")["lists"].as_array().expect("lists") {
        let [id, platform, name] = ["id", "platform", "name"].map(|field| list[field].as_str().expect("a text"));
        let shown = get(&format!("/lists/{id}.json?platform={platform}"));
        let members = shown["members"].as_array().expect("members");
        found.extend(members.iter().map(|member| format!("{platform} {name}: {member}")));
    }
    found
}

/// The lists have exactly these members. Says only what is different.
fn assert_lists(terminal: &Terminal, expected: &BTreeSet<String>, when: &str) {
    let lists = lists(terminal);
    let (more, fewer): (Vec<_>, Vec<_>) = (lists.difference(expected).collect(), expected.difference(&lists).collect());
    assert!(more.is_empty() && fewer.is_empty(), "{when}: too many: {more:#?}, missing: {fewer:#?}");
}

/// What the lists are where these people never were.
fn lists_without(people: &[Person]) -> BTreeSet<String> {
    let terminal = workspace();
    for person in people {
        person.leave(&terminal);
    }
    let run = terminal.consign(RUN);
    assert_eq!(run.code, 0, "{}", run.transcript());
    lists(&terminal)
}

/// The counts of a run, but for its id and times.
fn counts(terminal: &Terminal, run: &str) -> Value {
    let status = terminal.consign(&format!("status {run} --no-poll --json")).json();
    serde_json::json!({ "audience": status["audience"], "deliveries": status["deliveries"] })
}

/// The rows of a run's recipients whose key is a token, and all.
fn recipients(terminal: &Terminal, run: &str) -> (usize, usize) {
    let path = terminal.path(".consign/runs").join(run).join("recipients.parquet");
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("there")).expect("Parquet");
    let (mut tokens, mut all) = (0, 0);
    for rows in reader.build().expect("readable") {
        let rows = rows.expect("read");
        let keys =
            ArrayFormatter::try_new(rows.column_by_name("customer_key").expect("a column"), &FormatOptions::default());
        let keys = keys.expect("shown");
        tokens += (0..rows.num_rows()).filter(|row| keys.value(*row).to_string().starts_with("forgotten-")).count();
        all += rows.num_rows();
    }
    (tokens, all)
}

fn latest(terminal: &Terminal) -> String {
    terminal.consign("status --json --no-poll").json()["runs"][0]["run"].as_str().expect("an id").to_owned()
}

#[test]
fn whoever_is_forgotten_is_in_no_list_no_file_and_no_later_run_and_the_counts_stay() {
    let terminal = delivered();
    let run = latest(&terminal);
    let person = Person::sent(&terminal).swap_remove(3);
    assert!(!traces(&terminal, &person.texts()).is_empty(), "the test looks where there are traces");
    let (counted, recorded) = (counts(&terminal, &run), recipients(&terminal, &run).1);

    let forgot = terminal.consign(&format!("forget {} --json", person.key));
    assert_eq!(forgot.code, 0, "{}", forgot.transcript());
    let forgot = forgot.json();
    let removed: Vec<_> = forgot["lists"].as_array().expect("lists").iter().map(|list| &list["removed"]).collect();
    assert_eq!(removed, [1; 5], "{forgot:#}");
    assert_eq!(
        (&forgot["runs"][0], forgot["files"].as_array().map(Vec::len)),
        (&run.clone().into(), Some(1)),
        "{forgot:#}"
    );
    let without = lists_without(slice::from_ref(&person));
    assert_lists(&terminal, &without, "forgotten");
    assert_eq!(traces(&terminal, &person.texts()), Vec::<String>::new());
    assert_eq!(counts(&terminal, &run), counted);
    assert_eq!(recipients(&terminal, &run), (6, recorded), "a token for each of five lists and a file");

    let audit = terminal.consign("audit --json").out;
    assert!(audit.contains("\"forgotten\"") && !person.texts().iter().any(|text| audit.contains(text)), "{audit}");
    let explained = terminal.consign(&format!("explain churn {}", person.key));
    assert!(explained.out.contains("This key was forgotten on"), "{}", explained.transcript());

    let next = terminal.consign(&format!("{RUN} --json"));
    assert_eq!(next.code, 0, "{}", next.transcript());
    assert_lists(&terminal, &without, "the tables have the customer still");
    assert_eq!(traces(&terminal, &person.texts()), Vec::<String>::new());
    let again = terminal.consign(&format!("forget {}", person.key));
    assert_eq!((again.code, again.out.as_str()), (0, "1 customer forgotten\n"), "{}", again.transcript());
}

#[test]
fn many_are_forgotten_at_once_from_standard_input() {
    let terminal = delivered();
    let people: Vec<_> = Person::sent(&terminal).into_iter().step_by(7).collect();
    let keys = people.iter().map(|person| person.key.as_str()).collect::<Vec<_>>().join("\n");
    let forgot = terminal.consign_reading("forget -", &keys);
    assert_eq!(forgot.code, 0, "{}", forgot.transcript());
    assert!(forgot.out.ends_with(&format!("{} customers forgotten\n", people.len())), "{}", forgot.out);
    assert_lists(&terminal, &lists_without(&people), "forgotten");
    let texts: Vec<_> = people.iter().flat_map(Person::texts).collect();
    assert_eq!(traces(&terminal, &texts), Vec::<String>::new());
    let nobody = terminal.consign_reading("forget -", "\n");
    assert_eq!(nobody.code, 2, "{}", nobody.transcript());
}

#[test]
fn forgetting_that_is_killed_at_any_request_or_change_of_the_ledger_is_gone_on_with_by_the_next_command() {
    let people = some();
    let without = lists_without(&people);
    let requests = (1..).step_by(2).map(|number| Death::Request { number, after: number % 4 == 1 });
    let changes = (1..).map(|time| Death::Point { name: "ledger_changed".to_owned(), time });
    let deaths: [(Box<dyn Iterator<Item = Death>>, usize); 2] = [(Box::new(requests), 4), (Box::new(changes), 2)];
    for (deaths, least) in deaths {
        let mut kills = 0;
        for death in deaths {
            let (terminal, when) = (delivered(), format!("{death:?}"));
            let reaper = Reaper::before(terminal.sandbox());
            let forgot = reaper.call(&terminal, &words(&people), &[], Some(&death));
            if forgot.code == 0 {
                break;
            }
            assert_eq!(forgot.code, -1, "{when}: {}", forgot.transcript());
            kills += 1;
            let status = terminal.consign("status");
            assert_eq!((status.code, status.err.as_str()), (0, ""), "{when}: {}", status.transcript());
            assert_lists(&terminal, &without, &when);
            assert_no_traces(&terminal, &people, &when);
        }
        assert!(kills >= least, "only {kills} kills");
    }
}

/// Some of those who are sent everything.
fn some() -> Vec<Person> {
    let terminal = delivered();
    Person::sent(&terminal).into_iter().skip(2).step_by(40).collect()
}

/// A run of the workspace that was killed when the platform had dealt with that request.
fn killed(terminal: &Terminal, request: u64) {
    let reaper = Reaper::before(terminal.sandbox());
    let death = Death::Request { number: request, after: true };
    assert_eq!(reaper.call(terminal, RUN, &[], Some(&death)).code, -1, "{request}");
}

fn words(people: &[Person]) -> String {
    format!("forget {}", people.iter().map(|person| person.key.as_str()).collect::<Vec<_>>().join(" "))
}

fn forget(terminal: &Terminal, people: &[Person]) -> Answer {
    terminal.consign(&words(people))
}

fn assert_no_traces(terminal: &Terminal, people: &[Person], when: &str) {
    let texts: Vec<_> = people.iter().flat_map(Person::texts).collect();
    assert_eq!(traces(terminal, &texts), Vec::<String>::new(), "{when}");
}

/// Forgets people when a run was killed at each of those requests, resumes it, and looks.
fn resumed_without(people: &[Person], workspace: fn() -> Terminal, requests: &[u64]) {
    let without = {
        let terminal = workspace();
        for person in people {
            person.leave(&terminal);
        }
        assert_eq!(terminal.consign(RUN).code, 0);
        lists(&terminal)
    };
    for request in requests {
        let (terminal, when) = (workspace(), format!("killed at request {request}"));
        killed(&terminal, *request);
        let forgot = forget(&terminal, people);
        assert_eq!(forgot.code, 4, "{when}: {}", forgot.transcript());
        assert!(forgot.out.contains("is not finished: `consign resume` ends it"), "{}", forgot.transcript());
        let resumed = terminal.consign("resume --json");
        assert_eq!(resumed.code, 0, "{when}: {}", resumed.transcript());
        for delivery in resumed.json()["runs"][0]["deliveries"].as_array().expect("deliveries") {
            let Some(list) = delivery["list"].as_object() else { continue };
            let rejected: u64 = list["rejected"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
            let number = |name: &str| list[name].as_u64().expect("a number");
            let counted = number("sent") + number("kept") + rejected + number("unknown");
            assert_eq!(Some(counted), delivery["rows"].as_u64(), "{when}: {delivery}");
        }
        assert_lists(&terminal, &without, &when);
        assert_no_traces(&terminal, people, &when);
    }
}

#[test]
fn a_first_run_that_was_killed_sends_nobody_who_was_forgotten_since_and_its_counts_close() {
    resumed_without(&some(), workspace, &[1, 7, 10, 12, 14]);
}

#[test]
fn a_later_run_that_was_killed_sends_nobody_who_was_forgotten_since_and_its_counts_close() {
    resumed_without(&some(), changed_since, &[3, 6, 9, 12]);
}

#[test]
fn whoever_a_run_may_have_sent_that_was_killed_and_given_up_is_taken_off_all_the_same() {
    let people = some();
    for request in [7, 12, 14] {
        let (terminal, when) = (workspace(), format!("killed at request {request}"));
        killed(&terminal, request);
        let given_up = terminal.consign("cancel latest");
        assert_eq!(given_up.code, 0, "{when}: {}", given_up.transcript());
        let forgot = forget(&terminal, &people);
        assert_eq!(forgot.code, 0, "{when}: {}", forgot.transcript());
        let (left, without) = (lists(&terminal), lists_without(&people));
        let still: Vec<_> = left.difference(&without).collect();
        assert!(still.is_empty() && !left.is_empty(), "{when}: {still:#?}");
        assert_no_traces(&terminal, &people, &when);
        let retried = terminal.consign("retry latest");
        assert_eq!(retried.code, 1, "{when}: {}", retried.transcript());
        assert!(retried.err.contains("its staged data was deleted on"), "{}", retried.transcript());
    }
}

#[test]
fn a_platform_that_does_not_answer_is_asked_again_by_the_next_command() {
    let terminal = delivered();
    let person = Person::sent(&terminal).swap_remove(0);
    let nobody = shop::deserted();
    let words = format!("forget {} --json", person.key);
    let forgot = terminal.consign_with(&words, &[("CONSIGN_SANDBOX", &nobody)]);
    assert_eq!(forgot.code, 4, "{}", forgot.transcript());
    assert_eq!(forgot.json()["waiting"].as_array().map(Vec::len), Some(5), "{}", forgot.out);
    shop::discreet(&forgot);
    let status = terminal.consign("status");
    assert_eq!((status.code, status.err.as_str()), (0, ""), "{}", status.transcript());
    assert_lists(&terminal, &lists_without(slice::from_ref(&person)), "asked again");
    assert_eq!(traces(&terminal, &person.texts()), Vec::<String>::new());
}
