//! The HTTP API, and what it says.

pub mod show;
pub mod view;
