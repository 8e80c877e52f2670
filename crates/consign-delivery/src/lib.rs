//! Runs: a campaign's plan to staged batches, to files and requests in their places, to the record of it.
//!
//! The way of the data through this crate: [`stage`] (the snapshot to batches and rejects) -> `deliver` (batches to files
//! or requests) -> [`recipients`] (who was sent what), led by [`Workplace::run`]; [`Workplace::preview`] and
//! [`Workplace::test`] go the same way and send nothing.
//! [`Scheduler`] has campaigns run when they are due; [`delete_expired`] ends what runs need not keep.

mod assignments;
pub mod backup;
mod checksum;
mod credentials;
mod deliver;
pub mod doctor;
pub mod download;
mod explain;
pub mod folder;
mod forget;
pub mod inspect;
mod keys;
mod lease;
pub mod lists;
mod notify;
mod platform;
mod preview;
pub mod recipients;
mod requests;
mod resume;
mod retention;
mod rewrite;
mod run;
mod scheduler;
mod snapshot;
pub mod stage;
mod staged;
pub mod testing;
mod watch;

pub use checksum::{Checksum, Damage};
pub use credentials::{CredentialError, secrets, set_credential};
pub use deliver::{DeliverError, Delivered, connect};
pub use explain::{Explanation, LastRun};
pub use forget::{Forget, ForgetError, Forgot, ListForgot, Looking, forgotten};
pub use keys::{RotateError, Rotated, rotate_key};
pub use lease::{HeldByUs, LeaseError, Under};
pub use notify::{Notifier, NotifyError, Tested};
pub use platform::{Agreed, FollowUp, Followed, ListDifference, PlatformError, PlatformSent, keep_rotated};
pub use preview::{Preview, PreviewOptions};
pub use resume::give_up;
pub use retention::{RetentionError, delete_expired};
pub use run::{Assignment, DeliverySummary, Progress, RunError, RunSummary, Workplace, audience_counts};
pub use scheduler::{Duties, Ran, Scheduler};
