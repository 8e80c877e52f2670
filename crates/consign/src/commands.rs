//! One file a command.

mod apply;
mod audit;
mod backup;
mod campaign;
mod completions;
mod credentials;
mod demo;
mod destinations;
mod doctor;
mod export;
mod forget;
mod keys;
mod lists;
mod notifications;
mod openapi;
mod requests;
mod resume;
mod sandbox;
mod schedule;
mod schema;
mod serve;
pub mod status;
mod tokens;
mod users;
mod validate;

use anyhow::Result;
use consign_delivery::PreviewOptions;
use consign_delivery::inspect::Filter;

use crate::cli::{Command, Credentials, Destinations, Keys, Lists, Notifications, Schedules, Tokens, Users};
use crate::context::Context;
use crate::exit::Exit;

/// Does what was asked.
pub async fn run(command: Command, context: &Context) -> Result<Exit> {
    match command {
        Command::Demo { folder, force } => demo::run(context, &folder, force).await,
        Command::Validate { folder } => validate::run(context, &folder).await,
        Command::Apply { folder, dry_run } => apply::run(context, &folder, dry_run).await,
        Command::Export { out } => export::run(context, out.as_deref()).await,
        Command::Openapi => openapi::run(context),
        Command::Schema => schema::run(context),
        Command::Preview { campaign, show_rows, diff, as_of } => {
            campaign::preview(context, &campaign, as_of, PreviewOptions { show_rows, diff }).await
        }
        Command::Test { campaign, history: true, .. } => campaign::tests(context, &campaign).await,
        Command::Test { campaign, records, out, as_of, .. } => {
            campaign::test(context, &campaign, as_of, records, out.as_deref()).await
        }
        Command::Run { campaign, as_of } => campaign::run(context, &campaign, as_of).await,
        Command::Serve { at_once, listen, url } => serve::run(context, at_once, listen, url).await,
        Command::Schedule { command: Schedules::List } => schedule::list(context).await,
        Command::Resume { run } => resume::resume(context, run.as_deref()).await,
        Command::Retry { run, destination } => resume::retry(context, &run, destination.as_ref()).await,
        Command::Cancel { run } => resume::cancel(context, &run).await,
        Command::Status { run, limit, no_poll } => status::run(context, run.as_deref(), limit, !no_poll).await,
        Command::Requests { run, delivery, failed, last } => {
            requests::run(context, &run, Filter { delivery, failed }, last).await
        }
        Command::Audit { since } => audit::run(context, since).await,
        Command::Doctor => doctor::run(context).await,
        Command::Forget { customer_keys } => forget::run(context, customer_keys).await,
        Command::Explain { campaign, customer_key } => campaign::explain(context, &campaign, &customer_key).await,
        Command::Sandbox(asked) => sandbox::run(context, asked).await,
        Command::Destinations { command: Destinations::List } => destinations::list(context).await,
        Command::Destinations { command: Destinations::Spec { kind } } => destinations::spec(context, &kind),
        Command::Destinations { command: Destinations::Test { name } } => destinations::test(context, &name).await,
        Command::Notifications { command: Notifications::Test } => notifications::test(context).await,
        Command::Lists { command: None } => lists::list(context).await,
        Command::Lists { command: Some(Lists::Reconcile { name }) } => lists::reconcile(context, &name).await,
        Command::Credentials { command: Credentials::Set { name } } => credentials::set(context, &name).await,
        Command::Credentials { command: Credentials::List } => credentials::list(context).await,
        Command::Credentials { command: Credentials::Remove { name, force } } => {
            credentials::remove(context, &name, force).await
        }
        Command::Users { command: Users::Add { name, role } } => users::add(context, &name, role).await,
        Command::Users { command: Users::List } => users::list(context).await,
        Command::Users { command: Users::Password { name } } => users::password(context, &name).await,
        Command::Users { command: Users::Role { name, role } } => users::role(context, &name, role).await,
        Command::Users { command: Users::Disable { name } } => users::disable(context, &name, true).await,
        Command::Users { command: Users::Enable { name } } => users::disable(context, &name, false).await,
        Command::Users { command: Users::Remove { name } } => users::remove(context, &name).await,
        Command::Tokens { command: Tokens::Add { name, user, role, days } } => {
            tokens::add(context, &name, &user, role, days).await
        }
        Command::Tokens { command: Tokens::List } => tokens::list(context).await,
        Command::Tokens { command: Tokens::Remove { id } } => tokens::remove(context, &id).await,
        Command::Keys { command: Keys::New } => keys::new(context),
        Command::Keys { command: Keys::Rotate } => keys::rotate(context).await,
        Command::Backup { folder, with_key } => backup::back_up(context, &folder, with_key).await,
        Command::Restore { folder } => backup::restore(context, &folder).await,
        Command::Completions { shell } => completions::run(context, shell),
    }
}
