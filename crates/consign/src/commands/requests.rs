//! `consign requests`: what a run asked of platforms, and what they answered.

use anyhow::{Context as _, Result};
use consign_delivery::inspect::{self, Filter};
use consign_store::Store;

use super::status;
use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::show;
use crate::view::Requests;

pub async fn run(context: &Context, run: &str, filter: Filter, last: usize) -> Result<Exit> {
    let store = context.existing_store().await?.ok_or_else(|| Refusal::not_found("run", run, []))?;
    let run = status::find(&store, run).await?;
    if let Some(wanted) = &filter.delivery {
        let deliveries = store.deliveries(&run.id).await?;
        let mut known = deliveries.iter().filter_map(|delivery| Some(delivery.id.split_once('/')?.1));
        if known.clone().all(|known| known != wanted) {
            let known: Vec<&str> = known.by_ref().collect();
            return Err(Refusal::not_found("delivery", wanted, known).into());
        }
    }
    let folder = context.data_folder()?.run(&run.id);
    let (before, requests) = inspect::requests(&folder, &filter, last)
        .with_context(|| format!("`{}` cannot be read", folder.exchanges().display()))?;
    context.printer.show(&Requests {
        run: run.id,
        before,
        requests: requests.into_iter().map(show::request).collect(),
    })?;
    Ok(Exit::Fine)
}
