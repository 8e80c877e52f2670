//! What becomes of a list when something goes wrong: every trouble at every platform, over real HTTP. `make faults` prints
//! the table; `docs/faults.md` has it for users. `CONSIGN_FAULTS_OF=klaviyo` tries one kind alone.

mod cell;
mod log;
mod matrix;
mod people;
mod platform;
mod words;

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::{env, fs};

use consign_destinations::registry::Registry;
use consign_engine::{Engine, EngineOptions};
use consign_model::document;
use consign_model::problem::Severity;
use consign_secrets::Secrets;
use futures::FutureExt;
use futures::stream::{self, StreamExt};

use cell::{Shop, ended};
use matrix::TROUBLES;
use platform::PLATFORMS;

/// What stands for a cell whose counts do not close, whose list is not what they say, or that tells what it must not.
const BROKEN: &str = "a rule is broken";
/// Cells at once: most of a cell is waiting for the disk and for jobs.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn faults_end_as_the_page_says_and_the_next_run_makes_the_list_whole() {
    log::keep();
    let folder = tempfile::tempdir().unwrap();
    let shop = &shop(folder.path()).await;
    let only = env::var("CONSIGN_FAULTS_OF").ok();
    let cells = TROUBLES.iter().flat_map(|(words, trouble)| PLATFORMS.iter().map(move |one| (*words, *trouble, one)));
    let cells = cells.filter(|(.., platform)| only.as_ref().is_none_or(|only| only == platform.kind));
    let lines = cells.map(|(words, trouble, platform)| async move {
        let kind = platform.kind;
        let (outcome, next) = match trouble.cannot_be(platform) {
            Some(why) => (format!("cannot be: it {why}"), "-".to_owned()),
            // One that breaks a rule says so in its line and fails the test at its end, with the others in sight.
            None => AssertUnwindSafe(Box::pin(ended(shop, platform, trouble)))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| (BROKEN.to_owned(), "-".to_owned())),
        };
        Line { words, kind, outcome, next }
    });
    let lines: Vec<Line> = stream::iter(lines).buffered(AT_ONCE).collect().await;
    for Line { words, kind, outcome, next } in &lines {
        println!("{words:<46} {kind:<10} {outcome}{}{next}", if next == "-" { "  " } else { "; then " });
    }
    assert!(lines.iter().all(|line| line.outcome != BROKEN), "what is {BROKEN:?} is told above");
    if only.is_some() {
        return;
    }
    let page = page(&lines);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    if env::var_os("CONSIGN_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/faults.md is not what happens; look at the table, and write it with \
         `CONSIGN_UPDATE_DOCS=1 cargo test --workspace --test delivery faults`"
    );
}

async fn shop(folder: &Path) -> Shop {
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data").join("Merged_Customers.csv"), people::csv()).unwrap();
    let file = ("faults.yaml".to_owned(), include_str!("faults/definitions.yaml").to_owned());
    let reading = document::read(&[file]);
    assert_eq!(reading.problems, []);
    let definitions = reading.definitions;
    let engine = Engine::new(EngineOptions::with_spill(folder.join("spill"))).unwrap();
    let tables = engine.open(&definitions, &Secrets::of(folder)).await.unwrap();
    let registry = Registry::new();
    let problems = consign_model::validate::validate(&definitions, tables.catalog(), &registry);
    let errors: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Shop { definitions, registry, engine, tables }
}

/// One trouble at one platform.
struct Line {
    words: &'static str,
    kind: &'static str,
    outcome: String,
    next: String,
}

fn page(lines: &[Line]) -> String {
    let mut page = include_str!("faults/page.md").to_owned();
    for Line { words, kind, outcome, next } in lines {
        writeln!(page, "| {words} | `{kind}` | {outcome} | {next} |").unwrap();
    }
    page
}
