//! The passes that look ahead: which values may recur, and which identifiers are suppressed.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, CleanedColumn, PlannedDelivery};
use consign_model::snapshot;

use super::candidates::{Candidates, column, text};
use super::group::place;
use super::judge::{IDENTIFIERS, Suppressed, UniqueKey, identity, value};
use super::recurrence::{self, Marks, Recurring};
use super::workers::{Work, by_place};
use super::{SnapshotReader, StageError};

/// A scan that marks values.
pub(super) trait Scan: Work {
    fn columns(&self) -> Vec<String>;
    fn finish(self: Box<Self>) -> recurrence::Candidates;
}

impl Work for Box<dyn Scan> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        (**self).batch(batch)
    }
}

/// Every cleaned column by which any delivery suppresses, once.
pub(super) fn identifiers(plan: &CampaignPlan) -> Vec<CleanedColumn> {
    let all: BTreeSet<_> = plan.deliveries.iter().flat_map(|delivery| &delivery.identifiers).cloned().collect();
    all.into_iter().collect()
}

/// The columns of the snapshot that hold these cleaned columns: themselves, or the rows of their many-rows table.
fn holders(snapshot: &dyn SnapshotReader, identifiers: &[CleanedColumn]) -> Vec<String> {
    let schema = snapshot.schema();
    let holder = |cleaned: &CleanedColumn| {
        let own = cleaned.snapshot_name();
        if schema.column_with_name(&own).is_some() { own } else { snapshot::rows(&cleaned.column.table) }
    };
    identifiers.iter().map(holder).collect()
}

/// Calls `found` with the row and each valid value of a cleaned column, also of one in the rows of a many-rows table.
fn each_value(
    batch: &RecordBatch,
    cleaned: &CleanedColumn,
    mut found: impl FnMut(usize, &str),
) -> Result<(), StageError> {
    let name = cleaned.snapshot_name();
    if batch.column_by_name(&name).is_some() {
        let values = text(batch, &name)?;
        for row in 0..values.len() {
            if let Some(value) = value(values, row) {
                found(row, value);
            }
        }
        return Ok(());
    }
    let holder = snapshot::rows(&cleaned.column.table);
    let layout = || StageError::Layout(name.clone());
    let lists = column(batch, &holder)?.as_list_opt::<i32>().ok_or_else(layout)?;
    let rows = lists.values().as_struct_opt().ok_or_else(layout)?;
    let values = rows.column_by_name(&name).and_then(|array| array.as_string_view_opt()).ok_or_else(layout)?;
    for customer in (0..lists.len()).filter(|customer| lists.is_valid(*customer)) {
        let (from, to) = (lists.value_offsets()[customer], lists.value_offsets()[customer + 1]);
        for row in from..to {
            if let Some(value) = value(values, usize::try_from(row).unwrap_or(usize::MAX)) {
                found(customer, value);
            }
        }
    }
    Ok(())
}

/// Marks identifiers, of everybody.
pub(super) struct IdentifierScan {
    identifiers: Vec<CleanedColumn>,
    columns: Vec<String>,
    marks: Arc<Marks>,
    candidates: recurrence::Candidates,
}

impl IdentifierScan {
    pub fn new(snapshot: &dyn SnapshotReader, identifiers: &[CleanedColumn], marks: &Arc<Marks>) -> Self {
        Self {
            identifiers: identifiers.to_vec(),
            columns: holders(snapshot, identifiers),
            marks: Arc::clone(marks),
            candidates: recurrence::Candidates::new(),
        }
    }
}

impl Work for IdentifierScan {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        for cleaned in &self.identifiers {
            each_value(batch, cleaned, |_, value| {
                self.marks.mark(IDENTIFIERS, &identity(value), &mut self.candidates);
            })?;
        }
        Ok(())
    }
}

impl Scan for IdentifierScan {
    fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    fn finish(self: Box<Self>) -> recurrence::Candidates {
        self.candidates
    }
}

/// A unique key of the deliveries of one group.
struct Key {
    place: (u16, u16),
    expansion: Option<String>,
    /// The columns of the snapshot that it reads, but for the rows of the expansion.
    columns: Vec<String>,
    domain: usize,
}

/// The domain of a delivery's unique key among recurring values: one for all deliveries whose keys are made of the same
/// columns.
pub(super) fn domains(deliveries: &[PlannedDelivery]) -> Vec<Option<usize>> {
    let columns = |delivery| UniqueKey::of(delivery).map(|key| key.columns());
    let distinct: BTreeSet<Vec<String>> = deliveries.iter().filter_map(columns).collect();
    let domain = |columns: Vec<String>| distinct.iter().position(|one| *one == columns).map(|at| IDENTIFIERS + 1 + at);
    deliveries.iter().map(|delivery| columns(delivery).and_then(domain)).collect()
}

/// How many values a customer is marked with at most, for the size of the marks.
pub(super) fn keys_a_customer(deliveries: &[PlannedDelivery]) -> usize {
    domains(deliveries).into_iter().flatten().collect::<BTreeSet<_>>().len()
}

/// Marks unique keys. Deliveries of one group with the same key mark it once.
pub(super) struct KeyScan {
    keys: Vec<(Key, UniqueKey)>,
    marks: Arc<Marks>,
    candidates: recurrence::Candidates,
}

impl KeyScan {
    /// `None` where no delivery has a unique key.
    pub fn new(snapshot: &dyn SnapshotReader, deliveries: &[PlannedDelivery], marks: &Arc<Marks>) -> Option<Self> {
        let schema = snapshot.schema();
        let mut keys: Vec<(Key, UniqueKey)> = Vec::new();
        for (delivery, domain) in deliveries.iter().zip(domains(deliveries)) {
            let (Some(unique), Some(domain)) = (UniqueKey::of(delivery), domain) else { continue };
            let (place, expansion) = (place(delivery), delivery.expansion.clone());
            if !keys.iter().any(|(key, _)| (key.place, &key.expansion, key.domain) == (place, &expansion, domain)) {
                // Columns of the many-rows table are read with its rows.
                let top = |name: &String| schema.column_with_name(name).is_some();
                let columns = unique.columns().into_iter().filter(top).collect();
                keys.push((Key { place, expansion, columns, domain }, unique));
            }
        }
        (!keys.is_empty()).then(|| Self { keys, marks: Arc::clone(marks), candidates: recurrence::Candidates::new() })
    }
}

impl Work for KeyScan {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let places: BTreeSet<_> = self.keys.iter().map(|(key, _)| key.place).collect();
        let places: Vec<_> = places.into_iter().collect();
        let groups = by_place(batch, &places)?;
        for (place, customers) in places.iter().zip(&groups) {
            for (key, unique) in self.keys.iter_mut().filter(|(key, _)| key.place == *place) {
                let candidates = Candidates::new(customers, key.expansion.as_deref())?;
                let rows = unique.rows(&candidates)?;
                for row in &rows {
                    self.marks.mark(key.domain, row.data(), &mut self.candidates);
                }
            }
        }
        Ok(())
    }
}

impl Scan for KeyScan {
    fn columns(&self) -> Vec<String> {
        let mut columns = vec![snapshot::SUB_AUDIENCE.to_owned(), snapshot::GROUP.to_owned()];
        for (key, _) in &self.keys {
            columns.extend(key.columns.iter().cloned());
            columns.extend(key.expansion.as_deref().map(snapshot::rows));
        }
        columns
    }

    fn finish(self: Box<Self>) -> recurrence::Candidates {
        self.candidates
    }
}

/// Collects the identifiers of customers who are always excluded or lack a destination's consent, as far as they recur.
pub(super) struct SuppressedScan {
    identifiers: Vec<CleanedColumn>,
    columns: Vec<String>,
    consents: Vec<Slug>,
    recurring: Arc<Recurring>,
    suppressed: Suppressed,
}

impl SuppressedScan {
    pub fn new(
        snapshot: &dyn SnapshotReader,
        plan: &CampaignPlan,
        identifiers: &[CleanedColumn],
        recurring: &Arc<Recurring>,
    ) -> Self {
        let consents: Vec<_> = plan.assign.consents.keys().cloned().collect();
        let mut columns = holders(snapshot, identifiers);
        columns.push(snapshot::EXCLUDED.to_owned());
        columns.extend(consents.iter().map(snapshot::consent));
        Self {
            identifiers: identifiers.to_vec(),
            columns,
            consents,
            recurring: Arc::clone(recurring),
            suppressed: Suppressed::default(),
        }
    }

    pub fn columns(&self) -> Vec<String> {
        self.columns.clone()
    }

    pub fn finish(self) -> Suppressed {
        self.suppressed
    }
}

impl Work for SuppressedScan {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), StageError> {
        let flags = |name: &str| {
            let array = column(batch, name)?;
            array.as_boolean_opt().ok_or_else(|| StageError::Layout(name.to_owned()))
        };
        let excluded = flags(snapshot::EXCLUDED)?;
        let consents = self
            .consents
            .iter()
            .map(|destination| flags(&snapshot::consent(destination)))
            .collect::<Result<Vec<_>, _>>()?;
        let holds = |flags: &BooleanArray, row: usize| flags.is_valid(row) && flags.value(row);
        for cleaned in &self.identifiers {
            each_value(batch, cleaned, |row, value| {
                let lacking = consents.iter().any(|consent| !holds(consent, row));
                if !lacking && !holds(excluded, row) {
                    return;
                }
                let identity = identity(value);
                if !self.recurring.may_recur(IDENTIFIERS, &identity) {
                    return;
                }
                if holds(excluded, row) {
                    self.suppressed.everywhere.insert(identity);
                }
                for (destination, consent) in self.consents.iter().zip(&consents) {
                    if !holds(consent, row) {
                        self.suppressed.at.entry(destination.clone()).or_default().insert(identity);
                    }
                }
            })?;
        }
        Ok(())
    }
}
