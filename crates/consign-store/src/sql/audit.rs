//! The audit log: appended to, and never changed. Triggers refuse every other statement.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, now, time};
use crate::record::AuditEntry;

pub(super) async fn append(
    connection: &mut AnyConnection,
    actor: &str,
    action: &str,
    subject: &str,
    detail: &str,
) -> Result<(), Fault> {
    let append = "INSERT INTO audit (sequence, at, actor, action, subject, detail) \
                  SELECT COALESCE(MAX(sequence), 0) + 1, $1, $2, $3, $4, $5 FROM audit";
    let values = sqlx::query(append).bind(now().timestamp_micros()).bind(actor).bind(action).bind(subject).bind(detail);
    values.execute(connection).await?;
    Ok(())
}

pub(super) async fn since(
    connection: &mut AnyConnection,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<AuditEntry>, Fault> {
    let select = "SELECT * FROM audit WHERE at >= $1 ORDER BY sequence";
    let since = since.map_or(i64::MIN, |since| since.timestamp_micros());
    let rows = sqlx::query(select).bind(since).fetch_all(connection).await?;
    let read = |row: &AnyRow| {
        Ok(AuditEntry {
            sequence: count(row.try_get("sequence")?)?,
            at: time(row.try_get("at")?)?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            detail: row.try_get("detail")?,
        })
    };
    rows.iter().map(read).collect()
}
