//! Destinations through their public face.

mod encode_bodies;
mod encode_examples;
mod encode_properties;
mod files_deliver;
mod files_format;
mod files_local;
mod files_place;
mod files_programs;
mod files_refused;
mod files_rows;
mod files_servers;
mod files_store;
mod kinds_contracts;
mod kinds_docs;
mod kinds_rules;
mod kinds_settings;
mod kinds_specs;
mod workspace;
