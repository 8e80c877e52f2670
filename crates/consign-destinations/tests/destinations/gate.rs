//! A gate before a server, at which connections break off.

#![allow(dead_code, reason = "the tests of several crates use it, each a part")]
#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What stands between a client and the server: it passes on what they say, and breaks the first connections off once the
/// client has said so many bytes.
pub struct Gate {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    bytes: Arc<AtomicU64>,
    broke: Arc<Notify>,
}

impl Gate {
    /// Before that port of this machine, with the bytes after which each connection breaks off; later ones do not.
    pub async fn to(port: u16, breaks: Vec<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let gate = Self { port: own, connections: Arc::default(), bytes: Arc::default(), broke: Arc::default() };
        let (connections, bytes) = (Arc::clone(&gate.connections), Arc::clone(&gate.bytes));
        let broke = Arc::clone(&gate.broke);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let most = breaks.get(number).copied().unwrap_or(u64::MAX);
                let (bytes, broke) = (Arc::clone(&bytes), Arc::clone(&broke));
                tokio::spawn(async move {
                    pass(client, port, most, &bytes).await;
                    if most < u64::MAX {
                        broke.notify_one();
                    }
                });
            }
        });
        gate
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What clients have said so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Waits until a connection has been broken off.
    pub async fn broke(&self) {
        self.broke.notified().await;
    }
}

async fn pass(client: TcpStream, port: u16, most: u64, bytes: &AtomicU64) {
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
