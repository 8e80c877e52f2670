//! The audit log: appended to, and never changed. Triggers refuse every other statement.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, kept, now, time};
use crate::record::{AuditEntry, AuditFilter};

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
    rows.iter().map(entry).collect()
}

pub(super) async fn page(
    connection: &mut AnyConnection,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditEntry>, Fault> {
    // Nobody and nothing has an empty name, so that stands for any.
    let select = "SELECT * FROM audit WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR action = $2) AND at >= $3 \
                  AND sequence < $4 ORDER BY sequence DESC LIMIT $5";
    let rows = sqlx::query(select)
        .bind(named(filter.actor.as_deref()))
        .bind(named(filter.action.as_deref()))
        .bind(filter.since.map_or(i64::MIN, |since| since.timestamp_micros()))
        .bind(filter.before.map_or(i64::MAX, kept))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(entry).collect()
}

/// A name that is asked for. Nothing has a NUL in its name, and Postgres takes none.
fn named(asked: Option<&str>) -> String {
    asked.map(|name| name.replace('\0', "\u{fffd}")).unwrap_or_default()
}

fn entry(row: &AnyRow) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        sequence: count(row.try_get("sequence")?)?,
        at: time(row.try_get("at")?)?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
    })
}
