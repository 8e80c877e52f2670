//! Sealed credentials.

use consign_model::id::Slug;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, now, slug, time};
use crate::record::{Credential, Resealed};

pub(super) async fn set(connection: &mut AnyConnection, name: &Slug, sealed: &[u8], by: &str) -> Result<(), Fault> {
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

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Credential>, Fault> {
    let rows = sqlx::query("SELECT * FROM credentials").fetch_all(connection).await?;
    let mut credentials = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // By the database it would be the order of its locale.
    credentials.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(credentials)
}

pub(super) async fn remove(connection: &mut AnyConnection, name: &Slug) -> Result<bool, Fault> {
    let deleted =
        sqlx::query("DELETE FROM credentials WHERE name = $1").bind(name.as_str()).execute(connection).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Leaves alone what was set again since.
pub(super) async fn reseal(connection: &mut AnyConnection, resealed: &[Resealed]) -> Result<(), Fault> {
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

fn read(row: &AnyRow) -> Result<Credential, Fault> {
    let name: &str = row.try_get("name")?;
    let sealed: &str = row.try_get("sealed")?;
    Ok(Credential {
        sealed: hex::decode(sealed).map_err(|_| Fault::Unreadable(format!("the credential `{name}`")))?,
        name: slug(name)?,
        set_at: time(row.try_get("set_at")?)?,
        set_by: row.try_get("set_by")?,
    })
}
