//! Tables and snapshots in a real S3. `CONSIGN_TEST_S3_ENDPOINT` and its like say where it is.

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
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::workspace::{Workspace, array, condition, plan, write_parquet};

struct S3 {
    endpoint: String,
    region: String,
    bucket: String,
    key: String,
    secret: String,
}

impl S3 {
    /// The server; `None`, said aloud, where there is none.
    fn of_environment() -> Option<Self> {
        let variable = |name: &str| env::var(format!("CONSIGN_TEST_S3_{name}")).ok();
        let s3 = || {
            Some(Self {
                endpoint: variable("ENDPOINT")?,
                region: variable("REGION")?,
                bucket: variable("BUCKET")?,
                key: variable("ACCESS_KEY_ID")?,
                secret: variable("SECRET_ACCESS_KEY")?,
            })
        };
        let s3 = s3();
        if s3.is_none() {
            eprintln!("not run: CONSIGN_TEST_S3_ENDPOINT is not set; `tests/servers/s3.sh` starts a server");
        }
        s3
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        let store = AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_access_key_id(&self.key)
            .with_secret_access_key(&self.secret)
            .with_allow_http(true)
            .build();
        Arc::new(store.unwrap())
    }

    /// A workspace whose tables are below `prefix`, with the secret in a file.
    fn workspace(&self, prefix: &str, secret: &str) -> Workspace {
        let mut workspace = Workspace::new();
        fs::write(workspace.path("key"), &self.key).unwrap();
        fs::write(workspace.path("secret"), secret).unwrap();
        let reference = |file: &str| SecretRef::try_from(format!("file:{file}")).unwrap();
        workspace.definitions.sources[0].connection = Connection::Files(FileConnection {
            url: format!("s3://{}/{prefix}", self.bucket),
            options: [("endpoint", &*self.endpoint), ("region", &self.region), ("allow_http", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            credentials: [("access_key_id", reference("key")), ("secret_access_key", reference("secret"))]
                .map(|(name, reference)| (name.to_owned(), reference))
                .into(),
        });
        workspace.declare("Customers", "people/*.parquet", RowsPerCustomer::One);
        workspace.declare("Orders", "orders", RowsPerCustomer::Many);
        workspace
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_read_from_and_snapshots_written_to_s3() {
    let Some(s3) = S3::of_environment() else { return };
    let prefix = "engine test/\u{e4}";
    let workspace = s3.workspace(prefix, &s3.secret);
    let batch = RecordBatch::try_from_iter([(
        "customer_id",
        array((0..50_000).map(|i| Some(format!("{i:05}"))).collect::<StringArray>()),
    )])
    .unwrap();
    write_parquet(&workspace.path("people.parquet"), &batch);
    let store = s3.store();
    let put = async |name: &str, bytes: Vec<u8>| {
        store.put(&Path::parse(format!("{prefix}/{name}")).unwrap(), bytes.into()).await.unwrap();
    };
    put("people/1.parquet", fs::read(workspace.path("people.parquet")).unwrap()).await;
    put("orders/a.csv", b"customer_id,n\n00001,1\n00002,5\n".to_vec()).await;
    put("orders/_SUCCESS", Vec::new()).await;

    let engine = workspace.engine();
    let tables = engine.open(&workspace.definitions, &Secrets::of(workspace.folder.path())).await.unwrap();
    assert_eq!(tables.problems(), []);
    let big = json!({ "aggregate": "max", "table": "Orders", "of": "n", "operator": "is", "value": 5 });
    let plan = AssignPlan { exclude: vec![condition(big)], ..plan() };
    let url = Url::parse(&format!("s3://{}/engine-test/snapshot.parquet", s3.bucket)).unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_and_missing_buckets_are_problems() {
    let Some(s3) = S3::of_environment() else { return };
    let mut workspace = s3.workspace("engine test", "not the secret");
    let problems = workspace.problems().await;
    assert_eq!(problems.matches("sources[0].tables").count(), 2, "{problems}");
    assert!(problems.contains("check the path, the credentials and that they allow reading and listing"), "{problems}");
    assert!(!problems.contains("not the secret") && !problems.contains(&s3.key), "{problems}");
    let Connection::Files(files) = &mut workspace.definitions.sources[0].connection else { panic!("files") };
    files.url = "s3://no-such-bucket-here/x".into();
    fs::write(workspace.path("secret"), &s3.secret).unwrap();
    let problems = workspace.problems().await;
    assert_eq!(problems.matches("sources[0].tables").count(), 2, "{problems}");
}
