//! A connection to a server whose key is the one that is pinned.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use consign_model::spec::Settings;
use russh::client::{self, AuthResult, Config, Handle};
use russh::keys::{
    Algorithm, EcdsaCurve, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key,
};
use russh::{Disconnect, Preferred};
use russh_sftp::client::RawSftpSession;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::super::{FileError, required};
use super::{ANSWER_TIME, SftpFiles};
use crate::http::Patience;

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// What the credentials are called.
const CREDENTIALS: &str = "`username` and `password` or `private_key`";

/// A server, and how to sign in.
pub(super) struct Server {
    name: String,
    port: u16,
    username: String,
    host_key: String,
    proof: Proof,
}

/// What signs a user in.
enum Proof {
    Password(SecretString),
    Key(Arc<PrivateKey>),
}

/// Files in a folder of an SFTP server.
pub(in super::super) fn sftp(
    settings: &Settings,
    credentials: &BTreeMap<String, SecretString>,
    patience: Patience,
) -> Result<SftpFiles, FileError> {
    let port = settings.integer("port").unwrap_or(22);
    let port = u16::try_from(port)
        .map_err(|_| FileError::Setting { name: "port", reason: "is not from 1 to 65535: correct it".into() })?;
    let proof = match (credentials.get("private_key"), credentials.get("password")) {
        (Some(key), _) => Proof::Key(Arc::new(private_key(key, credentials.get("passphrase"))?)),
        (None, Some(password)) => Proof::Password(password.clone()),
        (None, None) => {
            let reason = "is not set, and there is no `password`: add one of them to the credentials".into();
            return Err(FileError::Setting { name: "private_key", reason });
        }
    };
    let folder = settings.text("folder").unwrap_or_default();
    let folder =
        if folder.starts_with('/') && folder.trim_matches('/').is_empty() { "/" } else { folder.trim_end_matches('/') };
    Ok(SftpFiles {
        folder: folder.to_owned(),
        left: OnceCell::new(),
        patience: Arc::new(patience),
        server: Arc::new(Server {
            name: required(settings, "host")?.into(),
            port,
            username: required(settings, "username")?.into(),
            host_key: required(settings, "host_key")?.trim_end_matches('=').into(),
            proof,
        }),
    })
}

fn private_key(key: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, FileError> {
    // Some writers of keys leave the last line break to the file, and secrets come without it.
    let text = format!("{}\n", key.expose_secret().trim_end());
    decode_secret_key(&text, passphrase.map(ExposeSecret::expose_secret)).map_err(|error| {
        let (name, reason) = match error {
            russh::keys::Error::KeyIsEncrypted => {
                ("passphrase", "is not set, and `private_key` is encrypted: add it to the credentials")
            }
            _ if passphrase.is_some() => {
                ("passphrase", "does not open `private_key`, or that is not a private key: check both")
            }
            _ => ("private_key", "is not a private key: write the text of the file that `ssh-keygen` made, whole"),
        };
        FileError::Setting { name, reason: reason.into() }
    })
}

/// A user who is signed in.
pub(super) struct Session {
    pub(super) raw: RawSftpSession,
    /// Host and port, for messages.
    pub(super) host: String,
    /// Whether the server renames over an existing file.
    pub(super) replaces: bool,
    /// Whether the server can be told to put a file on its disk.
    pub(super) syncs: bool,
    connection: Handle<Pinned>,
}

impl Session {
    /// Says goodbye.
    pub(super) async fn close(self) {
        self.raw.close_session().ok();
        self.connection.disconnect(Disconnect::ByApplication, "", "en").await.ok();
    }
}

/// Accepts one key.
struct Pinned {
    pinned: String,
    /// The fingerprint of the server's key.
    found: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let found = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256).to_string(),
            PublicKeyOrCertificate::Certificate(_) => "a certificate".into(),
        };
        let known = found == self.pinned;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(known)
    }
}

impl Server {
    pub(super) fn host(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }

    pub(super) fn host_key(&self) -> &str {
        &self.host_key
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// Connects and signs in. A server has keys of several types and shows the one that is asked for first, so where
    /// that is not the pinned one, the other types are asked for.
    pub(super) async fn connect(&self) -> Result<Session, FileError> {
        let mut mismatch = None;
        for keys in key_types() {
            match self.connect_by(keys).await {
                Err(error @ FileError::HostKey { .. }) => mismatch = mismatch.or(Some(error)),
                // A server that has no key of that type.
                Err(_) if mismatch.is_some() => {}
                other => return other,
            }
        }
        Err(mismatch.unwrap_or_else(|| self.broken()))
    }

    async fn connect_by(&self, keys: Vec<Algorithm>) -> Result<Session, FileError> {
        let socket = self.reach().await?;
        let found = Arc::new(Mutex::new(None));
        let handler = Pinned { pinned: self.host_key.clone(), found: Arc::clone(&found) };
        let config = Config {
            preferred: Preferred { key: Cow::Owned(keys), ..Preferred::DEFAULT },
            keepalive_interval: Some(Duration::from_secs(15)),
            nodelay: true,
            ..Config::default()
        };
        let connected = self.in_time(client::connect_stream(Arc::new(config), socket, handler)).await?;
        let mut connection = connected.map_err(|error| {
            let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
            match found.filter(|found| *found != self.host_key) {
                Some(found) => FileError::HostKey { host: self.host(), found, pinned: self.host_key.clone() },
                None => self.explain(&error),
            }
        })?;
        self.sign_in(&mut connection).await?;
        let opened = self.in_time(open(&connection)).await?;
        let (raw, extensions) = opened.map_err(|reason| {
            let broken = connection.is_closed();
            if broken { self.broken() } else { FileError::Other { place: self.host(), reason: reason.into() } }
        })?;
        Ok(Session {
            raw,
            host: self.host(),
            replaces: extensions.iter().any(|name| name == super::upload::RENAME),
            syncs: extensions.iter().any(|name| name == russh_sftp::extensions::FSYNC),
            connection,
        })
    }

    async fn reach(&self) -> Result<TcpStream, FileError> {
        let unreachable = |error: &io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => FileError::Refused { host: self.host() },
            io::ErrorKind::TimedOut => FileError::TimedOut { place: self.host(), after: CONNECT_TIME },
            _ => FileError::Unreachable { host: self.host(), reason: error.to_string() },
        };
        let late = |_| FileError::TimedOut { place: self.host(), after: CONNECT_TIME };
        let resolved = timeout(CONNECT_TIME, lookup_host((self.name.as_str(), self.port))).await.map_err(late)?;
        let addresses: Vec<_> = resolved.map_err(|_| FileError::Dns { host: self.name.clone() })?.collect();
        let socket = timeout(CONNECT_TIME, TcpStream::connect(&addresses[..])).await.map_err(late)?;
        let socket = socket.map_err(|error| unreachable(&error))?;
        socket.set_nodelay(true).map_err(|error| unreachable(&error))?;
        Ok(socket)
    }

    async fn sign_in(&self, connection: &mut Handle<Pinned>) -> Result<(), FileError> {
        let attempt = async {
            match &self.proof {
                Proof::Password(password) => {
                    connection.authenticate_password(&self.username, password.expose_secret()).await
                }
                Proof::Key(key) => {
                    let hash = connection.best_supported_rsa_hash().await?.flatten();
                    let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
                    connection.authenticate_publickey(&self.username, key).await
                }
            }
        };
        let refused = |reason: String| FileError::Credentials { place: self.host(), reason, credentials: CREDENTIALS };
        match self.in_time(attempt).await?.map_err(|error| self.explain(&error))? {
            AuthResult::Success => Ok(()),
            AuthResult::Failure { partial_success: true, .. } => {
                Err(refused("the server asks for a second proof, which programs cannot give".into()))
            }
            // A connection that broke off meanwhile looks like a refusal, but for the methods that would do.
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() => Err(self.broken()),
            AuthResult::Failure { remaining_methods, .. } => {
                let methods: Vec<&str> = remaining_methods.iter().map(<&str>::from).collect();
                Err(refused(format!("the server offers: {}", methods.join(", "))))
            }
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, FileError> {
        timeout(ANSWER_TIME, work).await.map_err(|_| FileError::TimedOut { place: self.host(), after: ANSWER_TIME })
    }

    fn explain(&self, error: &russh::Error) -> FileError {
        match error {
            russh::Error::IO(_) | russh::Error::Disconnect | russh::Error::HUP => self.broken(),
            other => FileError::Unreachable { host: self.host(), reason: other.to_string() },
        }
    }

    fn broken(&self) -> FileError {
        FileError::Unreachable { host: self.host(), reason: "the server ends the connection".into() }
    }
}

/// Opens SFTP in a connection; with the names of the extensions that the server offers.
async fn open(connection: &Handle<Pinned>) -> Result<(RawSftpSession, Vec<String>), &'static str> {
    const NO_SFTP: &str = "the server does not offer SFTP to this user; check its subsystem and the user's rights";
    let channel = connection.channel_open_session().await.map_err(|_| NO_SFTP)?;
    channel.request_subsystem(true, "sftp").await.map_err(|_| NO_SFTP)?;
    let raw = RawSftpSession::new(channel.into_stream());
    raw.set_timeout(ANSWER_TIME.as_secs());
    let version = raw.init().await.map_err(|_| NO_SFTP)?;
    Ok((raw, version.extensions.into_keys().collect()))
}

/// The types of host keys, the modern ones first, in the groups that a server has keys of.
fn key_types() -> [Vec<Algorithm>; 3] {
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    let ecdsa: Vec<_> = curves.into_iter().map(|curve| Algorithm::Ecdsa { curve }).collect();
    let rsa = [HashAlg::Sha512, HashAlg::Sha256].map(|hash| Algorithm::Rsa { hash: Some(hash) });
    let all = std::iter::once(Algorithm::Ed25519).chain(ecdsa.clone()).chain(rsa.clone()).collect();
    [all, ecdsa, rsa.to_vec()]
}
