//! Connections to an SFTP server that break off on the way (`tests/servers/all.sh run sftp -- ...`).

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use consign_destinations::files::FileError;
use consign_destinations::http::Http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::files_place::listed;
use crate::files_servers::{own_folder_of_sftp, sftp_key, sftp_patiently, variable};

/// What stands between a client and the server: it passes on what they say, and breaks the first connections off once the
/// client has said so many bytes.
pub struct Gate {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    bytes: Arc<AtomicU64>,
}

impl Gate {
    pub async fn to(port: u16, breaks: Vec<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate =
            Self { port: listener.local_addr().unwrap().port(), connections: Arc::default(), bytes: Arc::default() };
        let (connections, bytes) = (Arc::clone(&gate.connections), Arc::clone(&gate.bytes));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let most = breaks.get(number).copied().unwrap_or(u64::MAX);
                tokio::spawn(pass(client, port, most, Arc::clone(&bytes)));
            }
        });
        gate
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn pass(client: TcpStream, port: u16, most: u64, bytes: Arc<AtomicU64>) {
    let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (from, mut back) = client.into_split();
    let (mut answers, mut to) = server.into_split();
    let mut from = from.take(most);
    let there = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            bytes.fetch_add(read as u64, Ordering::SeqCst);
            if to.write_all(&buffer[..read]).await.is_err() {
                break;
            }
        }
    };
    let here = tokio::io::copy(&mut answers, &mut back);
    tokio::select! {
        () = there => {}
        _ = here => {}
    }
}

fn server_port() -> Option<u16> {
    Some(variable("SFTP_PORT")?.parse().unwrap())
}

/// Writes a file through a gate that breaks the first connections off; the bytes and the connections that it took.
async fn written_through(breaks: Vec<u64>) -> Option<(u64, usize)> {
    let gate = Gate::to(server_port()?, breaks).await;
    let (local, remote) = own_folder_of_sftp()?;
    let change = [("folder", remote.into()), ("port", gate.port.into())];
    let store = sftp_patiently(&change, &sftp_key()?, Http::new().unwrap().patience())?.unwrap();
    let parts: Vec<Bytes> = (0..3_u8).map(|part| Bytes::from(vec![b'a' + part; 250_000])).collect();
    let mut upload = store.upload("list.csv").await.unwrap();
    for part in &parts {
        upload.write(part.clone()).await.unwrap();
    }
    upload.publish().await.unwrap();
    assert!(fs::read(local.join("list.csv")).unwrap() == parts.concat(), "what arrived is what was sent");
    assert_eq!(listed(&local), ["list.csv"], "nothing temporary stays");
    Some((gate.bytes.load(Ordering::SeqCst), gate.connections()))
}

#[tokio::test]
async fn a_file_is_whole_wherever_its_connection_breaks_off() {
    let Some((bytes, connections)) = written_through(Vec::new()).await else { return };
    assert_eq!(connections, 1);
    // At the beginning, while it is signed in, in the middle of the rows, and where the file gets its name.
    let last = (1..=8).map(|part| bytes - part * 70);
    for most in [0, 1_000, 2_500, 300_000].into_iter().chain(last) {
        let (_, connections) = written_through(vec![most]).await.unwrap();
        assert!(connections <= 2, "after {most} bytes: {connections} connections");
    }
    let (_, connections) = written_through(vec![0, 100_000, 300_000]).await.unwrap();
    assert_eq!(connections, 4);
}

#[tokio::test]
async fn what_another_connection_does_not_change_is_not_tried_again() {
    let Some(port) = server_port() else { return };
    let read_only = format!("{}/read_only", variable("SFTP_ROOT").unwrap());
    let missing = format!("{}/missing", variable("SFTP_ROOT").unwrap());
    for (setting, value) in [("username", "nobody-here"), ("folder", &*read_only), ("folder", &*missing)] {
        let gate = Gate::to(port, Vec::new()).await;
        let change = [("port", gate.port.into()), (setting, value.into())];
        let patience = Http::new().unwrap().patience();
        let store = sftp_patiently(&change, &sftp_key().unwrap(), patience).unwrap().unwrap();
        let Err(error) = store.upload("list.csv").await else { panic!("`{value}` is no place to write to") };
        let said =
            matches!(error, FileError::Credentials { .. } | FileError::Permission { .. } | FileError::NoFolder(_));
        assert!(said, "{error}");
        assert_eq!(gate.connections(), 1, "{error}");
    }
}
