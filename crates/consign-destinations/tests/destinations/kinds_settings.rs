//! What is wrong with settings and credentials taken together.

use insta::assert_snapshot;

use crate::encode_examples::ATTENTIVE_BY_FILE;
use crate::workspace::{definitions, problems};

fn table(kind: &str, attributes: &[(&str, &str)], destinations: &[&str]) -> String {
    let lines = destinations.iter().map(|destination| {
        let found = problems(&definitions(kind, destination, attributes));
        if found.is_empty() {
            format!("{destination}\n  clean\n")
        } else {
            format!("{destination}\n  {}\n", found.join("\n  "))
        }
    });
    lines.collect()
}

#[test]
fn attentive_needs_what_its_transport_needs() {
    let cases = [
        "settings: {}",
        "settings: { transport: sftp, sftp_username: acme }, credentials: { sftp_password: env:P }",
        "settings: { transport: sftp, sftp_username: acme, client_domain: ../up, sftp_host_key: 'SHA256:short' }, \
         credentials: { sftp_password: env:P }",
        ATTENTIVE_BY_FILE,
        &format!("sandbox: true, {ATTENTIVE_BY_FILE}"),
    ];
    assert_snapshot!(table("attentive", &[("phone", "phone")], &cases));
}

#[test]
fn attentive_by_file_is_replaced_and_nothing_else() {
    let mut reading = definitions("attentive", ATTENTIVE_BY_FILE, &[("phone", "phone")]);
    let used = reading.definitions.campaigns[0].destinations.values_mut().next().expect("it is used");
    used.membership = Some(consign_model::definition::Membership::Mirror);
    assert_snapshot!(problems(&reading).join("\n"));
}

#[test]
fn tiktok_ids_go_together_with_what_is_required() {
    let cases = [
        "settings: { advertiser_id: '1', id_types: [] }, credentials: { access_token: env:T }",
        "settings: { advertiser_id: '1', id_types: [EMAIL, IDFA] }, credentials: { access_token: env:T }",
        "settings: { advertiser_id: 1, id_types: [MAIL] }, credentials: { access_token: env:T }",
    ];
    assert_snapshot!(table("tiktok_ads", &[("EMAIL", "email"), ("PHONE", "phone")], &cases));
}

#[test]
fn meta_has_an_ad_account_of_digits() {
    let cases = [
        "settings: { ad_account_id: 'act_12' }, credentials: { access_token: env:T }",
        "settings: { ad_account_id: '12' }, credentials: { access_token: env:T }",
        "settings: { ad_account_id: 'my account' }, credentials: { access_token: env:T }",
    ];
    assert_snapshot!(table("meta_ads", &[("EXTERN_ID", "customer_id"), ("EMAIL", "email")], &cases));
}

#[test]
fn places_of_files_are_checked() {
    let s3 = [
        "settings: { bucket: 's3://lists/a', prefix: /a/../b }",
        "settings: { bucket: lists, endpoint: 'http://s3.example.com' }",
        "settings: { bucket: lists, endpoint: 'http://s3.example.com', allow_http: true }",
        "settings: { bucket: lists }, credentials: { access_key_id: env:A }",
        "settings: { bucket: lists }, credentials: { secret_access_key: env:A }",
        "settings: { bucket: lists }, credentials: { session_token: env:A }",
        "settings: { bucket: lists, access_key_id: shown }",
    ];
    let azure = [
        "settings: { account: acme, container: lists }",
        "settings: { account: acme, container: lists }, credentials: { access_key: env:A, sas_token: env:B }",
        "settings: { account: acme, container: lists }, credentials: { sas_token: env:B }",
    ];
    let sftp = [
        "settings: { host: a.example.com, username: acme }, credentials: { password: env:P }",
        "settings: { host: a.example.com, username: acme, host_key: 'MD5:aa', folder: in/../.. }",
        "settings: { host: a.example.com, username: acme, host_key: \
         'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU' }, credentials: { passphrase: env:P }",
    ];
    let gcs = [
        "settings: { bucket: lists }",
        "settings: { bucket: 'gs://lists', base_url: 'http://localhost:4443', endpoint: 'http://localhost:4443' }",
    ];
    let folder = ["settings: { folder: ../out }", "settings: {}"];
    let shown = [
        table("amazon_s3", &[], &s3),
        table("google_cloud_storage", &[], &gcs),
        table("azure_blob", &[], &azure),
        table("sftp", &[], &sftp),
        table("local_files", &[], &folder),
    ];
    assert_snapshot!(shown.join("\n"));
}
