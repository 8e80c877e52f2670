//! The exact split: sizes by the largest remainder, sticky to the last run. The unsplit snapshot is read twice, each
//! time beside the last run's, both in order of position, so that nothing is held in memory but counts: first who stays
//! in a group is counted, then newcomers, in order, fill the group with the largest deficit.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt16Array, UInt64Array};
use arrow::datatypes::{UInt16Type, UInt64Type};
use consign_model::plan::AssignPlan;
use consign_model::snapshot::{CUSTOMER_KEY, GROUP, POSITION, SUB_AUDIENCE};
use consign_model::split::exact_sizes;
use futures::StreamExt;

use super::write::Target;
use super::{AssignProgress, AssignRequest, Assigned};
use crate::error::EngineError;
use crate::snapshot::{Batches, Snapshot};

/// What an exact split is made from.
pub(super) struct Exact<'a> {
    pub plan: &'a AssignPlan,
    pub request: &'a AssignRequest<'a>,
    /// The last run's snapshot.
    pub previous: Option<&'a Snapshot>,
}

impl Exact<'_> {
    /// Splits an unsplit snapshot into groups and writes it to its place.
    pub async fn split(self, unsplit: &Path, target: Target, assigned: &mut Assigned) -> Result<(), EngineError> {
        let unsplit = Snapshot::open_file(unsplit)?;
        let mut deficits = self.deficits(&unsplit, assigned).await?;
        let mut last = self.previous.map(Last::open).transpose()?;
        let schema = unsplit.schema();
        let group_column = schema.index_of(GROUP).map_err(|error| EngineError::Query(error.to_string()))?;
        let mut output = target.begin(Arc::clone(&schema))?;
        let mut rows = unsplit.all()?;
        let mut written = 0;
        while let Some(batch) = rows.next().await {
            self.stop_if_cancelled()?;
            let batch = batch?;
            let places = Places::of(&batch)?;
            let mut groups = Vec::with_capacity(places.len());
            for row in 0..places.len() {
                let before = match &mut last {
                    Some(last) => last.group_of(&places, row).await?,
                    None => None,
                };
                let group = deficits.stay_or_join(places.sub_audience(row), before);
                if let (Some(group), Some(sub_audience)) = (group, places.sub_audience(row)) {
                    assigned.sub_audiences[usize::from(sub_audience)].groups[usize::from(group)] += 1;
                }
                groups.push(group);
            }
            let mut columns = batch.columns().to_vec();
            columns[group_column] = Arc::new(UInt16Array::from(groups));
            let batch = RecordBatch::try_new(batch.schema(), columns);
            written += places.len() as u64;
            output.write(batch.map_err(|error| EngineError::Query(error.to_string()))?).await?;
            (self.request.progress)(AssignProgress::Writing { rows: written });
        }
        output.finish().await
    }

    /// The groups' sizes, less who stays in them.
    async fn deficits(&self, unsplit: &Snapshot, assigned: &Assigned) -> Result<Deficits, EngineError> {
        let mut deficits = Deficits::default();
        for (one, found) in self.plan.sub_audiences.iter().zip(&assigned.sub_audiences) {
            let shares: Vec<u32> = one.groups.iter().map(|group| group.hundredths).collect();
            let sizes = exact_sizes(found.customers, &shares).into_iter();
            deficits.0.push(sizes.map(|size| i64::try_from(size).unwrap_or(i64::MAX)).collect());
        }
        let Some(previous) = self.previous else { return Ok(deficits) };
        let mut last = Last::open(previous)?;
        let mut rows = unsplit.batches(&[CUSTOMER_KEY, POSITION, SUB_AUDIENCE])?;
        while let Some(batch) = rows.next().await {
            self.stop_if_cancelled()?;
            let places = Places::of(&batch?)?;
            for row in 0..places.len() {
                if let Some((sub_audience, group)) = last.group_of(&places, row).await?
                    && let Some(deficit) = deficits.of(sub_audience, group)
                {
                    *deficit -= 1;
                }
            }
        }
        Ok(deficits)
    }

    fn stop_if_cancelled(&self) -> Result<(), EngineError> {
        if self.request.cancel.is_cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }
}

/// How many customers each group of each sub-audience still takes.
#[derive(Default)]
struct Deficits(Vec<Vec<i64>>);

impl Deficits {
    /// That of a group, if there is such a group.
    fn of(&mut self, sub_audience: u16, group: u16) -> Option<&mut i64> {
        self.0.get_mut(usize::from(sub_audience))?.get_mut(usize::from(group))
    }

    /// The group of a customer: the one before, else the one with the largest deficit, of equal ones the first.
    fn stay_or_join(&mut self, sub_audience: Option<u16>, before: Option<(u16, u16)>) -> Option<u16> {
        if let Some((sub_audience, group)) = before
            && self.of(sub_audience, group).is_some()
        {
            return Some(group);
        }
        let groups = self.0.get_mut(usize::from(sub_audience?))?.iter_mut().enumerate();
        let (group, deficit) = groups.max_by_key(|(i, deficit)| (**deficit, std::cmp::Reverse(*i)))?;
        *deficit -= 1;
        u16::try_from(group).ok()
    }
}

/// Where the rows of a batch stand.
struct Places {
    batch: RecordBatch,
    columns: [usize; 3],
}

impl Places {
    fn of(batch: &RecordBatch) -> Result<Self, EngineError> {
        let schema = batch.schema();
        let index = |name: &str| schema.index_of(name).map_err(|error| EngineError::Query(error.to_string()));
        let columns = [index(POSITION)?, index(CUSTOMER_KEY)?, index(SUB_AUDIENCE)?];
        Ok(Self { batch: batch.clone(), columns })
    }

    fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Position, key and sub-audience of a row: what snapshots are ordered by.
    fn place(&self, row: usize) -> (u64, &str, Option<u16>) {
        let positions: &UInt64Array = self.batch.column(self.columns[0]).as_primitive::<UInt64Type>();
        let keys = self.batch.column(self.columns[1]).as_string_view();
        (positions.value(row), keys.value(row), self.sub_audience(row))
    }

    fn sub_audience(&self, row: usize) -> Option<u16> {
        let indices: &UInt16Array = self.batch.column(self.columns[2]).as_primitive::<UInt16Type>();
        indices.is_valid(row).then(|| indices.value(row))
    }
}

/// The last run's snapshot, read along.
struct Last {
    batches: Batches,
    current: Option<Places>,
    row: usize,
}

impl Last {
    fn open(snapshot: &Snapshot) -> Result<Self, EngineError> {
        let batches = snapshot.batches(&[CUSTOMER_KEY, POSITION, SUB_AUDIENCE, GROUP])?;
        Ok(Self { batches, current: None, row: 0 })
    }

    /// The sub-audience and group that the last run gave a row, which comes after all asked for before.
    async fn group_of(&mut self, places: &Places, row: usize) -> Result<Option<(u16, u16)>, EngineError> {
        let wanted = places.place(row);
        let Some(sub_audience) = wanted.2 else { return Ok(None) };
        loop {
            let Some(current) = self.current.as_ref().filter(|current| self.row < current.len()) else {
                match self.batches.next().await {
                    None => return Ok(None),
                    Some(batch) => self.current = Some(Places::of(&batch?)?),
                }
                self.row = 0;
                continue;
            };
            match current.place(self.row).cmp(&wanted) {
                Ordering::Less => self.row += 1,
                Ordering::Greater => return Ok(None),
                Ordering::Equal => {
                    let groups = current.batch.column_by_name(GROUP).map(AsArray::as_primitive::<UInt16Type>);
                    let group = groups.filter(|groups| groups.is_valid(self.row)).map(|groups| groups.value(self.row));
                    return Ok(group.map(|group| (sub_audience, group)));
                }
            }
        }
    }
}
