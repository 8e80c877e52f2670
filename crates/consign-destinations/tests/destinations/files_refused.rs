//! What is said when a place cannot be written to.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::path::Path;

use bytes::Bytes;
use consign_destinations::files::FileError;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::files_place::place;
use crate::files_servers::{Opened, azure_with, file, gcs_with, s3_with, sftp_key, sftp_with, variable};

/// The error of a test of the place, of which no secret is part.
async fn refused(place: Opened, secrets: &[&str]) -> FileError {
    let error = match place {
        Ok(store) => store.test().await.expect_err("it should be refused"),
        Err(error) => error,
    };
    let shown = format!("{error} {error:?}");
    eprintln!("{error}");
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
    error
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn s3_says_what_is_wrong() {
    let wrong = "wrong-secret-of-nobody";
    let Some(store) = s3_with(&[], &[("secret_access_key", wrong)]) else { return };
    let error = refused(store, &[wrong]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(s3_with(&[], &[("access_key_id", "UNKNOWN")]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(s3_with(&[("bucket", "no-such-bucket".into())], &[]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "bucket", .. }), "{error}");
    let (Some(id), Some(key)) = (variable("S3_READER_ACCESS_KEY_ID"), variable("S3_READER_SECRET_ACCESS_KEY")) else {
        return;
    };
    let reader = s3_with(&[], &[("access_key_id", &id), ("secret_access_key", &key)]).unwrap();
    let error = refused(reader, &[&key]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn google_cloud_storage_says_what_is_wrong() {
    let (Some(key), Some(wrong)) = (file("GCS_KEY_FILE"), file("GCS_WRONG_KEY_FILE")) else { return };
    let error = refused(gcs_with(&[], &wrong).unwrap(), &["PRIVATE KEY"]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(gcs_with(&[], "{\"private_key\": \"xyzzy\"}").unwrap(), &["xyzzy"]).await;
    assert!(matches!(error, FileError::Setting { name: "service_account_key", .. }), "{error}");
    let error = refused(gcs_with(&[("bucket", "no-such-bucket".into())], &key).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "bucket", .. }), "{error}");
}

#[tokio::test]
async fn azure_says_what_is_wrong() {
    let Some(key) = variable("AZURE_ACCESS_KEY") else { return };
    let wrong = "d3Jvbmcga2V5IG9mIG5vYm9keQ==";
    let error = refused(azure_with(&[], &[("access_key", wrong.into())]).unwrap(), &[wrong]).await;
    // The emulator says `AuthorizationFailure`, which at Azure means rights.
    assert!(matches!(error, FileError::Credentials { .. } | FileError::Permission { .. }), "{error}");
    let error = refused(azure_with(&[], &[("access_key", "not base64!".into())]).unwrap(), &["not base64!"]).await;
    assert!(matches!(error, FileError::Setting { name: "access_key", .. }), "{error}");
    let error = refused(azure_with(&[("container", "missing".into())], &[("access_key", key)]).unwrap(), &[]).await;
    assert!(matches!(error, FileError::NoBucket { what: "container", .. }), "{error}");
    let Some(reader) = variable("AZURE_READER_SAS_TOKEN") else { return };
    let (_, signature) = reader.split_once("sig=").unwrap();
    let error = refused(azure_with(&[], &[("sas_token", reader.clone())]).unwrap(), &[signature]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn sftp_says_what_is_wrong() {
    let Some(key) = sftp_key() else { return };
    let wrong = "wrong-password-of-nobody";
    let error = refused(sftp_with(&[], &[("password", wrong.into())]).unwrap(), &[wrong]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(sftp_with(&[("username", "nobody-here".into())], &key).unwrap(), &[]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");
    let error = refused(sftp_with(&[], &[("private_key", "xyzzy".into())]).unwrap(), &["xyzzy"]).await;
    assert!(matches!(error, FileError::Setting { name: "private_key", .. }), "{error}");

    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let error = refused(sftp_with(&[("host_key", other.into())], &key).unwrap(), &[]).await;
    let found = variable("SFTP_HOST_KEY").unwrap();
    assert!(matches!(&error, FileError::HostKey { found: it, .. } if *it == found), "{error}");

    let root = variable("SFTP_ROOT").unwrap();
    let folder = |name: &str| sftp_with(&[("folder", format!("{root}/{name}").into())], &key).unwrap();
    let error = refused(folder("missing"), &[]).await;
    assert!(matches!(error, FileError::NoFolder(_)), "{error}");
    let error = refused(folder("read_only"), &[]).await;
    assert!(matches!(error, FileError::Permission { .. }), "{error}");
    if Path::new(&variable("SFTP_LOCAL_ROOT").unwrap()).join("full").exists() {
        let store = folder("full").unwrap();
        let mut upload = store.upload("list.csv").await.unwrap();
        let error = upload.write(Bytes::from(vec![1; 2 << 20])).await.unwrap_err();
        assert!(matches!(error, FileError::DiskFull(_)), "{error}");
        upload.abort().await;
        store.test().await.unwrap();
    } else {
        eprintln!("not run: a full disk needs a user who may mount one");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_whose_name_is_wrong() {
    let port = closed_port();
    let url = format!("http://127.0.0.1:{port}");
    let azure = [("account", "a".into()), ("container", "c".into()), ("endpoint", format!("{url}/a").into())];
    let sftp = |host: &str| {
        let host_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let settings =
            [("host", host.into()), ("port", port.into()), ("username", "u".into()), ("host_key", host_key.into())];
        place("sftp", &settings, &[("password", "p".into())])
    };
    let azure = place("azure_blob", &azure, &[("access_key", "a2V5".into())]);
    for place in [s3_at(url), azure, sftp("127.0.0.1")] {
        let error = refused(place, &[]).await;
        assert!(matches!(&error, FileError::Refused { host } if host.ends_with(&port.to_string())), "{error}");
    }
    for place in [s3_at("http://no-such-host.invalid".into()), sftp("no-such-host.invalid")] {
        let error = refused(place, &[]).await;
        assert!(matches!(&error, FileError::Dns { host } if host == "no-such-host.invalid"), "{error}");
    }
}

/// A server that gives everybody that answer, and its port; it ends with the test.
async fn answering(answer: &'static str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                if socket.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    socket.write_all(answer.as_bytes()).await.ok();
                    socket.shutdown().await.ok();
                }
                // The rest of the request is taken, so that the answer is not lost to a reset.
                tokio::io::copy(&mut socket, &mut tokio::io::sink()).await.ok();
            });
        }
    });
    port
}

fn s3_at(url: String) -> Opened {
    let settings = [("bucket", "b".into()), ("endpoint", url.into()), ("allow_http", true.into())];
    place("amazon_s3", &settings, &[("access_key_id", "id".into()), ("secret_access_key", "key".into())])
}

#[tokio::test]
async fn a_server_without_tls_where_tls_is_asked_for_is_said() {
    let port = answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let error = refused(s3_at(format!("https://127.0.0.1:{port}")), &[]).await;
    assert!(matches!(error, FileError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn answers_that_no_local_server_gives_are_understood() {
    let moved = "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let error = refused(s3_at(format!("http://127.0.0.1:{}", answering(moved).await)), &[]).await;
    assert!(matches!(error, FileError::Region { .. }), "{error}");

    let expired = "HTTP/1.1 400 Bad Request\r\nContent-Length: 40\r\nConnection: close\r\n\r\n\
                   <Error><Code>ExpiredToken</Code></Error>";
    let error = refused(s3_at(format!("http://127.0.0.1:{}", answering(expired).await)), &[]).await;
    assert!(matches!(error, FileError::Credentials { .. }), "{error}");

    let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 36\r\nConnection: close\r\n\r\n\
                <Error><Code>SlowDown</Code></Error>";
    let error = refused(s3_at(format!("http://127.0.0.1:{}", answering(busy).await)), &[]).await;
    assert!(error.is_temporary() && error.to_string().contains("SlowDown"), "{error}");

    let page = "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    let error = refused(s3_at(format!("http://127.0.0.1:{}", answering(page).await)), &[]).await;
    assert!(error.to_string().contains("405"), "{error}");
}

#[test]
fn credentials_that_belong_together_are_asked_for_before_anything_is_sent() {
    let message = |kind: &str, settings: &[(&str, Value)], secrets: &[(&str, String)]| {
        place(kind, settings, secrets).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let bucket = [("bucket", "b".into())];
    let half = message("amazon_s3", &bucket, &[("access_key_id", "id".into())]);
    assert!(half.contains("`secret_access_key`"), "{half}");
    let plain = [("bucket", "b".into()), ("endpoint", "http://127.0.0.1".into())];
    let plain = message("amazon_s3", &plain, &[]);
    assert!(plain.contains("allow_http"), "{plain}");
    let none = message("azure_blob", &[("account", "a".into()), ("container", "c".into())], &[]);
    assert!(none.contains("`access_key`") && none.contains("`sas_token`"), "{none}");
    let none = message("sftp", &[("host", "h".into())], &[]);
    assert!(none.contains("`private_key`") && none.contains("`password`"), "{none}");
}
