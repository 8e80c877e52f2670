//! Where a store is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;

use crate::error::{Open, StoreError};

/// Where a store is: a file, or a database of a Postgres server.
///
/// Shown without password and parameters, so that it may stand in errors and logs.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of `SQLite`.
    File(PathBuf),
    /// A database of Postgres, and in it the first schema of the user's `search_path`.
    Postgres(Url),
}

impl FromStr for Location {
    type Err = StoreError;

    /// Reads `postgres://USER:PASSWORD@HOST/DATABASE`, `sqlite:PATH`, or a path.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let refused = |store: &str, reason: String, remedy| {
            Err(StoreError::CannotOpen(Open { store: store.to_owned(), reason, remedy }))
        };
        if let Some(path) = text.strip_prefix("sqlite:") {
            return path.strip_prefix("//").unwrap_or(path).parse();
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("postgres" | "postgresql") => match Url::parse(text) {
                Ok(url) if url.has_host() => Ok(Self::Postgres(url)),
                Ok(_) => refused("postgres://", "its URL names no server".to_owned(), URL_REMEDY),
                Err(error) => refused("postgres://", format!("its URL cannot be read ({error})"), URL_REMEDY),
            },
            Some(other) => refused(
                &format!("{other}://"),
                "there is no such kind of store".to_owned(),
                "name a file, or `postgres://USER@HOST/DATABASE`",
            ),
            None if text.is_empty() => {
                refused("(no name)", "its name is empty".to_owned(), "name a file, or `postgres://USER@HOST/DATABASE`")
            }
            None => Ok(Self::File(text.into())),
        }
    }
}

/// What to do with a URL that cannot be read. What is wrong in it may be the password, so it is not repeated.
const URL_REMEDY: &str = "write `postgres://USER:PASSWORD@HOST/DATABASE`, with `%` and two digits for what is special in \
                          a password (`%40` for `@`)";

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                f.write_str("postgres://")?;
                if !url.username().is_empty() {
                    write!(f, "{}@", url.username())?;
                }
                f.write_str(url.host_str().unwrap_or_default())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}
