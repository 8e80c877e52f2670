//! Where the command line meets the engine, the destinations and the delivery machine.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path;
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use consign_delivery::{Progress, RunError, Workplace};
use consign_destinations::files;
use consign_engine::EngineError;
use consign_model::definition::Destination;
use consign_model::document::Located;
use consign_model::id::Slug;
use consign_model::problem::{Path, Problem, Severity, Step};
use consign_model::spec::{Kinds, Settings};
use consign_model::validate::validate;
use consign_secrets::Secrets;
use consign_store::{SqliteStore, Store, StoredDefinitions};
use serde_json::Value;

use crate::commands::status;
use crate::context::Context;
use crate::definition_files::DefinitionFiles;
use crate::exit::Refusal;
use crate::print::Bar;
use crate::show;
use crate::view::{Demo, Explanation, Preview, RunSummary, TestResult, TestStep};
use crate::workplace::{Looked, Opened};

/// A campaign to look at or to run, and what it is run with.
pub struct Campaigning<'a> {
    /// What every command works with.
    pub context: &'a Context,
    /// The store.
    pub store: &'a SqliteStore,
    /// The definitions that are current in it.
    pub current: &'a StoredDefinitions,
    /// The campaign's id; the definitions have it.
    pub campaign: &'a Slug,
}

impl Campaigning<'_> {
    /// An error of a run for people: where the tables do not fit the definitions any more, every problem of them.
    fn explained(&self, error: RunError, opened: &Opened) -> anyhow::Error {
        let planned = match &error {
            RunError::Plan(problems) => problems.as_slice(),
            RunError::Engine(EngineError::Condition { .. }) => &[],
            _ => return error.into(),
        };
        let definitions = &self.current.definitions;
        let mut problems = opened.tables.problems().to_vec();
        let found = validate(definitions, opened.tables.catalog(), self.context.registry.as_ref());
        problems.extend(found.into_iter().filter(|problem| problem.severity == Severity::Error));
        if problems.is_empty() {
            problems.extend_from_slice(planned);
        }
        if problems.is_empty() {
            return error.into();
        }
        let definitions = serde_json::to_value(definitions).unwrap_or_default();
        let mut text = format!("the campaign `{}` does not fit the tables as they are now", self.campaign);
        for Problem { path, reason, remedy, .. } in &problems {
            let _ = write!(text, "\n  {}: {reason}\n    help: {remedy}", place(&definitions, path));
        }
        Refusal::invalid(text).into()
    }

    fn workplace<'a>(&'a self, opened: &'a Opened, progress: &'a (dyn Fn(Progress<'_>) + Sync)) -> Workplace<'a> {
        Workplace {
            definitions: &self.current.definitions,
            tables: &opened.tables,
            registry: &self.context.registry,
            secrets: &opened.secrets,
            folder: &opened.folder,
            threads: opened.threads,
            cancel: &self.context.cancel,
            progress,
        }
    }
}

/// Every problem of definition files, with what the tables and the SQL of segments have to say.
pub async fn problems(context: &Context, files: &DefinitionFiles, folder: &path::Path) -> Result<Vec<Located>> {
    let reading = &files.reading;
    let looked = Looked::at(context, &reading.definitions, folder).await?;
    let tables = &looked.tables;
    let mut problems = reading.validate(Some(tables.catalog()), context.registry.as_ref());
    let found = tables.problems().iter().cloned().chain(tables.check_sql(&reading.definitions).await);
    problems.extend(found.map(|problem| reading.lines.locate(problem)));
    let place = |file: &Option<String>| files.files.iter().position(|(name, _)| Some(name) == file.as_ref());
    problems.sort_by_key(|found| (place(&found.file), found.line, found.column));
    Ok(problems)
}

/// Connects to a destination and says what works and what does not.
pub async fn test_destination(context: &Context, destination: &Destination, folder: &path::Path) -> Result<TestResult> {
    let specs = context.registry.specs();
    let spec = specs.into_iter().find(|spec| spec.kind == destination.kind);
    let spec = spec.with_context(|| format!("`{}` is not a known kind", destination.kind))?;
    let mut steps = Vec::new();
    let worked = |what: String| TestStep { what, problem: None };
    let failed = |what: &str, problem: String| TestStep { what: what.to_owned(), problem: Some(problem) };
    match Secrets::of(folder).resolve_all(&destination.credentials) {
        Err(error) => steps.push(failed("read the credentials", show::chain(&error))),
        Ok(credentials) if spec.writes_files => {
            if !credentials.is_empty() {
                steps.push(worked("read the credentials".into()));
            }
            let settings = Settings::new(spec, &destination.settings);
            match files::open(&destination.kind, &settings, &credentials, folder) {
                Err(error) => steps.push(failed("read the settings", show::chain(&error))),
                Ok(store) => match store.test().await {
                    Ok(proved) => steps.extend(proved.into_iter().map(worked)),
                    Err(error) => steps.push(failed("write a small file and remove it", show::chain(&error))),
                },
            }
        }
        Ok(_) => {
            steps.push(worked("read the credentials".into()));
            let problem = format!("this version makes the requests of {} and does not send them", spec.title);
            steps.push(failed("connect", problem));
        }
    }
    Ok(TestResult {
        destination: destination.id.to_string(),
        kind: destination.kind.clone(),
        works: steps.iter().all(|step| step.problem.is_none()),
        steps,
    })
}

/// Counts a campaign and what it would send, with the first rows of each delivery.
pub async fn preview(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>, rows: usize) -> Result<Preview> {
    let opened = Box::pin(Opened::of(work.context, work.current)).await?;
    let bars = Bars::new(work.context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let preview = Box::pin(workplace.preview(work.store, work.campaign, as_of.unwrap_or_else(Utc::now), rows)).await;
    drop(bars);
    let preview = preview.map_err(|error| work.explained(error, &opened))?;
    Ok(show::preview(preview, work.current.version, &work.context.registry))
}

/// Runs a campaign.
pub async fn run(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>) -> Result<RunSummary> {
    let opened = Box::pin(Opened::of(work.context, work.current)).await?;
    let bars = Bars::new(work.context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let as_of = as_of.unwrap_or_else(Utc::now);
    let run = Box::pin(workplace.run(work.store, work.current.version, work.campaign, as_of)).await;
    drop(bars);
    let run = run.map_err(|error| work.explained(error, &opened))?;
    status::summary(work.store, work.store.run(&run.run).await?).await
}

/// Says what became of a customer in a campaign's last run, and what the conditions say at the moment of that run.
pub async fn explain(work: &Campaigning<'_>, customer_key: &str) -> Result<Explanation> {
    let opened = Box::pin(Opened::of(work.context, work.current)).await?;
    let progress = |_: Progress<'_>| {};
    let workplace = work.workplace(&opened, &progress);
    let explanation = Box::pin(workplace.explain(work.store, work.campaign, customer_key)).await;
    let explanation = explanation.map_err(|error| work.explained(error, &opened))?;
    let deliveries = match &explanation.last_run {
        Some(last) => work.store.deliveries(&last.run).await?,
        None => Vec::new(),
    };
    Ok(show::explanation(explanation, work.current, work.campaign, customer_key, &deliveries))
}

/// Makes the demo workspace in a folder, applies it and runs its campaign. Its data folder is in it.
pub async fn demo(context: &Context, folder: &path::Path, force: bool) -> Result<Demo> {
    consign_demo::write(folder, consign_demo::Options { force })?;
    let data = folder.join(".consign");
    let context = &Context { data: data.clone(), ..context.clone() };
    let files = DefinitionFiles::read(folder)?;
    let store = context.store().await?;
    let place = folder.canonicalize().context("the demo's folder cannot be found")?;
    let author = env::var("USER").unwrap_or_else(|_| "demo".to_owned());
    store.apply(&files.reading.definitions, &place.to_string_lossy(), &author).await?;
    let current = store.current().await?.ok_or_else(|| Refusal::missing("the demo is not applied"))?;
    let campaign = &current.definitions.campaigns.first().context("the demo has no campaign")?.id;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    let as_of = consign_demo::as_of();
    let summary = run(&work, Some(as_of)).await?;
    let consign = format!("consign --data {}", data.display());
    let next = vec![
        format!("consign validate {}", folder.display()),
        format!("{consign} preview {campaign} --as-of {} --show-rows 2", as_of.date_naive()),
        format!("{consign} explain {campaign} 00046"),
        format!("{consign} status latest"),
    ];
    Ok(Demo { folder: folder.display().to_string(), summary, next })
}

/// Where in the definitions a path is, with ids in the place of numbers: `segments[high_value].customers.where`.
fn place(definitions: &Value, path: &Path) -> String {
    let mut at = definitions;
    let mut text = String::new();
    for step in path.steps() {
        match step {
            Step::Field(name) => {
                at = &at[name];
                let _ = write!(text, "{}{name}", if text.is_empty() { "" } else { "." });
            }
            Step::Item(index) => {
                at = &at[*index];
                let label = at["id"].as_str().or(at["name"].as_str());
                let _ = write!(text, "[{}]", label.map_or_else(|| index.to_string(), ToOwned::to_owned));
            }
        }
    }
    text
}

/// Bars for the steps of a run.
struct Bars {
    progress: crate::print::Progress,
    open: Mutex<BTreeMap<String, Bar>>,
}

impl Bars {
    fn new(context: &Context) -> Self {
        Self { progress: context.printer.progress(), open: Mutex::new(BTreeMap::new()) }
    }

    fn hear(&self, progress: Progress<'_>) {
        let Ok(mut open) = self.open.lock() else { return };
        match progress {
            Progress::Assigning => {
                open.insert("assign".into(), self.progress.bar("assigning", None));
            }
            Progress::Assigned(rows) => {
                open.remove("assign");
                // Nearly always one pass looks ahead, one at who is suppressed, and one stages.
                open.insert("stage".into(), self.progress.bar("staging", Some(rows.saturating_mul(3))));
            }
            Progress::Staging(rows) => {
                if let Some(bar) = open.get("stage") {
                    bar.advance(rows);
                }
            }
            Progress::Sending(delivery) => {
                open.remove("stage");
                open.insert(delivery.to_owned(), self.progress.bar(delivery, None));
            }
            Progress::Sent(delivery) => {
                open.remove(delivery);
            }
        }
    }
}
