//! A server that goes away for a while, as one does that is restarted: what was asked of it is asked again.

use std::time::{Duration, Instant};

use consign_points::Point;
use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};

use super::SqlStore;
use crate::error::StoreError;
use crate::open;

/// How soon what failed is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Reads from the store.
macro_rules! look {
    ($store:expr, $connection:ident => $read:expr) => {
        $store
            .patiently(|| async {
                let mut connection = $store.read().await?;
                let $connection = &mut *connection;
                $read.await.map_err(|fault| $store.error(fault))
            })
            .await
    };
}
pub(super) use look;

/// Changes the store, in one transaction that writes.
macro_rules! change {
    ($store:expr, $connection:ident => $change:expr) => {
        $store
            .patiently(|| async {
                let mut transaction = $store.begin().await?;
                let $connection = &mut *transaction;
                let changed = $change.await.map_err(|fault| $store.error(fault))?;
                $store.commit(transaction).await?;
                Ok(changed)
            })
            .await
    };
}
pub(super) use change;

impl SqlStore {
    /// Tries something until the server is there for it. What was begun and not committed left no trace.
    pub(super) async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let _spent = self.spent.count();
        let patience = self.patience();
        loop {
            match attempt().await {
                Err(error) if patience.outlasts(&error).await => {}
                tried => return tried,
            }
        }
    }

    /// A server is waited for for a part of the time for which leases hold.
    fn patience(&self) -> Patience {
        Patience { begun: Instant::now(), most: self.term / 4 }
    }

    pub(super) async fn read(&self) -> Result<PoolConnection<Any>, StoreError> {
        self.pool.acquire().await.map_err(|error| self.error(error))
    }

    /// Commits. Where the server goes away just then, it is asked afterwards whether it had committed; what it had not is an
    /// error, and left no trace.
    pub(super) async fn commit(&self, mut transaction: Transaction<'static, Any>) -> Result<(), StoreError> {
        let number: Option<i64> = match open::number(&self.location) {
            Some(select) => {
                let number = sqlx::query_scalar(select).fetch_one(&mut *transaction).await;
                number.map_err(|error| self.error(error))?
            }
            None => None,
        };
        consign_points::pass(Point::LedgerChanging);
        let committed = transaction.commit().await.map_err(|error| self.error(error));
        consign_points::pass(Point::LedgerChanged);
        match (committed, number) {
            (Err(away @ StoreError::Unreachable { .. }), Some(number)) => {
                if self.committed(number).await? {
                    Ok(())
                } else {
                    Err(away)
                }
            }
            (committed, _) => committed,
        }
    }

    /// Whether the transaction with that number was committed.
    async fn committed(&self, number: i64) -> Result<bool, StoreError> {
        let patience = self.patience();
        loop {
            match self.status(number).await {
                Err(error) if patience.outlasts(&error).await => {}
                status => return status,
            }
        }
    }

    async fn status(&self, number: i64) -> Result<bool, StoreError> {
        let mut connection = self.read().await?;
        let status = sqlx::query_scalar(open::STATUS).bind(number).fetch_one(&mut *connection).await;
        let status: Option<String> = status.map_err(|error| self.error(error))?;
        match status.as_deref() {
            Some("committed") => Ok(true),
            Some("aborted") => Ok(false),
            // The server has not noticed yet that nobody waits for it, or does not remember.
            _ => Err(StoreError::Unreachable {
                store: self.location.to_string(),
                reason: "it does not say whether it has kept the last change".to_owned(),
            }),
        }
    }
}

/// How long a server that is away is waited for.
struct Patience {
    begun: Instant,
    most: Duration,
}

impl Patience {
    /// Waits a little, where an error says that the server is away and there is patience left.
    async fn outlasts(&self, error: &StoreError) -> bool {
        let again = matches!(error, StoreError::Unreachable { .. }) && self.begun.elapsed() < self.most;
        if again {
            tokio::time::sleep(AGAIN).await;
        }
        again
    }
}
