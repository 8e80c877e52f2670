//! The deliveries of one treatment group, staged together: they share its rows, and the columns that are sent to several.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use consign_model::plan::{CleanedColumn, PlannedDelivery};
use consign_model::snapshot;

use super::candidates::Candidates;
use super::judge::{Drop, Found, Judge, snapshot_column};
use super::reason::Counts;
use super::workers::{Work, by_place};
use super::writer::{self, BatchWriter, CUSTOMER_KEY, RejectWriter};
use super::{Stage, StageError, StagedDelivery, scan};

/// Where a delivery's customers are in the snapshot.
pub(super) fn place(delivery: &PlannedDelivery) -> (u16, u16) {
    let index = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
    (index(delivery.sub_audience), index(delivery.group))
}

/// These deliveries, by group.
pub(super) fn groups(deliveries: &[PlannedDelivery], places: &[usize]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<(u16, u16), Vec<usize>> = BTreeMap::new();
    for at in places {
        groups.entry(place(&deliveries[*at])).or_default().push(*at);
    }
    groups.into_values().collect()
}

/// Stages the deliveries of one group.
pub(super) struct GroupStager {
    place: (u16, u16),
    columns: Vec<String>,
    deliveries: Vec<DeliveryStager>,
}

impl GroupStager {
    pub fn new(stage: &Stage<'_>, places: &[usize], found: &Arc<Found>) -> Result<Self, StageError> {
        let domains = scan::domains(&stage.plan.deliveries);
        let deliveries = places
            .iter()
            .map(|at| DeliveryStager::new(stage, *at, domains[*at], found))
            .collect::<Result<Vec<_>, _>>()?;
        let columns = deliveries.iter().flat_map(|stager| stager.columns.iter().cloned()).collect();
        let place = deliveries.first().map(|stager| place(&stager.delivery)).unwrap_or_default();
        Ok(Self { place, columns, deliveries })
    }

    fn batch(&mut self, customers: &RecordBatch) -> Result<(), StageError> {
        if customers.num_rows() == 0 {
            return Ok(());
        }
        let mut candidates: BTreeMap<Option<String>, Candidates> = BTreeMap::new();
        for stager in &mut self.deliveries {
            let expansion = stager.delivery.expansion.clone();
            if !candidates.contains_key(&expansion) {
                candidates.insert(expansion.clone(), Candidates::new(customers, expansion.as_deref())?);
            }
            if let Some(candidates) = candidates.get_mut(&expansion) {
                stager.batch(candidates)?;
            }
        }
        Ok(())
    }
}

/// The columns of the snapshot that these groups read.
pub(super) fn columns(groups: &[GroupStager]) -> Vec<String> {
    let fixed = [snapshot::CUSTOMER_KEY, snapshot::SUB_AUDIENCE, snapshot::GROUP].map(ToOwned::to_owned);
    let own = groups.iter().flat_map(|group| group.columns.iter().cloned());
    let distinct: BTreeSet<String> = fixed.into_iter().chain(own).collect();
    distinct.into_iter().collect()
}

/// Deals groups to workers, so that each has about as many deliveries.
pub(super) fn bins(mut groups: Vec<GroupStager>, threads: usize) -> Vec<Worker> {
    let mut workers: Vec<Worker> = (0..threads.clamp(1, groups.len().max(1))).map(|_| Worker(Vec::new())).collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.deliveries.len()));
    for group in groups {
        let load = |worker: &Worker| worker.0.iter().map(|group| group.deliveries.len()).sum::<usize>();
        if let Some(lightest) = workers.iter_mut().min_by_key(|worker| load(worker)) {
            lightest.0.push(group);
        }
    }
    workers
}

/// Stages some groups.
pub(super) struct Worker(Vec<GroupStager>);

impl Work for Worker {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let places: Vec<_> = self.0.iter().map(|group| group.place).collect();
        for (group, customers) in self.0.iter_mut().zip(by_place(batch, &places)?) {
            group.batch(&customers)?;
        }
        Ok(())
    }
}

impl Worker {
    /// What is staged, each with the place of its delivery in the plan.
    pub fn finish(self) -> Result<Vec<(usize, StagedDelivery)>, StageError> {
        self.0.into_iter().flat_map(|group| group.deliveries).map(DeliveryStager::finish).collect()
    }
}

/// Stages one delivery.
struct DeliveryStager {
    at: usize,
    delivery: Arc<PlannedDelivery>,
    /// The columns of the snapshot that it reads.
    columns: Vec<String>,
    schema: SchemaRef,
    judge: Judge,
    batches: BatchWriter,
    rejects: RejectWriter,
    counts: Counts,
}

impl DeliveryStager {
    fn new(stage: &Stage<'_>, at: usize, domain: Option<usize>, found: &Arc<Found>) -> Result<Self, StageError> {
        let delivery = Arc::new(stage.plan.deliveries[at].clone());
        let kind = stage.registry.kind(&delivery.kind).ok_or_else(|| StageError::UnknownKind(delivery.kind.clone()))?;
        let encoder = kind.encoder(&delivery.settings, &delivery.attributes);
        let folder: PathBuf = stage.folder.staged(&stage.ids[at]);
        writer::clear(&folder)?;
        let snapshot = stage.snapshot.schema();
        let schema = staged_schema(&delivery, &snapshot)?;
        let batches = BatchWriter::new(&folder, Arc::clone(&schema))?;
        let rejects = RejectWriter::new(&folder)?;
        let columns = snapshot_columns(&delivery, &snapshot);
        let judge = Judge::new(Arc::clone(&delivery), domain, encoder, Arc::clone(found));
        Ok(Self { at, delivery, columns, schema, judge, batches, rejects, counts: Counts::default() })
    }

    fn batch(&mut self, candidates: &mut Candidates) -> Result<(), StageError> {
        let mut drops = self.judge.judge(candidates)?;
        let mut arrays = vec![candidates.column(snapshot::CUSTOMER_KEY)?.clone()];
        for attribute in &self.delivery.attributes {
            arrays.push(candidates.sent(&attribute.source, attribute.hash)?);
        }
        let staged = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        self.judge.too_large(&staged, &mut drops)?;
        self.judge.duplicates(candidates, &mut drops)?;
        self.count(&candidates.starts, &drops);
        let keys = candidates.text(snapshot::CUSTOMER_KEY)?;
        self.rejects.push(keys, &candidates.starts, &drops, &self.delivery.attributes)?;
        let kept: BooleanArray = drops.iter().map(|drop| Some(drop.is_none())).collect();
        self.batches.push(filter_record_batch(&staged, &kept)?)
    }

    fn count(&mut self, starts: &[usize], drops: &[Option<Drop>]) {
        let mut reasons = Vec::new();
        for customer in starts.windows(2) {
            reasons.clear();
            reasons.extend(drops[customer[0]..customer[1]].iter().map(|drop| drop.map(|drop| drop.reason)));
            self.counts.customer(&reasons);
        }
    }

    fn finish(self) -> Result<(usize, StagedDelivery), StageError> {
        let rejects = self.rejects.finish()?;
        let batches = self.batches.finish()?;
        Ok((self.at, StagedDelivery { counts: self.counts, batches, rejects }))
    }
}

/// The columns of a staged batch: the customer key, then the attributes in order.
fn staged_schema(delivery: &PlannedDelivery, snapshot: &Schema) -> Result<SchemaRef, StageError> {
    let mut fields = vec![Field::new(CUSTOMER_KEY, DataType::Utf8View, false)];
    for attribute in &delivery.attributes {
        let data_type = match snapshot_column(&attribute.source) {
            None => DataType::Utf8View,
            Some(name) => find_type(delivery, snapshot, &name).ok_or(StageError::Layout(name))?,
        };
        fields.push(Field::new(&attribute.name, data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The type of a column of the snapshot, or of the rows of the delivery's many-rows table.
fn find_type(delivery: &PlannedDelivery, snapshot: &Schema, name: &str) -> Option<DataType> {
    if let Ok(field) = snapshot.field_with_name(name) {
        return Some(field.data_type().clone());
    }
    let rows = snapshot.field_with_name(&snapshot::rows(delivery.expansion.as_deref()?)).ok()?;
    let DataType::List(item) = rows.data_type() else { return None };
    let DataType::Struct(fields) = item.data_type() else { return None };
    Some(fields.find(name)?.1.data_type().clone())
}

/// The columns of the snapshot that a delivery reads.
fn snapshot_columns(delivery: &PlannedDelivery, snapshot: &Schema) -> Vec<String> {
    let mapped = delivery.attributes.iter().filter_map(|attribute| snapshot_column(&attribute.source));
    let identifiers = delivery.identifiers.iter().map(CleanedColumn::snapshot_name);
    let consent = delivery.consent.then(|| snapshot::consent(&delivery.destination));
    let rows = delivery.expansion.as_deref().map(snapshot::rows);
    let top = |name: &String| snapshot.column_with_name(name).is_some();
    mapped.chain(identifiers).chain(consent).filter(top).chain(rows).collect()
}
