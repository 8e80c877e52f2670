//! Secrets: reads what `env:NAME`, `file:PATH` and `stored:NAME` point to, and seals with the workspace key what must not
//! lie about plain. The only place where a secret is read, and the only one that names a cipher.

mod key_ring;
mod key_source;
mod workspace_key;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use consign_model::definition::{SecretPlace, SecretRef};
use secrecy::SecretString;

pub use key_ring::{KeyId, KeyRing, OpenError, ResealError, SealError, new_key};
pub use key_source::KeySource;
pub use workspace_key::{KeyError, OpenKey, Rotation, WorkspaceKey};

/// Largest secret, in bytes. A PGP key has some thousands.
pub const MAX_BYTES: u64 = 1 << 20;

/// Where relative paths of `file:` begin, and what is stored.
#[derive(Debug, Clone)]
pub struct Secrets {
    folder: PathBuf,
    stored: Option<Stored>,
}

/// Stored credentials, sealed, and the key that opens them.
#[derive(Debug, Clone)]
struct Stored {
    key: WorkspaceKey,
    sealed: BTreeMap<String, Vec<u8>>,
}

/// What a stored credential is sealed for: under another name it does not open.
pub fn credential_purpose(name: &str) -> String {
    format!("credential {name}")
}

/// A secret cannot be read. Says where it should be, never what it is.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or not UTF-8.
    #[error("the environment variable `{0}` is not set: export it before the command, or refer to a file")]
    NoVariable(String),
    /// The variable or file is there and holds nothing.
    #[error("the secret at `{0}` is empty: put it there")]
    Empty(String),
    /// The file cannot be read.
    #[error("the secret at `{reference}` cannot be read: check the path and that you may read it")]
    Unreadable {
        /// The reference.
        reference: String,
        /// Why.
        #[source]
        reason: io::Error,
    },
    /// Nothing is stored under the name.
    #[error("there is no stored credential `{0}`: run `consign credentials set {0}`")]
    NotStored(String),
    /// The stored credential does not open.
    #[error("the stored credential `{name}` cannot be read")]
    Sealed {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        reason: OpenError,
    },
    /// The workspace key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Secrets {
    /// Secrets of definitions in that folder; none are stored.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), stored: None }
    }

    /// The same with stored credentials, by name, as the workspace key has sealed them. The key is opened only when one of
    /// them is read.
    #[must_use]
    pub fn with_stored(self, key: WorkspaceKey, sealed: BTreeMap<String, Vec<u8>>) -> Self {
        Self { stored: Some(Stored { key, sealed }), ..self }
    }

    /// The folder where relative paths begin.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a secret. The last line break of a file is not part of it.
    pub fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretError> {
        let secret = match reference.place() {
            SecretPlace::Env(name) => env::var(name).map_err(|_| SecretError::NoVariable(name.to_owned()))?,
            SecretPlace::File(path) => {
                let read = || {
                    let path = self.folder.join(path);
                    if fs::metadata(&path)?.len() > MAX_BYTES {
                        return Err(io::Error::other("it is larger than 1 MiB"));
                    }
                    fs::read_to_string(path)
                };
                read().map_err(|reason| SecretError::Unreadable { reference: reference.to_string(), reason })?
            }
            SecretPlace::Stored(name) => self.stored(name)?,
        };
        let secret = secret.strip_suffix('\n').map_or(secret.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if secret.is_empty() {
            return Err(SecretError::Empty(reference.to_string()));
        }
        Ok(SecretString::from(secret))
    }

    fn stored(&self, name: &str) -> Result<String, SecretError> {
        let sealed = self.stored.as_ref().and_then(|stored| Some((&stored.key, stored.sealed.get(name)?)));
        let (key, sealed) = sealed.ok_or_else(|| SecretError::NotStored(name.to_owned()))?;
        let plain = key.open()?.open(&credential_purpose(name), sealed);
        let plain = plain.and_then(|plain| String::from_utf8(plain).map_err(|_| OpenError::Altered));
        plain.map_err(|reason| SecretError::Sealed { name: name.to_owned(), reason })
    }

    /// Reads several secrets, each under its name.
    pub fn resolve_all(
        &self,
        references: &BTreeMap<String, SecretRef>,
    ) -> Result<BTreeMap<String, SecretString>, SecretError> {
        references.iter().map(|(name, reference)| Ok((name.clone(), self.resolve(reference)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_read_from_a_file_without_its_line_break() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "abc\r\n").unwrap();
        let secrets = Secrets::of(folder.path());
        let reference = SecretRef::try_from("file:key".to_owned()).unwrap();
        assert_eq!(secrets.resolve(&reference).unwrap().expose_secret(), "abc");
    }

    #[test]
    fn what_cannot_be_read_says_where_it_should_be() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty"), "\n").unwrap();
        let message = |reference: &str| {
            let reference = SecretRef::try_from(reference.to_owned()).unwrap();
            Secrets::of(folder.path()).resolve(&reference).unwrap_err().to_string()
        };
        assert!(message("env:CONSIGN_NO_SUCH_VARIABLE").contains("CONSIGN_NO_SUCH_VARIABLE"));
        assert!(message("file:missing").contains("file:missing"));
        assert!(message("file:empty").contains("is empty"));
    }
}
