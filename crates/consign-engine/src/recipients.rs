//! The built-in table of recipients: the Parquet files that earlier runs left, a file a run, as one table of many rows a
//! customer. It is there before the first run, without rows.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use consign_model::definition::{RowsPerCustomer, Table};
use consign_model::schema::CAMPAIGN_RECIPIENTS;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;

use crate::error::EngineError;
use crate::source::Trouble;
use crate::tables::{OpenTable, Origin, Tables, file_url, open_table};

/// The columns of recipients.
pub fn recipients_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8View, nullable);
    let moment = |name: &str, nullable| {
        Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), nullable)
    };
    Arc::new(Schema::new(vec![
        text("campaign_id", false),
        text("campaign_name", false),
        text("run_id", false),
        text("customer_key", false),
        text("sub_audience_id", false),
        text("sub_audience_name", false),
        text("treatment_id", false),
        text("treatment_name", false),
        Field::new("is_control", DataType::Boolean, false),
        text("destination_id", true),
        text("outcome", true),
        moment("as_of", false),
        Field::new("launch_date", DataType::Date32, true),
        moment("sent_at", true),
    ]))
}

impl Tables {
    /// The same tables, with the recipients in these files in the place of those that are there.
    pub fn with_recipients(mut self, files: &[PathBuf]) -> Result<Self, EngineError> {
        let table = recipients(files).map_err(|trouble| trouble.of(CAMPAIGN_RECIPIENTS))?;
        self.open.insert(CAMPAIGN_RECIPIENTS.to_owned(), table);
        Ok(self)
    }
}

/// The table of the recipients in these files. Their columns are known, so no file is opened before it is read.
pub(crate) fn recipients(files: &[PathBuf]) -> Result<OpenTable, Trouble> {
    let own = |error: DataFusionError| Trouble::new(error.strip_backtrace(), "report this");
    let schema = recipients_schema();
    let provider: Arc<dyn TableProvider> = if files.is_empty() {
        Arc::new(EmptyTable::new(Arc::clone(&schema)))
    } else {
        let paths = files.iter().map(|file| ListingTableUrl::try_new(file_url(file)?, None).map_err(own));
        let paths = paths.collect::<Result<_, _>>()?;
        let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
        let config = ListingTableConfig::new_with_multi_paths(paths)
            .with_listing_options(options)
            .with_schema(Arc::clone(&schema));
        Arc::new(ListingTable::try_new(config).map_err(own)?)
    };
    let table = Table {
        name: CAMPAIGN_RECIPIENTS.to_owned(),
        path: None,
        format: None,
        rows: RowsPerCustomer::Many,
        customer_key: "customer_key".to_owned(),
        semantics: BTreeMap::new(),
    };
    open_table(&table, schema, Origin::Parquet(provider))
}
