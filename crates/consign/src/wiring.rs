//! Where the command line meets the engine, the destinations and the delivery machine.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use consign_delivery::folder::DataFolder;
use consign_delivery::lists::{KnownList, Reconciled, known_lists};
use consign_delivery::testing::CampaignTest;
use consign_delivery::{
    FollowUp, Notifier, PreviewOptions, Progress, RetentionError, RunError, Workplace, connect, keep_rotated,
};
use consign_destinations::files;
use consign_destinations::http::{Http, Patience, RetryPolicy, SystemClock, Timeouts};
use consign_engine::EngineError;
use consign_model::definition::Destination;
use consign_model::document::Located;
use consign_model::id::Slug;
use consign_model::problem::{Path, Problem, Severity, Step};
use consign_model::spec::{Kinds, Settings};
use consign_model::validate::validate;
use consign_secrets::Secrets;
use consign_server::summary::summary;
use consign_server::work::Listener;
use consign_store::{Drafts, Notice, Run, SqlStore, Store, StoredDefinitions};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::context::Context;
use crate::definition_files::DefinitionFiles;
use crate::exit::Refusal;
use crate::print::{Bar, Printer};
use crate::show;
use crate::view::{Demo, Explanation, NotificationTests, Preview, RunSummary, SandboxList, TestResult, TestStep};
use crate::workplace::{Looked, Opened, engine};

/// A campaign to look at or to run, and what it is run with.
pub struct Campaigning<'a> {
    /// What every command works with.
    pub context: &'a Context,
    /// The store.
    pub store: &'a SqlStore,
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
            engine: &opened.engine,
            http: &opened.http,
            sandbox: &self.context.sandbox,
            threads: opened.threads,
            cancel: &self.context.cancel,
            actor: &self.context.actor,
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
    let secrets = context.secrets(folder).await?;
    let mut steps = Vec::new();
    let proved = if spec.writes_files {
        test_files(destination, &Settings::new(spec, &destination.settings), &secrets).await
    } else {
        let sandbox = destination.sandbox.then_some(context.sandbox.as_str());
        let data = context.data_folder()?;
        match connect(&context.registry, &secrets, destination, sandbox, &Http::new()?, &data) {
            Ok(client) => {
                let proved = client.test().await;
                keep_rotated(client.as_ref(), destination, &secrets, &data)?;
                proved.map_err(|error| show::chain(&error))
            }
            Err(error) => Err(show::chain(&error)),
        }
    };
    match proved {
        Ok(proved) => steps.extend(proved.into_iter().map(|what| TestStep { what, problem: None })),
        Err(problem) => {
            let what = if spec.writes_files { "write a small file and remove it" } else { "ask the platform" };
            steps.push(TestStep { what: what.into(), problem: Some(problem) });
        }
    }
    Ok(TestResult {
        destination: destination.id.to_string(),
        kind: destination.kind.clone(),
        works: steps.iter().all(|step| step.problem.is_none()),
        steps,
    })
}

/// Writes a small file to a destination and removes it; what was proved, or what is wrong.
async fn test_files(
    destination: &Destination,
    settings: &Settings,
    secrets: &Secrets,
) -> std::result::Result<Vec<String>, String> {
    let credentials = secrets.resolve_all(&destination.credentials).map_err(|error| show::chain(&error))?;
    let store = files::open(&destination.kind, settings, &credentials, secrets.folder(), Patience::none());
    store.map_err(|error| show::chain(&error))?.test().await.map_err(|error| show::chain(&error))
}

/// Counts a campaign and what it would send, with the first rows of each delivery.
pub async fn preview(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>, options: PreviewOptions) -> Result<Preview> {
    let opened = Box::pin(Opened::of(work.context, work.store, work.current)).await?;
    let bars = Bars::new(work.context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let preview = Box::pin(workplace.preview(work.store, work.campaign, as_of.unwrap_or_else(Utc::now), options)).await;
    drop(bars);
    let preview = preview.map_err(|error| work.explained(error, &opened))?;
    Ok(show::preview(preview, work.current.version, &work.context.registry))
}

/// Tests a campaign with so many records of each delivery.
pub async fn test(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>, records: usize) -> Result<CampaignTest> {
    let opened = Box::pin(Opened::of(work.context, work.store, work.current)).await?;
    let bars = Bars::new(work.context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let test = Box::pin(workplace.test(work.store, work.campaign, as_of.unwrap_or_else(Utc::now), records)).await;
    drop(bars);
    test.map_err(|error| work.explained(error, &opened))
}

/// Deletes the staged data that is older than the workspace lets it be.
pub async fn delete_expired(
    store: &SqlStore,
    folder: &DataFolder,
    current: &StoredDefinitions,
    now: DateTime<Utc>,
) -> Result<Vec<String>, RetentionError> {
    let days = current.definitions.workspace.clone().unwrap_or_default().retention_days;
    consign_delivery::delete_expired(store, folder, days, now).await
}

/// Runs a campaign.
pub async fn run(work: &Campaigning<'_>, as_of: Option<DateTime<Utc>>) -> Result<RunSummary> {
    run_as(work, &Uuid::now_v7().to_string(), as_of.unwrap_or_else(Utc::now)).await
}

/// Runs a campaign as the run of an id.
pub async fn run_as(work: &Campaigning<'_>, run_id: &str, as_of: DateTime<Utc>) -> Result<RunSummary> {
    let opened = Box::pin(Opened::of(work.context, work.store, work.current)).await?;
    let bars = Bars::new(work.context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let version = work.current.version;
    let run = Box::pin(workplace.run_as(work.store, run_id, version, work.campaign, as_of)).await;
    drop(bars);
    notify(work.context, work.store).await;
    let run = run.map_err(|error| work.explained(error, &opened))?;
    Ok(summary(work.store, work.store.run(&run.run).await?).await?)
}

/// Tells who is to be told of what has ended, here or in a process that died, and says who could not be told. What ended
/// is no worse for that.
pub async fn notify(context: &Context, store: &SqlStore) {
    match try_notify(context, store).await {
        Ok(refused) => refused.iter().for_each(|refused| warn(context, refused)),
        Err(error) => warn(context, &format!("nobody could be notified: {error:#}")),
    }
}

/// Says it at the terminal, and in the log of a process that has none.
fn warn(context: &Context, said: &str) {
    tracing::warn!("{said}");
    context.printer.note(said);
}

async fn try_notify(context: &Context, store: &SqlStore) -> Result<Vec<String>> {
    let Some(current) = store.current().await? else { return Ok(Vec::new()) };
    let (secrets, http) = (context.secrets(&current.folder).await?, receivers()?);
    let notifier = Notifier { definitions: &current.definitions, secrets: &secrets, http: &http };
    let refused = notifier.notify(store, Utc::now()).await?;
    let say = |(notice, error): (Notice, _)| {
        format!("`{}` could not be notified: {}", notice.notification, show::chain(&error))
    };
    Ok(refused.into_iter().map(say).collect())
}

/// Tells all who are to be told of anything that this is a test, and says what came of it.
pub async fn test_notifications(context: &Context, current: &StoredDefinitions) -> Result<NotificationTests> {
    let (secrets, http) = (context.secrets(&current.folder).await?, receivers()?);
    let notifier = Notifier { definitions: &current.definitions, secrets: &secrets, http: &http };
    let tested = notifier.test(Utc::now()).await.into_iter().map(|tested| TestStep {
        what: tested.notification.id.to_string(),
        problem: tested.problem.map(|error| show::chain(&error)),
    });
    Ok(NotificationTests { notifications: tested.collect() })
}

/// The HTTP layer of those who are notified: whoever runs a campaign does not wait long for them.
fn receivers() -> Result<Http> {
    let (connect, read) = (Duration::from_secs(5), Duration::from_secs(10));
    let policy = RetryPolicy { longest_wait: Duration::from_secs(5), budget: Duration::from_secs(10) };
    Ok(Http::with(Timeouts { connect, read, total: read }, Arc::new(SystemClock))?.patient(policy))
}

/// Looks at what platforms still work on, and says what was found.
pub async fn follow_up(context: &Context, store: &SqlStore) -> Result<()> {
    if store.submitted_deliveries().await?.is_empty() {
        return Ok(());
    }
    let (folder, http) = (context.data_folder()?, Http::new()?);
    let (registry, sandbox) = (&*context.registry, context.sandbox.as_str());
    let follow_up = FollowUp { store, registry, http: &http, folder: &folder, sandbox };
    for followed in follow_up.follow_up(Utc::now()).await? {
        context.printer.note(&show::followed(&followed));
    }
    Ok(())
}

/// The lists that are remembered, with the members that they are known to have.
pub async fn lists(context: &Context, store: &SqlStore) -> Result<Vec<KnownList>> {
    let folder = context.data_folder()?;
    Ok(known_lists(store, &engine(context, &folder.spill())?, &folder).await?)
}

/// Reads the lists of a campaign again at their platforms, or those at one destination.
pub async fn reconcile(work: &Campaigning<'_>, destination: Option<&Slug>) -> Result<Vec<Reconciled>> {
    let opened = Box::pin(Opened::of(work.context, work.store, work.current)).await?;
    let progress = |_: Progress<'_>| {};
    let workplace = work.workplace(&opened, &progress);
    let read = Box::pin(workplace.reconcile(work.store, work.campaign, destination, Utc::now())).await;
    read.map_err(|error| work.explained(error, &opened))
}

/// How a run that did not come to a good end is brought to one.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// Its process ended before it did: it goes on.
    Resume,
    /// What did not arrive is sent again, at this destination or at all.
    Retry(Option<&'a Slug>),
}

/// Brings a run to its end, by the definitions that it began with.
pub async fn end(context: &Context, store: &SqlStore, run: &Run, how: Ending<'_>) -> Result<RunSummary> {
    let began_with = store.definitions(run.definitions_version).await?;
    let work = Campaigning { context, store, current: &began_with, campaign: &run.campaign };
    let opened = Box::pin(Opened::of(context, store, &began_with)).await?;
    let bars = Bars::new(context);
    let progress = |progress: Progress<'_>| bars.hear(progress);
    let workplace = work.workplace(&opened, &progress);
    let ended = match how {
        Ending::Resume => Box::pin(workplace.resume(store, &run.id)).await,
        Ending::Retry(destination) => Box::pin(workplace.retry(store, &run.id, destination)).await,
    };
    drop(bars);
    notify(context, store).await;
    let ended = ended.map_err(|error| work.explained(error, &opened))?;
    Ok(summary(store, store.run(&ended.run).await?).await?)
}

/// Says what became of a customer in a campaign's last run, and what the conditions say at the moment of that run.
pub async fn explain(work: &Campaigning<'_>, customer_key: &str) -> Result<Explanation> {
    let opened = Box::pin(Opened::of(work.context, work.store, work.current)).await?;
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

/// Makes the demo workspace in a folder, applies it, and runs its campaign twice against a sandbox of its own: the second
/// time some days later, when a few customers have changed. The data folder and the sandbox's are in it.
pub async fn demo(context: &Context, folder: &path::Path, force: bool) -> Result<Demo> {
    consign_demo::write(folder, consign_demo::Options { force, later: false })?;
    let (data, state) = (folder.join(".consign"), folder.join(".sandbox"));
    let stop = CancellationToken::new();
    let _stopped_with_us = stop.clone().drop_guard();
    let options = consign_sandbox::Options { state: Some(state.clone()), ..consign_sandbox::Options::default() };
    let sandbox = consign_sandbox::serve(options, stop).await?;
    let address = format!("http://{}", sandbox.address());
    let context = &Context { data: data.clone(), store: None, sandbox: address.clone(), ..context.clone() };
    let files = DefinitionFiles::read(folder)?;
    let store = context.store().await?;
    let place = folder.canonicalize().context("the demo's folder cannot be found")?;
    let author = env::var("USER").unwrap_or_else(|_| "demo".to_owned());
    store.apply(&files.reading.definitions, &place.to_string_lossy(), &author).await?;
    let current = store.current().await?.ok_or_else(|| Refusal::missing("the demo is not applied"))?;
    let campaign = &current.definitions.campaigns.first().context("the demo has no campaign")?.id;
    let work = Campaigning { context, store: &store, current: &current, campaign };
    let as_of = Some(consign_demo::as_of());
    let first = run(&work, as_of).await?;
    consign_demo::write(folder, consign_demo::Options { force, later: true })?;
    let later = run(&work, as_of).await?;
    let lists = sandbox_lists(&address, &later).await?;
    draft_next_wave(&store, &current, campaign, &author).await?;
    let consign = format!("consign --data {}", data.display());
    let next = vec![
        format!(
            "{consign} serve   # then open the address that it prints: the campaign's next wave waits there as a draft"
        ),
        format!("consign sandbox --state {}   # then open the address that it prints", state.display()),
        format!("{consign} preview {campaign} --show-rows 2 --as-of 1998-06-30"),
        format!("{consign} explain {campaign} 00046"),
        format!("{consign} status latest"),
        format!("consign validate {}", folder.display()),
    ];
    Ok(Demo { folder: folder.display().to_string(), first, later, lists, next })
}

/// Puts a draft beside the demo's campaign that says the same, to be edited and run. One that is there stays as it is.
async fn draft_next_wave(store: &SqlStore, current: &StoredDefinitions, campaign: &Slug, author: &str) -> Result<()> {
    let campaign = current.definitions.campaigns.iter().find(|one| one.id == *campaign);
    let mut draft = serde_json::to_value(campaign.context("the demo has no campaign")?)?;
    let name = "Churn prevention, next wave";
    let id = Slug::from_name(name).context("the draft's name has no letters")?;
    draft["id"] = id.as_str().into();
    draft["name"] = name.into();
    store.put_draft(&id, &draft, 0, author).await?;
    Ok(())
}

/// The members that the sandbox counts on each list of a run, beside what the run says.
async fn sandbox_lists(address: &str, run: &RunSummary) -> Result<Vec<SandboxList>> {
    let state = reqwest::get(format!("{address}/state.json")).await?.text().await?;
    let state: Value = serde_json::from_str(&state)?;
    let counted = |id: &str| {
        let lists = state.pointer("/lists").and_then(Value::as_array);
        let list = lists.into_iter().flatten().find(|list| list.get("id").and_then(Value::as_str) == Some(id));
        list.and_then(|list| list.get("members")).and_then(Value::as_u64)
    };
    let lists = run.deliveries.iter().filter_map(|delivered| Some((delivered, delivered.list.as_ref()?)));
    let lists = lists.map(|(delivered, list)| SandboxList {
        destination: delivered.delivery.destination.clone(),
        list_name: delivered.delivery.list_name.clone(),
        delivered: list.sent + list.kept,
        members: counted(&list.list_id).unwrap_or_default(),
    });
    Ok(lists.collect())
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
struct Bars<'a> {
    printer: &'a Printer,
    listener: Option<&'a Listener>,
    progress: crate::print::Progress,
    open: Mutex<BTreeMap<String, Bar>>,
}

impl<'a> Bars<'a> {
    fn new(context: &'a Context) -> Self {
        let listener = context.listener.as_ref();
        let (progress, open) = (context.printer.progress(), Mutex::new(BTreeMap::new()));
        Self { printer: &context.printer, listener, progress, open }
    }

    fn hear(&self, progress: Progress<'_>) {
        if let Some(listener) = self.listener {
            listener(progress);
        }
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
            Progress::FollowedUp(followed) => self.printer.note(&show::followed(followed)),
            Progress::Sending(delivery) => {
                open.remove("stage");
                open.insert(delivery.to_owned(), self.progress.bar(delivery, None));
            }
            Progress::Limited(delivery, until) => {
                if let Some(bar) = open.get(delivery) {
                    let until = until.map(|until| format!(", rate limited until {}", until.format("%H:%M:%S UTC")));
                    bar.say(&format!("{delivery}{}", until.unwrap_or_default()));
                }
            }
            Progress::Sent(delivery) => {
                open.remove(delivery);
            }
        }
    }
}
