//! Parts: what does not fit into memory at once is worked on in ranges of position. Every table is read once and its rows
//! laid out by the position of their customer; each range is then a plan of its own that fits, and since ranges come one
//! after the other, so do the rows of the snapshot. Joins and sorts of the query engine alone either hold all of it
//! (hash joins) or need memory that grows with the number of runs they merge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{BatchCoalescer, take_record_batch};
use arrow::datatypes::{SchemaRef, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use consign_model::id::Slug;
use consign_model::snapshot::CUSTOMER_KEY;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::file_format::arrow::ArrowFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use futures::StreamExt;

use crate::compile::named;
use crate::error::EngineError;
use crate::frame::text;
use crate::functions::position;
use crate::source::Trouble;
use crate::source::types::key;
use crate::tables::{Tables, file_url};
use crate::view::View;

/// Most parts that tables are laid out in; each has an open file and a batch in memory.
const MAX: u64 = 256;

/// Rows of a batch of a part.
const BATCH: usize = 4096;

/// The column by which rows are laid out.
const PLACE: &str = "#position";

/// The tables and SQL segments that a plan reads: all of their rows, or those of one range of positions.
#[derive(Default)]
pub(crate) struct Part {
    pub tables: BTreeMap<String, Arc<dyn TableProvider>>,
    pub segments: BTreeMap<Slug, Arc<dyn TableProvider>>,
}

/// In how many parts to work: in one where a guess of all that a plan holds is below half of the pool, else in parts of
/// about a quarter of it. A power of two.
pub(crate) fn number(bytes: u64, memory: usize) -> u64 {
    let memory = memory as u64;
    if bytes <= memory / 2 { 1 } else { (bytes / (memory / 4).max(1)).next_power_of_two().clamp(2, MAX) }
}

/// Lays the tables of a view out in parts, in order of position under that split key.
pub(crate) async fn lay_out(
    tables: &Tables,
    columns: &BTreeMap<String, BTreeSet<String>>,
    split_key: &str,
    view: &View,
    number: u64,
) -> Result<Vec<Part>, EngineError> {
    let mut parts: Vec<Part> = (0..number).map(|_| Part::default()).collect();
    for (i, (name, columns)) in columns.iter().enumerate() {
        let table = tables.table(name)?;
        let stored_key = table.key()?;
        let mut wanted = columns.clone();
        wanted.insert(stored_key.name().clone());
        let layout = Layout { view, split_key, number, prefix: format!("part-{i}") };
        let laid_out = layout.of(name, view.provider(name), key(stored_key), &wanted).await?;
        for (part, table) in parts.iter_mut().zip(laid_out) {
            part.tables.insert(name.clone(), table);
        }
    }
    for (segment, keys) in view.segments() {
        let layout = Layout { view, split_key, number, prefix: format!("part-of-{segment}") };
        let wanted = BTreeSet::from([CUSTOMER_KEY.to_owned()]);
        let laid_out = layout.of(segment.as_str(), Some(keys), named(CUSTOMER_KEY), &wanted).await?;
        for (part, keys) in parts.iter_mut().zip(laid_out) {
            part.segments.insert(segment.clone(), keys);
        }
    }
    Ok(parts)
}

struct Layout<'a> {
    view: &'a View,
    split_key: &'a str,
    number: u64,
    prefix: String,
}

impl Layout<'_> {
    /// The parts of one table.
    async fn of(
        &self,
        name: &str,
        provider: Option<Arc<dyn TableProvider>>,
        key: Expr,
        columns: &BTreeSet<String>,
    ) -> Result<Vec<Arc<dyn TableProvider>>, EngineError> {
        let full = |error: ArrowError| {
            Trouble::new(format!("its parts cannot be written: {error}"), "free space in the spill folder").of(name)
        };
        let provider = provider.ok_or_else(|| Trouble::new("it was not made ready", "report this").of(name))?;
        let plan = self.plan(name, provider, key, columns)?;
        let mut stream = self.view.session()?.run(&plan).await?;
        let kept: Vec<usize> = (0..columns.len()).collect();
        let schema: SchemaRef = Arc::new(stream.schema().project(&kept).map_err(full)?);
        let mut parts = Vec::new();
        for i in 0..self.number {
            let path = self.view.path(&format!("{}-{i}.arrow", self.prefix));
            parts.push(Writing::create(path, &schema).map_err(full)?);
        }
        let shift = u64::BITS - self.number.trailing_zeros();
        while let Some(batch) = stream.next().await {
            self.view.stop_if_cancelled()?;
            let batch = batch.map_err(|error| self.view.error(error))?;
            let places: &UInt64Array = batch.column(columns.len()).as_primitive::<UInt64Type>();
            let mut rows: Vec<Vec<u32>> = vec![Vec::new(); parts.len()];
            for (row, place) in (0_u32..).zip(places.values()) {
                rows[usize::try_from(place >> shift).unwrap_or_default()].push(row);
            }
            let batch = batch.project(&kept).map_err(full)?;
            for (part, rows) in parts.iter_mut().zip(rows) {
                if !rows.is_empty() {
                    part.write(&batch, rows).map_err(full)?;
                }
            }
        }
        let mut providers = Vec::new();
        for part in parts {
            let path = part.finish().map_err(full)?;
            providers.push(table_of(&path, &schema).map_err(|trouble| trouble.of(name))?);
        }
        Ok(providers)
    }

    /// The columns, then the position.
    fn plan(
        &self,
        name: &str,
        provider: Arc<dyn TableProvider>,
        key: Expr,
        columns: &BTreeSet<String>,
    ) -> Result<LogicalPlan, EngineError> {
        let has_key = key.clone().is_not_null().and(key.clone().not_eq(text("")));
        let mut projected: Vec<Expr> = columns.iter().map(named).collect();
        projected.push(position(self.split_key, key).alias(PLACE));
        LogicalPlanBuilder::scan(TableReference::bare(name.to_owned()), provider_as_source(provider), None)
            .and_then(|scan| scan.filter(has_key)?.project(projected)?.build())
            .map_err(|error| self.view.error(error))
    }
}

/// A part of a table as a table.
fn table_of(path: &PathBuf, schema: &SchemaRef) -> Result<Arc<dyn TableProvider>, Trouble> {
    let own = |error: datafusion::error::DataFusionError| Trouble::new(error.strip_backtrace(), "report this");
    let url = ListingTableUrl::try_new(file_url(path)?, None).map_err(own)?;
    let options = ListingOptions::new(Arc::new(ArrowFormat)).with_file_extension("");
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(Arc::clone(schema));
    Ok(Arc::new(ListingTable::try_new(config).map_err(own)?))
}

/// A part of a table that is being written.
struct Writing {
    path: PathBuf,
    writer: FileWriter<File>,
    batches: BatchCoalescer,
}

impl Writing {
    fn create(path: PathBuf, schema: &SchemaRef) -> Result<Self, ArrowError> {
        let writer = FileWriter::try_new(create(&path)?, schema)?;
        Ok(Self { path, writer, batches: BatchCoalescer::new(Arc::clone(schema), BATCH) })
    }

    fn write(&mut self, batch: &RecordBatch, rows: Vec<u32>) -> Result<(), ArrowError> {
        self.batches.push_batch(take_record_batch(batch, &UInt32Array::from(rows))?)?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), ArrowError> {
        while let Some(batch) = self.batches.next_completed_batch() {
            self.writer.write(&batch)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<PathBuf, ArrowError> {
        self.batches.finish_buffered_batch()?;
        self.flush()?;
        self.writer.finish()?;
        Ok(self.path)
    }
}

fn create(path: &Path) -> Result<File, ArrowError> {
    File::create(path).map_err(|error| ArrowError::IoError(error.to_string(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_parts_as_fit_a_quarter_of_the_pool() {
        assert_eq!(number(500, 1000), 1);
        assert_eq!(number(501, 1000), 2);
        assert_eq!(number(1100, 1000), 4);
        assert_eq!(number(u64::MAX, 1000), MAX);
    }
}
