//! The rules by which values are cleaned before they leave, and how they are hashed: pure functions on text and on
//! Arrow columns, no IO, no clock. The rules are those of the destinations' specifications; a kind names one per
//! attribute ([`Normalisation`](consign_model::spec::Normalisation)) and never writes its own.

mod cleaner;
mod coordinate;
mod country;
mod date;
mod device;
mod email;
mod hash;
mod person;
mod phone;
mod place;
mod text;

pub use cleaner::{Cleaned, Cleaner};
pub use hash::{hash_column, sha256_hex};
