//! PGP encryption for one recipient, streamed.
//!
//! The library pulls what it encrypts, and files are pushed, so each encrypted file has a thread of its own behind a
//! channel of a few chunks. It ends with the file, however that ends.

use std::io::{self, Read, Write};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use pgp::composed::{Deserializable, MessageBuilder, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{EncryptionKey, KeyDetails, Tag, Timestamp};
use rand::rngs::OsRng;

use super::layer::Layer;

/// What goes through the channel at once, and how many of them may wait.
const CHUNK: usize = 64 * 1024;
const WAITING: usize = 4;

/// Why nothing can be encrypted for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It is not an armored public key.
    #[error("is not a PGP public key: write the text that begins with `-----BEGIN PGP PUBLIC KEY BLOCK-----`")]
    NotAKey,
    /// It does not vouch for itself.
    #[error("is damaged or forged, as its own signature does not verify: export it again")]
    Forged,
    /// It is revoked.
    #[error("is revoked: ask its owner for the new one")]
    Revoked,
    /// Neither it nor a subkey may encrypt now.
    #[error("has no part that encrypts and has not expired: ask its owner for one that has")]
    CannotEncrypt,
}

/// Whom a file is encrypted for: a public key and which part of it encrypts.
#[derive(Debug, Clone)]
pub struct Recipient {
    key: SignedPublicKey,
    /// The subkey; `None` for the primary key.
    subkey: Option<usize>,
}

impl Recipient {
    /// Reads an armored public key. Of several subkeys that encrypt the newest is taken.
    pub fn read(armored: &str) -> Result<Self, KeyProblem> {
        let (key, _) = SignedPublicKey::from_string(armored.trim_start()).map_err(|_| KeyProblem::NotAKey)?;
        if !key.details.revocation_signatures.is_empty() {
            return Err(KeyProblem::Revoked);
        }
        let primary = &key.primary_key;
        // What others have signed says nothing of what the key is for; of what it says itself the newest holds.
        let users = key.details.users.iter().flat_map(|user| {
            let own = |one: &&Signature| one.verify_certification(primary, Tag::UserId, &user.id).is_ok();
            user.signatures.iter().filter(own)
        });
        let direct = key.details.direct_signatures.iter().filter(|one| one.verify_key(primary).is_ok());
        let own = users.chain(direct).max_by_key(|one| one.created()).ok_or(KeyProblem::Forged)?;
        if expired(primary.created_at(), own) {
            return Err(KeyProblem::CannotEncrypt);
        }
        let usable = |subkey: &SignedPublicSubKey| {
            let revoked = subkey.signatures.iter().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation));
            let bindings =
                subkey.signatures.iter().filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok());
            let binding = bindings.max_by_key(|one| one.created());
            !revoked
                && subkey.key.algorithm().can_encrypt()
                && binding.is_some_and(|one| encrypts(one) && !expired(subkey.key.created_at(), one))
        };
        let subkeys = key.public_subkeys.iter().enumerate().filter(|(_, subkey)| usable(subkey));
        let newest = subkeys.max_by_key(|(_, subkey)| subkey.key.created_at()).map(|(i, _)| i);
        if newest.is_none() && !(primary.algorithm().can_encrypt() && encrypts(own)) {
            return Err(KeyProblem::CannotEncrypt);
        }
        Ok(Self { key, subkey: newest })
    }

    /// Encrypts all that `source` yields: AES-256 with integrity protection of version 1, which every reader knows.
    fn encrypt(&self, source: impl Read, into: &mut dyn Write) -> Result<(), pgp::errors::Error> {
        match self.subkey.and_then(|i| self.key.public_subkeys.get(i)) {
            Some(subkey) => encrypt_for(&subkey.key, source, into),
            None => encrypt_for(&self.key.primary_key, source, into),
        }
    }
}

fn encrypt_for(key: &impl EncryptionKey, source: impl Read, into: &mut dyn Write) -> Result<(), pgp::errors::Error> {
    let mut builder = MessageBuilder::from_reader("", source).seipd_v1(OsRng, SymmetricKeyAlgorithm::AES256);
    builder.encrypt_to_key(OsRng, key)?;
    builder.to_writer(OsRng, into)
}

/// Whether a signature lets the key encrypt; one without flags leaves it to the algorithm.
fn encrypts(signature: &Signature) -> bool {
    let flags = signature.key_flags();
    flags.encrypt_comms() || flags.encrypt_storage() || !(flags.sign() || flags.certify() || flags.authentication())
}

fn expired(created: Timestamp, signature: &Signature) -> bool {
    let lifetime = signature.key_expiration_time().map_or(0, pgp::types::Duration::as_secs);
    let end = u64::from(created.as_secs()) + u64::from(lifetime);
    lifetime != 0 && end < u64::from(Timestamp::now().as_secs())
}

/// Encrypts what is written to it.
pub(super) struct Encrypted {
    /// `None` marks the end; without it the channel breaks off and nothing is ended.
    chunks: Option<SyncSender<Option<Vec<u8>>>>,
    pending: Vec<u8>,
    thread: Option<JoinHandle<io::Result<Box<dyn Layer>>>>,
}

impl Encrypted {
    pub(super) fn new(recipient: &Recipient, mut below: Box<dyn Layer>) -> Self {
        let (chunks, receiver) = sync_channel(WAITING);
        let recipient = recipient.clone();
        let thread = thread::spawn(move || {
            let source = Chunks { receiver, current: Vec::new(), read: 0, ended: false };
            recipient.encrypt(source, &mut below).map_err(io::Error::other)?;
            Ok(below)
        });
        Self { chunks: Some(chunks), pending: Vec::with_capacity(CHUNK), thread: Some(thread) }
    }

    fn send(&mut self, chunk: Option<Vec<u8>>) -> io::Result<()> {
        let sent = self.chunks.as_ref().is_some_and(|chunks| chunks.send(chunk).is_ok());
        if sent { Ok(()) } else { Err(self.join().err().unwrap_or_else(broken)) }
    }

    /// Waits for the thread, and says how it ended.
    fn join(&mut self) -> io::Result<Box<dyn Layer>> {
        self.chunks = None;
        let thread = self.thread.take().ok_or_else(broken)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the encryption failed without a reason")))
    }
}

fn broken() -> io::Error {
    io::Error::other("the encryption ended early")
}

impl Write for Encrypted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.pending.len());
        self.pending.extend_from_slice(&bytes[..taken]);
        if self.pending.len() == CHUNK {
            let chunk = mem::replace(&mut self.pending, Vec::with_capacity(CHUNK));
            self.send(Some(chunk))?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Layer for Encrypted {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        let rest = mem::take(&mut self.pending);
        self.send(Some(rest))?;
        self.send(None)?;
        self.join()?.finish()
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        if self.thread.is_some() {
            // What was encrypted is thrown away with the file, so how it ended does not matter.
            self.join().ok();
        }
    }
}

/// The other end of the channel.
struct Chunks {
    receiver: Receiver<Option<Vec<u8>>>,
    current: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.current.len() && !self.ended {
            self.read = 0;
            match self.receiver.recv() {
                Ok(Some(chunk)) => self.current = chunk,
                Ok(None) => (self.current, self.ended) = (Vec::new(), true),
                Err(_) => return Err(broken()),
            }
        }
        let taken = into.len().min(self.current.len() - self.read);
        into[..taken].copy_from_slice(&self.current[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}
