//! What holds for every platform: the network, limits, redirects, sizes, masks. Shown with Klaviyo's first call.

use std::io::Write as _;
use std::time::Duration;

use consign_destinations::client::ErrorClass;
use consign_destinations::http::RetryPolicy;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::wire::{Step, credentials, on, wire, wire_with};

const TEST: &str = "GET /api/lists?page[size]=1";

fn test() -> Step {
    on(TEST)
}

fn good() -> Step {
    test().answer(200, json!({"data": [], "links": {"next": null}}))
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again() {
    let wire = wire("klaviyo", vec![test().closes(), test().halves(), test().says_nothing(), good()]);
    assert_eq!(wire.client.test().await.expect("it succeeds in the end").len(), 2);
    let failed: Vec<bool> = wire.records().iter().map(|record| record.failed).collect();
    assert_eq!(failed, [true, true, true, false]);
    let records = wire.records();
    assert!(records[2].concluded.contains("did not answer in time"), "{}", records[2].concluded);
    assert_eq!(records.iter().map(|record| record.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(records[3].status, Some(200));
    wire.end();
}

#[tokio::test]
async fn six_failures_in_a_row_are_an_error_that_says_so() {
    let wire = wire("klaviyo", (0..6).map(|_| test().answer(503, json!({}))).collect());
    let error = wire.refused(wire.client.test().await);
    assert_eq!(error.class, ErrorClass::Unavailable);
    assert!(error.to_string().contains("503 (tried 6 times)"), "{error}");
    let slept = wire.slept();
    assert!(slept.len() == 5 && slept.iter().zip([1, 2, 4, 8, 16]).all(|(slept, most)| *slept <= most), "{slept:?}");
    wire.end();
}

#[tokio::test]
async fn nobody_at_the_other_end_is_said_with_the_reason() {
    let wire = wire_with("klaviyo", &[("base_url", "http://127.0.0.1:1".into())], &credentials("klaviyo"), vec![]);
    let error = wire.refused(wire.client.test().await);
    assert_eq!(error.class, ErrorClass::Unavailable);
    assert!(error.to_string().contains("cannot be reached") && error.to_string().contains("refused"), "{error}");
    wire.end();
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = test().with(302, &[("location", "https://evil.example/api?token=1")], "");
    let wire = wire("klaviyo", vec![elsewhere]);
    let error = wire.refused(wire.client.test().await);
    assert_eq!(error.class, ErrorClass::Config);
    assert!(error.to_string().contains("https://evil.example,") && !error.to_string().contains("token"), "{error}");
    wire.end();
}

#[tokio::test]
async fn answers_without_end_are_refused() {
    let wire = wire("klaviyo", vec![test().floods()]);
    let error = wire.refused(wire.client.test().await);
    assert_eq!(error.class, ErrorClass::Config);
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    wire.end();
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(text).expect("it is memory");
    packed.finish().expect("it is memory")
}

#[tokio::test]
async fn packed_answers_are_unpacked_and_measured_unpacked() {
    let headers = &[("content-encoding", "gzip"), ("content-type", "application/json")];
    let fine = test().header("accept-encoding", "gzip").with(200, headers, gzip(b"{\"data\": []}"));
    let bomb = test().with(200, headers, gzip(&vec![b' '; 17 << 20]));
    let wire = wire("klaviyo", vec![fine, bomb]);
    wire.client.test().await.expect("it is JSON");
    let error = wire.refused(wire.client.test().await);
    assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    wire.end();
}

#[tokio::test]
async fn a_web_page_in_place_of_json_is_said() {
    for kind in ["klaviyo", "attentive", "meta_ads"] {
        let path = match kind {
            "klaviyo" => TEST,
            "attentive" => "GET /v2/me",
            _ => "GET /v25.0/act_123456789?fields=id,name,account_status",
        };
        let page =
            || on(path).with(200, &[("content-type", "text/html")], "<html>Sign in, jane.doe@example.com</html>");
        let wire = wire(kind, (0..6).map(|_| page()).collect());
        let error = wire.refused(wire.client.test().await);
        assert_eq!(error.class, ErrorClass::Unavailable, "{kind}");
        assert!(error.to_string().contains("something else than JSON; check `base_url`"), "{error}");
        wire.end();
    }
}

#[tokio::test]
async fn a_limit_that_lasts_too_long_is_left_to_the_delivery() {
    let limited = test().with(429, &[("retry-after", "3600")], "{\"errors\":[{\"code\":\"throttled\"}]}");
    let wire = wire("klaviyo", vec![limited]);
    let error = wire.refused(wire.client.test().await);
    let ErrorClass::RateLimited { until } = error.class else { panic!("{error:?}") };
    assert!(until >= "2026-12-01T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap(), "{until}");
    assert!(wire.slept().is_empty());
    wire.end();
}

#[tokio::test]
async fn a_wait_beyond_all_time_is_no_accident() {
    for seconds in ["18446744073709551615", "1e19", "-5", "NaN", "soon"] {
        let limited = test().with(429, &[("retry-after", seconds)], "{}");
        let wire = wire("klaviyo", vec![limited, good()]);
        match wire.client.test().await {
            Ok(_) => assert!(wire.slept()[0] <= 1, "{seconds}"),
            Err(error) => assert!(matches!(wire.heard(error).class, ErrorClass::RateLimited { .. }), "{seconds}"),
        }
    }
}

#[tokio::test]
async fn limits_for_an_hour_are_waited_for_within_the_budget() {
    let limited = || test().with(429, &[("retry-after", "60")], "{}");
    let mut steps: Vec<Step> = (0..60).map(|_| limited()).collect();
    steps.push(good());
    let wire = wire("klaviyo", steps);
    wire.client.test().await.expect("the hour passes");
    assert!(wire.slept().iter().all(|wait| *wait >= 60) && wire.slept().len() == 60);
    wire.end();
    assert!(RetryPolicy::default().budget.as_secs() >= 3_600);
}

#[tokio::test]
async fn records_say_where_what_and_how_much_and_nothing_of_whom() {
    let answer = json!({"data": [{"id": "01J9", "attributes": {"email": "jane.doe@example.com"}}], "links": {}});
    let filter = "GET /api/profiles?filter=any(email,[\"jane.doe@example.com\"])&fields[profile]=email&page[size]=100";
    let wire = wire("klaviyo", vec![on(filter).with(200, &[("cf-ray", "8a-FRA")], answer.to_string())]);
    let by_id = wire.client.by_id().expect("Klaviyo removes by id");
    let found = by_id.find("email", &["jane.doe@example.com".to_owned()]).await.expect("it is found");
    assert_eq!((found.len(), found[0].id.as_str()), (1, "01J9"));
    let record = wire.records().remove(0);
    assert_eq!((record.kind.as_str(), record.method.as_str(), record.host), ("klaviyo", "GET", wire.url()));
    assert_eq!(record.path, "/api/profiles?filter=any(email,[\"[e-mail]\"])&fields[profile]=email&page[size]=100");
    assert_eq!(record.ids, [("cf-ray".to_owned(), "8a-FRA".to_owned())]);
    assert!(record.received_bytes > 80 && !record.failed && record.concluded == "done");
    wire.end();
}

#[tokio::test]
async fn waiting_ends_with_the_budget_of_the_delivery() {
    let limited = || test().with(429, &[("retry-after", "60")], "{}");
    let wire = wire("klaviyo", vec![limited(), limited()]);
    let policy = RetryPolicy { budget: Duration::from_secs(90), ..RetryPolicy::default() };
    let error = wire.refused(wire.another(policy).test().await);
    assert!(matches!(error.class, ErrorClass::RateLimited { .. }) && wire.slept().len() == 1, "{error}");
    wire.end();
}

#[tokio::test]
async fn deliveries_to_one_account_share_its_limits() {
    let page = "{\"data\":[]}";
    let wire = wire("klaviyo", (0..76).map(|_| test().with(200, &[], page)).collect());
    let other = wire.another(RetryPolicy::default());
    for _ in 0..38 {
        wire.client.test().await.expect("it is answered");
        other.test().await.expect("it is answered");
    }
    // 75 in a second, and the clock of the tests moves by waiting alone.
    assert_eq!(wire.slept().len(), 1);
    wire.end();
}

#[test]
fn platforms_have_clients_and_files_have_none() {
    use consign_destinations::http::Http;
    use consign_destinations::registry::Registry;
    use consign_model::spec::Settings;
    let (registry, http) = (Registry::new(), Http::new().expect("HTTP is there"));
    for kind in registry.kinds() {
        let client = kind.client(&Settings::new(kind.spec(), &[].into()), &credentials(kind.spec().kind), &http);
        assert_eq!(client.is_none(), kind.spec().writes_files, "{}", kind.spec().kind);
        assert!(client.is_none_or(|client| client.is_ok()), "{}", kind.spec().kind);
    }
    let kind = registry.kind("attentive").expect("it is a kind");
    let by_file = Settings::new(kind.spec(), &[("transport".to_owned(), "sftp".into())].into());
    let error = kind.client(&by_file, &credentials("attentive"), &http).expect("it is a platform").err();
    assert!(error.expect("the password is missing").to_string().contains("`sftp_password`"));
}

#[test]
fn a_secret_that_no_header_can_hold_and_a_wrong_address_are_said_before_any_call() {
    use consign_destinations::http::Http;
    use consign_destinations::registry::Registry;
    use consign_model::spec::Settings;
    let registry = Registry::new();
    let http = Http::new().expect("HTTP is there");
    let kind = registry.kind("klaviyo").expect("it is a kind");
    let client = |url: &str, key: Option<&str>| {
        let given = std::iter::once(("base_url".to_owned(), url.into())).collect();
        let credentials = key.into_iter().map(|key| ("api_key".to_owned(), key.into())).collect();
        kind.client(&Settings::new(kind.spec(), &given), &credentials, &http).expect("it is a platform").err()
    };
    let error = client("https://a.klaviyo.com", Some("pk_1\n2")).expect("it is refused");
    assert!(error.class == ErrorClass::Auth && !error.to_string().contains("pk_1"), "{error}");
    let error = client("ftp://a.klaviyo.com", Some("pk_1")).expect("it is refused");
    assert_eq!(error.class, ErrorClass::Config);
    let error = client("https://a.klaviyo.com", None).expect("it is refused");
    assert!(error.to_string().contains("`api_key` is not given: add `api_key: env:NAME`"), "{error}");
    assert!(client("https://a.klaviyo.com", Some("pk_1")).is_none());
}
