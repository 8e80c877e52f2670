//! A preview: the way of a run up to staging, in a folder that is removed; nothing is sent and nothing recorded.

use chrono::{DateTime, NaiveDate, Utc};
use consign_model::id::Slug;
use consign_store::Store;
use serde::Serialize;

use crate::deliver::{DeliverError, sample};
use crate::folder::{RunFolder, remove_folder};
use crate::forget::forgotten;
use crate::platform::{ListDifference, Platforms, difference};
use crate::run::{Assignment, DeliverySummary, RunError, Workplace, ids, summary};

/// What a preview shows beside the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PreviewOptions {
    /// The first so many encoded rows of each delivery.
    pub show_rows: usize,
    /// What would change on lists that were delivered before.
    pub diff: bool,
}

/// What a run would come to.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The campaign's id.
    pub campaign: Slug,
    /// The campaign's name.
    pub campaign_name: String,
    /// The moment for which it was made.
    pub as_of: DateTime<Utc>,
    /// When the campaign would start downstream.
    pub launch_date: Option<NaiveDate>,
    /// Who would be in it.
    pub assignment: Assignment,
    /// Its deliveries.
    pub deliveries: Vec<DeliverySummary>,
    /// The first rows of each delivery as they would leave, where they were asked for.
    pub samples: Vec<String>,
    /// What each delivery would change on its list, where that was asked for; `None` for files and for lists that were
    /// never delivered.
    pub differences: Vec<Option<ListDifference>>,
}

impl Workplace<'_> {
    /// Previews a campaign.
    pub async fn preview(
        &self,
        store: &dyn Store,
        campaign: &Slug,
        as_of: DateTime<Utc>,
        options: PreviewOptions,
    ) -> Result<Preview, RunError> {
        let id = uuid::Uuid::now_v7();
        let folder = self.folder.preview(id);
        let preview = self.preview_in(store, &folder, &format!("preview-{id}"), campaign, as_of, options).await;
        let removed = remove_folder(folder.path());
        let preview = preview?;
        removed.map_err(|reason| RunError::Folder { path: folder.path().to_owned(), reason })?;
        Ok(preview)
    }

    async fn preview_in(
        &self,
        store: &dyn Store,
        folder: &RunFolder,
        id: &str,
        campaign: &Slug,
        as_of: DateTime<Utc>,
        options: PreviewOptions,
    ) -> Result<Preview, RunError> {
        let plan = self.plan(campaign, as_of, id)?;
        let (snapshot, assignment) = self.assign(store, &plan, folder).await?;
        let ids = ids(&plan);
        let staged = self.stage(&plan, &snapshot, &ids, &forgotten(store).await?, folder).await?;
        let mut samples = Vec::new();
        let mut differences = Vec::new();
        let platforms =
            Platforms { store, engine: self.engine, http: self.http, data: self.folder, sandbox: self.sandbox };
        for ((delivery, staged), id) in plan.deliveries.iter().zip(&staged).zip(&ids) {
            if options.show_rows > 0 {
                samples.push(sample(&plan, self.registry, delivery, staged, options.show_rows)?);
            }
            if options.diff && delivery.file.is_none() {
                let work = folder.platform(id);
                let difference = difference(&plan, platforms, delivery, staged, &work).await;
                differences.push(difference.map_err(DeliverError::Platform)?);
            } else if options.diff {
                differences.push(None);
            }
        }
        let all = plan.deliveries.iter().zip(&ids).zip(&staged);
        let deliveries = all.map(|((delivery, id), staged)| summary(&plan, delivery, id, staged, None, None)).collect();
        Ok(Preview {
            campaign: plan.campaign.clone(),
            campaign_name: plan.campaign_name.clone(),
            as_of,
            launch_date: plan.launch_date,
            assignment,
            deliveries,
            samples,
            differences,
        })
    }
}
