//! Destinations: what each kind demands, how its requests and files are made, and how files are put in their places.
//!
//! One folder a kind under [`kinds`], one line a kind in the [`registry`]. The way of a list through this crate:
<<<<<<< HEAD
//! [`registry`] (what a kind is) -> [`encode`] (staged columns to request bodies) or [`files`] (to file bytes, and to their
//! places).
=======
//! [`registry`] (what a kind is) -> [`encode`] (staged columns to request bodies) -> [`client`] (what is asked of a
//! platform) and [`send`] (requests that are not taken whole), over [`http`]; or `format` (to file bytes).
>>>>>>> clients

pub mod client;
pub mod contract;
pub mod docs;
pub mod encode;
<<<<<<< HEAD
pub mod files;
=======
pub mod http;
>>>>>>> clients
pub mod kinds;
pub mod registry;
pub mod send;
