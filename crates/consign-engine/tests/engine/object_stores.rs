//! Tables and snapshots in real object stores. The variables `CONSIGN_TEST_*` of `tests/servers/all.sh` say where they are.

use std::env;
use std::fs;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use consign_engine::AssignRequest;
use consign_model::definition::{Connection, FileConnection, RowsPerCustomer, SecretRef};
use consign_model::plan::AssignPlan;
use consign_model::snapshot::CUSTOMER_KEY;
use consign_secrets::Secrets;
use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::workspace::{Workspace, array, condition, plan, write_parquet};

/// A bucket of a server, as a source names it, and another way into it.
struct Bucket {
    /// The address, without a folder.
    url: String,
    options: Vec<(&'static str, String)>,
    /// The secret comes last.
    credentials: Vec<(&'static str, String)>,
    /// Credentials that are as well formed and not right.
    wrong: String,
    store: Arc<dyn ObjectStore>,
}

/// A variable of the servers; `None`, said aloud, where the server is not there.
fn variable(name: &str) -> Option<String> {
    let value = env::var(format!("CONSIGN_TEST_{name}")).ok();
    if value.is_none() {
        eprintln!("not run: CONSIGN_TEST_{name} is not set; run it by `tests/servers/all.sh run -- cargo test`");
    }
    value
}

fn s3() -> Option<Bucket> {
    let (endpoint, region, bucket) = (variable("S3_ENDPOINT")?, variable("S3_REGION")?, variable("S3_BUCKET")?);
    let (key, secret) = (variable("S3_ACCESS_KEY_ID")?, variable("S3_SECRET_ACCESS_KEY")?);
    let store = AmazonS3Builder::new()
        .with_endpoint(&endpoint)
        .with_region(&region)
        .with_bucket_name(&bucket)
        .with_access_key_id(&key)
        .with_secret_access_key(&secret)
        .with_allow_http(true);
    Some(Bucket {
        url: format!("s3://{bucket}"),
        options: vec![("endpoint", endpoint), ("region", region), ("allow_http", "true".into())],
        credentials: vec![("access_key_id", key), ("secret_access_key", secret)],
        wrong: "not the secret".into(),
        store: Arc::new(store.build().unwrap()),
    })
}

fn gcs() -> Option<Bucket> {
    let (base_url, bucket) = (variable("GCS_BASE_URL")?, variable("GCS_BUCKET")?);
    let key = fs::read_to_string(variable("GCS_KEY_FILE")?).unwrap();
    let wrong = fs::read_to_string(variable("GCS_WRONG_KEY_FILE")?).unwrap();
    let store = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&bucket)
        .with_base_url(&base_url)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_service_account_key(&key);
    Some(Bucket {
        url: format!("gs://{bucket}"),
        options: vec![("base_url", base_url), ("allow_http", "true".into())],
        credentials: vec![("service_account_key", key)],
        wrong,
        store: Arc::new(store.build().unwrap()),
    })
}

fn azure() -> Option<Bucket> {
    let (account, container) = (variable("AZURE_ACCOUNT")?, variable("AZURE_CONTAINER")?);
    let (endpoint, key) = (variable("AZURE_ENDPOINT")?, variable("AZURE_ACCESS_KEY")?);
    let store = MicrosoftAzureBuilder::new()
        .with_account(&account)
        .with_container_name(&container)
        .with_endpoint(endpoint.clone())
        .with_access_key(&key)
        .with_allow_http(true);
    Some(Bucket {
        url: format!("azure://{container}"),
        options: vec![("account_name", account), ("endpoint", endpoint), ("allow_http", "true".into())],
        credentials: vec![("account_key", key)],
        wrong: "bm90IHRoZSBrZXk=".into(),
        store: Arc::new(store.build().unwrap()),
    })
}

impl Bucket {
    /// A workspace whose tables are below `prefix`, with the credentials in files.
    fn workspace(&self, prefix: &str) -> Workspace {
        let mut workspace = Workspace::new();
        for (name, value) in &self.credentials {
            fs::write(workspace.path(name), value).unwrap();
        }
        let reference = |name: &str| SecretRef::try_from(format!("file:{name}")).unwrap();
        workspace.definitions.sources[0].connection = Connection::Files(FileConnection {
            url: format!("{}/{prefix}", self.url),
            options: self.options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            credentials: self.credentials.iter().map(|(name, _)| ((*name).to_owned(), reference(name))).collect(),
        });
        workspace.declare("Customers", "people/*.parquet", RowsPerCustomer::One);
        workspace.declare("Orders", "orders", RowsPerCustomer::Many);
        workspace
    }

    async fn holds_tables_and_a_snapshot(&self) {
        let prefix = "engine test/\u{e4}";
        let workspace = self.workspace(prefix);
        let batch = RecordBatch::try_from_iter([(
            "customer_id",
            array((0..50_000).map(|i| Some(format!("{i:05}"))).collect::<StringArray>()),
        )])
        .unwrap();
        write_parquet(&workspace.path("people.parquet"), &batch);
        let put = async |name: &str, bytes: Vec<u8>| {
            self.store.put(&Path::parse(format!("{prefix}/{name}")).unwrap(), bytes.into()).await.unwrap();
        };
        put("people/1.parquet", fs::read(workspace.path("people.parquet")).unwrap()).await;
        put("orders/a.csv", b"customer_id,n\n00001,1\n00002,5\n".to_vec()).await;
        put("orders/_SUCCESS", b"0".to_vec()).await;

        let engine = workspace.engine();
        let tables = engine.open(&workspace.definitions, &Secrets::of(workspace.folder.path())).await.unwrap();
        assert_eq!(tables.problems(), []);
        let big = json!({ "aggregate": "max", "table": "Orders", "of": "n", "operator": "is", "value": 5 });
        let plan = AssignPlan { exclude: vec![condition(big)], ..plan() };
        let url = Url::parse(&format!("{}/engine-test/snapshot.parquet", self.url)).unwrap();
        let cancel = CancellationToken::new();
        let request = AssignRequest { snapshot: &url, previous: None, progress: &|_| {}, cancel: &cancel };
        assert_eq!(tables.assign(&plan, &request).await.unwrap().audience, 49_999);

        let snapshot = engine.snapshot(&url).await.unwrap();
        assert_eq!(snapshot.num_rows(), 49_999);
        let batches: Vec<RecordBatch> = snapshot.batches(&[CUSTOMER_KEY]).unwrap().try_collect().await.unwrap();
        let keys = batches.iter().flat_map(|batch| batch.column(0).as_string_view().iter().flatten());
        assert!(keys.clone().all(|key| key != "00002"));
        assert_eq!(keys.count(), 49_999);
    }

    async fn refuses_wrong_credentials_and_missing_buckets(&self) {
        let mut workspace = self.workspace("engine test");
        let (name, secret) = self.credentials.last().unwrap();
        fs::write(workspace.path(name), &self.wrong).unwrap();
        let problems = workspace.problems().await;
        assert_eq!(problems.matches("sources[0].tables").count(), 2, "{problems}");
        assert!(problems.contains("the credentials"), "{problems}");
        for (_, credential) in &self.credentials {
            assert!(!problems.contains(credential.as_str()) && !problems.contains(&self.wrong), "{problems}");
        }
        let Connection::Files(files) = &mut workspace.definitions.sources[0].connection else { panic!("files") };
        files.url = format!("{}://no-such-bucket-here/x", Url::parse(&self.url).unwrap().scheme());
        fs::write(workspace.path(name), secret).unwrap();
        let problems = workspace.problems().await;
        assert_eq!(problems.matches("sources[0].tables").count(), 2, "{problems}");
    }
}

macro_rules! each_store {
    ($($store:ident)*) => { $(
        mod $store {
            #[tokio::test(flavor = "multi_thread")]
            async fn holds_tables_and_a_snapshot() {
                let Some(bucket) = super::$store() else { return };
                bucket.holds_tables_and_a_snapshot().await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn refuses_wrong_credentials_and_missing_buckets() {
                let Some(bucket) = super::$store() else { return };
                bucket.refuses_wrong_credentials_and_missing_buckets().await;
            }
        }
    )* };
}

each_store! { s3 gcs azure }
