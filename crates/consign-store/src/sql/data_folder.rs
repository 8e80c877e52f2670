//! The data folder that goes with the store.

use sqlx::{AnyConnection, Row};

use super::Fault;
use crate::record::StoredFolder;

pub(super) async fn of_store(connection: &mut AnyConnection) -> Result<Option<StoredFolder>, Fault> {
    let row = sqlx::query("SELECT id, path FROM data_folder").fetch_optional(connection).await?;
    row.map(|row| Ok(StoredFolder { id: row.try_get("id")?, path: row.try_get("path")? })).transpose()
}

pub(super) async fn claim(connection: &mut AnyConnection, folder: &StoredFolder) -> Result<StoredFolder, Fault> {
    if let Some(first) = of_store(connection).await? {
        return Ok(first);
    }
    let insert = "INSERT INTO data_folder (id, path) VALUES ($1, $2)";
    sqlx::query(insert).bind(&folder.id).bind(&folder.path).execute(connection).await?;
    Ok(folder.clone())
}
