//! `consign schedule list`: when campaigns run next, and what became of their last times.

use anyhow::Result;
use chrono::Utc;
use chrono_tz::Tz;
use consign_server::schedules;

use crate::context::Context;
use crate::exit::Exit;
use crate::view::Schedules;

pub async fn list(context: &Context) -> Result<Exit> {
    let (store, current) = context.current().await?;
    let workspace = current.definitions.workspace.clone().unwrap_or_default();
    let zone: Tz = workspace.time_zone.parse()?;
    let mut lines = Vec::new();
    for campaign in &current.definitions.campaigns {
        lines.extend(schedules::line(&store, campaign, zone, Utc::now()).await?);
    }
    context.printer.show(&Schedules { schedules: lines })?;
    Ok(Exit::Fine)
}
