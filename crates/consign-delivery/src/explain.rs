//! Why a customer is where it is: what the conditions say now, and what the last run did.

use chrono::{DateTime, Utc};
use consign_engine::CustomerExplanation;
use consign_model::forgotten::KeyHash;
use consign_model::id::Slug;
use consign_store::Store;
use serde::Serialize;

use crate::recipients::{Recipient, RecipientsError, of_customer};
use crate::run::{RUNS_LOOKED_AT, RunError, Workplace};

/// Why a customer is where it is.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The moment for which conditions are evaluated: that of the last run, else now.
    pub as_of: DateTime<Utc>,
    /// What the conditions say of today's tables; `None` where the customer table lacks the key.
    pub now: Option<CustomerExplanation>,
    /// When the customer was forgotten, if that is so: no run assigns or sends it since.
    pub forgotten: Option<DateTime<Utc>>,
    /// What the last run that was recorded did; `None` where there is none.
    pub last_run: Option<LastRun>,
}

/// What a run did with a customer.
#[derive(Debug, Clone, Serialize)]
pub struct LastRun {
    /// The run's id.
    pub run: String,
    /// The moment of the run.
    pub as_of: DateTime<Utc>,
    /// Where the customer was assigned and sent; empty where it was not in the audience, or in a sub-audience without
    /// groups.
    pub recipients: Vec<Recipient>,
}

impl Workplace<'_> {
    /// Explains a customer of a campaign.
    pub async fn explain(
        &self,
        store: &dyn Store,
        campaign: &Slug,
        customer_key: &str,
    ) -> Result<Explanation, RunError> {
        let runs = store.runs(Some(campaign), RUNS_LOOKED_AT).await?;
        let mut recorded = runs.into_iter().map(|run| (self.folder.run(&run.id).recipients(), run));
        let mut last_run = None;
        if let Some((path, run)) = recorded.find(|(path, _)| path.exists()) {
            let recipients = of_customer(&path, customer_key).map_err(RecipientsError::Rejects)?;
            last_run = Some(LastRun { run: run.id, as_of: run.as_of, recipients });
        }
        let as_of = last_run.as_ref().map_or_else(Utc::now, |last| last.as_of);
        let plan = self.plan(campaign, as_of, "explain")?;
        let now = self.tables.explain(&plan.assign, customer_key).await?;
        let hash = KeyHash::of(customer_key);
        let forgotten = store.tombstones().await?.into_iter().find(|one| one.hash == hash).map(|one| one.asked_at);
        Ok(Explanation { as_of, now, forgotten, last_run })
    }
}
