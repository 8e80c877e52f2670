//! Destinations: what each kind demands, how its requests and files are made, and how files are put in their places.
//!
//! One folder a kind under [`kinds`], one line a kind in the [`registry`]. The way of a list through this crate:
//! [`registry`] (what a kind is) -> [`encode`] (staged columns to request bodies) or [`files`] (to file bytes, and to their
//! places).

pub mod contract;
pub mod docs;
pub mod encode;
pub mod files;
pub mod kinds;
pub mod registry;
