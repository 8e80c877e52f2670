//! Taking forgotten customers off a list, outside of any delivery: what is known of the list says who they are at the
//! platform. What is known of them goes once the platform has taken them off.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use chrono::Utc;
use consign_destinations::client::{Client, Job, JobState};
use consign_destinations::encode::{EncodeError, EncodedRows, ListTarget, Operation, Sequence, split_requests};
use consign_destinations::http::Http;
use consign_destinations::registry::{Kind, Registry};
use consign_destinations::send::{Frame, Stop, send_rows};
use consign_model::definition::{ColumnRef, Destination};
use consign_model::plan::{AttributeSource, PlannedAttribute};
use consign_model::spec::{AttributeSpec, Hash, Kinds, Settings};
use consign_secrets::Secrets;
use consign_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::PlatformError;
use super::follow_up::IMPATIENT;
use super::identity::removal_rows;
use super::members::Members;
use super::noted::{Identity, each_row, latest_of, named};
use super::removing::{binary, keys, remove_by_id};
use super::rotated::keep_rotated;
use crate::deliver::connect;
use crate::folder::{DataFolder, keep, kept};
use crate::forget::Pending;
use crate::requests::session;
use crate::rewrite::rewrite;

/// A list that forgotten customers are to leave.
pub(crate) struct ListToLeave<'a> {
    pub store: &'a dyn Store,
    pub registry: &'a Registry,
    pub http: &'a Http,
    pub data: &'a DataFolder,
    pub sandbox: &'a str,
    /// Under this name the lists of its destination are remembered.
    pub place: &'a str,
    pub list_id: &'a str,
    /// The destination, and the secrets that it may refer to; `None` where no definitions have it any more.
    pub destination: Option<(&'a Destination, &'a Secrets)>,
}

/// What became of a list's forgotten members.
#[derive(Debug, Default)]
pub(crate) struct PlatformLeft {
    /// Whether anything was known of any.
    pub named: bool,
    /// How many members were taken off.
    pub removed: u64,
    /// Why some stay on the list, and what to do.
    pub stay: Option<String>,
    /// Why some are not taken off yet.
    pub waiting: Option<String>,
}

/// Removals that a platform took and works on, beside what is known of the list.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Asked {
    /// By job, the members that it takes off, hex.
    jobs: BTreeMap<String, Vec<String>>,
}

/// Under this name it is kept.
const ASKED: &str = "leaving.json";

impl ListToLeave<'_> {
    /// Takes the customers off the list, and then out of what is known of it. Who calls holds the list's campaign.
    pub async fn leave(&self, pending: &Pending) -> Result<PlatformLeft, PlatformError> {
        let mut left = PlatformLeft::default();
        if !self.data.membership(self.place, self.list_id).exists() {
            return Ok(left);
        }
        let members = Members::open(self.data, self.place, self.list_id)?;
        let found = named(&members, pending)?;
        left.named = !found.is_empty();
        if found.is_empty() {
            return Ok(left);
        }
        let latest = latest_of(&members, &found, pending)?;
        let mut leaving: BTreeMap<Identity, Map<String, Value>> = BTreeMap::new();
        let mut sealed = 0;
        for (identity, latest) in latest.into_iter().filter(|(_, latest)| latest.forgotten && latest.on_the_list) {
            match latest.removal {
                Some(removal) => drop(leaving.insert(identity, removal)),
                None => sealed += 1,
            }
        }
        if sealed > 0 {
            left.stay = Some(format!(
                "{sealed} members stay on it, since what taking them off needs was sealed with another workspace key, or is \
                 damaged: take them off at the platform"
            ));
        }
        if !leaving.is_empty() {
            self.ask(&members, &mut leaving, &mut left).await?;
        }
        // Those who are still to leave stay known.
        drop_rows(&members, &found, &leaving, pending)?;
        Ok(left)
    }

    /// Asks the platform. What is left in `leaving` are those whom it has not taken off yet.
    async fn ask(
        &self,
        members: &Members,
        leaving: &mut BTreeMap<Identity, Map<String, Value>>,
        left: &mut PlatformLeft,
    ) -> Result<(), PlatformError> {
        let Some((destination, secrets)) = self.destination else {
            left.stay =
                Some("its destination is not in the definitions any more: take them off at the platform".into());
            leaving.clear();
            return Ok(());
        };
        if self.store.wait(self.place).await?.is_some_and(|until| until > Utc::now()) {
            left.waiting = Some("the platform limits us for a while".into());
            return Ok(());
        }
        let unknown = || PlatformError::NoClient(destination.kind.clone());
        let kind = self.registry.kind(&destination.kind).ok_or_else(unknown)?;
        let settings = Settings::new(self.registry.spec(&destination.kind).ok_or_else(unknown)?, &destination.settings);
        let sandbox = self.place.starts_with("sandbox:").then_some(self.sandbox);
        let http = self.http.patient(IMPATIENT);
        let client = connect(self.registry, secrets, destination, sandbox, &http, self.data)?;
        let list = ListTarget { id: self.list_id.to_owned(), name: self.list_id.to_owned() };
        let leave = Leave { members, kind, settings: &settings, client: client.as_ref(), list: &list };
        let done = leave.ask(leaving, left).await;
        keep_rotated(client.as_ref(), destination, secrets, self.data)?;
        done
    }
}

/// Asking one platform.
struct Leave<'a> {
    members: &'a Members,
    kind: &'a dyn Kind,
    settings: &'a Settings,
    client: &'a dyn Client,
    list: &'a ListTarget,
}

impl Leave<'_> {
    async fn ask(
        &self,
        leaving: &mut BTreeMap<Identity, Map<String, Value>>,
        left: &mut PlatformLeft,
    ) -> Result<(), PlatformError> {
        let all = leaving.len();
        if self.members.keeps_to_files() || self.goes_by_files() {
            left.stay =
                Some("it goes by files, which the next run replaces without them; until then they are on it".into());
            leaving.clear();
            return Ok(());
        }
        if !self.client.is_there(&self.list.id).await? {
            leaving.clear();
            return Ok(());
        }
        if self.kind.removes_single_identifiers() {
            self.keep_shared(leaving)?;
        }
        let done = match self.client.by_id() {
            Some(by_id) => match remove_by_id(by_id, self.list, leaving.values()).await {
                Ok(()) => {
                    leaving.clear();
                    Ok(())
                }
                Err(error) => Err(error),
            },
            None => self.ask_by_request(leaving, left).await,
        };
        left.removed = (all - leaving.len()) as u64;
        match done {
            Err(PlatformError::Client(error)) => {
                left.waiting = Some(error.to_string());
                Ok(())
            }
            done => done,
        }
    }

    /// Whether the platform takes the list as files alone.
    fn goes_by_files(&self) -> bool {
        let encoder = self.kind.encoder(self.settings, &[]);
        let sequence = Sequence { number: 1, last: true, total_rows: 0, session: 1, day: Utc::now().date_naive() };
        let asked = encoder.map(|encoder| encoder.envelope(self.list, Operation::Remove, &sequence));
        self.client.by_id().is_none() && matches!(asked, Some(Err(EncodeError::NotOffered { .. })))
    }

    /// An identifier that somebody else on the list has too stays.
    fn keep_shared(&self, leaving: &mut BTreeMap<Identity, Map<String, Value>>) -> Result<(), PlatformError> {
        let texts = |removal: &Map<String, Value>| -> Vec<String> {
            removal.values().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        let theirs: HashSet<String> = leaving.values().flat_map(texts).collect();
        let mut sharing = HashSet::new();
        each_row(self.members, |row| {
            if !leaving.contains_key(&row.identity) && row.removal().is_some_and(|one| has_any(&one, &theirs)) {
                sharing.insert(row.identity);
            }
        })?;
        let latest = latest_of(self.members, &sharing, &Pending::default())?;
        let on_the_list = latest.into_values().filter(|latest| latest.on_the_list);
        let shared: HashSet<String> =
            on_the_list.filter_map(|latest| latest.removal).flat_map(|one| texts(&one)).collect();
        for removal in leaving.values_mut() {
            removal.retain(|_, value| value.as_str().is_none_or(|value| !shared.contains(value)));
        }
        // All that identifies them is somebody else's too: there is nothing to take off.
        leaving.retain(|_, removal| !removal.is_empty());
        Ok(())
    }

    async fn ask_by_request(
        &self,
        leaving: &mut BTreeMap<Identity, Map<String, Value>>,
        left: &mut PlatformLeft,
    ) -> Result<(), PlatformError> {
        let mut asked: Asked = kept(&self.asked()).map_err(|reason| self.failed(reason))?.unwrap_or_default();
        self.look_at(&mut asked, leaving, left).await?;
        // Members that were put there with other attributes are asked for by those.
        let mut alike: BTreeMap<Vec<String>, Vec<Identity>> = BTreeMap::new();
        let under_way: HashSet<&String> = asked.jobs.values().flatten().collect();
        for (identity, removal) in leaving.iter().filter(|(one, _)| !under_way.contains(&hex::encode(one))) {
            alike.entry(removal.keys().cloned().collect()).or_default().push(*identity);
        }
        for (names, identities) in alike {
            self.ask_alike(&names, &identities, &mut asked, leaving, left).await?;
        }
        self.look_at(&mut asked, leaving, left).await
    }

    /// Asks for members whose removal takes the same attributes.
    async fn ask_alike(
        &self,
        names: &[String],
        identities: &[Identity],
        asked: &mut Asked,
        leaving: &mut BTreeMap<Identity, Map<String, Value>>,
        left: &mut PlatformLeft,
    ) -> Result<(), PlatformError> {
        let attributes: Vec<_> = names.iter().map(|name| self.attribute(name)).collect();
        let unknown = || PlatformError::NoClient(self.kind.spec().kind.to_owned());
        let encoder = self.kind.encoder(self.settings, &attributes).ok_or_else(unknown)?;
        let removals: Vec<_> = identities.iter().map(|identity| leaving[identity].clone()).collect();
        let mut encoded = EncodedRows::new();
        encoder.encode_rows(&removal_rows(&removals, &attributes)?, self.list, Operation::Remove, &mut encoded)?;
        let sequence = || Sequence {
            number: 1,
            last: true,
            total_rows: encoded.len() as u64,
            session: session(&format!("leave {}", Uuid::now_v7()), 1),
            day: Utc::now().date_naive(),
        };
        let overhead = encoder.envelope(self.list, Operation::Remove, &sequence())?.overhead() + 32;
        for range in split_requests(&encoded, &encoder.limits(), overhead) {
            let sequence = sequence();
            let envelope = encoder.envelope(self.list, Operation::Remove, &sequence)?;
            let frame =
                Frame { list: self.list, operation: Operation::Remove, sequence: &sequence, envelope: &envelope };
            let sent = send_rows(self.client, &encoded, range, frame, |_| {}).await;
            let refused = sent.rejected.first().map(|(_, reason)| reason.clone());
            let refused = refused.or(sent.failed.first().map(|(_, error)| error.to_string()));
            left.waiting = left.waiting.take().or(refused.map(|reason| format!("the platform refused some: {reason}")));
            for taken in sent.taken {
                let refused: HashSet<usize> = taken.rejected.iter().map(|(row, _)| *row).collect();
                if taken.partial || taken.unnamed > 0 || !refused.is_empty() {
                    let reason = taken.rejected.first().map_or("it does not say which", |(_, reason)| reason.as_str());
                    left.waiting = Some(format!("the platform refused some: {reason}"));
                }
                if taken.partial || taken.unnamed > 0 {
                    continue;
                }
                let gone = taken.rows.iter().filter(|row| !refused.contains(row)).map(|row| identities[row]);
                match taken.job {
                    Some(job) => {
                        asked.jobs.insert(job.id, gone.map(hex::encode).collect());
                        keep(&self.asked(), asked).map_err(|reason| self.failed(reason))?;
                    }
                    None => gone.for_each(|identity| drop(leaving.remove(&identity))),
                }
            }
            match sent.stopped {
                None => {}
                Some(Stop::ListGone) => {
                    leaving.clear();
                    return Ok(());
                }
                Some(Stop::SessionLost | Stop::SessionOver) => {
                    left.waiting = Some("the platform lost the session".into());
                    return Ok(());
                }
                Some(Stop::Failed(error)) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// An attribute as it was staged: hashed where the kind hashes it.
    fn attribute(&self, name: &str) -> PlannedAttribute {
        let rules = self.kind.rules(self.settings, &[]);
        let sent = rules.attributes.iter().flat_map(AttributeSpec::sent).find(|one| one.name == name);
        PlannedAttribute {
            name: name.to_owned(),
            source: AttributeSource::Raw(ColumnRef::new("members", name)),
            hash: sent.map_or(Hash::None, |sent| sent.hash),
        }
    }

    /// Looks once at each removal that the platform works on.
    async fn look_at(
        &self,
        asked: &mut Asked,
        leaving: &mut BTreeMap<Identity, Map<String, Value>>,
        left: &mut PlatformLeft,
    ) -> Result<(), PlatformError> {
        for (id, members) in std::mem::take(&mut asked.jobs) {
            match self.client.poll(&Job { id: id.clone() }).await {
                Ok(JobState::Done(report)) if report.rejected.is_empty() && report.unnamed == 0 => {
                    let gone: HashSet<&String> = members.iter().collect();
                    leaving.retain(|identity, _| !gone.contains(&hex::encode(identity)));
                }
                Ok(JobState::Done(_)) => left.waiting = Some("the platform refused some".into()),
                Ok(JobState::Failed(reason)) => left.waiting = Some(reason),
                Ok(JobState::Working) | Err(_) => {
                    left.waiting = Some("the platform works on it".into());
                    asked.jobs.insert(id, members);
                }
            }
        }
        let path = self.asked();
        if asked.jobs.is_empty() {
            let removed = if path.exists() { fs::remove_file(&path) } else { Ok(()) };
            return removed.map_err(|reason| self.failed(reason));
        }
        keep(&path, asked).map_err(|reason| self.failed(reason))
    }

    fn asked(&self) -> PathBuf {
        self.members.beside(ASKED)
    }

    fn failed(&self, reason: std::io::Error) -> PlatformError {
        PlatformError::Members { path: self.asked(), reason }
    }
}

fn has_any(removal: &Map<String, Value>, values: &HashSet<String>) -> bool {
    removal.values().filter_map(Value::as_str).any(|value| values.contains(value))
}

/// Leaves out of what is known of a list whoever was forgotten and has left it. The oldest file first: what was noted last
/// of a member goes last.
fn drop_rows(
    members: &Members,
    found: &HashSet<Identity>,
    leaving: &BTreeMap<Identity, Map<String, Value>>,
    pending: &Pending,
) -> Result<(), PlatformError> {
    let gone = latest_of(members, found, pending)?;
    let gone: HashSet<_> =
        gone.into_iter().filter(|(_, latest)| latest.forgotten).map(|(identity, _)| identity).collect();
    for path in members.files()? {
        let rewritten = rewrite(&path, |rows| {
            let others = others(rows, &gone, leaving, pending)?;
            if others.false_count() == 0 {
                return Ok(None);
            }
            Ok(Some(filter_record_batch(rows, &others)?))
        });
        rewritten.map_err(|reason| PlatformError::Members { path, reason: std::io::Error::other(reason) })?;
    }
    Ok(())
}

fn others(
    rows: &RecordBatch,
    gone: &HashSet<Identity>,
    leaving: &BTreeMap<Identity, Map<String, Value>>,
    pending: &Pending,
) -> Result<BooleanArray, ArrowError> {
    let (identities, keys) = (binary(rows, "identity")?, keys(rows)?);
    let stays = |row: usize| {
        let Ok(identity) = Identity::try_from(identities.value(row)) else { return true };
        leaving.contains_key(&identity) || !(gone.contains(&identity) || pending.holds(keys.value(row)))
    };
    Ok((0..rows.num_rows()).map(|row| Some(stays(row))).collect())
}
