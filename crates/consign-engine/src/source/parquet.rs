//! Parquet: what plans read.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use object_store::ObjectStoreExt;
use url::Url;

use super::Trouble;
use super::location::{Files, shown, store_reason};

/// Bytes at the end of a Parquet file: the length of its metadata, then [`MAGIC`].
const FOOTER: u64 = 8;

/// What a Parquet file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Refuses files whose end is not that of Parquet, before the reader trusts the lengths in it.
pub(crate) async fn check(files: &Files) -> Result<(), Trouble> {
    for file in &files.all {
        let name = shown(&files.root, &file.location);
        let refused = |reason: &str| {
            Trouble::new(format!("`{name}` is not a Parquet file: {reason}"), "write the file again, or remove it")
        };
        if file.size < FOOTER + MAGIC.len() as u64 {
            return Err(refused(if file.size == 0 { "it is empty" } else { "it is too short" }));
        }
        let end = files.store.get_range(&file.location, file.size - FOOTER..file.size).await.map_err(|error| {
            Trouble::new(format!("`{name}` cannot be read: {}", store_reason(&error)), "check that you may read it")
        })?;
        let (length, magic) = end.split_at(end.len().min(MAGIC.len()));
        let length = length.try_into().map_or(u32::MAX, u32::from_le_bytes);
        if magic != MAGIC {
            return Err(refused("its end is missing"));
        }
        if u64::from(length) + FOOTER + MAGIC.len() as u64 > file.size {
            return Err(refused("its end names more metadata than there is"));
        }
    }
    Ok(())
}

/// The Parquet files at some addresses as one table. `names` are theirs in messages, in the same order.
pub(crate) async fn open(
    state: &SessionState,
    urls: &[Url],
    names: &[String],
) -> Result<Arc<dyn TableProvider>, Trouble> {
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let mut paths = Vec::new();
    let mut schemas: Vec<Schema> = Vec::new();
    for (url, name) in urls.iter().zip(names) {
        let damaged = |error: &DataFusionError| {
            let reason = error.find_root().strip_backtrace();
            let reason = reason.lines().next().unwrap_or_default().trim_end_matches('.');
            Trouble::new(
                format!("`{name}` is not a Parquet file that can be read: {reason}"),
                "write the file again, or remove it",
            )
        };
        let path = ListingTableUrl::try_new(url.clone(), None).map_err(|error| damaged(&error))?;
        let schema = options.infer_schema(state, &path).await.map_err(|error| damaged(&error))?;
        let merged = match schemas.pop() {
            None => schema.as_ref().clone(),
            Some(before) => Schema::try_merge([before, schema.as_ref().clone()]).map_err(|error| {
                Trouble::new(
                    format!("the columns of `{name}` do not go with those of the files before it: {error}"),
                    "give all files of the table the same columns and types",
                )
            })?,
        };
        schemas.push(merged);
        paths.push(path);
    }
    let schema = Arc::new(schemas.pop().unwrap_or_else(Schema::empty));
    let config = ListingTableConfig::new_with_multi_paths(paths).with_listing_options(options).with_schema(schema);
    let table = ListingTable::try_new(config)
        .map_err(|error| Trouble::new(error.strip_backtrace(), "check the table's files"))?;
    Ok(Arc::new(table))
}
