//! Destinations through their public face.

mod encode_bodies;
mod encode_examples;
mod encode_properties;
mod kinds_contracts;
mod kinds_docs;
mod kinds_rules;
mod kinds_settings;
mod kinds_specs;
mod workspace;
