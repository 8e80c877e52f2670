//! One staged delivery to its place: files to their store; a platform's requests to files beside them.

use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use consign_destinations::encode::{ListTarget, RequestEncoder};
use consign_destinations::files::{self, FileError, FileWriter};
use consign_destinations::registry::Registry;
use consign_model::definition::{Compression, Destination, FileFormat, FileOptions};
use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, PlannedDelivery};
use consign_secrets::{SecretError, Secrets};
use consign_store::{ErrorClass, Target};
use secrecy::SecretString;
use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::folder::RunFolder;
use crate::requests::{LIST_TO_BE_MADE, RequestError, Requests, operation, session};
use crate::stage::StagedDelivery;
use crate::staged;

/// A delivery did not reach its place.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A credential cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The files did not reach their place.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The requests cannot be made.
    #[error(transparent)]
    Requests(#[from] RequestError),
    /// The definitions that the run began with do not have the destination.
    #[error("there is no destination `{0}` in the definitions of the run")]
    NoDestination(Slug),
    /// The kind cannot make requests.
    #[error("`{0}` neither writes files nor makes requests")]
    NoEncoder(String),
}

impl DeliverError {
    /// What sort of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Secret(_) => ErrorClass::Auth,
            Self::Files(error) => file_class(error),
            Self::NoDestination(_) => ErrorClass::Config,
            Self::Requests(RequestError::Write { .. }) => ErrorClass::Unavailable,
            Self::Requests(_) | Self::NoEncoder(_) => ErrorClass::Bug,
        }
    }

    /// Whether somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Requests(RequestError::Cancelled)) || matches!(self, Self::Files(FileError::Cancelled))
    }
}

fn file_class(error: &FileError) -> ErrorClass {
    match error {
        FileError::Credentials { .. } => ErrorClass::Auth,
        FileError::Permission { .. } | FileError::NotWritable(_) | FileError::ReadOnly(_) => ErrorClass::Permission,
        FileError::Format(_) | FileError::Rows(_) => ErrorClass::Bug,
        error if error.is_temporary() => ErrorClass::Unavailable,
        FileError::DiskFull(_) => ErrorClass::Unavailable,
        _ => ErrorClass::Config,
    }
}

/// Where a delivery went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// Files are in their place.
    Files(Vec<Target>),
    /// The requests of a platform are written to this folder. They are not sent.
    Requests {
        /// The folder.
        folder: PathBuf,
        /// Each body.
        bodies: Vec<Target>,
    },
}

/// What deliveries of a run have in common.
pub(crate) struct Sender<'a> {
    pub plan: &'a CampaignPlan,
    pub destinations: &'a [Destination],
    pub registry: &'a Registry,
    pub secrets: &'a Secrets,
    pub folder: &'a RunFolder,
    pub cancel: &'a CancellationToken,
}

impl Sender<'_> {
    /// Sends one delivery. `id` is unique in the run.
    pub async fn send(
        &self,
        id: &str,
        delivery: &PlannedDelivery,
        staged: &StagedDelivery,
    ) -> Result<Delivered, DeliverError> {
        match &delivery.file {
            Some(options) => self.files(delivery, options, staged).await,
            None => self.requests(id, delivery, staged).await,
        }
    }

    async fn files(
        &self,
        delivery: &PlannedDelivery,
        options: &FileOptions,
        staged: &StagedDelivery,
    ) -> Result<Delivered, DeliverError> {
        let destination = self.destinations.iter().find(|one| one.id == delivery.destination);
        let destination = destination.ok_or_else(|| DeliverError::NoDestination(delivery.destination.clone()))?;
        let credentials = self.secrets.resolve_all(&destination.credentials)?;
        let store = files::open(&delivery.kind, &delivery.settings, &credentials, self.secrets.folder())?;
        let pgp_key: Option<SecretString> =
            options.pgp_public_key.as_ref().map(|reference| self.secrets.resolve(reference)).transpose()?;
        let attributes = attribute_names(delivery);
        let rows = staged::attributes(&staged.batches);
        let written = files::deliver(
            store.as_ref(),
            &delivery.list_name,
            options,
            &attributes,
            rows,
            pgp_key.as_ref(),
            self.cancel,
        )
        .await?;
        let target = |file: files::WrittenFile| Target {
            location: file.location,
            rows: file.rows,
            bytes: file.bytes,
            sha256: file.sha256,
        };
        Ok(Delivered::Files(written.into_iter().map(target).collect()))
    }

    async fn requests(
        &self,
        id: &str,
        delivery: &PlannedDelivery,
        staged: &StagedDelivery,
    ) -> Result<Delivered, DeliverError> {
        let encoder = encoder(self.registry, delivery)?;
        let folder = self.folder.requests(id);
        let requests = requests(self.plan, self.registry, delivery, encoder, id);
        let (batches, to, cancel) = (staged.batches.clone(), folder.clone(), self.cancel.clone());
        // Encoding takes a processor, and deliveries are sent beside each other.
        let written = spawn_blocking(move || requests.write(&batches, &to, &cancel));
        let written = written.await.map_err(RequestError::Worker)??;
        let bodies = written.into_iter().map(|request| Target {
            location: folder.join(&request.body).display().to_string(),
            rows: request.rows,
            bytes: request.bytes,
            sha256: request.sha256,
        });
        Ok(Delivered::Requests { bodies: bodies.collect(), folder })
    }
}

fn attribute_names(delivery: &PlannedDelivery) -> Vec<String> {
    delivery.attributes.iter().map(|attribute| attribute.name.clone()).collect()
}

fn encoder(registry: &Registry, delivery: &PlannedDelivery) -> Result<Box<dyn RequestEncoder>, DeliverError> {
    let kind = registry.kind(&delivery.kind);
    kind.and_then(|kind| kind.encoder(&delivery.settings, &delivery.attributes))
        .ok_or_else(|| DeliverError::NoEncoder(delivery.kind.clone()))
}

fn requests(
    plan: &CampaignPlan,
    registry: &Registry,
    delivery: &PlannedDelivery,
    encoder: Box<dyn RequestEncoder>,
    id: &str,
) -> Requests {
    let group = &plan.assign.sub_audiences[delivery.sub_audience].groups[delivery.group].id;
    let own = registry.kind(&delivery.kind).and_then(|kind| kind.list_id(&plan.campaign, group));
    let list_id = delivery.list_id.clone().or(own).unwrap_or_else(|| LIST_TO_BE_MADE.to_owned());
    let list = ListTarget { id: list_id, name: delivery.list_name.clone() };
    Requests {
        operation: operation(delivery.membership, encoder.as_ref(), &list),
        encoder,
        list,
        session: session(&format!("{}/{id}", plan.run_id), 1),
        day: day(plan),
    }
}

fn day(plan: &CampaignPlan) -> NaiveDate {
    plan.assign.as_of.with_timezone(&plan.assign.time_zone).date_naive()
}

/// The first rows of a delivery as they would leave, as text; Parquet as JSON lines.
pub(crate) fn sample(
    plan: &CampaignPlan,
    registry: &Registry,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
    rows: usize,
) -> Result<String, DeliverError> {
    let Some(batch) = first_rows(staged, rows).map_err(RequestError::from)? else { return Ok(String::new()) };
    let bytes = if let Some(options) = &delivery.file {
        let format = if options.format == FileFormat::Parquet { FileFormat::JsonLines } else { options.format };
        let plain = FileOptions { format, compression: Compression::None, pgp_public_key: None, ..options.clone() };
        let mut writer = FileWriter::new(&plain, &attribute_names(delivery), "", None).map_err(FileError::from)?;
        let mut bytes = writer.write(&batch).map_err(FileError::from)?.to_vec();
        bytes.extend_from_slice(&writer.finish().map_err(FileError::from)?);
        bytes
    } else {
        let encoder = encoder(registry, delivery)?;
        let requests = requests(plan, registry, delivery, encoder, "preview");
        requests.sample(&batch).map_err(RequestError::from)?
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn first_rows(staged: &StagedDelivery, rows: usize) -> Result<Option<RecordBatch>, staged::ReadError> {
    let Some(batch) = staged.batches.first() else { return Ok(None) };
    let first = staged::read(&batch.path)?.next().transpose()?;
    Ok(first.map(|batch| batch.slice(0, rows.min(batch.num_rows()))))
}
