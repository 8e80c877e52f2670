//! Recipients: who was assigned and sent what, when. One row a customer, sub-audience, treatment group and destination
//! (one without a destination for who is sent nowhere), with its outcome. Customer keys only, so it may stay when the
//! snapshot has gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringViewArray, StringViewBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, UInt16Type};
use chrono::{DateTime, Utc};
use consign_engine::recipients_schema;
use consign_model::forgotten::Forgotten;
use consign_model::plan::{CampaignPlan, PlannedGroup, PlannedSubAudience};
use consign_model::snapshot;
use consign_points::Point;
use consign_store::{Delivery, RunMode, Store, StoreError};
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Serialize;

use crate::folder::{DataFolder, sync_folder};
use crate::stage::{CUSTOMER_KEY, CUSTOMER_STAGED, REASON, Reason, SnapshotReader, StageError};
use crate::staged::{self, ReadError};

/// Recipients cannot be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecipientsError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] StageError),
    /// The rejects of a delivery cannot be read.
    #[error(transparent)]
    Rejects(#[from] ReadError),
    /// The file cannot be written.
    #[error("cannot write {}: free space on the disk, or check that the folder may be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How a delivery ended, for its customers.
pub struct DeliveryOutcome<'a> {
    /// Its dropped rows.
    pub rejects: &'a Path,
    /// The customers whom the platform refused, in the order of the list; `None` where there is no such file.
    pub rejected: Option<PathBuf>,
    /// The outcome of customers with a staged row: `sent`, `failed`, ...
    pub staged: &'static str,
    /// The customers who were not sent though they are staged; `None` where all was over before they were forgotten.
    pub forgotten: Option<&'a Forgotten>,
    /// When what of it arrived did; `None` where nothing did.
    pub sent_at: Option<DateTime<Utc>>,
}

/// The files of recipients that earlier runs left. Tests and rehearsals are not among them.
pub async fn recorded(store: &dyn Store, folder: &DataFolder) -> Result<Vec<PathBuf>, StoreError> {
    let real = store.runs(None, u32::MAX).await?.into_iter().filter(|run| run.mode == RunMode::Real);
    Ok(real.map(|run| folder.run(&run.id).recipients()).filter(|file| file.exists()).collect())
}

/// Writes the recipients of a run to `to`, whole or not at all, in the order of the snapshot. Returns the rows.
/// `outcomes` are those of the plan's deliveries, in order.
pub async fn record(
    snapshot: &dyn SnapshotReader,
    plan: &CampaignPlan,
    outcomes: &[DeliveryOutcome<'_>],
    to: &Path,
) -> Result<u64, RecipientsError> {
    let temporary = to.with_extension("tmp");
    let recorded = record_at(&temporary, snapshot, plan, outcomes, to).await;
    if recorded.is_err() {
        // Why it failed matters more than why its traces stay.
        let _ = fs::remove_file(&temporary);
    }
    recorded
}

async fn record_at(
    temporary: &Path,
    snapshot: &dyn SnapshotReader,
    plan: &CampaignPlan,
    outcomes: &[DeliveryOutcome<'_>],
    to: &Path,
) -> Result<u64, RecipientsError> {
    let failed =
        |reason: Box<dyn std::error::Error + Send + Sync>| RecipientsError::Write { path: to.to_owned(), reason };
    let mut writer = writer(temporary).map_err(failed)?;
    let mut recipients = Recipients::new(plan, outcomes)?;
    let columns = [snapshot::CUSTOMER_KEY, snapshot::SUB_AUDIENCE, snapshot::GROUP].map(ToOwned::to_owned);
    let mut batches = snapshot.batches(&columns);
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let recorded = recipients.batch(&batch?)?;
        rows += recorded.num_rows() as u64;
        writer.write(&recorded).map_err(|reason| failed(reason.into()))?;
    }
    publish(writer, temporary, to).map_err(failed)?;
    Ok(rows)
}

struct Recipients<'a> {
    plan: &'a CampaignPlan,
    outcomes: &'a [DeliveryOutcome<'a>],
    /// The deliveries of each (sub-audience, group).
    of_group: BTreeMap<(usize, usize), Vec<usize>>,
    /// The customers of each delivery none of whose rows is staged, in the order of the snapshot.
    unsent: Vec<Unsent>,
    refused: Vec<Refused>,
}

impl<'a> Recipients<'a> {
    fn new(plan: &'a CampaignPlan, outcomes: &'a [DeliveryOutcome<'a>]) -> Result<Self, RecipientsError> {
        let unsent = outcomes.iter().map(|outcome| Unsent::open(outcome.rejects)).collect::<Result<_, _>>()?;
        let mut of_group: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, delivery) in plan.deliveries.iter().enumerate() {
            of_group.entry((delivery.sub_audience, delivery.group)).or_default().push(place);
        }
        let refused = outcomes.iter().map(|outcome| Refused::open(outcome.rejected.as_deref()));
        let refused = refused.collect::<Result<_, _>>()?;
        Ok(Self { plan, outcomes, of_group, unsent, refused })
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<RecordBatch, RecipientsError> {
        let layout = |name: &str| RecipientsError::Snapshot(StageError::Layout(name.to_owned()));
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| layout(name));
        let keys = column(snapshot::CUSTOMER_KEY)?.as_string_view_opt();
        let keys = keys.ok_or_else(|| layout(snapshot::CUSTOMER_KEY))?;
        let integers = |name: &str| column(name)?.as_primitive_opt::<UInt16Type>().ok_or_else(|| layout(name));
        let places = integers(snapshot::SUB_AUDIENCE)?.iter().zip(integers(snapshot::GROUP)?);
        let mut rows = Rows::default();
        for (row, place) in places.enumerate() {
            let (Some(sub_audience), Some(group)) = place else { continue };
            let (at, group) = (usize::from(sub_audience), usize::from(group));
            let key = keys.value(row);
            let before = rows.len();
            for place in self.of_group.get(&(at, group)).into_iter().flatten() {
                let reason = self.unsent[*place].reason(key)?.map(|reason| reason.to_string());
                let refused = self.refused[*place].holds(key)?;
                let gone = self.outcomes[*place].forgotten.is_some_and(|forgotten| forgotten.holds(key));
                let sent = match (gone, refused) {
                    (true, _) => "forgotten",
                    (false, true) => "rejected",
                    (false, false) => self.outcomes[*place].staged,
                };
                let sent_at = self.outcomes[*place].sent_at.filter(|_| reason.is_none() && !refused && !gone);
                let outcome = reason.as_deref().unwrap_or(sent);
                let destination = self.plan.deliveries[*place].destination.as_str();
                rows.push(key, (at, group), Some((destination, outcome)), sent_at);
            }
            if rows.len() == before {
                rows.push(key, (at, group), None, None);
            }
        }
        rows.finish(self.plan).map_err(|reason| RecipientsError::Snapshot(reason.into()))
    }
}

/// Rows of recipients under construction.
#[derive(Default)]
struct Rows {
    keys: StringViewBuilder,
    places: Vec<(usize, usize)>,
    destinations: StringViewBuilder,
    outcomes: StringViewBuilder,
    sent_at: Vec<Option<i64>>,
}

impl Rows {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn push(&mut self, key: &str, place: (usize, usize), sent: Option<(&str, &str)>, at: Option<DateTime<Utc>>) {
        self.keys.append_value(key);
        self.places.push(place);
        self.destinations.append_option(sent.map(|(destination, _)| destination));
        self.outcomes.append_option(sent.map(|(_, outcome)| outcome));
        self.sent_at.push(at.map(|at| at.timestamp_micros()));
    }

    fn finish(mut self, plan: &CampaignPlan) -> Result<RecordBatch, arrow::error::ArrowError> {
        let rows = self.places.len();
        let same =
            |text: &str| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(text, rows))) };
        let sub_audiences = &plan.assign.sub_audiences;
        let of_sub_audience = |text: fn(&PlannedSubAudience) -> &str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(self.places.iter().map(|(at, _)| text(&sub_audiences[*at]))))
        };
        let group = |(at, group): &(usize, usize)| &sub_audiences[*at].groups[*group];
        let of_group = |text: fn(&PlannedGroup) -> &str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(self.places.iter().map(|place| text(group(place)))))
        };
        let control: BooleanArray = self.places.iter().map(|place| Some(group(place).control)).collect();
        let as_of = TimestampMicrosecondArray::from_value(plan.assign.as_of.timestamp_micros(), rows);
        let launch: Date32Array = match plan.launch_date {
            Some(day) => Date32Array::from_value(Date32Type::from_naive_date(day), rows),
            None => Date32Array::new_null(rows),
        };
        let columns: Vec<ArrayRef> = vec![
            same(plan.campaign.as_str()),
            same(&plan.campaign_name),
            same(&plan.run_id),
            Arc::new(self.keys.finish()),
            of_sub_audience(|one| one.id.as_str()),
            of_sub_audience(|one| &one.name),
            of_group(|one| one.id.as_str()),
            of_group(|one| &one.name),
            Arc::new(control),
            Arc::new(self.destinations.finish()),
            Arc::new(self.outcomes.finish()),
            Arc::new(as_of.with_timezone("UTC")),
            Arc::new(launch),
            Arc::new(TimestampMicrosecondArray::from(self.sent_at).with_timezone("UTC")),
        ];
        RecordBatch::try_new(recipients_schema(), columns)
    }
}

/// Rewrites the recipients of a run, whole or not at all: who stands as sent in a delivery, and is one of those whom the
/// platform refused later, is `rejected`.
pub(crate) fn refuse(recipients: &Path, delivery: &Delivery, refused: &Path) -> Result<(), RecipientsError> {
    let failed = |reason: Box<dyn std::error::Error + Send + Sync>| RecipientsError::Write {
        path: recipients.to_owned(),
        reason,
    };
    let temporary = recipients.with_extension("tmp");
    let mut refused = Refused::open(Some(refused))?;
    let mut writer = writer(&temporary).map_err(failed)?;
    for batch in staged::read(recipients)? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_view_opt());
        let columns = ["customer_key", "sub_audience_id", "treatment_id", "destination_id", "outcome"].map(text);
        let [Some(keys), Some(sub_audiences), Some(groups), Some(destinations), Some(outcomes)] = columns else {
            return Err(failed("its columns are not those of recipients".into()));
        };
        let sent_at = batch.column_by_name("sent_at").and_then(|array| array.as_primitive_opt());
        let Some(sent_at): Option<&TimestampMicrosecondArray> = sent_at else {
            return Err(failed("its columns are not those of recipients".into()));
        };
        let mut still_sent = Vec::with_capacity(batch.num_rows());
        let mut changed = StringViewBuilder::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let of_delivery = sub_audiences.value(row) == delivery.sub_audience.as_str()
                && groups.value(row) == delivery.group.as_str()
                && destinations.is_valid(row)
                && destinations.value(row) == delivery.destination.as_str();
            let outcome = outcomes.is_valid(row).then(|| outcomes.value(row));
            let refused = of_delivery && refused.holds(keys.value(row))? && outcome == Some("sent");
            still_sent.push((!refused && sent_at.is_valid(row)).then(|| sent_at.value(row)));
            changed.append_option(if refused { Some("rejected") } else { outcome });
        }
        let mut columns = batch.columns().to_vec();
        let still_sent = TimestampMicrosecondArray::from(still_sent).with_timezone("UTC");
        let changed: [(_, ArrayRef); 2] = [("outcome", Arc::new(changed.finish())), ("sent_at", Arc::new(still_sent))];
        for (name, column) in changed {
            let place = batch.schema().index_of(name).map_err(|reason| failed(reason.into()))?;
            columns[place] = column;
        }
        let batch = RecordBatch::try_new(batch.schema(), columns).map_err(|reason| failed(reason.into()))?;
        writer.write(&batch).map_err(|reason| failed(reason.into()))?;
    }
    publish(writer, &temporary, recipients).map_err(failed)
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn writer(path: &Path) -> Result<ArrowWriter<File>, Failure> {
    let compression = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let properties = WriterProperties::builder().set_compression(compression).build();
    Ok(ArrowWriter::try_new(File::create(path)?, recipients_schema(), Some(properties))?)
}

/// Brings what was written to disk, and under its name.
fn publish(writer: ArrowWriter<File>, temporary: &Path, to: &Path) -> Result<(), Failure> {
    writer.into_inner()?.sync_all()?;
    consign_points::pass(Point::RecipientsWritten);
    fs::rename(temporary, to)?;
    to.parent().map_or(Ok(()), sync_folder)?;
    consign_points::pass(Point::RecipientsPublished);
    Ok(())
}

type Reject = (String, Reason);
type Rejects = Box<dyn Iterator<Item = Result<Reject, ReadError>> + Send>;

/// The customers of a delivery none of whose rows is staged, each with the reason of the row that came furthest.
struct Unsent(Peekable<Rejects>);

impl Unsent {
    fn open(rejects: &Path) -> Result<Self, ReadError> {
        let batches = staged::read(rejects)?;
        let rejects: Rejects = Box::new(batches.flat_map(|batch| match batch {
            Ok(batch) => of_batch(&batch).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(error) => vec![Err(error)],
        }));
        Ok(Self(rejects.peekable()))
    }

    /// Why the customer is not sent, if that is so. Customers are asked for in the order of the snapshot.
    fn reason(&mut self, key: &str) -> Result<Option<Reason>, ReadError> {
        let mut furthest = None;
        while let Some(next) = self.0.next_if(|next| next.as_ref().map_or(true, |(customer, _)| customer == key)) {
            furthest = furthest.max(Some(next?.1));
        }
        Ok(furthest)
    }
}

/// The customers whom a platform refused.
struct Refused(Option<staged::Values<String>>);

impl Refused {
    fn open(path: Option<&Path>) -> Result<Self, ReadError> {
        let Some(path) = path.filter(|path| path.exists()) else { return Ok(Self(None)) };
        let keys: Box<dyn Iterator<Item = Result<String, ReadError>> + Send> =
            Box::new(staged::read(path)?.flat_map(|batch| match batch {
                Ok(batch) => {
                    let keys =
                        batch.column(0).as_string_view_opt().map(|keys| keys.iter().flatten().map(ToOwned::to_owned));
                    keys.into_iter().flatten().map(Ok).collect::<Vec<_>>()
                }
                Err(error) => vec![Err(error)],
            }));
        Ok(Self(Some(keys.peekable())))
    }

    /// Whether the customer is one of them. Customers are asked for in the order of the snapshot.
    fn holds(&mut self, key: &str) -> Result<bool, ReadError> {
        let mut found = false;
        let Some(keys) = &mut self.0 else { return Ok(false) };
        while let Some(next) = keys.next_if(|next| next.as_ref().map_or(true, |next| next == key)) {
            next?;
            found = true;
        }
        Ok(found)
    }
}

/// The rejects of customers without a staged row.
fn of_batch(batch: &RecordBatch) -> Vec<Reject> {
    let text = |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_view_opt());
    let staged = batch.column_by_name(CUSTOMER_STAGED).and_then(|array| array.as_boolean_opt());
    let (Some(keys), Some(reasons), Some(staged)) = (text(CUSTOMER_KEY), text(REASON), staged) else {
        return Vec::new();
    };
    (0..batch.num_rows())
        .filter(|row| !staged.value(*row))
        .filter_map(|row| Some((keys.value(row).to_owned(), Reason::parse(reasons.value(row))?)))
        .collect()
}

/// A delivery: its sub-audience, group and destination.
pub(crate) type SentTo = [String; 3];

/// The deliveries in which any of these customers was sent.
pub(crate) fn sent_to(recipients: &Path, these: &dyn Fn(&str) -> bool) -> Result<BTreeSet<SentTo>, ReadError> {
    let mut found = BTreeSet::new();
    for batch in staged::read(recipients)? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_view_opt());
        let columns = ["customer_key", "sub_audience_id", "treatment_id", "destination_id"].map(text);
        let [Some(keys), Some(sub_audiences), Some(groups), Some(destinations)] = columns else { continue };
        let sent = batch.column_by_name("sent_at");
        let was_sent = |row: usize| sent.is_some_and(|sent| sent.is_valid(row));
        for row in (0..batch.num_rows()).filter(|row| was_sent(*row) && these(keys.value(*row))) {
            found.insert([sub_audiences, groups, destinations].map(|column| column.value(row).to_owned()));
        }
    }
    Ok(found)
}

/// What is recorded of a customer in one run, for one destination or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipient {
    /// The sub-audience's name.
    pub sub_audience: String,
    /// The treatment group's id.
    pub treatment_id: String,
    /// The treatment group's name.
    pub treatment: String,
    /// Whether the group is held out.
    pub is_control: bool,
    /// The destination's id; `None` where the group is sent nowhere.
    pub destination: Option<String>,
    /// `sent`, `rejected`, `failed`, or why the customer was dropped.
    pub outcome: Option<String>,
}

/// What a run's recipients say of a customer; nothing where the customer was not assigned.
pub fn of_customer(recipients: &Path, customer_key: &str) -> Result<Vec<Recipient>, ReadError> {
    let mut found = Vec::new();
    for batch in staged::read(recipients)? {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|array| array.as_string_view_opt());
        let control = batch.column_by_name("is_control").and_then(|array| array.as_boolean_opt());
        let Some(keys) = text("customer_key") else { continue };
        for row in (0..batch.num_rows()).filter(|row| keys.value(*row) == customer_key) {
            let value = |name: &str| {
                let array = text(name).filter(|array| array.is_valid(row))?;
                Some(array.value(row).to_owned())
            };
            found.push(Recipient {
                sub_audience: value("sub_audience_name").unwrap_or_default(),
                treatment_id: value("treatment_id").unwrap_or_default(),
                treatment: value("treatment_name").unwrap_or_default(),
                is_control: control.is_some_and(|control| control.value(row)),
                destination: value("destination_id"),
                outcome: value("outcome"),
            });
        }
    }
    Ok(found)
}
