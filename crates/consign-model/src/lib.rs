//! The words of Consign as types: definitions, conditions, campaigns, destination specifications, and the rules
//! that hold between them. No IO, no async; everything here is a value that can be looked at, tested and stored.
//!
//! The way of the data through this crate: [`document`] (text to definitions, every problem with its line) ->
//! [`validate`] (definitions to a clean [`Workspace`](definition::Workspace) or a list of problems) -> [`plan`]
//! (one campaign to what a run needs).

pub mod condition;
pub mod contract;
pub mod definition;
pub mod document;
pub mod forgotten;
pub mod id;
pub mod plan;
pub mod problem;
mod resolve;
pub mod schedule;
pub mod schema;
pub mod snapshot;
pub mod spec;
pub mod split;
pub mod template;
pub mod test;
pub mod validate;
pub mod word;
