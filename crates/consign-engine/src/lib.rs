//! The engine: opens the tables of a workspace, compiles conditions to expressions, and assigns every customer of a
//! campaign to sub-audience and treatment group. The only crate that names `DataFusion`.
//!
//! The way of the data: [`Engine::open`] (definitions to [`Tables`]) -> [`Tables::assign`] (a plan to a snapshot) ->
//! [`Snapshot`] (batches for staging). Everything inside a plan is an expression over functions that are registered by
//! name in `functions`, with literal arguments and tables addressed by URL, so that plans can be shipped.

mod assign;
mod compile;
mod count;
mod engine;
mod error;
mod explain;

mod frame;
mod functions;
mod keys;
mod look;
mod members;
mod moment;
mod needs;
mod parts;
mod prepare;
mod rank;
mod recipients;
mod session;
mod snapshot;
mod source;
mod spill;
mod sql;
mod tables;
mod view;

pub use assign::{AssignProgress, AssignRequest, Assigned, AssignedSubAudience};
pub use count::{CountRequest, Counts};
pub use engine::{Engine, EngineOptions};
pub use error::EngineError;
pub use members::{Difference, members_schema, rows_schema};

pub use explain::{CustomerExplanation, Explained, ExplainedSubAudience};
pub use look::{TextRow, ValueCount};
pub use recipients::recipients_schema;
pub use snapshot::{Batches, Snapshot};
pub use spill::clear_spill;
pub use tables::Tables;
