//! Waits that platforms ask for.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::{Fault, now, time};

pub(super) async fn set(
    connection: &mut AnyConnection,
    delivery: &str,
    destination: &str,
    until: Option<DateTime<Utc>>,
) -> Result<(), Fault> {
    sqlx::query("DELETE FROM waits WHERE delivery = $1 OR until <= $2")
        .bind(delivery)
        .bind(now().timestamp_micros())
        .execute(&mut *connection)
        .await?;
    if let Some(until) = until {
        sqlx::query("INSERT INTO waits (delivery, destination, until) VALUES ($1, $2, $3)")
            .bind(delivery)
            .bind(destination)
            .bind(until.timestamp_micros())
            .execute(connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn longest(connection: &mut AnyConnection, destination: &str) -> Result<Option<DateTime<Utc>>, Fault> {
    let select = "SELECT MAX(until) FROM waits WHERE destination = $1 AND until > $2";
    let until: Option<i64> =
        sqlx::query_scalar(select).bind(destination).bind(now().timestamp_micros()).fetch_one(connection).await?;
    until.map(time).transpose()
}
