//! What can go wrong with files and the places they are put in.

use std::time::Duration;

use super::format::{FormatError, KeyProblem};
use crate::client::ErrorClass;

/// A file cannot be written, or not be put in its place. Says what is wrong, where, and what to do; never a secret, never
/// a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The name would leave its folder, or is none.
    #[error("the file name `{}` is refused, as it {reason}: write another template of the name", name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A setting or credential is missing or cannot be used.
    #[error("`{name}` {reason}")]
    Setting {
        /// The setting or credential.
        name: &'static str,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// No kind of that name writes files.
    #[error("`{0}` is not a kind that writes files")]
    Kind(String),
    /// The PGP key cannot be used.
    #[error("the PGP public key {0}")]
    PgpKey(#[from] KeyProblem),
    /// The options encrypt, and no key was given, or the other way round.
    #[error("the file options and the given PGP key do not agree: give the key that `pgp_public_key` refers to")]
    PgpKeyMissing,
    /// Rows cannot be written in the format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The rows could not be read.
    #[error("the staged rows cannot be read: {0}")]
    Rows(String),
    /// The name of a server does not resolve.
    #[error(
        "the name of the server `{host}` is not known to DNS: check its spelling, and that this machine has a network"
    )]
    Dns {
        /// The host.
        host: String,
    },
    /// Nothing listens.
    #[error("`{host}` refuses connections: check host and port, and that the server runs")]
    Refused {
        /// Host and port.
        host: String,
    },
    /// No connection, for another reason.
    #[error("`{host}` cannot be reached ({reason}): check the address, the network and firewalls between")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// No answer in time, or the connection breaks off.
    #[error("`{place}` did not answer within {} s: try again, and check the network if it stays so", after.as_secs())]
    TimedOut {
        /// The place or server.
        place: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection is not secure.
    #[error(
        "no secure connection to `{host}` ({reason}): check its certificate, or write `http://` for a server without TLS"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// What TLS says.
        reason: String,
    },
    /// The server does not accept who we say we are.
    #[error("`{place}` does not accept the credentials ({reason}): check {credentials}")]
    Credentials {
        /// The place.
        place: String,
        /// What the server says.
        reason: String,
        /// The names of the credentials to check.
        credentials: &'static str,
    },
    /// We are known and may not.
    #[error("`{place}` may not be written to ({reason}): give the user of the credentials the right to {action}")]
    Permission {
        /// The place.
        place: String,
        /// What the server or system says.
        reason: String,
        /// The right that is missing.
        action: &'static str,
    },
    /// The folder of this machine may not be written to.
    #[error(
        "the folder `{0}` may not be written to: allow it, for example with `chmod u+wx`, or run as a user who may"
    )]
    NotWritable(String),
    /// The bucket or container is not there.
    #[error("the {what} `{name}` does not exist: create it, or correct the setting `{what}`")]
    NoBucket {
        /// `bucket` or `container`.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The bucket is elsewhere.
    #[error("the bucket `{bucket}` is not in the region `{region}`: correct the setting `region`")]
    Region {
        /// The bucket.
        bucket: String,
        /// The region of the settings.
        region: String,
    },
    /// The server is not the one whose key is pinned.
    #[error(
        "the host key of `{host}` is `{found}` and not `{pinned}`: if its operator confirms a new key, write that as \
         `host_key`; if not, somebody may be listening in between"
    )]
    HostKey {
        /// Host and port.
        host: String,
        /// The fingerprint of the server's key.
        found: String,
        /// The fingerprint of the settings.
        pinned: String,
    },
    /// The folder is not there.
    #[error("the folder `{0}` does not exist: create it, or correct the setting `folder`")]
    NoFolder(String),
    /// What should be a folder is something else.
    #[error("`{0}` is not a folder: correct the setting `folder`")]
    NotAFolder(String),
    /// The file system takes no writes.
    #[error("the folder `{0}` is on a file system that is read-only: mount it writable, or choose another")]
    ReadOnly(String),
    /// No room.
    #[error("no space is left at `{0}`: free some, or choose another place")]
    DiskFull(String),
    /// What arrived is not what was sent.
    #[error("`{place}` holds {found} bytes of {sent} that were sent: send again, and check the disk of the server")]
    Incomplete {
        /// The place.
        place: String,
        /// The bytes that are there.
        found: u64,
        /// The bytes that were sent.
        sent: u64,
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Anything else.
    #[error("`{place}`: {reason}")]
    Other {
        /// The place.
        place: String,
        /// What the server or system says.
        reason: String,
    },
}

impl FileError {
    /// What kind of thing went wrong.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Credentials { .. } => ErrorClass::Auth,
            Self::Permission { .. } | Self::NotWritable(_) | Self::ReadOnly(_) => ErrorClass::Permission,
            Self::Format(_) | Self::Rows(_) => ErrorClass::Bug,
            Self::DiskFull(_) => ErrorClass::Unavailable,
            error if error.is_temporary() => ErrorClass::Unavailable,
            _ => ErrorClass::Config,
        }
    }

    /// Whether there was no connection, or it broke off, so that another one may do.
    pub(crate) fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Dns { .. } | Self::Refused { .. } | Self::Unreachable { .. } | Self::TimedOut { .. })
    }

    /// Whether the same may succeed later without anybody doing something.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Dns { .. }
                | Self::Refused { .. }
                | Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Incomplete { .. }
                | Self::Other { .. }
        )
    }
}
