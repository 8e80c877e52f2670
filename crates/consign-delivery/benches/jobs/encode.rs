//! Cleaning, hashing and encoding alone: a Parquet file to request bodies that nobody keeps.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use consign_destinations::encode::{EncodedRows, ListTarget, Operation, Sequence, body, split_requests};
use consign_destinations::registry::Registry;
use consign_model::definition::ColumnRef;
use consign_model::plan::{AttributeSource, CampaignPlan, CleanedColumn, PlannedAttribute, PlannedDelivery};
use consign_model::spec::Hash;
use consign_normalise::{Cleaner, hash_column};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::Result;

/// Rows that are read and hashed at once.
const BATCH: usize = 8192;

/// Encodes the hashed attributes of the plan's first delivery for every row of its table that has one of them. The rows.
pub fn hash_and_encode(registry: &Registry, plan: &CampaignPlan, table: &Path, threads: usize) -> Result<u64> {
    let delivery = plan.deliveries.first().ok_or("the plan has no delivery")?;
    let attributes: Vec<_> = delivery.attributes.iter().filter(|one| one.hash == Hash::Sha256).cloned().collect();
    let job = &Encoding { registry, delivery, attributes, table };
    let groups = ParquetRecordBatchReaderBuilder::try_new(File::open(table)?)?.metadata().num_row_groups();
    let next = &AtomicUsize::new(0);
    thread::scope(|scope| {
        let work = move || -> Result<u64> {
            let mut rows = 0;
            loop {
                let group = next.fetch_add(1, Ordering::Relaxed);
                if group >= groups {
                    return Ok(rows);
                }
                rows += job.row_group(group)?;
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| "a thread ended early")?).sum()
    })
}

struct Encoding<'a> {
    registry: &'a Registry,
    delivery: &'a PlannedDelivery,
    attributes: Vec<PlannedAttribute>,
    table: &'a Path,
}

impl Encoding<'_> {
    fn row_group(&self, group: usize) -> Result<u64> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(self.table)?)?;
        let cleaned: Vec<&CleanedColumn> = self.attributes.iter().filter_map(cleaned).collect();
        let countries = cleaned.iter().filter_map(|one| country(one));
        let names = cleaned.iter().map(|one| &one.column).chain(countries).map(|column| column.column.as_str());
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        let reader = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(BATCH).build()?;
        let encoder = self.registry.kind(&self.delivery.kind);
        let encoder = encoder.and_then(|kind| kind.encoder(&self.delivery.settings, &self.attributes));
        let encoder = encoder.ok_or("the kind makes no requests")?;
        let fields = self.attributes.iter().map(|one| Field::new(&one.name, DataType::Utf8View, true));
        let schema: SchemaRef = std::sync::Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let list = ListTarget { id: "1".into(), name: String::new() };
        let (limits, mut rows, mut waiting, mut encoded) = (encoder.limits(), 0, Vec::new(), EncodedRows::new());
        let mut send = |batches: &[RecordBatch]| -> Result<u64> {
            encoded.clear();
            encoder.encode_rows(&concat_batches(&schema, batches)?, &list, Operation::Add, &mut encoded)?;
            let total_rows = encoded.len() as u64;
            for (at, range) in split_requests(&encoded, &limits, 512).into_iter().enumerate() {
                let sequence =
                    Sequence { number: at as u64 + 1, last: false, total_rows, session: 1, day: NaiveDate::default() };
                let envelope = encoder.envelope(&list, Operation::Add, &sequence)?;
                std::hint::black_box(body(&envelope, &encoded, range));
            }
            Ok(total_rows)
        };
        for batch in reader {
            let batch = batch?;
            let arrays = self.attributes.iter().map(|one| hashed(&batch, one)).collect::<Result<Vec<_>>>()?;
            let there = |row| Some(arrays.iter().any(|array| array.is_valid(row)));
            let there: BooleanArray = (0..batch.num_rows()).map(there).collect();
            waiting.push(filter_record_batch(&RecordBatch::try_new(schema.clone(), arrays)?, &there)?);
            if waiting.iter().map(RecordBatch::num_rows).sum::<usize>() >= limits.request_rows.unwrap_or(BATCH) {
                rows += send(&waiting)?;
                waiting.clear();
            }
        }
        Ok(rows + send(&waiting)?)
    }
}

fn cleaned(attribute: &PlannedAttribute) -> Option<&CleanedColumn> {
    if let AttributeSource::Cleaned(cleaned) = &attribute.source { Some(cleaned) } else { None }
}

fn country(cleaned: &CleanedColumn) -> Option<&ColumnRef> {
    cleaned.region.as_ref().and_then(|region| region.column.as_ref())
}

fn hashed(batch: &RecordBatch, attribute: &PlannedAttribute) -> Result<ArrayRef> {
    let column = cleaned(attribute).ok_or("the attribute is not cleaned")?;
    let values = text(batch, &column.column)?;
    let countries = country(column).map(|country| text(batch, country)).transpose()?;
    let cleaner = Cleaner::new(column.normalisation, column.prehashed, column.region.as_ref(), 2026);
    let cleaned = cleaner.column(&values, countries.as_ref());
    Ok(std::sync::Arc::new(hash_column(&cleaned, attribute.hash)))
}

fn text(batch: &RecordBatch, column: &ColumnRef) -> Result<StringViewArray> {
    let array = batch.column_by_name(&column.column).ok_or_else(|| format!("there is no column `{column}`"))?;
    Ok(cast(array, &DataType::Utf8View)?.as_string_view().clone())
}
