//! Writing a snapshot: one Parquet file, whole or not at all. The bytes depend on the rows alone: batches are cut anew
//! before they are written, however many threads made them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringViewArray, UInt16Array};
use arrow::compute::{BatchCoalescer, filter_record_batch};
use arrow::datatypes::{Schema, SchemaRef, UInt16Type};
use arrow::error::ArrowError;
use consign_model::plan::AssignPlan;
use consign_model::snapshot::{CUSTOMER_KEY, EXCLUDED, GROUP, SUB_AUDIENCE};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::{ObjectStore, WriteMultipart};
use parquet::arrow::ArrowWriter;
use tokio::sync::mpsc;
use url::Url;

use super::plan::{COUNTED_ONLY, IN, excluded, included, logical};
use super::{AssignProgress, AssignRequest, Assigned, AssignedSubAudience, next};
use crate::error::EngineError;
use crate::prepare::Prepared;
use crate::session::BATCH;
use crate::source::copy::properties;

/// Batches that wait for the writer.
const AHEAD: usize = 4;

/// Bytes of a part of an upload.
const PART: usize = 8 << 20;

/// Where a snapshot goes.
pub(super) struct Target {
    shown: String,
    place: Place,
}

enum Place {
    /// A file: written under a temporary name beside it.
    Disk(PathBuf),
    /// An object: written to the spill folder, then uploaded in parts.
    Store { store: Arc<dyn ObjectStore>, path: object_store::path::Path, spill: PathBuf },
}

impl Target {
    pub fn new(url: &Url, spill: &Path, stores: &Arc<dyn ObjectStoreRegistry>) -> Result<Self, EngineError> {
        let failed = |reason: String| EngineError::WriteSnapshot { url: url.to_string(), reason };
        if url.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| failed("it names no file of this machine".into()))?;
            return Ok(Self::on_disk(path));
        }
        let store = stores.get_store(url).map_err(|error| failed(error.strip_backtrace()))?;
        let path = object_store::path::Path::from_url_path(url.path()).map_err(|error| failed(error.to_string()))?;
        Ok(Self { shown: url.to_string(), place: Place::Store { store, path, spill: spill.to_owned() } })
    }

    pub fn on_disk(path: PathBuf) -> Self {
        Self { shown: path.display().to_string(), place: Place::Disk(path) }
    }

    fn failed(&self, reason: impl Into<String>) -> EngineError {
        let reason = reason.into();
        // What the Parquet writer puts before the system's words says nothing to people.
        let reason = reason.strip_prefix("External: ").unwrap_or(&reason).to_owned();
        EngineError::WriteSnapshot { url: self.shown.clone(), reason }
    }

    /// Begins to write; what is not finished leaves nothing behind.
    pub fn begin(self, schema: SchemaRef) -> Result<Output, EngineError> {
        let folder = match &self.place {
            Place::Disk(path) => path.parent().unwrap_or(Path::new("/")).to_owned(),
            Place::Store { spill, .. } => spill.clone(),
        };
        let begin = || {
            fs::create_dir_all(&folder)?;
            let temporary = tempfile::Builder::new().prefix(".snapshot-").suffix(".partial").tempfile_in(&folder)?;
            let file = temporary.as_file().try_clone()?;
            Ok::<_, io::Error>((temporary, file))
        };
        let (temporary, file) = begin().map_err(|error| self.failed(error.to_string()))?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties()));
        let mut writer = writer.map_err(|error| self.failed(error.to_string()))?;
        let (sender, mut batches) = mpsc::channel::<RecordBatch>(AHEAD);
        let writing = tokio::task::spawn_blocking(move || {
            while let Some(batch) = batches.blocking_recv() {
                writer.write(&batch)?;
            }
            writer.close().map(drop)
        });
        let cutter = BatchCoalescer::new(schema, BATCH);
        Ok(Output { target: self, temporary, sender, writing, cutter })
    }
}

/// A snapshot that is being written.
pub(super) struct Output {
    target: Target,
    temporary: tempfile::NamedTempFile,
    sender: mpsc::Sender<RecordBatch>,
    writing: tokio::task::JoinHandle<Result<(), parquet::errors::ParquetError>>,
    cutter: BatchCoalescer,
}

impl Output {
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(), EngineError> {
        self.cutter.push_batch(batch).map_err(|error| self.target.failed(error.to_string()))?;
        self.send().await
    }

    async fn send(&mut self) -> Result<(), EngineError> {
        while let Some(batch) = self.cutter.next_completed_batch() {
            if self.sender.send(batch).await.is_err() {
                // The writer has stopped, and says why.
                return Err(match (&mut self.writing).await {
                    Ok(Err(error)) => self.target.failed(error.to_string()),
                    _ => self.target.failed("the writer stopped"),
                });
            }
        }
        Ok(())
    }

    /// Makes the snapshot appear under its name, on disk for good.
    pub async fn finish(mut self) -> Result<(), EngineError> {
        self.cutter.finish_buffered_batch().map_err(|error| self.target.failed(error.to_string()))?;
        self.send().await?;
        let Self { target, temporary, sender, writing, .. } = self;
        drop(sender);
        writing
            .await
            .map_err(|error| target.failed(error.to_string()))?
            .map_err(|error| target.failed(error.to_string()))?;
        match &target.place {
            Place::Disk(path) => publish(temporary, path).map_err(|error| target.failed(error.to_string())),
            Place::Store { store, path, .. } => {
                let uploaded = upload(&temporary, store, path).await;
                uploaded.map_err(|error| target.failed(error.to_string()))
            }
        }
    }
}

/// Syncs the file, gives it its name, and syncs the name.
fn publish(temporary: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

async fn upload(
    temporary: &tempfile::NamedTempFile,
    store: &Arc<dyn ObjectStore>,
    path: &object_store::path::Path,
) -> io::Result<()> {
    use object_store::ObjectStoreExt;
    let mut file = temporary.reopen()?;
    let upload = store.put_multipart(path).await.map_err(io::Error::other)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
    let mut part = vec![0; PART];
    loop {
        let length = match file.read(&mut part) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) => {
                upload.abort().await.map_err(io::Error::other)?;
                return Err(error);
            }
        };
        upload.wait_for_capacity(AHEAD).await.map_err(io::Error::other)?;
        upload.write(&part[..length]);
    }
    upload.finish().await.map(drop).map_err(io::Error::other)
}

/// What an assignment writes.
pub(super) struct Writing<'a> {
    pub plan: &'a AssignPlan,
    pub request: &'a AssignRequest<'a>,
    pub prepared: &'a Prepared<'a>,
}

impl Writing<'_> {
    /// Runs the plan of each part, writes its rows, and counts what is in them.
    pub async fn write(self, target: Target, assigned: &mut Assigned) -> Result<(), EngineError> {
        let mut counts = Counts::new(self.plan);
        let mut target = Some(target);
        let mut output = None;
        for part in &self.prepared.parts {
            let logical = logical(self.prepared, part, self.plan)?;
            let mut stream = self.prepared.view.session()?.run(&logical).await?;
            if let Some(target) = target.take() {
                output = Some(target.begin(written(&stream.schema()))?);
            }
            let Some(output) = &mut output else { continue };
            self.write_part(&mut stream, output, &mut counts, assigned).await?;
        }
        if let Some(output) = output {
            output.finish().await?;
        }
        counts.report(assigned);
        Ok(())
    }

    async fn write_part(
        &self,
        stream: &mut SendableRecordBatchStream,
        output: &mut Output,
        counts: &mut Counts,
        assigned: &mut Assigned,
    ) -> Result<(), EngineError> {
        let columns: Vec<usize> = (0..written(&stream.schema()).fields().len()).collect();
        while let Some(batch) = next(stream, self.request.cancel, &self.prepared.view).await? {
            let failed = |error| EngineError::Query(format!("{error}"));
            let batch = self.without_forgotten(batch).map_err(failed)?;
            counts.see(&batch);
            let counted_only = flag(&batch, COUNTED_ONLY);
            let keep: BooleanArray = counted_only.iter().map(|only| Some(only != Some(true))).collect();
            let rows = batch.project(&columns).and_then(|rows| filter_record_batch(&rows, &keep)).map_err(failed)?;
            assigned.rows += rows.num_rows() as u64;
            output.write(rows).await?;
            (self.request.progress)(AssignProgress::Writing { rows: assigned.rows });
        }
        Ok(())
    }
}

impl Writing<'_> {
    /// The rows of customers who were not forgotten: the others are not even counted.
    fn without_forgotten(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let forgotten = &self.prepared.tables.forgotten;
        if forgotten.is_empty() {
            return Ok(batch);
        }
        let known = keys(&batch).iter().map(|key| Some(key.is_none_or(|key| !forgotten.holds(key))));
        filter_record_batch(&batch, &known.collect())
    }
}

/// The columns of a plan that the snapshot has: those before the first that is only counted.
fn written(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().take_while(|field| field.name() != COUNTED_ONLY);
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

fn keys(batch: &RecordBatch) -> &StringViewArray {
    batch.column_by_name(CUSTOMER_KEY).map(AsArray::as_string_view).expect("the plan has the column")
}

fn flag<'a>(batch: &'a RecordBatch, name: &str) -> &'a BooleanArray {
    batch.column_by_name(name).map(AsArray::as_boolean).expect("the plan has the column")
}

/// The counts of an assignment, of rows in their order.
struct Counts {
    last: Option<String>,
    audience: u64,
    included: Vec<u64>,
    excluded: Vec<u64>,
    always_excluded: u64,
    sub_audiences: Vec<AssignedSubAudience>,
}

impl Counts {
    fn new(plan: &AssignPlan) -> Self {
        let sub_audience = |groups: usize| AssignedSubAudience { customers: 0, groups: vec![0; groups] };
        Self {
            last: None,
            audience: 0,
            included: vec![0; plan.include.len()],
            excluded: vec![0; plan.exclude.len()],
            always_excluded: 0,
            sub_audiences: plan.sub_audiences.iter().map(|one| sub_audience(one.groups.len())).collect(),
        }
    }

    fn see(&mut self, batch: &RecordBatch) {
        let keys = keys(batch);
        let small = |name: &str| -> &UInt16Array {
            batch.column_by_name(name).map(AsArray::as_primitive::<UInt16Type>).expect("the plan has the column")
        };
        let (sub_audiences, groups) = (small(SUB_AUDIENCE), small(GROUP));
        let (inside, always) = (flag(batch, IN), flag(batch, EXCLUDED));
        let include: Vec<_> = (0..self.included.len()).map(|i| flag(batch, &included(i))).collect();
        let exclude: Vec<_> = (0..self.excluded.len()).map(|i| flag(batch, &excluded(i))).collect();
        for row in 0..batch.num_rows() {
            if sub_audiences.is_valid(row)
                && let Some(one) = self.sub_audiences.get_mut(usize::from(sub_audiences.value(row)))
            {
                one.customers += 1;
                if groups.is_valid(row)
                    && let Some(group) = one.groups.get_mut(usize::from(groups.value(row)))
                {
                    *group += 1;
                }
            }
            // A customer's rows stand together.
            if self.last.as_deref() == Some(keys.value(row)) {
                continue;
            }
            let last = self.last.get_or_insert_default();
            last.clear();
            last.push_str(keys.value(row));
            self.audience += u64::from(inside.value(row));
            let mut any = false;
            for (count, flags) in self.included.iter_mut().zip(&include) {
                *count += u64::from(flags.value(row));
                any |= flags.value(row);
            }
            if any {
                self.always_excluded += u64::from(always.value(row));
                for (count, flags) in self.excluded.iter_mut().zip(&exclude) {
                    *count += u64::from(flags.value(row));
                }
            }
        }
    }

    fn report(self, assigned: &mut Assigned) {
        assigned.audience = self.audience;
        assigned.included = self.included;
        assigned.excluded = self.excluded;
        assigned.always_excluded = self.always_excluded;
        assigned.sub_audiences = self.sub_audiences;
    }
}
