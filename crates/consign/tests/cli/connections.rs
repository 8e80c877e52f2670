//! `consign destinations test` of every platform, with what is right and with what is wrong, over HTTP to the sandbox.

use std::fs;

use insta::assert_snapshot;

use crate::shop;
use crate::terminal::Terminal;

/// A destination, and what it signs in with.
struct Connection {
    id: &'static str,
    kind: &'static str,
    settings: &'static str,
    secret: &'static str,
}

const fn connection(id: &'static str, kind: &'static str, settings: &'static str, secret: &'static str) -> Connection {
    Connection { id, kind, settings, secret }
}

/// What the sandbox makes of a credential is in how it begins.
const CONNECTIONS: [Connection; 23] = [
    connection("klaviyo_right", "klaviyo", "", "pk_sesame"),
    connection("klaviyo_wrong_key", "klaviyo", "", "pk_wrong-sesame"),
    connection("klaviyo_expired_key", "klaviyo", "", "pk_expired-sesame"),
    connection("klaviyo_missing_scope", "klaviyo", "", "pk_no_lists_read-sesame"),
    connection("attentive_right", "attentive", "", "sesame"),
    connection("attentive_wrong_key", "attentive", "", "wrong-sesame"),
    connection("attentive_expired_key", "attentive", "", "expired-sesame"),
    connection("attentive_missing_permission", "attentive", "", "no-segments-sesame"),
    connection("criteo_right", "criteo", "client_id: shop, advertiser_id: '12345'", "sesame"),
    connection("criteo_wrong_secret", "criteo", "client_id: shop, advertiser_id: '12345'", "wrong-sesame"),
    connection("criteo_expired_token", "criteo", "client_id: expired, advertiser_id: '12345'", "sesame"),
    connection("criteo_missing_permission", "criteo", "client_id: no-permission, advertiser_id: '12345'", "sesame"),
    connection("criteo_wrong_account", "criteo", "client_id: shop, advertiser_id: '999'", "sesame"),
    connection("tiktok_right", "tiktok_ads", "advertiser_id: '7012345678901234567'", "sesame"),
    connection("tiktok_wrong_token", "tiktok_ads", "advertiser_id: '7012345678901234567'", "wrong-sesame"),
    connection("tiktok_expired_token", "tiktok_ads", "advertiser_id: '7012345678901234567'", "expired-sesame"),
    connection("tiktok_missing_scope", "tiktok_ads", "advertiser_id: '7012345678901234567'", "no-audiences-sesame"),
    connection("tiktok_wrong_account", "tiktok_ads", "advertiser_id: '9999345678901234567'", "sesame"),
    connection("meta_right", "meta_ads", "ad_account_id: '100000000000123'", "sesame"),
    connection("meta_wrong_token", "meta_ads", "ad_account_id: '100000000000123'", "wrong-sesame"),
    connection("meta_expired_token", "meta_ads", "ad_account_id: '100000000000123'", "expired-sesame"),
    connection("meta_missing_permission", "meta_ads", "ad_account_id: '100000000000123'", "no-permission-sesame"),
    connection("meta_wrong_account", "meta_ads", "ad_account_id: '404000000000123'", "sesame"),
];

impl Connection {
    /// As definition files have it. The secret is in a variable of the destination's name.
    fn definition(&self, sandbox: &str) -> String {
        let Self { id, kind, settings, .. } = self;
        let platform = kind.split('_').next().unwrap_or_default();
        let credential = match *kind {
            "klaviyo" | "attentive" => "api_key",
            "criteo" => "client_secret",
            _ => "access_token",
        };
        let settings = if settings.is_empty() { String::new() } else { format!(", {settings}") };
        format!(
            "  - id: {id}\n    name: {id}\n    kind: {kind}\n    settings: {{ base_url: \"{sandbox}/{platform}\"{settings} \
             }}\n    credentials: {{ {credential}: env:{id} }}\n"
        )
    }
}

#[test]
fn every_platform_is_tested_and_what_is_wrong_with_a_connection_is_said() {
    let terminal = Terminal::with(&["clean"]);
    let definitions: String = CONNECTIONS.iter().map(|one| one.definition(terminal.sandbox())).collect();
    fs::write(terminal.path("clean/5_connections.yaml"), format!("destinations:\n{definitions}")).expect("written");
    shop::apply(&terminal);
    let mut said = String::new();
    for Connection { id, secret, .. } in CONNECTIONS {
        let answer = terminal.consign_with(&format!("destinations test {id}"), &[(id, secret)]);
        assert_eq!(answer.code, i32::from(!id.ends_with("_right")), "{}", answer.transcript());
        let transcript = answer.transcript();
        assert!(!transcript.contains("sesame"), "{transcript}");
        said.push_str(&answer.out);
        said.push_str(&answer.err);
        said.push('\n');
    }
    assert_snapshot!(said);
}
