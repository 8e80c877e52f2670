//! The folder of a workspace: what may be written over, and its definitions.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::DemoError;

/// The definitions of the demo, by file. The first marks the folder as a demo workspace and is written first.
pub(crate) const DEFINITIONS: [(&str, &str); 4] = [
    ("workspace.yaml", include_str!("../../../examples/cdnow/workspace.yaml")),
    ("segments.yaml", include_str!("../../../examples/cdnow/segments.yaml")),
    ("destinations.yaml", include_str!("../../../examples/cdnow/destinations.yaml")),
    ("campaigns.yaml", include_str!("../../../examples/cdnow/campaigns.yaml")),
];

/// How a demo workspace begins.
const MARK: &str = "# Made by `consign demo`";

/// Where the staging copies of the demo go.
const OUT: &str = "out/staging";

/// The folder of tables in a workspace's folder.
pub(crate) const DATA: &str = "data";

/// Makes sure that a demo workspace may be written to a folder, and makes the folder where it is missing. An earlier
/// demo is written over; where its definitions were changed since, with `force` only.
pub(crate) fn prepare(folder: &Path, force: bool) -> Result<(), DemoError> {
    let mut found = names(folder)?;
    found.sort();
    if let Some(first) = found.into_iter().next() {
        if !is_demo(folder)? {
            return Err(DemoError::NotEmpty { folder: folder.to_owned(), found: first });
        }
        if !force {
            unchanged(folder)?;
        }
    }
    let data = folder.join(DATA);
    for folder in [data, folder.join(OUT)] {
        fs::create_dir_all(&folder).map_err(DemoError::io(&folder))?;
    }
    Ok(())
}

/// What a folder holds; nothing where it is missing.
fn names(folder: &Path) -> Result<Vec<String>, DemoError> {
    let entries = match fs::read_dir(folder) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(DemoError::io(folder))?,
    };
    entries.map(|entry| Ok(entry.map_err(DemoError::io(folder))?.file_name().to_string_lossy().into_owned())).collect()
}

fn is_demo(folder: &Path) -> Result<bool, DemoError> {
    let text = read(&folder.join(DEFINITIONS[0].0))?;
    Ok(text.is_some_and(|text| text.starts_with(MARK.as_bytes())))
}

fn unchanged(folder: &Path) -> Result<(), DemoError> {
    for (name, text) in DEFINITIONS {
        let path = folder.join(name);
        if read(&path)?.is_some_and(|found| found != text.as_bytes()) {
            return Err(DemoError::Changed(path));
        }
    }
    Ok(())
}

/// The bytes of a file; `None` where it is missing.
fn read(path: &Path) -> Result<Option<Vec<u8>>, DemoError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(DemoError::io(path)(reason)),
    }
}

/// Writes the definitions. Gives their paths.
pub(crate) fn write_definitions(folder: &Path) -> Result<Vec<PathBuf>, DemoError> {
    let write = |(name, text): (&str, &str)| {
        let path = folder.join(name);
        let unfinished = path.with_extension("yaml.tmp");
        fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path)).map_err(DemoError::io(&path))?;
        Ok(path)
    };
    DEFINITIONS.into_iter().map(write).collect()
}
