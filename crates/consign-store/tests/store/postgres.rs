//! The store in a database of a real Postgres. `CONSIGN_TEST_POSTGRES_URL` says where it is.

use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use consign_store::{Location, SqlStore, Store, StoreError};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

use crate::suite::{begun, on_every_store};

on_every_store! { new }

/// The server's URL; `None`, said aloud, where there is none.
fn server() -> Option<Url> {
    let url = env::var("CONSIGN_TEST_POSTGRES_URL").ok();
    if url.is_none() {
        eprintln!("not run: CONSIGN_TEST_POSTGRES_URL is not set; `tests/servers/postgres.sh` starts a server");
    }
    url.map(|url| url.parse().expect("a URL"))
}

/// Where a store is to be: a schema of its own.
pub async fn new() -> Option<(Location, Url)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut url = server()?;
    let schema = format!("store_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    url.query_pairs_mut().append_pair("options", &format!("-csearch_path={schema}"));
    sql(&url, &format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
    Some((Location::Postgres(url.clone()), url))
}

/// Does something behind the store's back.
async fn sql(url: &Url, statements: &str) {
    tried(url, statements).await.expect("done");
}

async fn tried(url: &Url, statements: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url.as_str()).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await?;
    connection.close().await
}

async fn refused(place: impl Into<Location>) -> StoreError {
    match SqlStore::open(place).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

/// What the server's password is; it is in no error.
fn says_nothing_secret(error: &StoreError, url: &Url) {
    let password = url.password().expect("the server asks for one");
    for said in [error.to_string(), format!("{error:?}")] {
        assert!(!said.contains(password), "{said}");
    }
}

#[tokio::test]
async fn nobody_changes_what_the_audit_log_says() {
    let Some((place, url)) = new().await else { return };
    let store = SqlStore::open(place).await.expect("opened");
    store.audit("ada", "cancel", "r1", "").await.expect("kept");
    let before = store.audited(None).await.expect("read");
    for statement in [
        "UPDATE audit SET actor = 'eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "INSERT INTO audit SELECT * FROM audit ON CONFLICT (sequence) DO UPDATE SET actor = 'eve'",
    ] {
        let refused = tried(&url, statement).await.expect_err(statement);
        assert!(refused.to_string().contains("the audit log is only appended to"), "{refused}");
    }
    assert_eq!(store.audited(None).await.expect("read"), before);
}

#[tokio::test]
async fn a_store_of_a_later_program_is_refused_and_left_alone() {
    let Some((place, url)) = new().await else { return };
    SqlStore::open(place.clone()).await.expect("opened").close().await;
    sql(&url, "UPDATE _sqlx_migrations SET version = 4711 WHERE version = 1").await;
    let error = refused(place).await;
    assert!(matches!(error, StoreError::NewerSchema { found: 4711, .. }), "{error}");
    says_nothing_secret(&error, &url);
    sql(&url, "UPDATE _sqlx_migrations SET version = 1 WHERE version = 4711").await;
}

#[tokio::test]
async fn migrations_that_later_ones_overtook_are_caught_up_with() {
    let Some((place, url)) = new().await else { return };
    let store = SqlStore::open(place.clone()).await.expect("opened");
    begun(&store, "r1", &[]).await;
    sql(&url, "DELETE FROM _sqlx_migrations WHERE version = 2; DROP TABLE lists").await;
    let store = SqlStore::open(place).await.expect("opened");
    assert_eq!(store.remembered_lists().await.expect("there again"), []);
    store.run("r1").await.expect("kept");
}

#[tokio::test]
async fn what_is_no_store_of_ours_is_refused_and_left_alone() {
    for made in ["CREATE TABLE customers (id text)", "CREATE TABLE _sqlx_migrations (version bigint)"] {
        let Some((place, url)) = new().await else { return };
        sql(&url, made).await;
        let error = refused(place).await;
        assert!(error.to_string().contains("it is a database of another program"), "{error}");
        assert!(tried(&url, "SELECT 1 FROM runs").await.is_err(), "tables were made");
    }
}

#[tokio::test]
async fn a_damaged_store_is_refused() {
    let Some((place, url)) = new().await else { return };
    let store = SqlStore::open(place).await.expect("opened");
    begun(&store, "r1", &[]).await;
    sql(&url, "UPDATE runs SET state = 'dreaming'").await;
    let error = store.run("r1").await.expect_err("it makes no sense");
    assert!(error.to_string().contains("the state of a run `dreaming` cannot be read"), "{error}");
    sql(&url, "DROP TABLE waits").await;
    let error = store.wait("mail").await.expect_err("it is gone");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    says_nothing_secret(&error, &url);
}

#[tokio::test]
async fn what_stands_against_a_connection_is_said_with_what_to_do() {
    let Some(url) = server() else { return };
    let changed = |change: &dyn Fn(&mut Url)| {
        let mut url = url.clone();
        change(&mut url);
        url
    };
    let (nobody, nowhere) = (changed(&|url| url.set_password(Some("wrong-secret")).expect("set")), "no_such_database");
    let cases = [
        (nobody, "check the user and the password"),
        (changed(&|url| url.set_path(nowhere)), "make it with `createdb`"),
        (changed(&|url| url.set_port(Some(1)).expect("set")), "check that the server runs"),
        (changed(&|url| url.set_query(Some("sslmode=verify-full"))), "check the server's certificate"),
        (changed(&|url| url.set_query(Some("sslmode=perhaps"))), "check the parameters of its URL"),
        (changed(&|url| url.set_query(Some("options=-csearch_path%3Dno_such_schema"))), "make the schema"),
    ];
    for (wrong, remedy) in cases {
        let error = refused(Location::Postgres(wrong.clone())).await;
        assert!(error.to_string().contains(remedy), "{error}");
        says_nothing_secret(&error, &wrong);
    }
}

#[tokio::test]
async fn a_user_who_may_make_no_tables_is_told_so() {
    let Some((place, url)) = new().await else { return };
    sql(
        &url,
        "DO $$ BEGIN EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM %I', current_schema(), current_user); END $$",
    )
    .await;
    let error = refused(place).await;
    assert!(error.to_string().contains("let its user make tables there"), "{error}");
}

#[tokio::test]
async fn connections_that_the_server_ended_are_made_again() {
    let Some((place, url)) = new().await else { return };
    let mut named = url.clone();
    named.query_pairs_mut().append_pair("application_name", "ended");
    let store = SqlStore::open(Location::Postgres(named)).await.expect("opened");
    begun(&store, "r1", &["a"]).await;
    let before = store.deliveries("r1").await.expect("read");
    sql(&url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'").await;
    assert_eq!(store.deliveries("r1").await.expect("read again"), before);
    store.audit("ada", "run", "r1", "").await.expect("written");
    drop(place);
}

#[tokio::test]
async fn a_commit_is_on_disk_whatever_the_servers_default_is() {
    let Some((_, url)) = new().await else { return };
    let mut careless = url.clone();
    let (_, options) = url.query_pairs().find(|(name, _)| name == "options").expect("it names the schema");
    let options = format!("{options} -csynchronous_commit=off -cdefault_transaction_read_only=on");
    careless.query_pairs_mut().clear().append_pair("options", &options);
    let store = SqlStore::open(Location::Postgres(careless)).await.expect("opened");
    begun(&store, "r1", &[]).await;
    sql(
        &url,
        "CREATE FUNCTION said() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN NEW.detail := current_setting('synchronous_commit'); RETURN NEW; END $$; \
         CREATE TRIGGER said BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION said()",
    )
    .await;
    store.audit("ada", "run", "r1", "").await.expect("kept");
    let entries = store.audited(None).await.expect("read");
    assert_eq!(entries.last().map(|entry| entry.detail.as_str()), Some("on"));
}

#[test]
fn a_place_is_read_and_shown_without_its_secrets() {
    let shown = |text: &str| text.parse::<Location>().map(|place| format!("{place} {place:?}"));
    assert_eq!(shown("data/a.db").expect("read"), "data/a.db Location(data/a.db)");
    assert_eq!(shown("sqlite://data/a.db").expect("read"), "data/a.db Location(data/a.db)");
    let postgres = "postgres://ada:s3cret@db.example.com:5433/consign?password=s3cret&sslmode=require";
    let place = "postgres://ada@db.example.com:5433/consign";
    assert_eq!(shown(postgres).expect("read"), format!("{place} Location({place})"));
    for wrong in ["mysql://ada:s3cret@db.example.com/consign", "postgres://ada:s3/cret@db/consign", "postgres://", ""] {
        let error = shown(wrong).expect_err(wrong).to_string();
        assert!(error.starts_with("the store ") && error.contains("://USER"), "{error}");
        assert!(!error.contains("s3"), "{error}");
    }
}
