//! Places as destinations describe them.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use consign_destinations::files::{FileError, FileStore, open};
use consign_destinations::http::Patience;
use consign_model::spec::{KindSpec, Limits, ListSpec, Rules, Settings};
use secrecy::SecretString;
use serde_json::Value;

/// Settings without defaults.
pub fn settings(given: &[(&str, Value)]) -> Settings {
    let spec = KindSpec {
        kind: "",
        title: "",
        description: "",
        settings: Vec::new(),
        list: ListSpec {
            noun: "file",
            name_template: "",
            max_name: None,
            name_without_white_space: false,
            name_should_not_contain: None,
            min_useful_rows: None,
        },
        rules: Rules::default(),
        memberships: Vec::new(),
        limits: Limits::default(),
        writes_files: true,
        unverified: Vec::new(),
    };
    Settings::new(&spec, &given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

/// The place with those settings and credentials; those without a value are left out.
pub fn place(
    kind: &str,
    given: &[(&str, Value)],
    credentials: &[(&str, String)],
) -> Result<Arc<dyn FileStore>, FileError> {
    place_with(kind, given, credentials, Patience::none())
}

/// The same, with that patience.
pub fn place_with(
    kind: &str,
    given: &[(&str, Value)],
    credentials: &[(&str, String)],
    patience: Patience,
) -> Result<Arc<dyn FileStore>, FileError> {
    let credentials: BTreeMap<_, _> = credentials
        .iter()
        .filter(|(_, secret)| !secret.is_empty())
        .map(|(name, secret)| ((*name).to_owned(), SecretString::from(secret.as_str())))
        .collect();
    open(kind, &settings(given), &credentials, Path::new("/"), patience)
}

/// Files in that folder.
pub fn local(folder: &Path) -> Arc<dyn FileStore> {
    place("local_files", &[("folder", folder.to_str().unwrap().into())], &[]).unwrap()
}

/// The names of all files in a folder, hidden ones too.
pub fn listed(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
