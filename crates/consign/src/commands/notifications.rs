//! `consign notifications`: those who are told how runs end.

use anyhow::Result;

use crate::context::Context;
use crate::exit::{Exit, Refusal};
use crate::wiring;

pub async fn test(context: &Context) -> Result<Exit> {
    let (_store, current) = context.current().await?;
    let tests = wiring::test_notifications(context, &current).await?;
    if tests.notifications.is_empty() {
        let reason = "nobody is notified: add `notifications` to the workspace, and apply it";
        return Err(Refusal::missing(reason).into());
    }
    context.printer.show(&tests)?;
    let works = tests.notifications.iter().all(|one| one.problem.is_none());
    Ok(if works { Exit::Fine } else { Exit::Failed })
}
