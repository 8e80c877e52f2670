//! Sealed credentials.

use consign_model::id::Slug;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{Fault, now, slug, time};
use crate::record::{Credential, Resealed};

pub(super) async fn set(connection: &mut SqliteConnection, name: &Slug, sealed: &[u8], by: &str) -> Result<(), Fault> {
    let insert = "INSERT INTO credentials (name, sealed, set_at, set_by) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at, \
                  set_by = excluded.set_by";
    sqlx::query(insert)
        .bind(name.as_str())
        .bind(hex::encode(sealed))
        .bind(now().timestamp_micros())
        .bind(by)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn all(connection: &mut SqliteConnection) -> Result<Vec<Credential>, Fault> {
    let rows = sqlx::query("SELECT * FROM credentials ORDER BY name").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn remove(connection: &mut SqliteConnection, name: &Slug) -> Result<bool, Fault> {
    let deleted =
        sqlx::query("DELETE FROM credentials WHERE name = $1").bind(name.as_str()).execute(connection).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Leaves alone what was set again since.
pub(super) async fn reseal(connection: &mut SqliteConnection, resealed: &[Resealed]) -> Result<(), Fault> {
    for one in resealed {
        sqlx::query("UPDATE credentials SET sealed = $3 WHERE name = $1 AND sealed = $2")
            .bind(one.name.as_str())
            .bind(hex::encode(&one.before))
            .bind(hex::encode(&one.sealed))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Credential, Fault> {
    let name: &str = row.try_get("name")?;
    let sealed: &str = row.try_get("sealed")?;
    Ok(Credential {
        sealed: hex::decode(sealed).map_err(|_| Fault::Unreadable(format!("the credential `{name}`")))?,
        name: slug(name)?,
        set_at: time(row.try_get("set_at")?)?,
        set_by: row.try_get("set_by")?,
    })
}
