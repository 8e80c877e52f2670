//! What `SQLite`'s result codes mean for a store in a file.

use super::{Open, StoreError};

/// `SQLite`'s primary result codes (sqlite.org/rescode.html) that are told apart.
mod code {
    pub const PERM: i32 = 3;
    pub const BUSY: i32 = 5;
    pub const LOCKED: i32 = 6;
    pub const READONLY: i32 = 8;
    pub const IOERR: i32 = 10;
    pub const CORRUPT: i32 = 11;
    pub const FULL: i32 = 13;
    pub const CANTOPEN: i32 = 14;
    pub const NOTADB: i32 = 26;
}

pub(super) fn meaning(store: String, reason: String, error: &sqlx::Error) -> StoreError {
    match primary_code(error) {
        Some(code::PERM | code::CANTOPEN | code::READONLY) => StoreError::CannotOpen(Open {
            store,
            reason,
            remedy: "check that the folder exists and that you may write to it and to the file",
        }),
        Some(code::BUSY | code::LOCKED) => StoreError::Busy(store),
        Some(code::CORRUPT | code::NOTADB) => StoreError::Corrupt { store, reason },
        Some(code::FULL) => StoreError::DiskFull(store),
        Some(code::IOERR) => StoreError::Disk { store, reason },
        _ if matches!(error, sqlx::Error::PoolTimedOut) => StoreError::Busy(store),
        _ => StoreError::Failed { store, reason },
    }
}

/// The primary result code of an error of `SQLite`, which is the lowest byte of the extended one.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor};

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_named() {
        let mut connection = SqliteConnectOptions::new()
            .in_memory(true)
            .pragma("max_page_count", "4")
            .connect()
            .await
            .expect("memory is there");
        connection.execute("CREATE TABLE t (x BLOB)").await.expect("the table fits");
        let error = connection.execute("INSERT INTO t VALUES (zeroblob(100000))").await.expect_err("it does not fit");
        let error = meaning("consign.db".to_owned(), error.to_string(), &error);
        assert!(matches!(error, StoreError::DiskFull(_)), "{error}");
    }
}
