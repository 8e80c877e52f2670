//! Deliveries.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, document, event, json, now, runs, slug, time, told, word};
use crate::error::StoreError;
use crate::record::{Delivery, DeliveryChange, DeliveryCounts, DeliveryError, ErrorClass, NewDelivery};
use crate::state::DeliveryState;

/// Deliveries with their waits; which of them, and in which order.
macro_rules! select {
    ($which:literal $(,)?) => {
        concat!(
            "SELECT deliveries.*, waits.until FROM deliveries LEFT JOIN waits ON waits.delivery = deliveries.id ",
            $which
        )
    };
}

pub(super) async fn create(connection: &mut AnyConnection, run: &str, new: &[NewDelivery]) -> Result<(), Fault> {
    let state = runs::one(connection, run).await?.state;
    if state.is_finished() {
        let what = format!("run `{run}` is {state}");
        return Err(StoreError::Conflict { what, remedy: "begin another run" }.into());
    }
    let at = now();
    for delivery in new {
        let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE id = $1")
            .bind(&delivery.id)
            .fetch_one(&mut *connection)
            .await?;
        if taken > 0 {
            let what = format!("there is a delivery `{}` already", delivery.id);
            return Err(StoreError::Conflict { what, remedy: "give the new one another id" }.into());
        }
        let insert = "INSERT INTO deliveries (id, run, place, sub_audience, treatment_group, destination, kind, \
                      list_name, state, targets, created_at, updated_at) \
                      SELECT $1, $2, COUNT(*), $3, $4, $5, $6, $7, $8, '[]', $9, $9 FROM deliveries WHERE run = $2";
        sqlx::query(insert)
            .bind(&delivery.id)
            .bind(run)
            .bind(delivery.sub_audience.as_str())
            .bind(delivery.group.as_str())
            .bind(delivery.destination.as_str())
            .bind(&delivery.kind)
            .bind(&delivery.list_name)
            .bind(DeliveryState::Staging.word())
            .bind(at.timestamp_micros())
            .execute(&mut *connection)
            .await?;
        event(connection, run, Some(&delivery.id), at, DeliveryState::Staging.word()).await?;
    }
    Ok(())
}

pub(super) async fn transition(
    connection: &mut AnyConnection,
    id: &str,
    change: &DeliveryChange,
) -> Result<Delivery, Fault> {
    let delivery = one(connection, id).await?;
    if !delivery.state.may_become(change.to) {
        let (from, to) = (delivery.state.to_string(), change.to.to_string());
        return Err(StoreError::Transition { what: "delivery", id: id.to_owned(), from, to }.into());
    }
    let at = now();
    let update = "UPDATE deliveries SET state = $2, counts = COALESCE($3, counts), targets = COALESCE($4, targets), \
                  error_class = CASE WHEN $2 = 'sending' THEN $5 ELSE COALESCE($5, error_class) END, \
                  error = CASE WHEN $2 = 'sending' THEN $6 ELSE COALESCE($6, error) END, updated_at = $7 WHERE id = $1";
    sqlx::query(update)
        .bind(id)
        .bind(change.to.word())
        .bind(change.counts.as_ref().map(json).transpose()?)
        .bind(change.targets.as_ref().map(json).transpose()?)
        .bind(change.error.as_ref().map(|error| error.class.word()))
        .bind(change.error.as_ref().map(|error| told(&error.message)))
        .bind(at.timestamp_micros())
        .execute(&mut *connection)
        .await?;
    let what = format!("{} -> {}", delivery.state, change.to);
    event(connection, &delivery.run, Some(id), at, &what).await?;
    one(connection, id).await
}

pub(super) async fn set_counts(
    connection: &mut AnyConnection,
    id: &str,
    counts: &DeliveryCounts,
    what: Option<&str>,
) -> Result<(), Fault> {
    let delivery = one(connection, id).await?;
    if delivery.state != DeliveryState::Submitted {
        let what = format!("delivery `{id}` is {}", delivery.state);
        let remedy = "count what a platform works on, and move everything else with its counts";
        return Err(StoreError::Conflict { what, remedy }.into());
    }
    let at = now();
    sqlx::query("UPDATE deliveries SET counts = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(json(counts)?)
        .bind(at.timestamp_micros())
        .execute(&mut *connection)
        .await?;
    if let Some(what) = what {
        event(connection, &delivery.run, Some(id), at, what).await?;
    }
    Ok(())
}

pub(super) async fn submitted(connection: &mut AnyConnection) -> Result<Vec<Delivery>, Fault> {
    let select = select!(
        "JOIN runs ON runs.id = deliveries.run WHERE deliveries.state = 'submitted' AND runs.state = 'finished' \
         ORDER BY runs.created_at, runs.id, place",
    );
    let rows = sqlx::query(select).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn of_run(connection: &mut AnyConnection, run: &str) -> Result<Vec<Delivery>, Fault> {
    let select = select!("WHERE run = $1 ORDER BY place");
    let rows = sqlx::query(select).bind(run).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

async fn one(connection: &mut AnyConnection, id: &str) -> Result<Delivery, Fault> {
    let row = sqlx::query(select!("WHERE id = $1")).bind(id).fetch_optional(connection).await?;
    read(&row.ok_or_else(|| StoreError::NotFound { what: "delivery", id: id.to_owned() })?)
}

fn read(row: &AnyRow) -> Result<Delivery, Fault> {
    let counts: Option<&str> = row.try_get("counts")?;
    let limited_until: Option<i64> = row.try_get("until")?;
    let class: Option<&str> = row.try_get("error_class")?;
    let message: Option<String> = row.try_get("error")?;
    let class = class.map(|class| word("error class", class, ErrorClass::of)).transpose()?;
    Ok(Delivery {
        id: row.try_get("id")?,
        run: row.try_get("run")?,
        sub_audience: slug(row.try_get("sub_audience")?)?,
        group: slug(row.try_get("treatment_group")?)?,
        destination: slug(row.try_get("destination")?)?,
        kind: row.try_get("kind")?,
        list_name: row.try_get("list_name")?,
        state: word("state of a delivery", row.try_get("state")?, DeliveryState::of)?,
        counts: counts.map(|text| document("the counts of a delivery", text)).transpose()?,
        targets: document("the targets of a delivery", row.try_get("targets")?)?,
        error: class.zip(message).map(|(class, message)| DeliveryError { class, message }),
        limited_until: limited_until.map(time).transpose()?.filter(|until| *until > now()),
        created_at: time(row.try_get("created_at")?)?,
        updated_at: time(row.try_get("updated_at")?)?,
    })
}
