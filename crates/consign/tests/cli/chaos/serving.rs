//! `consign serve` that is killed.

use super::clock::MovedClock;
use super::reaper::Reaper;
use super::start::Start;
use super::world::World;
use crate::shop::{CAMPAIGN, append};

const EACH_MINUTE: &str =
    "    schedule: { recurring: { every: { cron: '* * * * *' }, start: 2026-12-01T00:00, end: { after: 5 } } }\n";

#[test]
fn five_times_of_a_schedule_are_five_whole_runs_though_the_server_is_killed_twice() {
    let start = Start::first(Vec::new());
    let Some(clock) = MovedClock::of(&start) else { return };
    start.restore();
    let sandbox = start.sandbox();
    let reaper = Reaper::before(&sandbox.url);
    let mut variables = vec![("CONSIGN_SANDBOX", reaper.url())];
    variables.extend(clock.variables());
    // It stands still between the minutes, so that none passes unseen.
    clock.put("2026-12-01 10:00:30");
    append(&start.terminal, CAMPAIGN, EACH_MINUTE);
    let applied = start.terminal.consign_with("apply clean", &variables);
    assert_eq!(applied.code, 0, "{}", applied.transcript());
    let serve = || start.terminal.start("serve", &variables);
    let mut serving = serve();
    for minute in 1..=5 {
        let killed = minute % 2 == 0;
        if killed {
            // In the midst of the run, before a platform has dealt with a request, or after it.
            reaper.kill_at(&serving, 3, minute == 4);
        }
        clock.put(&format!("2026-12-01 10:{minute:02}:00"));
        if killed {
            assert_eq!(serving.answer().code, -1);
            serving = serve();
        }
        serving.told(if killed { "resumed, and ended" } else { "outcome=\"succeeded\"" });
    }
    serving.signal("TERM");
    assert_eq!(serving.answer().code, 0);
    let status = start.terminal.consign("status --json").json();
    let runs = status["runs"].as_array().expect("a list");
    let outcomes: Vec<_> = runs.iter().map(|run| run["outcome"].as_str()).collect();
    assert_eq!(outcomes, [Some("succeeded"); 5], "{status}");
    let listed = start.terminal.consign("schedule list --json").json();
    assert_eq!(listed["schedules"][0]["next"], serde_json::json!([]), "{listed}");
    let world = World::of(&start.terminal, &sandbox.url, &[], runs[0]["run"].as_str().expect("an id"));
    assert!(world == start.undisturbed.world, "{:?}", start.undisturbed.world.differing(&world));
    sandbox.stop();
}
