//! Invariant 6: whatever a run dies of, and however often whoever resumes it dies too, in the end every list and file is
//! what an undisturbed run makes of it.
//!
//! Real processes, killed: at requests, before the platform sees them or after it has answered; at the named points of
//! `consign-points`; at any instant. Lists are at the sandbox, files in a folder and on the servers of `tests/servers`.
//! Sequences of deaths are made up from `CONSIGN_SEED` until `CONSIGN_KILLS` processes were killed: 200 in `make chaos`.
//!
//! The campaigns are that of the demo, and that of the tests' shop with 121 customers and lists of several requests each, which
//! is done in less time.

mod clock;
pub mod reaper;
mod servers;
mod serving;
pub mod start;
mod troubles;
pub mod world;

use std::env;
use std::ops::AddAssign;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use serde_json::Value;

use self::reaper::{Death, Reaper};
use self::servers::Server;
use self::start::Start;
use self::world::{Gap, World};

const RESUME: &str = "resume --json";

/// What befell a run until it ended.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    kills: u64,
    resumes: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.resumes += other.resumes;
    }
}

#[test]
fn a_first_run_that_dies_at_any_point_or_request_ends_as_if_nothing_had_happened() {
    dies_everywhere(&Start::first(Server::all()), |_| 1);
}

#[test]
fn a_later_run_that_dies_at_any_point_or_request_ends_as_if_nothing_had_happened() {
    dies_everywhere(&Start::later(Server::all()), |times| times);
}

/// Dies at each named point, at that one of its passings, and at each third request.
fn dies_everywhere(start: &Start, at: impl Fn(u64) -> u64) {
    let Start { undisturbed, .. } = start;
    assert!(undisturbed.requests > 6, "only {} requests are made", undisturbed.requests);
    let points = undisturbed.points.iter().map(|(name, times)| Death::Point { name: name.clone(), time: at(*times) });
    let requests = (1..=undisturbed.requests).step_by(3);
    let requests = requests.map(|number| Death::Request { number, after: number % 2 == 1 });
    let mut tally = Tally::default();
    for death in points.chain(requests) {
        let one = dies(start, std::slice::from_ref(&death)).unwrap_or_else(|reason| panic!("{death:?}: {reason}"));
        assert_eq!(one.kills, 1, "{death:?}: the run came to its end");
        tally += one;
    }
    println!("kills {}, resumes {}, {}", tally.kills, tally.resumes, Gap::default());
}

#[test]
fn each_named_point_is_on_the_way_of_a_run() {
    let start = Start::later(Server::all());
    let missed = |point: &&consign_points::Point| !start.undisturbed.points.contains_key(point.word());
    assert_eq!(
        consign_points::Point::ALL.iter().filter(missed).collect::<Vec<_>>(),
        [&consign_points::Point::ALL[0]; 0]
    );
}

#[test]
fn any_sequence_of_deaths_ends_as_if_nothing_had_happened() {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let (kills, given) = (number("CONSIGN_KILLS").unwrap_or(12), number("CONSIGN_SEED"));
    let first_seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 % 1_000_000);
    let starts = [Start::first(Server::all()), Start::later(Server::all()), Start::demo()];
    let mut tally = Tally::default();
    for seed in first_seed.. {
        if tally.kills >= kills {
            break;
        }
        tally += sequence(&starts, seed).unwrap_or_else(|reason| {
            panic!("{reason}\nCONSIGN_SEED={seed} CONSIGN_KILLS=1 repeats it, as far as instants can be repeated")
        });
    }
    println!("kills {}, resumes {}, {}, seed {first_seed}", tally.kills, tally.resumes, Gap::default());
}

/// Makes up a sequence of deaths from a seed, and says of one that goes wrong how few it takes.
fn sequence(starts: &[Start; 3], seed: u64) -> Result<Tally, String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { max_shrink_iters: 12, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let strategy =
        prop_oneof![2 => one_start(0, &starts[0]), 2 => one_start(1, &starts[1]), 1 => one_start(2, &starts[2])];
    let made_up = strategy.new_tree(&mut runner).expect("it is made up");
    let tally = std::cell::Cell::new(Tally::default());
    let ended = runner.run_one(made_up, |(start, deaths)| {
        tally.set(dies(&starts[start], &deaths).map_err(TestCaseError::fail)?);
        Ok(())
    });
    match ended {
        Ok(_) => Ok(tally.get()),
        Err(TestError::Fail(reason, (start, deaths))) => {
            let start = ["a first run", "a later run", "a run of the demo"][start];
            Err(format!("{start} with the deaths {deaths:?}: {reason}"))
        }
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
    }
}

/// One to three deaths on the way of a run: the second befalls who resumes it.
fn one_start(which: usize, start: &Start) -> impl Strategy<Value = (usize, Vec<Death>)> + use<> {
    let undisturbed = &start.undisturbed;
    let points: Vec<(String, u64)> = undisturbed.points.clone().into_iter().collect();
    let instants = 0..=u64::try_from(undisturbed.took.as_millis()).expect("it did not take long");
    let death = prop_oneof![
        (1..=undisturbed.requests, any::<bool>()).prop_map(|(number, after)| Death::Request { number, after }),
        proptest::sample::select(points)
            .prop_flat_map(|(name, times)| (1..=times).prop_map(move |time| Death::Point { name: name.clone(), time })),
        instants.prop_map(|after| Death::Instant(Duration::from_millis(after))),
    ];
    (Just(which), prop::collection::vec(death, 1..=3))
}

/// Runs the campaign and lets it die, resumes it, and compares; why it is not as undisturbed, where it is not.
fn dies(start: &Start, deaths: &[Death]) -> Result<Tally, String> {
    start.restore();
    let sandbox = start.sandbox();
    let reaper = Reaper::before(&sandbox.url);
    let mut tally = Tally::default();
    let mut deaths = deaths.iter();
    let mut command = start.run.as_str();
    let ended = loop {
        let death = deaths.next();
        let answer = reaper.call(&start.terminal, command, &start.variables(), death);
        tally.resumes += u64::from(command == RESUME);
        match answer.code {
            -1 if death.is_some() => {
                tally.kills += 1;
                command = RESUME;
            }
            0 if command == RESUME => match answer.json()["runs"].as_array().expect("runs").first() {
                Some(ended) => break ended.clone(),
                // It died before it had begun, or after it had ended.
                None if start.runs() == start.undisturbed.runs => {
                    break start.terminal.consign("status latest --json").json();
                }
                None => command = &start.run,
            },
            0 => break answer.json(),
            _ => return Err(answer.transcript()),
        }
    };
    if start.runs() != start.undisturbed.runs {
        return Err("it was run twice".to_owned());
    }
    let left = start.terminal.consign(RESUME).json()["runs"].clone();
    if left != Value::Array(Vec::new()) {
        return Err(format!("something is left to be resumed: {left}"));
    }
    as_undisturbed(start, &sandbox.url, &ended)?;
    sandbox.stop();
    Ok(tally)
}

/// Whether a run that has ended came to what an undisturbed one comes to; what differs.
fn as_undisturbed(start: &Start, sandbox: &str, ended: &Value) -> Result<(), String> {
    if ended["outcome"] != "succeeded" {
        return Err(format!("it did not succeed: {ended}"));
    }
    for delivery in ended["deliveries"].as_array().expect("deliveries") {
        counts_close(delivery)?;
    }
    let world = World::of(&start.terminal, sandbox, &start.servers, ended["run"].as_str().expect("an id"));
    let expected = &start.undisturbed.world;
    if world == *expected {
        return Ok(());
    }
    Err(format!("{} in {}", expected.gap(&world), expected.differing(&world).join(", ")))
}

/// sent + kept + rejected + unknown = rows, and all of it is known.
fn counts_close(delivery: &Value) -> Result<(), String> {
    let Some(list) = delivery["list"].as_object() else { return Ok(()) };
    let number = |name: &str| list[name].as_u64().expect("a number");
    let rejected: u64 = list["rejected"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum();
    let counted = number("sent") + number("kept") + rejected + number("unknown");
    let closed = Some(counted) == delivery["rows"].as_u64() && (number("unknown"), rejected) == (0, 0);
    if closed { Ok(()) } else { Err(format!("the counts do not close: {delivery}")) }
}
