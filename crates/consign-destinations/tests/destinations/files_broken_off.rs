//! Connections to an SFTP server that break off on the way (`tests/servers/all.sh run sftp -- ...`).

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::fs;

use bytes::Bytes;
use consign_destinations::files::FileError;
use consign_destinations::http::Http;

use crate::files_place::listed;
use crate::files_servers::{own_folder_of_sftp, sftp_key, sftp_patiently, variable};
use crate::gate::Gate;

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
    Some((gate.bytes(), gate.connections()))
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
