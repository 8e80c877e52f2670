//! One staged delivery to its place: files to their store, lists to their platform.

use arrow::record_batch::RecordBatch;
use chrono::NaiveDate;
use consign_destinations::client::{self, Client, Credentials};
use consign_destinations::encode::{EncodeError, ListTarget, RequestEncoder};
use consign_destinations::files::{self, FileError, FileWriter};
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_model::definition::{Compression, Destination, FileFormat, FileOptions};
use consign_model::forgotten::Forgotten;
use consign_model::id::Slug;
use consign_model::plan::{CampaignPlan, PlannedDelivery};
use consign_model::spec::{Kinds, Settings};
use consign_secrets::{SecretError, Secrets};
use consign_store::{ErrorClass, Target};
use secrecy::SecretString;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::folder::{DataFolder, RunFolder};
use crate::platform::{self, PlatformError, PlatformSent, Platforms, keep_rotated, with_rotated};
use crate::requests::{LIST_TO_BE_MADE, Requests, operation};
use crate::stage::StagedDelivery;
use crate::staged::{self, ReadError};

/// A delivery did not reach its place.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// A credential cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The files did not reach their place.
    #[error(transparent)]
    Files(#[from] FileError),
    /// The platform did not take the list.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Rows cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A staged batch cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
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
            Self::Files(error) => stored_class(error.class()),
            Self::Platform(error) => platform_class(error),
            Self::NoDestination(_) => ErrorClass::Config,
            Self::Encode(_) | Self::Read(_) | Self::NoEncoder(_) => ErrorClass::Bug,
        }
    }

    /// Whether somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Platform(PlatformError::Cancelled) | Self::Files(FileError::Cancelled))
    }
}

/// What sort of failure a platform's is.
pub(crate) fn platform_class(error: &PlatformError) -> ErrorClass {
    let error = match error {
        PlatformError::Client(error) => error,
        PlatformError::Secret(_) => return ErrorClass::Auth,
        PlatformError::AllRefused { .. } => return ErrorClass::Row,
        PlatformError::WouldEmpty { .. }
        | PlatformError::WouldRemove { .. }
        | PlatformError::FilledOtherwise { .. }
        | PlatformError::Key(_)
        | PlatformError::NoClient(_) => return ErrorClass::Config,
        PlatformError::GaveUp(_)
        | PlatformError::Members { .. }
        | PlatformError::Rotated { .. }
        | PlatformError::Seal(_)
        | PlatformError::Parquet(_)
        | PlatformError::Lease(_)
        | PlatformError::Store(_) => {
            return ErrorClass::Unavailable;
        }
        _ => return ErrorClass::Bug,
    };
    stored_class(error.class)
}

/// A class as the store has it.
fn stored_class(class: client::ErrorClass) -> ErrorClass {
    match class {
        client::ErrorClass::Auth => ErrorClass::Auth,
        client::ErrorClass::Permission => ErrorClass::Permission,
        client::ErrorClass::Config => ErrorClass::Config,
        client::ErrorClass::Row => ErrorClass::Row,
        client::ErrorClass::RateLimited { .. } => ErrorClass::RateLimited,
        client::ErrorClass::Unavailable => ErrorClass::Unavailable,
        client::ErrorClass::Bug => ErrorClass::Bug,
    }
}

/// Where a delivery went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// Files are in their place.
    Files(Vec<Target>),
    /// A platform has the list, as far as the counts say.
    List(PlatformSent),
}

/// What became of a delivery. A list that failed half-way has both.
pub(crate) struct Ended {
    pub delivered: Option<Delivered>,
    pub error: Option<DeliverError>,
}

impl Ended {
    /// A list of which nothing was sent.
    pub fn not_sent(rows: u64, error: PlatformError) -> Self {
        let mut sent = PlatformSent::default();
        sent.list.reject("not_sent", rows);
        Self { delivered: Some(Delivered::List(sent)), error: Some(DeliverError::Platform(error)) }
    }
}

/// What deliveries of a run have in common.
pub(crate) struct Sender<'a> {
    pub plan: &'a CampaignPlan,
    pub destinations: &'a [Destination],
    pub registry: &'a Registry,
    pub secrets: &'a Secrets,
    pub folder: &'a RunFolder,
    /// Who is not sent, though they are staged.
    pub forgotten: &'a Forgotten,
    pub cancel: &'a CancellationToken,
}

/// What speaks a platform's protocol: who asks, and what makes the requests.
pub(crate) type Spoken = (Box<dyn Client>, Box<dyn RequestEncoder>);

impl Sender<'_> {
    /// Sends one delivery. `id` is unique in the run.
    pub async fn send(
        &self,
        platforms: Platforms<'_>,
        id: &str,
        delivery: &PlannedDelivery,
        staged: &StagedDelivery,
    ) -> Ended {
        if let Some(options) = &delivery.file {
            return match self.files(platforms.http, delivery, options, staged).await {
                Ok(delivered) => Ended { delivered: Some(delivered), error: None },
                Err(error) => Ended { delivered: None, error: Some(error) },
            };
        }
        let (sent, done) = platform::send(self, platforms, id, delivery, staged).await;
        Ended { delivered: Some(Delivered::List(sent)), error: done.err().map(DeliverError::Platform) }
    }

    /// The platform's client and encoder for a delivery.
    pub fn client(&self, platforms: Platforms<'_>, delivery: &PlannedDelivery) -> Result<Spoken, PlatformError> {
        let unknown = || PlatformError::NoClient(delivery.kind.clone());
        let kind = self.registry.kind(&delivery.kind).ok_or_else(unknown)?;
        let destination = self.destinations.iter().find(|one| one.id == delivery.destination).ok_or_else(unknown)?;
        let sandbox = delivery.sandbox.then_some(platforms.sandbox);
        let client = connect(self.registry, self.secrets, destination, sandbox, platforms.http, platforms.data)?;
        let encoder = kind.encoder(&delivery.settings, &delivery.attributes).ok_or_else(unknown)?;
        Ok((client, encoder))
    }

    /// Keeps a credential that the platform of a delivery has changed.
    pub fn keep_rotated(
        &self,
        delivery: &PlannedDelivery,
        client: &dyn Client,
        data: &DataFolder,
    ) -> Result<(), PlatformError> {
        match self.destinations.iter().find(|one| one.id == delivery.destination) {
            Some(destination) => keep_rotated(client, destination, self.secrets, data),
            None => Ok(()),
        }
    }

    /// The id of a delivery's group.
    pub fn group(&self, delivery: &PlannedDelivery) -> &Slug {
        &self.plan.assign.sub_audiences[delivery.sub_audience].groups[delivery.group].id
    }

    async fn files(
        &self,
        http: &Http,
        delivery: &PlannedDelivery,
        options: &FileOptions,
        staged: &StagedDelivery,
    ) -> Result<Delivered, DeliverError> {
        let destination = self.destinations.iter().find(|one| one.id == delivery.destination);
        let destination = destination.ok_or_else(|| DeliverError::NoDestination(delivery.destination.clone()))?;
        let credentials = self.secrets.resolve_all(&destination.credentials)?;
        let base = self.secrets.folder();
        let store = files::open(&delivery.kind, &delivery.settings, &credentials, base, http.patience())?;
        let pgp_key: Option<SecretString> =
            options.pgp_public_key.as_ref().map(|reference| self.secrets.resolve(reference)).transpose()?;
        let attributes = attribute_names(delivery);
        let rows = staged::attributes(&staged.batches, self.forgotten);
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
}

/// A client of a destination. With a sandbox, it goes there, with credentials that the sandbox takes. A credential that
/// its platform changed before is taken from the data folder; see [`keep_rotated`].
pub fn connect(
    registry: &Registry,
    secrets: &Secrets,
    destination: &Destination,
    sandbox: Option<&str>,
    http: &Http,
    data: &DataFolder,
) -> Result<Box<dyn Client>, PlatformError> {
    let unknown = || PlatformError::NoClient(destination.kind.clone());
    let kind = registry.kind(&destination.kind).ok_or_else(unknown)?;
    let spec = registry.spec(&destination.kind).ok_or_else(unknown)?;
    let mut settings = Settings::new(spec, &destination.settings);
    let credentials: Credentials = match sandbox {
        Some(url) => {
            // The sandbox serves each platform below its name: `tiktok_ads` below `/tiktok`.
            let platform = destination.kind.split('_').next().unwrap_or_default();
            settings = settings.with("base_url", format!("{url}/{platform}"));
            let secrets =
                SANDBOX_SECRETS.iter().map(|(name, secret)| ((*name).to_owned(), SecretString::from(*secret)));
            secrets.collect()
        }
        None => with_rotated(secrets.resolve_all(&destination.credentials)?, destination, data)?,
    };
    kind.client(&settings, &credentials, http).ok_or_else(unknown)?.map_err(PlatformError::from)
}

/// What the sandbox takes for a secret of a platform.
const SANDBOX_SECRETS: [(&str, &str); 3] =
    [("api_key", "pk_sandbox"), ("access_token", "sandbox"), ("client_secret", "sandbox")];

pub(crate) fn attribute_names(delivery: &PlannedDelivery) -> Vec<String> {
    delivery.attributes.iter().map(|attribute| attribute.name.clone()).collect()
}

pub(crate) fn encoder(
    registry: &Registry,
    delivery: &PlannedDelivery,
) -> Result<Box<dyn RequestEncoder>, DeliverError> {
    let kind = registry.kind(&delivery.kind);
    kind.and_then(|kind| kind.encoder(&delivery.settings, &delivery.attributes))
        .ok_or_else(|| DeliverError::NoEncoder(delivery.kind.clone()))
}

/// The requests of a delivery, to the list of that id where it has one already.
pub(crate) fn requests<'a>(
    plan: &CampaignPlan,
    registry: &Registry,
    delivery: &PlannedDelivery,
    encoder: &'a dyn RequestEncoder,
    remembered: Option<String>,
) -> Requests<'a> {
    let group = &plan.assign.sub_audiences[delivery.sub_audience].groups[delivery.group].id;
    let own = registry.kind(&delivery.kind).and_then(|kind| kind.list_id(&plan.campaign, group));
    let list_id = delivery.list_id.clone().or(remembered).or(own).unwrap_or_else(|| LIST_TO_BE_MADE.to_owned());
    let list = ListTarget { id: list_id, name: delivery.list_name.clone() };
    Requests { encoder, operation: operation(delivery.membership, encoder, &list), list, session: 1, day: day(plan) }
}

pub(crate) fn day(plan: &CampaignPlan) -> NaiveDate {
    plan.assign.as_of.with_timezone(&plan.assign.time_zone).date_naive()
}

/// The first rows of a delivery as they would leave, as text; Parquet as JSON lines. Where the platform has to be asked
/// before its requests can be made, that is what is said.
pub(crate) fn sample(
    plan: &CampaignPlan,
    registry: &Registry,
    delivery: &PlannedDelivery,
    staged: &StagedDelivery,
    rows: usize,
) -> Result<String, DeliverError> {
    let Some(batch) = first_rows(staged, rows)? else { return Ok(String::new()) };
    let bytes = if let Some(options) = &delivery.file {
        let format = if options.format == FileFormat::Parquet { FileFormat::JsonLines } else { options.format };
        let plain = FileOptions { format, compression: Compression::None, pgp_public_key: None, ..options.clone() };
        let mut writer = FileWriter::new(&plain, &attribute_names(delivery), "", None).map_err(FileError::from)?;
        let mut bytes = writer.write(&batch).map_err(FileError::from)?.to_vec();
        bytes.extend_from_slice(&writer.finish().map_err(FileError::from)?);
        bytes
    } else {
        let encoder = encoder(registry, delivery)?;
        let requests = requests(plan, registry, delivery, encoder.as_ref(), None);
        match requests.sample(&batch) {
            Err(EncodeError::NotOffered { reason, .. }) => reason.as_bytes().to_vec(),
            body => body?,
        }
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn first_rows(staged: &StagedDelivery, rows: usize) -> Result<Option<RecordBatch>, staged::ReadError> {
    let Some(batch) = staged.batches.first() else { return Ok(None) };
    let first = staged::read(&batch.path)?.next().transpose()?;
    Ok(first.map(|batch| batch.slice(0, rows.min(batch.num_rows()))))
}
