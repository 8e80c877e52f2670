//! What Postgres's conditions mean for a store in a database.

use sqlx::error::DatabaseError;

use super::{Open, StoreError};

/// The meaning of an error, by its condition (postgresql.org/docs/current/errcodes-appendix.html) where it has one.
pub(super) fn meaning(store: String, reason: String, error: &sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let Some(code) = code else {
        return without_condition(store, reason, error);
    };
    let remedy = match code.as_ref() {
        "28P01" | "28000" => "check the user and the password in its URL, and the server's `pg_hba.conf`",
        "3D000" => "check the database's name in its URL, or make it with `createdb`",
        "3F000" => "make the schema that the user's `search_path` names",
        "42501" => "let its user make tables there: `GRANT CREATE, USAGE ON SCHEMA ... TO ...`",
        "25006" => "name the server that takes writes, not a copy of it",
        "53300" => "end other connections to the server, or let it have more (`max_connections`)",
        "55P03" | "40P01" | "40001" => return StoreError::Busy(store),
        "53100" => return StoreError::DiskFull(store),
        "58030" => return StoreError::Disk { store, reason },
        "42P01" | "42703" | "XX001" | "XX002" => return StoreError::Corrupt { store, reason },
        other if ["08", "57"].contains(&&other[..2.min(other.len())]) || other == "25P03" => {
            return StoreError::Unreachable { store, reason };
        }
        _ => return StoreError::Failed { store, reason },
    };
    StoreError::CannotOpen(Open { store, reason, remedy })
}

/// The meaning of what the server did not say.
fn without_condition(store: String, reason: String, error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Tls(_) => StoreError::CannotOpen(Open {
            store,
            reason,
            remedy: "check the server's certificate, and `sslmode` and `sslrootcert` in its URL",
        }),
        sqlx::Error::Configuration(_) => {
            StoreError::CannotOpen(Open { store, reason, remedy: "check the parameters of its URL" })
        }
        sqlx::Error::PoolTimedOut => {
            StoreError::Unreachable { store, reason: "no connection to it could be had in time".to_owned() }
        }
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            StoreError::Unreachable { store, reason }
        }
        _ => StoreError::Failed { store, reason },
    }
}
