//! What is seen of a delivery while it is sent: its exchanges go to the inspector, and the waits that its platform asks
//! for to the store, where other processes see and keep them, and to the progress.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use consign_destinations::client::{ClientError, ErrorClass};
use consign_destinations::http::{Exchange, Observer, RetryPolicy};
use consign_model::plan::PlannedDelivery;
use consign_store::Store;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use crate::inspect::Inspector;
use crate::platform::{PlatformError, place};
use crate::run::Progress;

/// A delivery waits for its platform's limits until then, or goes on.
#[derive(Debug)]
pub(crate) struct Wait {
    delivery: String,
    place: String,
    until: Option<DateTime<Utc>>,
}

/// Watches one delivery.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    inspector: Arc<Inspector>,
    /// The delivery's id in its run.
    delivery: String,
    /// The name of its destination in the store.
    place: String,
    told: UnboundedSender<Wait>,
}

impl Watch {
    pub fn new(inspector: &Arc<Inspector>, id: &str, delivery: &PlannedDelivery, told: &UnboundedSender<Wait>) -> Self {
        let (inspector, told) = (Arc::clone(inspector), told.clone());
        Self { inspector, delivery: id.to_owned(), place: place(delivery), told }
    }

    /// Waits out what a platform asked of an earlier delivery, in whichever process. A wait that is too long to be made
    /// is an error.
    pub async fn wait_out(&self, store: &dyn Store, cancel: &CancellationToken) -> Result<(), PlatformError> {
        let Some(until) = store.wait(&self.place).await? else { return Ok(()) };
        let wait = (until - Utc::now()).to_std().unwrap_or_default();
        self.limited(Some(until));
        if wait > RetryPolicy::default().longest_wait {
            return Err(PlatformError::Client(ClientError {
                class: ErrorClass::RateLimited { until },
                what: format!("the platform takes no more calls before {}", until.format("%Y-%m-%d %H:%M UTC")),
                remedy: "run the campaign again then".to_owned(),
                said: String::new(),
                uncertain: false,
            }));
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = cancel.cancelled() => return Err(PlatformError::Cancelled),
        }
        self.limited(None);
        Ok(())
    }
}

impl Observer for Watch {
    fn exchanged(&self, exchange: &Exchange) {
        self.inspector.note(&self.delivery, exchange);
    }

    fn limited(&self, until: Option<DateTime<Utc>>) {
        // Who would hear of it has gone only when the run has.
        let _ = self.told.send(Wait { delivery: self.delivery.clone(), place: self.place.clone(), until });
    }
}

/// Keeps the waits of a run's deliveries until all of them are over.
pub(crate) async fn keep_waits(
    store: &dyn Store,
    run: &str,
    progress: &(dyn Fn(Progress<'_>) + Sync),
    mut told: UnboundedReceiver<Wait>,
) {
    while let Some(Wait { delivery, place, until }) = told.recv().await {
        if let Err(error) = store.set_wait(&format!("{run}/{delivery}"), &place, until).await {
            // The wait itself is made all the same.
            tracing::warn!(%error, delivery, "a wait could not be written down");
        }
        progress(Progress::Limited(&delivery, until));
    }
}
