//! The definition files below a folder.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use consign_model::document::{Located, MAX_FILE_BYTES, Reading, read};
use consign_model::problem::{Path as ProblemPath, Problem};

/// Definition files, read.
pub struct DefinitionFiles {
    /// Names, relative to the folder and with `/`, and texts.
    pub files: Vec<(String, String)>,
    /// What they say, and what is wrong with their form.
    pub reading: Reading,
}

impl DefinitionFiles {
    /// Reads every `*.yaml` and `*.yml` file below a folder, hidden ones apart, in the order of their names. A file that
    /// cannot be read is a problem among the others.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut names = Vec::new();
        find(folder, "", &mut names)?;
        ensure!(
            !names.is_empty(),
            "there are no definition files in `{}`: it should hold files that end in .yaml or .yml",
            folder.display()
        );
        names.sort_unstable();
        let mut files = Vec::new();
        let mut unreadable = Vec::new();
        for name in names {
            match text(&folder.join(&name)) {
                Ok(text) => files.push((name, text)),
                Err((reason, remedy)) => {
                    let problem = Problem::error(ProblemPath::default(), reason, remedy);
                    unreadable.push(Located { problem, file: Some(name), line: 1, column: 1 });
                }
            }
        }
        let mut reading = read(&files);
        reading.unreadable.files |= !unreadable.is_empty();
        reading.problems.extend(unreadable);
        Ok(Self { files, reading })
    }
}

/// Collects the names of the files in a folder and the folders in it.
fn find(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<()> {
    let unreadable = || format!("the folder `{}` cannot be read: check the path", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let file_name = entry.file_name();
        let Some(own) = file_name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let name = format!("{prefix}{own}");
        // Folders behind links are not entered, so that a link upwards ends; files behind links are read.
        if entry.file_type().with_context(unreadable)?.is_dir() {
            find(&entry.path(), &format!("{name}/"), names)?;
        } else if matches!(Path::new(own).extension().and_then(OsStr::to_str), Some("yaml" | "yml")) {
            names.push(name);
        }
    }
    Ok(())
}

/// The text of a file, or why it is not to be had and what to do.
fn text(path: &Path) -> Result<String, (String, String)> {
    let unreadable = |error: std::io::Error| {
        (format!("the file cannot be read: {error}"), "check that it exists and that you may read it".to_owned())
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    // One byte more than is allowed shows that there are too many, without reading them all.
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > MAX_FILE_BYTES {
        let reason = format!("the file has more than {MAX_FILE_BYTES} bytes");
        return Err((reason, "split it into several files".to_owned()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to() + 1;
        (format!("the file is not UTF-8 text from byte {place} on"), "save it as UTF-8".to_owned())
    })
}
