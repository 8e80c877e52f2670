//! Destinations: what each kind demands, how its requests and files are made, and how files are put in their places.
//!
//! One folder a kind under [`kinds`], one line a kind in the [`registry`]. The way of a list through this crate:
//! [`registry`] (what a kind is) -> [`encode`] (staged columns to request bodies) -> [`client`] (what is asked of a
//! platform) and [`send`] (requests that are not taken whole), over [`http`]; or [`files`] (to file bytes, and to their
//! places).

pub mod client;
pub mod contract;
pub mod docs;
pub mod encode;
pub mod files;
pub mod http;
pub mod kinds;
pub mod mail;
pub mod registry;
pub mod send;
pub mod webhook;
