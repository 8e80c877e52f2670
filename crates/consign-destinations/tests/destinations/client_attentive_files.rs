//! The client of `attentive` by SFTP, to a real server (`tests/servers/all.sh run sftp -- ...`).

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::path::Path;

use consign_destinations::client::{Client, ClientError, Credentials, ErrorClass, WantedList};
use consign_destinations::encode::Operation;
use consign_destinations::http::Http;
use consign_destinations::registry::Registry;
use consign_model::spec::Settings;
use serde_json::Value;

use crate::encode_examples::ATTENTIVE_BY_FILE;
use crate::files_servers::variable;
use crate::gate::Gate;
use crate::wire::Rows;
use crate::workspace::sequence;

/// A client with those settings.
fn client(settings: Vec<(&str, Value)>, password: &str) -> Result<Box<dyn Client>, ClientError> {
    let registry = Registry::new();
    let kind = registry.kind("attentive").unwrap();
    let usual = [("transport", "sftp".into()), ("client_domain", "acme".into())];
    let given = usual.into_iter().chain(settings).map(|(name, value)| (name.to_owned(), value)).collect();
    let credentials = Credentials::from([("sftp_password".to_owned(), password.into())]);
    kind.client(&Settings::new(kind.spec(), &given), &credentials, &Http::new().unwrap()).unwrap()
}

/// Settings for the server of the tests, with its password; `None` where there is none, or it takes keys alone.
fn server() -> Option<(Vec<(&'static str, Value)>, String)> {
    let settings = vec![
        ("sftp_host", variable("SFTP_HOST")?.into()),
        ("sftp_port", variable("SFTP_PORT")?.parse::<u16>().unwrap().into()),
        ("sftp_username", variable("SFTP_USERNAME")?.into()),
        ("sftp_host_key", variable("SFTP_HOST_KEY")?.into()),
        ("remote_folder", format!("{}/lists", variable("SFTP_ROOT")?).into()),
    ];
    let password = variable("SFTP_PASSWORD")?;
    if password.is_empty() {
        eprintln!("not run: only a server that root has started takes passwords, as Attentive's does");
        return None;
    }
    Some((settings, password))
}

fn rows(identifiers: &[Option<&str>], number: u64) -> Rows {
    let columns: &[(&str, &[Option<&str>])] = &[("phone", identifiers)];
    let place = sequence(number, true, identifiers.len() as u64);
    Rows::by("attentive", ATTENTIVE_BY_FILE, &[("phone", "phone")], columns, "any", Operation::Replace, place)
}

#[tokio::test]
async fn a_file_stands_under_its_name_and_is_put_again_over_itself() {
    let Some((settings, password)) = server() else { return };
    let client = client(settings, &password).unwrap();
    let filing = client.filing().unwrap();
    let proved = client.test().await.unwrap();
    assert!(proved[0].contains("host key") && proved.iter().any(|what| what.contains("wrote")), "{proved:#?}");
    // A number that no other test has.
    let (first, second) =
        (rows(&[Some("+12065550100"), Some("+442079460018")], 9_001), rows(&[Some("+12065550100")], 9_001));
    let path = Path::new(&variable("SFTP_LOCAL_ROOT").unwrap()).join("lists/acme_subscriber_segment_20261201_9001.csv");
    let location = filing.put(first.outgoing()).await.unwrap();
    assert!(location.ends_with("/lists/acme_subscriber_segment_20261201_9001.csv"), "{location}");
    let whole = "+12065550100,SpringPromoTreatmentA\n+442079460018,SpringPromoTreatmentA\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    filing.put(second.outgoing()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "+12065550100,SpringPromoTreatmentA\n");
    let wanted = WantedList { name: "SpringPromoTreatmentA".into(), id: None };
    let filed = filing.publish(&wanted, Some("any"), &second.envelope, std::slice::from_ref(&location)).await.unwrap();
    assert_eq!(filed.notes[0], format!("wrote `{location}`"));
    assert!(filed.job.is_none() && filed.notes[1].contains("24 hours"), "{filed:?}");
}

#[tokio::test]
async fn a_file_arrives_though_connections_break_off() {
    let Some((mut settings, password)) = server() else { return };
    let gate = Gate::to(variable("SFTP_PORT").unwrap().parse().unwrap(), vec![0, 4_000]).await;
    settings.retain(|(name, _)| *name != "sftp_port");
    settings.push(("sftp_port", gate.port.into()));
    let client = client(settings, &password).unwrap();
    let rows = rows(&[Some("+12065550100")], 9_002);
    client.filing().unwrap().put(rows.outgoing()).await.unwrap();
    assert!(gate.connections() > 1);
    let path = Path::new(&variable("SFTP_LOCAL_ROOT").unwrap()).join("lists/acme_subscriber_segment_20261201_9002.csv");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "+12065550100,SpringPromoTreatmentA\n");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_words_of_the_settings() {
    let Some((settings, password)) = server() else { return };
    let with = |name: &'static str, value: &str| {
        let mut changed = settings.clone();
        changed.retain(|(known, _)| *known != name);
        changed.push((name, value.into()));
        changed
    };
    let missing = format!("{}/missing", variable("SFTP_ROOT").unwrap());
    let read_only = format!("{}/read_only", variable("SFTP_ROOT").unwrap());
    let other_key = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (settings, password, class, words) in [
        (settings.clone(), "wrong-password-of-nobody", ErrorClass::Auth, "`sftp_username` and `sftp_password`"),
        (with("sftp_host_key", other_key), &*password, ErrorClass::Config, "write that as `sftp_host_key`"),
        (with("remote_folder", &missing), &*password, ErrorClass::Config, "as `remote_folder`"),
        (with("remote_folder", &read_only), &*password, ErrorClass::Permission, "create, rename and remove files"),
    ] {
        let error = client(settings, password).unwrap().test().await.unwrap_err();
        let text = error.to_string();
        assert!(error.class == class && text.contains(words), "{text}");
        assert!(!text.contains("wrong-password") && !text.contains("`folder`"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_and_settings_that_are_missing_are_said() {
    let at = |name, value: Value| {
        let usual = [("sftp_host", "127.0.0.1".into()), ("sftp_port", 9.into()), ("sftp_username", "acme".into())];
        let mut settings: Vec<(&str, Value)> = usual.to_vec();
        settings.push(("sftp_host_key", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into()));
        settings.retain(|(known, _)| *known != name);
        settings.push((name, value));
        client(settings, "password")
    };
    let error = at("remote_folder", "".into()).unwrap().test().await.unwrap_err();
    assert!(error.class == ErrorClass::Unavailable && error.to_string().contains("refuses connections"), "{error}");
    let Err(error) = at("sftp_username", "".into()) else { panic!("nobody signs in without a name") };
    assert!(
        error.class == ErrorClass::Config && error.to_string().starts_with("`sftp_username` is not set"),
        "{error}"
    );
}

#[test]
fn a_segment_is_known_by_its_name_and_no_file_can_empty_it() {
    let settings = vec![
        ("sftp_username", "acme".into()),
        ("sftp_host_key", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into()),
    ];
    let client = client(settings, "password").unwrap();
    let filing = client.filing().unwrap();
    assert!(!filing.keeps_apart());
    assert_eq!(filing.rows_per_file(2_000_000, true), Ok(500_000));
    let error = filing.rows_per_file(0, true).unwrap_err();
    assert!(error.class == ErrorClass::Config && error.remedy.contains("`transport: api`"), "{error}");
}
