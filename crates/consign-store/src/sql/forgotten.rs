//! Customers who were forgotten.

use consign_model::forgotten::KeyHash;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, audit, now, time};
use crate::record::{Forgetting, Tombstone};

pub(super) async fn forget(connection: &mut AnyConnection, asked: &[Forgetting], actor: &str) -> Result<(), Fault> {
    for one in asked {
        let insert = "INSERT INTO forgotten (hash, token, asked_at) VALUES ($1, $2, $3) ON CONFLICT (hash) DO UPDATE \
                      SET token = COALESCE(forgotten.token, excluded.token), asked_at = excluded.asked_at";
        let hash = one.hash.to_string();
        let values = sqlx::query(insert).bind(&hash).bind(&one.token).bind(now().timestamp_micros());
        values.execute(&mut *connection).await?;
        audit::append(connection, actor, "forget", &hash, "").await?;
    }
    Ok(())
}

pub(super) async fn done(connection: &mut AnyConnection, gone: &[KeyHash], actor: &str) -> Result<(), Fault> {
    for hash in gone {
        let hash = hash.to_string();
        let update = "UPDATE forgotten SET token = NULL WHERE hash = $1 AND token IS NOT NULL";
        let updated = sqlx::query(update).bind(&hash).execute(&mut *connection).await?;
        if updated.rows_affected() > 0 {
            audit::append(connection, actor, "forgotten", &hash, "").await?;
        }
    }
    Ok(())
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Tombstone>, Fault> {
    let rows = sqlx::query("SELECT * FROM forgotten ORDER BY hash").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Tombstone, Fault> {
    let hash: &str = row.try_get("hash")?;
    Ok(Tombstone {
        hash: hash.parse().map_err(|_| Fault::Unreadable(format!("the hash `{hash}` of a customer key")))?,
        token: row.try_get("token")?,
        asked_at: time(row.try_get("asked_at")?)?,
    })
}
