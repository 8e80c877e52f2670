//! `consign doctor`: what is well in the workspace, what is not, and what to do.

use anyhow::Result;
use chrono::{DateTime, Utc};
use consign_delivery::doctor::{self, Examination, Finding, Health, State};
use consign_delivery::folder::DataFolder;
use consign_store::{Location, SqlStore, StoreError};

use crate::context::Context;
use crate::exit::Exit;

pub async fn run(context: &Context) -> Result<Exit> {
    let health = Health { findings: findings(context).await? };
    context.printer.show(&health)?;
    Ok(if health.state() == State::Problem { Exit::Unwell } else { Exit::Fine })
}

async fn findings(context: &Context) -> Result<Vec<Finding>> {
    let mut findings = vec![doctor::data_folder(&context.data)];
    // Opening the folder would make it.
    if !context.data.is_dir() {
        return Ok(findings);
    }
    let (folder, location, now) = (context.data_folder()?, context.location(), Utc::now());
    let examined = consign_store::examine(&location).await;
    findings.push(doctor::store_file(&examined));
    if let Ok(examined) = examined {
        findings.push(doctor::clock(&examined, now));
        // Opening an older store would bring it up.
        if examined.current {
            match of_store(&folder, location, now).await {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(doctor::store_failed(&error)),
            }
        }
    }
    findings.push(doctor::disk(&folder));
    Ok(findings)
}

/// The store is opened whichever data folder it goes with: that is looked at as well.
async fn of_store(folder: &DataFolder, location: Location, now: DateTime<Utc>) -> Result<Vec<Finding>, StoreError> {
    let store = SqlStore::open(location).await?;
    Examination { folder, store: &store, now }.findings().await
}
