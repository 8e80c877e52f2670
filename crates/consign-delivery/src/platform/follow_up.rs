//! Following up: what a platform worked on when its delivery was sent is looked at until it has ended, or until patience
//! has. Takes neither tables nor an engine, so that any command can do it, and another process than the one that sent.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use consign_destinations::client::{Client, Job, JobState, Polling};
use consign_destinations::http::{Http, RetryPolicy};
use consign_destinations::registry::Registry;
use consign_destinations::send::{JobEnd, RowSet, find_rows};
use consign_store::{
    Delivery, DeliveryChange, DeliveryCounts, DeliveryState, ErrorClass, LeaseOn, ListCounts, OpenJob, Run, Store,
    StoreError, StoredDefinitions,
};

use super::jobs::{self, JobRow, JobRows};
use super::members::{Members, Standing};
use super::rejects::{add_rejects, rejected_file};
use super::rotated::keep_rotated;
use super::{PlatformError, place_of};
use crate::credentials::secrets;
use crate::deliver::{connect, platform_class};
use crate::folder::{DataFolder, RunFolder, remove_folder};
use crate::inspect::Inspector;
use crate::lease::{HeldByUs, LeaseError, Under};
use crate::recipients;
use crate::run::chain;

/// A platform that does not answer is asked again the next time, rather than waited for.
pub(super) const IMPATIENT: RetryPolicy =
    RetryPolicy { longest_wait: Duration::from_secs(2), budget: Duration::from_secs(4) };

/// What following up works with.
pub struct FollowUp<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The kinds.
    pub registry: &'a Registry,
    /// The HTTP layer of all platforms.
    pub http: &'a Http,
    /// The data directory.
    pub folder: &'a DataFolder,
    /// Where the sandbox is.
    pub sandbox: &'a str,
}

/// A submitted delivery that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The delivery's id in the store.
    pub delivery: String,
    /// Where it stands now.
    pub state: DeliveryState,
    /// How many jobs the platform still works on.
    pub open: usize,
    /// Why it could not be looked at, or why it failed.
    pub problem: Option<String>,
}

impl FollowUp<'_> {
    /// Looks at the open jobs of all submitted deliveries that are due at that time, once each. A campaign that runs is
    /// left alone. What cannot be looked at now is a problem of its delivery, and no error; the others of its destination
    /// are left for another time.
    pub async fn follow_up(&self, now: DateTime<Utc>) -> Result<Vec<Followed>, StoreError> {
        let mut versions: BTreeMap<u64, StoredDefinitions> = BTreeMap::new();
        let mut all = Vec::new();
        // A platform that does not answer is not asked for each of its deliveries.
        let mut silent = HashSet::new();
        for delivery in self.store.submitted_deliveries().await? {
            let destination = delivery.destination.clone();
            if silent.contains(&destination) {
                continue;
            }
            let run = self.store.run(&delivery.run).await?;
            let version = run.definitions_version;
            let definitions = match versions.entry(version) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(self.store.definitions(version).await?),
            };
            let id = delivery.id.clone();
            let followed = match self.look(&run, delivery, definitions, now).await {
                Ok(Some(followed)) => followed,
                // Or another process has it now.
                Ok(None) | Err(PlatformError::Store(StoreError::LeaseLost(_))) => continue,
                Err(PlatformError::Store(error) | PlatformError::Lease(LeaseError::Store(error))) => return Err(error),
                Err(error) => {
                    let problem = Some(chain(&error));
                    Followed { delivery: id, state: DeliveryState::Submitted, open: 0, problem }
                }
            };
            if followed.problem.is_some() && !followed.state.is_final() {
                silent.insert(destination);
            }
            all.push(followed);
        }
        Ok(all)
    }

    /// Looks at one delivery; `None` where none of its jobs is due, its campaign runs, or its platform limits us.
    async fn look(
        &self,
        run: &Run,
        delivery: Delivery,
        definitions: &StoredDefinitions,
        now: DateTime<Utc>,
    ) -> Result<Option<Followed>, PlatformError> {
        let on = LeaseOn::Campaign(run.campaign.clone());
        let Some(held) = HeldByUs::take(self.store, self.folder, &on).await? else { return Ok(None) };
        held.during(async |under| self.look_under(under, run, delivery, definitions, now).await).await
    }

    async fn look_under(
        &self,
        under: &Under,
        run: &Run,
        delivery: Delivery,
        definitions: &StoredDefinitions,
        now: DateTime<Utc>,
    ) -> Result<Option<Followed>, PlatformError> {
        let store = &*under.store;
        let unusable = |reason| PlatformError::Members { path: self.folder.path().to_owned(), reason };
        let mut known = definitions.definitions.destinations.iter();
        let destination = known.find(|one| one.id == delivery.destination);
        let destination = destination.ok_or_else(|| PlatformError::NoClient(delivery.kind.clone()))?;
        let place = place_of(&destination.id, destination.sandbox);
        if store.wait(&place).await?.is_some_and(|until| until > now) {
            return Ok(None);
        }
        let folder = self.folder.run(&run.id);
        let inspector = Inspector::open(&folder).map_err(|error| unusable(std::io::Error::other(error)))?;
        let http = under.http(self.http).observed_by(Arc::new(inspector.of(short_id(&delivery)))).patient(IMPATIENT);
        let secrets = secrets(store, self.folder, &definitions.folder).await?;
        let sandbox = destination.sandbox.then_some(self.sandbox);
        let client = connect(self.registry, &secrets, destination, sandbox, &http, self.folder)?;
        let Some(polling) = client.polling() else { return Err(PlatformError::NoClient(delivery.kind)) };
        let counts = delivery.counts.clone().unwrap_or_default();
        let list = counts.list.clone().unwrap_or_default();
        if !list.jobs.is_empty() && !list.jobs.iter().any(|job| is_due(job, polling, now)) {
            return Ok(None);
        }
        let members = Members::open(self.folder, &place, &list.list_id)?;
        let mut open = Open { store, client: client.as_ref(), polling, now, folder, members, delivery, counts, list };
        let problem = open.jobs().await;
        keep_rotated(client.as_ref(), destination, &secrets, self.folder)?;
        let problem = problem?;
        Ok(Some(open.end(problem).await?))
    }
}

/// The id of a delivery in its run: the store's is `<run>/<id>`.
fn short_id(delivery: &Delivery) -> &str {
    delivery.id.rsplit('/').next().unwrap_or_default()
}

/// When a job is to be looked at again, as the platform wishes to be asked.
fn is_due(job: &OpenJob, polling: Polling, now: DateTime<Utc>) -> bool {
    job.looked_at + polling.wait(job.looked) <= now || is_late(job, polling, now)
}

fn is_late(job: &OpenJob, polling: Polling, now: DateTime<Utc>) -> bool {
    job.since + polling.give_up <= now
}

/// A submitted delivery that is looked at.
struct Open<'a> {
    store: &'a dyn Store,
    client: &'a dyn Client,
    polling: Polling,
    now: DateTime<Utc>,
    folder: RunFolder,
    members: Members,
    delivery: Delivery,
    counts: DeliveryCounts,
    list: ListCounts,
}

impl Open<'_> {
    fn work(&self) -> std::path::PathBuf {
        self.folder.platform(short_id(&self.delivery))
    }

    /// Looks at each job that is due. Why the platform could not be asked, where that is so.
    async fn jobs(&mut self) -> Result<Option<String>, PlatformError> {
        let mut problem = None;
        for mut job in self.list.jobs.clone() {
            let late = is_late(&job, self.polling, self.now);
            if problem.is_some() && !late || !is_due(&job, self.polling, self.now) {
                continue;
            }
            let end = match self.client.poll(&Job { id: job.id.clone() }).await {
                Ok(JobState::Done(report)) => Some(JobEnd::Done(report)),
                Ok(JobState::Failed(reason)) => Some(JobEnd::Failed(reason)),
                Ok(JobState::Working) => late.then_some(JobEnd::Unknown),
                Err(error) => {
                    problem = Some(error.to_string());
                    late.then_some(JobEnd::Unknown)
                }
            };
            let ended = end.is_some();
            if let Some(end) = end {
                self.settle(&job, end)?;
                self.list.jobs.retain(|open| open.number != job.number);
            } else {
                (job.looked, job.looked_at) = (job.looked + 1, self.now);
                self.list.jobs.iter_mut().filter(|open| open.number == job.number).for_each(|open| *open = job.clone());
            }
            if !self.list.jobs.is_empty() {
                let what = ended.then(|| format!("the platform ended job {}", job.id));
                self.counts.list = Some(self.list.clone());
                self.store.count_delivery(&self.delivery.id, &self.counts, what.as_deref()).await?;
            }
        }
        Ok(problem)
    }

    /// Counts what became of a job's rows, and notes it in the membership and the rejects. Doing it twice is as good as
    /// once, since the counts are stored last.
    fn settle(&mut self, job: &OpenJob, end: JobEnd) -> Result<(), PlatformError> {
        let work = self.work();
        let rows = JobRows::read(&work, job.number, &self.members)?;
        if job.removes {
            let stayed = rows.stayed(end, &mut self.list);
            return self.note(&rows, &stayed, Standing::Unknown);
        }
        let accepted: Vec<&JobRow> = rows.rows.iter().filter(|row| !row.rejected).collect();
        match end {
            JobEnd::Done(report) => {
                if !report.known {
                    self.list.note("the platform took the rows, and does not say what became of each");
                }
                for note in report.notes {
                    self.list.note(note);
                }
                let places = RowSet::from(0..rows.rows.len());
                let (named, unnamed) = find_rows(&rows.encoded(), &places, report.rejected);
                let named: Vec<_> = named.into_iter().map(|(row, reason)| (&rows.rows[row], reason)).collect();
                let named: Vec<_> = named.into_iter().filter(|(row, _)| !row.rejected).collect();
                for (_, reason) in &named {
                    self.list.reject(reason, 1);
                }
                let unnamed = (unnamed + report.unnamed).min(job.rows.saturating_sub(named.len() as u64));
                self.list.reject("refused, which one is not said", unnamed);
                self.list.sent = self.list.sent.saturating_sub(named.len() as u64 + unnamed);
                let named: Vec<_> = named.into_iter().map(|(row, _)| row).collect();
                self.refuse(&rows, &named)
            }
            JobEnd::Failed(reason) => {
                self.list.sent = self.list.sent.saturating_sub(job.rows);
                self.list.given_up += job.rows;
                self.list.reject(&reason, job.rows);
                self.refuse(&rows, &accepted)
            }
            JobEnd::Unknown => {
                self.list.sent = self.list.sent.saturating_sub(job.rows);
                self.list.unknown += job.rows;
                self.note(&rows, &accepted, Standing::Unknown)
            }
        }
    }

    /// Rows that did not come onto the list.
    fn refuse(&mut self, rows: &JobRows, refused: &[&JobRow]) -> Result<(), PlatformError> {
        let rejects: Vec<_> = refused.iter().map(|row| (row.place, row.customer_key.as_str())).collect();
        add_rejects(&self.work(), &rejects)?;
        self.note(rows, refused, Standing::Removed)
    }

    /// Notes how members stand, but for those of whom a later delivery has noted something.
    fn note(&mut self, rows: &JobRows, these: &[&JobRow], standing: Standing) -> Result<(), PlatformError> {
        if these.is_empty() {
            return Ok(());
        }
        let identities: HashSet<_> = these.iter().map(|row| row.identity).collect();
        let later = self.members.noted_since(&identities, rows.sequence)?;
        let these: Vec<_> = these.iter().filter(|row| !later.contains(&row.identity)).map(|row| row.member()).collect();
        self.members.note(&these, standing)
    }

    /// Ends the delivery once nothing of it is open.
    async fn end(mut self, problem: Option<String>) -> Result<Followed, PlatformError> {
        let open = self.list.jobs.len();
        let delivery = self.delivery.id.clone();
        if open > 0 {
            return Ok(Followed { delivery, state: DeliveryState::Submitted, open, problem });
        }
        let work = self.work();
        let failed = |reason| PlatformError::Members { path: work.clone(), reason };
        let rejected = rejected_file(&work);
        if self.list.all_rejected() > 0 && rejected.exists() {
            recipients::refuse(&self.folder.recipients(), &self.delivery, &rejected)
                .map_err(|error| failed(std::io::Error::other(error)))?;
        }
        let (state, error) = verdict(&self.delivery.list_name, &self.list, self.polling.give_up);
        self.counts.list = Some(self.list);
        let mut change = DeliveryChange::to(state).counts(self.counts);
        if let Some((class, problem)) = &error {
            change = change.error(*class, problem);
        }
        self.store.move_delivery(&delivery, &change).await?;
        remove_folder(&jobs::folder(&work)).map_err(failed)?;
        Ok(Followed { delivery, state, open, problem: error.map(|(_, problem)| problem) })
    }
}

/// How a delivery ended whose jobs are over, and why it did not arrive whole.
fn verdict(name: &str, list: &ListCounts, patience: Duration) -> (DeliveryState, Option<(ErrorClass, String)>) {
    let mut problems = Vec::new();
    if list.unknown > 0 {
        let hours = patience.as_secs() / 3600;
        let what = format!(
            "the platform had not ended its work on {} rows after {hours} hours: run the campaign again, which sends those \
             rows again",
            list.unknown
        );
        problems.push((ErrorClass::Unavailable, what));
    }
    if let Some(error) = PlatformError::of(name, list) {
        problems.push((platform_class(&error), error.to_string()));
    }
    let state = match (problems.is_empty(), list.sent + list.kept > 0) {
        (true, _) => DeliveryState::Delivered,
        (false, true) => DeliveryState::Partial,
        (false, false) => DeliveryState::Failed,
    };
    let class = problems.first().map(|(class, _)| *class);
    let words: Vec<_> = problems.into_iter().map(|(_, words)| words).collect();
    (state, class.map(|class| (class, words.join("; "))))
}
