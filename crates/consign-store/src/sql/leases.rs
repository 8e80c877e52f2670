//! Leases. Times are those of the database's own clock where it has one.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Fault, count, kept};
use crate::error::StoreError;
use crate::lease::{HeldLease, Lease, LeaseOn, LeaseOwner, Taking};

pub(super) async fn take(
    connection: &mut AnyConnection,
    on: &LeaseOn,
    owner: &LeaseOwner,
    gone: Option<u64>,
    (now, term): (i64, Duration),
) -> Result<Taking, Fault> {
    let last = find(connection, on).await?;
    let token = match last {
        Some((held, until)) if until > now && gone != Some(held.token) => return Ok(Taking::Held(held)),
        Some((held, _)) => held.token + 1,
        None => 1,
    };
    let upsert = "INSERT INTO leases (name, token, owner, machine, until) VALUES ($1, $2, $3, $4, $5) \
                  ON CONFLICT (name) DO UPDATE SET token = excluded.token, owner = excluded.owner, \
                  machine = excluded.machine, until = excluded.until";
    sqlx::query(upsert)
        .bind(on.name())
        .bind(kept(token))
        .bind(&owner.id)
        .bind(owner.machine.as_deref())
        .bind(end(now, term))
        .execute(connection)
        .await?;
    Ok(Taking::Taken(Lease { on: on.clone(), token }, term))
}

/// Sets until when a lease holds. Refused where somebody else has taken it since.
pub(super) async fn hold_until(connection: &mut AnyConnection, lease: &Lease, until: i64) -> Result<(), Fault> {
    let updated = sqlx::query("UPDATE leases SET until = $3 WHERE name = $1 AND token = $2")
        .bind(lease.on.name())
        .bind(kept(lease.token))
        .bind(until)
        .execute(connection)
        .await?;
    if updated.rows_affected() == 1 { Ok(()) } else { Err(lost(lease)) }
}

/// Refuses what is done under a lease that somebody else has taken since.
pub(super) async fn check(connection: &mut AnyConnection, lease: &Lease) -> Result<(), Fault> {
    match find(connection, &lease.on).await? {
        Some((held, _)) if held.token == lease.token => Ok(()),
        _ => Err(lost(lease)),
    }
}

/// Who holds the lease on something, if anybody does.
pub(super) async fn held(connection: &mut AnyConnection, on: &LeaseOn, now: i64) -> Result<Option<HeldLease>, Fault> {
    Ok(find(connection, on).await?.filter(|(_, until)| *until > now).map(|(held, _)| held))
}

/// A moment so long after another.
pub(super) fn end(now: i64, term: Duration) -> i64 {
    now.saturating_add(i64::try_from(term.as_micros()).unwrap_or(i64::MAX))
}

fn lost(lease: &Lease) -> Fault {
    StoreError::LeaseLost(lease.on.clone()).into()
}

/// The last lease on something, and until when it holds or held.
async fn find(connection: &mut AnyConnection, on: &LeaseOn) -> Result<Option<(HeldLease, i64)>, Fault> {
    let select = "SELECT token, owner, machine, until FROM leases WHERE name = $1";
    let row = sqlx::query(select).bind(on.name()).fetch_optional(connection).await?;
    let read = |row: AnyRow| {
        let owner = LeaseOwner { id: row.try_get("owner")?, machine: row.try_get("machine")? };
        Ok((HeldLease { token: count(row.try_get("token")?)?, owner }, row.try_get("until")?))
    };
    row.map(read).transpose()
}
