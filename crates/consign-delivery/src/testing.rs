//! Tests: the way of a run up to sending. The first records of each delivery are kept as the bytes that would leave; nothing
//! is sent, and later runs know nothing of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use consign_destinations::encode::{EncodeError, Envelope, Method};
use consign_destinations::files::{self, FileStore};
use consign_model::definition::FileOptions;
use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, PlannedDelivery};
use consign_store::{AudienceCounts, Store};
use futures::stream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::deliver::{DeliverError, attribute_names, encoder, requests};
use crate::folder::{DataFolder, RunFolder, TestFolder, entries, keep, kept, private_folder, remove_folder};
use crate::forget::forgotten;
use crate::platform::{PlatformError, place};
use crate::run::{RunError, Workplace, chain, ids, summary};
use crate::stage::{Counts, StageError, StagedDelivery};
use crate::staged::{self, ReadError};

/// Records of each delivery that a test keeps unless told otherwise.
pub const USUAL_RECORDS: usize = 100;
/// The most records of a delivery that a test keeps.
pub const MOST_RECORDS: usize = 10_000;

/// What a test came to. Counts are those of a run; without personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTest {
    /// Its id, a version 7 UUID.
    pub id: String,
    /// The campaign's id.
    pub campaign: Slug,
    /// The campaign's name.
    pub campaign_name: String,
    /// When it was made.
    pub tested_at: DateTime<Utc>,
    /// Who made it.
    pub tested_by: String,
    /// The moment for which it was made.
    pub as_of: DateTime<Utc>,
    /// The most records of each delivery that were kept.
    pub records: usize,
    /// Who would be in the run.
    pub audience: AudienceCounts,
    /// Its deliveries.
    pub deliveries: Vec<TestedDelivery>,
}

/// One delivery of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestedDelivery {
    /// Unique in the test: `<sub-audience>.<group>.<destination>`.
    pub id: String,
    /// The sub-audience's id.
    pub sub_audience: Slug,
    /// The group's id.
    pub group: Slug,
    /// The destination's id.
    pub destination: Slug,
    /// The destination's kind.
    pub kind: String,
    /// The list's or file's name.
    pub list_name: String,
    /// What would be staged, all of it.
    pub counts: Counts,
    /// What would leave of the first records, in order.
    pub files: Vec<TestFile>,
    /// Why that cannot be shown although it would leave.
    pub note: Option<String>,
    /// Why it would fail before anything left.
    pub error: Option<String>,
}

/// A file as it would leave, or the body of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFile {
    /// Its name; unique in its delivery.
    pub name: String,
    /// The method and path of the request that it is the body of; `None` for a file.
    pub request: Option<String>,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

impl CampaignTest {
    /// Where a file of it is; `None` where it has none of that name.
    pub fn file(&self, data: &DataFolder, delivery: &str, name: &str) -> Option<PathBuf> {
        let delivery = self.deliveries.iter().find(|one| one.id == delivery)?;
        let file = delivery.files.iter().find(|file| file.name == name)?;
        Some(self.folder(data).join(&delivery.id).join(&file.name))
    }

    /// The folder of its files, in which each delivery has one.
    pub fn folder(&self, data: &DataFolder) -> PathBuf {
        folder_of(data, &self.id).files()
    }

    /// Whether its files are there. They go when their retention is over.
    pub fn has_files(&self, data: &DataFolder) -> bool {
        self.folder(data).exists()
    }
}

/// The tests of a campaign, the newest first.
pub fn tests(data: &DataFolder, campaign: &Slug) -> io::Result<Vec<CampaignTest>> {
    let mut tests: Vec<CampaignTest> = Vec::new();
    for folder in entries(&data.tests())? {
        // One that is being made, or was killed, has none.
        tests.extend(read(&TestFolder::at(folder))?.filter(|test| test.campaign == *campaign));
    }
    tests.sort_by(|a, b| b.id.cmp(&a.id));
    Ok(tests)
}

/// The test of that id.
pub fn test(data: &DataFolder, id: &str) -> io::Result<Option<CampaignTest>> {
    // Whatever was asked for, it leads to no other folder.
    match Uuid::try_parse(id) {
        Ok(id) => read(&folder_of(data, &id.to_string())),
        Err(_) => Ok(None),
    }
}

/// What a test came to; an error names the file.
fn read(folder: &TestFolder) -> io::Result<Option<CampaignTest>> {
    let path = folder.summary();
    kept(&path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}: remove its folder", path.display())))
}

fn folder_of(data: &DataFolder, id: &str) -> TestFolder {
    TestFolder::at(data.tests().join(id))
}

impl Workplace<'_> {
    /// Tests a campaign with so many records of each delivery. What is staged on the way is removed.
    pub async fn test(
        &self,
        store: &dyn Store,
        campaign: &Slug,
        as_of: DateTime<Utc>,
        records: usize,
    ) -> Result<CampaignTest, RunError> {
        let id = Uuid::now_v7();
        let plan = self.plan(campaign, as_of, &id.to_string())?;
        self.audit(store, "test", &plan.run_id, &format!("campaign `{campaign}`, {records} records a delivery"))
            .await?;
        let (work, own) = (self.folder.preview(id), folder_of(self.folder, &plan.run_id));
        let tested = self.test_in(store, &plan, &work, &own, records).await;
        let removed = remove_folder(work.path());
        if tested.is_err() {
            // Why it failed is what matters; what is left goes when its retention is over.
            remove_folder(own.path()).ok();
        }
        let tested = tested?;
        removed.map_err(|reason| RunError::Folder { path: work.path().to_owned(), reason })?;
        Ok(tested)
    }

    async fn test_in(
        &self,
        store: &dyn Store,
        plan: &CampaignPlan,
        work: &RunFolder,
        own: &TestFolder,
        records: usize,
    ) -> Result<CampaignTest, RunError> {
        let (snapshot, assignment) = self.assign(store, plan, work).await?;
        let ids = ids(plan);
        let staged = self.stage(plan, &snapshot, &ids, &forgotten(store).await?, work).await?;
        let unusable = |reason| RunError::Folder { path: own.path().to_owned(), reason };
        let mut deliveries = Vec::new();
        for ((delivery, staged), id) in plan.deliveries.iter().zip(&staged).zip(&ids) {
            if self.cancel.is_cancelled() {
                return Err(RunError::Stage(StageError::Cancelled));
            }
            let folder = own.files().join(id);
            private_folder(&folder).map_err(unusable)?;
            let (files, note, error) = match self.leaving(store, plan, delivery, staged, records, &folder).await {
                Ok(files) => (files, None, None),
                Err(DeliverError::Encode(EncodeError::NotOffered { reason, .. })) => {
                    (Vec::new(), Some(reason.to_owned()), None)
                }
                Err(error) if error.is_cancelled() => return Err(RunError::Stage(StageError::Cancelled)),
                Err(error) => (Vec::new(), None, Some(chain(&error))),
            };
            let of = summary(plan, delivery, id, staged, None, None);
            deliveries.push(TestedDelivery {
                id: of.id,
                sub_audience: of.sub_audience,
                group: of.group,
                destination: of.destination,
                kind: of.kind,
                list_name: of.list_name,
                counts: of.counts,
                files,
                note,
                error,
            });
        }
        let tested = CampaignTest {
            id: plan.run_id.clone(),
            campaign: plan.campaign.clone(),
            campaign_name: plan.campaign_name.clone(),
            tested_at: Utc::now(),
            tested_by: self.actor.to_owned(),
            as_of: plan.assign.as_of,
            records,
            audience: assignment.counts,
            deliveries,
        };
        private_folder(own.path()).and_then(|()| keep(&own.summary(), &tested)).map_err(unusable)?;
        Ok(tested)
    }

    /// Puts what would leave of a delivery's first records into a folder.
    async fn leaving(
        &self,
        store: &dyn Store,
        plan: &CampaignPlan,
        delivery: &PlannedDelivery,
        staged: &StagedDelivery,
        records: usize,
        folder: &Path,
    ) -> Result<Vec<TestFile>, DeliverError> {
        let rows = first_rows(staged, records)?;
        let place = files::folder(folder);
        match &delivery.file {
            Some(options) => self.list_of_files(delivery, options, rows, place.as_ref(), folder).await,
            None => self.bodies(store, plan, delivery, &rows, place.as_ref()).await,
        }
    }

    async fn list_of_files(
        &self,
        delivery: &PlannedDelivery,
        options: &FileOptions,
        rows: Vec<RecordBatch>,
        place: &dyn FileStore,
        folder: &Path,
    ) -> Result<Vec<TestFile>, DeliverError> {
        let pgp_key = options.pgp_public_key.as_ref().map(|reference| self.secrets.resolve(reference)).transpose()?;
        let (name, attributes) = (&delivery.list_name, attribute_names(delivery));
        let rows = stream::iter(rows.into_iter().map(Ok::<_, ReadError>));
        let written = files::deliver(place, name, options, &attributes, rows, pgp_key.as_ref(), self.cancel).await?;
        let file =
            |file: files::WrittenFile| TestFile { name: file.name, request: None, rows: file.rows, bytes: file.bytes };
        let mut files: Vec<TestFile> = written.into_iter().map(file).collect();
        // What stands beside the rows: the manifest, and the marker that all is there.
        for path in entries(folder).map_err(|reason| ReadError::at(folder, reason))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if files.iter().all(|file| file.name != name) {
                let bytes = fs::metadata(&path).map_err(|reason| ReadError::at(&path, reason))?.len();
                files.push(TestFile { name, request: None, rows: 0, bytes });
            }
        }
        Ok(files)
    }

    async fn bodies(
        &self,
        store: &dyn Store,
        plan: &CampaignPlan,
        delivery: &PlannedDelivery,
        rows: &[RecordBatch],
        at: &dyn FileStore,
    ) -> Result<Vec<TestFile>, DeliverError> {
        let encoder = encoder(self.registry, delivery)?;
        let group = &plan.assign.sub_audiences[delivery.sub_audience].groups[delivery.group].id;
        let remembered = store.remembered_list(&place(delivery), &plan.campaign, group).await;
        let remembered = remembered.map_err(PlatformError::Store)?;
        let requests = requests(plan, self.registry, delivery, encoder.as_ref(), remembered);
        let mut files = Vec::new();
        for (before, whole) in requests.whole(rows)?.into_iter().enumerate() {
            let (name, request) = named(&whole.envelope, before + 1);
            let (rows, bytes) = (whole.rows as u64, whole.body.len() as u64);
            let mut upload = at.upload(&name).await?;
            upload.write(whole.body.into()).await?;
            upload.publish().await?;
            files.push(TestFile { name, request, rows, bytes });
        }
        Ok(files)
    }
}

/// What the body of a request is called, and the request; a file that is put somewhere has its own name.
fn named(envelope: &Envelope, number: usize) -> (String, Option<String>) {
    if envelope.method == Method::File {
        return (envelope.path.clone(), None);
    }
    let json = envelope.headers.iter().any(|(name, value)| *name == "content-type" && value.contains("json"));
    let name = format!("request_{number}.{}", if json { "json" } else { "csv" });
    (name, Some(format!("{} {}", envelope.method.as_str(), envelope.path)))
}

/// The first rows of a delivery.
fn first_rows(staged: &StagedDelivery, most: usize) -> Result<Vec<RecordBatch>, ReadError> {
    let mut first = Vec::new();
    let mut left = most;
    for batch in &staged.batches {
        for rows in staged::read(&batch.path)? {
            if left == 0 {
                return Ok(first);
            }
            let rows = rows?;
            let some = rows.slice(0, left.min(rows.num_rows()));
            left -= some.num_rows();
            first.push(some);
        }
    }
    Ok(first)
}
