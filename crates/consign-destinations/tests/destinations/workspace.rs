//! A workspace with one destination and one campaign that uses it, the real kinds, and staged rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, NaiveDate, Utc};
use consign_destinations::encode::{
    EncodeError, EncodedRows, Envelope, ListTarget, Operation, RequestEncoder, Sequence, body,
};
use consign_destinations::registry::Registry;
use consign_model::definition::RowsPerCustomer;
use consign_model::document::{Reading, read};
use consign_model::plan::{PlannedDelivery, plan};
use consign_model::problem::Severity;
use consign_model::schema::{Catalog, Column, ColumnType, TableSchema, semantic_of};

/// Settings and credentials with which a destination of each kind is complete.
pub const COMPLETE: &[(&str, &str)] = &[
    ("klaviyo", "credentials: { api_key: env:KLAVIYO_KEY }"),
    ("attentive", "credentials: { api_key: env:ATTENTIVE_KEY }"),
    (
        "criteo",
        "settings: { client_id: app, advertiser_id: '12345' }, credentials: { client_secret: env:CRITEO_SECRET }",
    ),
    (
        "tiktok_ads",
        "settings: { advertiser_id: '7012345678901234567' }, credentials: { access_token: env:TIKTOK_TOKEN }",
    ),
    ("meta_ads", "settings: { ad_account_id: act_123456789 }, credentials: { access_token: env:META_TOKEN }"),
    ("local_files", "settings: { folder: out }"),
    ("amazon_s3", "settings: { bucket: lists }"),
    ("google_cloud_storage", "settings: { bucket: lists }"),
    ("azure_blob", "settings: { account: acme, container: lists }, credentials: { access_key: env:AZURE_KEY }"),
    (
        "sftp",
        "settings: { host: sftp.example.com, username: acme, host_key: \
         'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU' }, credentials: { password: env:SFTP_PASSWORD }",
    ),
];

/// With what a destination of that kind is complete.
pub fn complete(kind: &str) -> &'static str {
    COMPLETE.iter().find(|(known, _)| *known == kind).expect("it is a kind").1
}

/// The tables.
pub fn catalog() -> Catalog {
    let columns = [
        "customer_id",
        "email",
        "phone",
        "given_name",
        "surname",
        "company",
        "title",
        "address",
        "city",
        "state",
        "postal",
        "country",
        "gender",
        "idfa",
        "note",
    ];
    let typed = [("birthdate", ColumnType::Date), ("points", ColumnType::Number), ("member", ColumnType::Boolean)];
    let columns = columns.iter().map(|name| (*name, ColumnType::Text)).chain(typed);
    let columns = columns.map(|(name, column_type)| Column {
        name: name.to_owned(),
        column_type,
        semantic: semantic_of(name).map(ToOwned::to_owned),
    });
    let customers = TableSchema {
        name: "Merged_Customers".into(),
        customer_key: "customer_id".into(),
        rows: RowsPerCustomer::One,
        columns: columns.collect(),
    };
    std::iter::once(customers).collect()
}

/// Definitions with a destination set up in that way. `attributes` are pairs of attribute and column of the customer
/// table; empty, the defaults hold.
pub fn definitions(kind: &str, destination: &str, attributes: &[(&str, &str)]) -> Reading {
    let mapped: Vec<String> = attributes
        .iter()
        .map(|(attribute, column)| format!("{{ attribute: {attribute}, column: Merged_Customers.{column} }}"))
        .collect();
    let used = if mapped.is_empty() { "{}".into() } else { format!("{{ attributes: [{}] }}", mapped.join(", ")) };
    let text = format!(
        "sources:
  - {{ id: files, connection: {{ files: {{ url: data }} }}, tables: [{{ name: Merged_Customers }}] }}
segments:
  - {{ id: all, name: All, customers: {{ where: {{ column: Merged_Customers.email, operator: is_not_null }} }} }}
destinations:
  - {{ id: there, name: There, kind: {kind}, {destination} }}
campaigns:
  - id: spring
    name: Spring Promo
    include: [all]
    sub_audiences:
      - name: Everybody
        where: {{ segment: all }}
        groups: [{{ name: Group A, percent: 100, destinations: [there] }}]
    destinations: {{ there: {used} }}
"
    );
    read(&[("spring.yaml".to_owned(), text)])
}

/// The problems of definitions, a line each: `error path: reason -> remedy`.
pub fn problems(reading: &Reading) -> Vec<String> {
    let found = reading.validate(Some(&catalog()), &Registry::new());
    found
        .into_iter()
        .map(|found| {
            let problem = found.problem;
            let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
            format!("{severity} {}: {} -> {}", problem.path, problem.reason, problem.remedy)
        })
        .collect()
}

/// The one delivery of such definitions, which are clean.
pub fn delivery(kind: &str, destination: &str, attributes: &[(&str, &str)]) -> PlannedDelivery {
    let reading = definitions(kind, destination, attributes);
    let found = problems(&reading);
    assert!(found.iter().all(|found| !found.starts_with("error")), "{found:#?}");
    let as_of: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().expect("a time");
    let campaign = "spring".parse().expect("an id");
    let planned = plan(&reading.definitions, &catalog(), &Registry::new(), &campaign, as_of, "run-1");
    planned.expect("the campaign is clean").deliveries.remove(0)
}

/// The encoder of such a delivery.
pub fn encoder(kind: &str, destination: &str, attributes: &[(&str, &str)]) -> Box<dyn RequestEncoder> {
    let delivery = delivery(kind, destination, attributes);
    let registry = Registry::new();
    let kind = registry.kind(kind).expect("it is a kind");
    kind.encoder(&delivery.settings, &delivery.attributes).expect("it is a platform")
}

/// Staged text columns; `None` is a missing value.
pub fn staged(columns: &[(&str, &[Option<&str>])]) -> RecordBatch {
    let arrays = columns.iter().map(|(name, values)| {
        let array: ArrayRef = Arc::new(values.iter().copied().collect::<StringViewArray>());
        ((*name).to_owned(), array)
    });
    staged_arrays(arrays.collect())
}

/// Staged columns of any types.
pub fn staged_arrays(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    let names: BTreeSet<&String> = columns.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), columns.len(), "a column is staged once");
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    debug_assert!(fields.iter().all(|field| *field.data_type() != DataType::Null));
    let rows = columns.first().map_or(0, |(_, array)| array.len());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).expect("the columns fit")
}

/// The list of a request.
pub fn list(id: &str) -> ListTarget {
    ListTarget { id: id.into(), name: "SpringPromoTreatmentA".into() }
}

/// The request of that number, of a delivery of so many rows.
pub fn sequence(number: u64, last: bool, total_rows: u64) -> Sequence {
    let day = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
    Sequence { number, last, total_rows, session: 4_611_686_018_427_387_905, day }
}

/// All rows of a batch as one request.
pub fn request(
    encoder: &dyn RequestEncoder,
    rows: &RecordBatch,
    list: &ListTarget,
    operation: Operation,
    sequence: &Sequence,
) -> Result<(Envelope, Vec<u8>), EncodeError> {
    let mut buffer = EncodedRows::new();
    encoder.encode_rows(rows, list, operation, &mut buffer)?;
    assert_eq!(buffer.len(), rows.num_rows());
    let envelope = encoder.envelope(list, operation, sequence)?;
    let body = body(&envelope, &buffer, 0..buffer.len());
    Ok((envelope, body))
}

/// A request as a person may read it.
pub fn shown(request: Result<(Envelope, Vec<u8>), EncodeError>) -> String {
    match request {
        Err(error) => format!("{error}\n"),
        Ok((envelope, body)) => {
            let headers: String = envelope.headers.iter().flat_map(|(name, value)| [name, ": ", value, "\n"]).collect();
            let body = String::from_utf8(body).expect("bodies are UTF-8");
            format!("{} {}\n{headers}\n{body}\n", envelope.method.as_str(), envelope.path)
        }
    }
}
