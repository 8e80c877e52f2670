//! What somebody is to be told.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::AnyConnection;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::patience::{change, look};
use super::{Fault, SqlStore, audit, count, now, occurrences, runs, slug, time};
use crate::error::StoreError;
use crate::notice::{Announced, NewNotice, Notice, Outbox, Told};
use crate::record::{Occurrence, Run};

#[async_trait]
impl Outbox for SqlStore {
    async fn unannounced_ends(&self) -> Result<Vec<Run>, StoreError> {
        look!(self, connection => runs::unannounced(connection))
    }

    async fn unannounced_times(&self) -> Result<Vec<Occurrence>, StoreError> {
        look!(self, connection => occurrences::unannounced(connection))
    }

    async fn announce(&self, what: Announced<'_>, notices: &[NewNotice]) -> Result<bool, StoreError> {
        change!(self, connection => announce(connection, what, notices))
    }

    async fn due_notices(&self, by: DateTime<Utc>) -> Result<Vec<Notice>, StoreError> {
        look!(self, connection => due(connection, by))
    }

    async fn take_notice(&self, notice: &Notice, until: DateTime<Utc>) -> Result<bool, StoreError> {
        change!(self, connection => take(connection, notice, until))
    }

    async fn delete_told(&self, decided_by: DateTime<Utc>) -> Result<u64, StoreError> {
        change!(self, connection => delete_told(connection, decided_by))
    }

    async fn settle_notice(&self, notice: &Notice, told: &Told) -> Result<(), StoreError> {
        change!(self, connection => settle(connection, notice, told))
    }
}

async fn delete_told(connection: &mut AnyConnection, decided_by: DateTime<Utc>) -> Result<u64, Fault> {
    let delete = "DELETE FROM notices WHERE state <> 'waiting' AND created_at <= $1";
    Ok(sqlx::query(delete).bind(decided_by.timestamp_micros()).execute(connection).await?.rows_affected())
}

async fn due(connection: &mut AnyConnection, by: DateTime<Utc>) -> Result<Vec<Notice>, Fault> {
    let select = "SELECT * FROM notices WHERE state = 'waiting' AND due <= $1 ORDER BY due, created_at, id";
    let rows = sqlx::query(select).bind(by.timestamp_micros()).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

async fn take(connection: &mut AnyConnection, notice: &Notice, until: DateTime<Utc>) -> Result<bool, Fault> {
    let update = "UPDATE notices SET due = $3, attempts = attempts + 1 \
                  WHERE id = $1 AND due = $2 AND state = 'waiting'";
    let taken = sqlx::query(update)
        .bind(&notice.id)
        .bind(notice.due.timestamp_micros())
        .bind(until.timestamp_micros())
        .execute(connection)
        .await?;
    Ok(taken.rows_affected() == 1)
}

async fn announce(connection: &mut AnyConnection, what: Announced<'_>, notices: &[NewNotice]) -> Result<bool, Fault> {
    let (run, word, at) = match what {
        Announced::End(run) => (&run.id, "end", run.finished_at.unwrap_or(run.updated_at)),
        Announced::Time(occurrence) => (&occurrence.run, "time", occurrence.due),
    };
    let insert = "INSERT INTO announced (run, what, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let noted = sqlx::query(insert).bind(run).bind(word).bind(at.timestamp_micros()).execute(&mut *connection).await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    for notice in notices {
        let insert = "INSERT INTO notices (id, notification, run, body, created_at, due, attempts, state) \
                      VALUES ($1, $2, $3, $4, $5, $6, 0, 'waiting')";
        sqlx::query(insert)
            .bind(&notice.id)
            .bind(notice.notification.as_str())
            .bind(run)
            .bind(&notice.body)
            .bind(now().timestamp_micros())
            // At once: it is past for whoever announces it.
            .bind(at.timestamp_micros())
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

async fn settle(connection: &mut AnyConnection, notice: &Notice, told: &Told) -> Result<(), Fault> {
    let (state, due, error) = match told {
        Told::Accepted => ("accepted", notice.due, None),
        Told::Again(due, error) => ("waiting", *due, Some(error)),
        Told::GivenUp(error) => ("given_up", notice.due, Some(error)),
    };
    let update = "UPDATE notices SET state = $2, due = $3, error = $4 WHERE id = $1 AND state = 'waiting'";
    let settled = sqlx::query(update)
        .bind(&notice.id)
        .bind(state)
        .bind(due.timestamp_micros())
        .bind(error.map(String::as_str))
        .execute(&mut *connection)
        .await?;
    if let (Told::GivenUp(error), 1) = (told, settled.rows_affected()) {
        let detail = format!("run `{}`: {error}", notice.run);
        audit::append(connection, "notifications", "give up", notice.notification.as_str(), &detail).await?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<Notice, Fault> {
    let attempts = count(row.try_get("attempts")?)?;
    Ok(Notice {
        id: row.try_get("id")?,
        notification: slug(row.try_get("notification")?)?,
        run: row.try_get("run")?,
        body: row.try_get("body")?,
        created_at: time(row.try_get("created_at")?)?,
        due: time(row.try_get("due")?)?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    })
}
