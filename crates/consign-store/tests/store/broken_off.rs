//! Connections to a real Postgres that break off while a change is committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use consign_store::{Location, SqlStore, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::postgres::new;

/// When a connection breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The server never hears that it is to commit.
    Before,
    /// It has committed, and its answer is lost.
    After,
}

/// Stands between the store and the server, and breaks off the first connection that commits once it is armed.
async fn wire(server: &Url, moment: Moment) -> (Url, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut url = server.clone();
    url.set_port(Some(listener.local_addr().expect("bound").port())).expect("it has a host");
    let to = format!("{}:{}", server.host_str().expect("a host"), server.port().unwrap_or(5432));
    let armed = Arc::new(AtomicBool::new(false));
    let arming = Arc::clone(&armed);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&to).await.expect("a server");
            tokio::spawn(pass(client, server, Arc::clone(&arming), moment));
        }
    });
    (url, armed)
}

async fn pass(mut client: TcpStream, mut server: TcpStream, armed: Arc<AtomicBool>, moment: Moment) {
    let (mut asked, mut answered) = ([0; 8_192], [0; 8_192]);
    let mut last = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                let commits = asked[..read].windows(6).any(|word| word == b"COMMIT");
                last = commits && armed.swap(false, Ordering::SeqCst);
                if last && moment == Moment::Before {
                    return;
                }
                server.write_all(&asked[..read]).await.expect("passed on");
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                if last {
                    return;
                }
                client.write_all(&answered[..read]).await.expect("passed back");
            }
        }
    }
}

async fn is_made_once(moment: Moment) {
    let Some((_, url)) = new().await else { return };
    let (url, armed) = wire(&url, moment).await;
    let store = SqlStore::open(Location::Postgres(url)).await.expect("opened");
    armed.store(true, Ordering::SeqCst);
    store.audit("ada", "run", "r1", "").await.expect("kept");
    assert!(!armed.load(Ordering::SeqCst), "nothing broke off");
    let kept: Vec<_> = store.audited(None).await.expect("read").into_iter().map(|entry| entry.subject).collect();
    assert_eq!(kept, ["r1"]);
}

#[tokio::test]
async fn a_change_that_was_not_committed_is_made_again() {
    is_made_once(Moment::Before).await;
}

#[tokio::test]
async fn a_change_that_was_committed_is_not_made_again() {
    is_made_once(Moment::After).await;
}
