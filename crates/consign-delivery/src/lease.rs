//! Leases that this process holds. One is renewed in the background; nothing under it is done, and no request made, but while
//! it holds. Where it was not renewed in time all stands still until the store has said whether it is still ours, and ends
//! where another process has taken it: this one may have been stopped, or its machine have slept.

use std::convert::Infallible;
use std::fs;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use consign_destinations::http::{Http, Permit};
use consign_model::id::Slug;
use consign_store::{Lease, LeaseOn, LeaseOwner, Store, StoreError, Taking};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::folder::{DataFolder, SignOfLife};

/// A lease could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sign that this process lives cannot be made, or that of another not be looked for.
    #[error("nothing can be locked in {}: check that you may write there", path.display())]
    Sign {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        reason: io::Error,
    },
}

/// A lease that this process holds.
#[derive(Debug)]
pub struct HeldByUs {
    under: Under,
    lease: Lease,
    renewing: AbortOnDropHandle<StoreError>,
    _alive: SignOfLife,
}

/// What work is done with that is done under a lease.
#[derive(Clone)]
pub struct Under {
    /// The store, which refuses every change once somebody else has the lease.
    pub store: Arc<dyn Store>,
    term: Duration,
    holds: watch::Receiver<Deadline>,
}

impl HeldByUs {
    /// Takes the lease on something; `None` where another process has it that is not known to be gone.
    pub async fn take(store: &dyn Store, folder: &DataFolder, on: &LeaseOn) -> Result<Option<Self>, LeaseError> {
        let owner = LeaseOwner { id: Uuid::now_v7().to_string(), machine: machine() };
        let failed = |reason| LeaseError::Sign { path: folder.path().to_owned(), reason };
        let alive = folder.live_as(&owner.id).map_err(failed)?;
        let mut gone = None;
        loop {
            let asked = Moment::now();
            match store.take_lease(on, &owner, gone).await? {
                Taking::Taken(lease, term) => {
                    let (renewed, holds) = watch::channel(asked.deadline(term));
                    let under = Under { store: store.under(&lease), term, holds };
                    let renewing = renew(Arc::clone(&under.store), lease.clone(), term, renewed);
                    let renewing = AbortOnDropHandle::new(tokio::spawn(renewing));
                    return Ok(Some(Self { under, lease, renewing, _alive: alive }));
                }
                Taking::Held(held) if gone != Some(held.token) && is_gone(folder, &held.owner).map_err(failed)? => {
                    folder.forget_dead(&held.owner.id).map_err(failed)?;
                    gone = Some(held.token);
                }
                Taking::Held(_) => return Ok(None),
            }
        }
    }

    /// Does something while the lease holds, and then gives it back. It is given up, where it stands, when another process
    /// has taken the lease.
    pub async fn during<T, E: From<StoreError>>(
        mut self,
        work: impl AsyncFnOnce(&Under) -> Result<T, E>,
    ) -> Result<T, E> {
        let under = self.under.clone();
        let done = tokio::select! {
            biased;
            ended = &mut self.renewing => Err(ended.unwrap_or_else(|_| self.lost()).into()),
            done = under.while_held(Box::pin(work(&under))) => done,
        };
        self.release().await;
        done
    }

    fn lost(&self) -> StoreError {
        StoreError::LeaseLost(self.lease.on.clone())
    }

    async fn release(self) {
        self.renewing.abort();
        match self.under.store.release_lease(&self.lease).await {
            Ok(()) | Err(StoreError::LeaseLost(_)) => {}
            Err(error) => tracing::warn!(%error, "the lease on {} is not given back: it ends by itself", self.lease.on),
        }
    }
}

impl Under {
    /// The HTTP layer for what is done under the lease: no request is made but while it holds, and none takes longer than
    /// what is left of it.
    pub(crate) fn http(&self, http: &Http) -> Http {
        http.permitted_by(Arc::new(self.clone()))
    }

    /// Goes on with some work whenever the lease holds.
    async fn while_held<T>(&self, mut work: impl Future<Output = T> + Unpin) -> T {
        let mut holds = self.holds.clone();
        loop {
            let going_on = poll_fn(|context| {
                let left = self.holds.borrow().left();
                if left.is_zero() { Poll::Pending } else { Pin::new(&mut work).poll(context) }
            });
            tokio::select! {
                biased;
                done = going_on => return done,
                () = renewed(&mut holds) => {}
            }
        }
    }
}

impl std::fmt::Debug for Under {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Under").field("term", &self.term).field("holds", &*self.holds.borrow()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Permit for Under {
    async fn granted(&self) -> Duration {
        let mut holds = self.holds.clone();
        loop {
            let left = holds.borrow_and_update().left();
            // With less, a request that is merely slow would end as one whose outcome nobody knows.
            if left >= self.term / 4 {
                return left;
            }
            renewed(&mut holds).await;
        }
    }
}

/// Waits until the lease is renewed.
async fn renewed(holds: &mut watch::Receiver<Deadline>) {
    if holds.changed().await.is_err() {
        // It is not renewed any more: whoever works under it is stopped.
        pending::<Infallible>().await;
    }
}

/// Renews a lease for as long as that is possible, and says why it no longer is.
async fn renew(store: Arc<dyn Store>, lease: Lease, term: Duration, holds: watch::Sender<Deadline>) -> StoreError {
    loop {
        tokio::time::sleep(term / 8).await;
        let asked = Moment::now();
        match store.renew_lease(&lease).await {
            Ok(()) => {
                holds.send_replace(asked.deadline(term));
            }
            Err(error @ StoreError::LeaseLost(_)) => return error,
            Err(error) if holds.borrow().left().is_zero() => return error,
            Err(error) => tracing::warn!(%error, "the lease on {} is not renewed yet", lease.on),
        }
    }
}

/// A moment by the clock that never goes back, and by the one that also counts while the machine sleeps.
#[derive(Debug, Clone, Copy)]
struct Moment(Instant, SystemTime);

/// Until when a lease holds for us.
#[derive(Debug, Clone, Copy)]
struct Deadline(Moment);

impl Moment {
    fn now() -> Self {
        Self(Instant::now(), SystemTime::now())
    }

    /// Until when a lease holds that was asked for at this moment: a little less than the store lets it.
    fn deadline(self, term: Duration) -> Deadline {
        let holds = term * 7 / 8;
        Deadline(Self(self.0 + holds, self.1 + holds))
    }
}

impl Deadline {
    fn left(&self) -> Duration {
        let Self(Moment(steady, set)) = *self;
        let steady = steady.saturating_duration_since(Instant::now());
        steady.min(set.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// Whether a process works on a campaign. Changes nothing.
pub(crate) async fn is_worked_on(store: &dyn Store, folder: &DataFolder, campaign: &Slug) -> Result<bool, LeaseError> {
    let failed = |reason| LeaseError::Sign { path: folder.path().to_owned(), reason };
    match store.held_lease(&LeaseOn::Campaign(campaign.clone())).await? {
        Some(held) => Ok(!is_gone(folder, &held.owner).map_err(failed)?),
        None => Ok(false),
    }
}

/// Whether the owner of a lease is known to be gone. Only what lived on this machine can be known.
fn is_gone(folder: &DataFolder, owner: &LeaseOwner) -> io::Result<bool> {
    Ok(owner.machine.is_some() && owner.machine == machine() && !folder.lives(&owner.id)?)
}

/// This machine since it was started, where the system says so: its locks tell of those who live on it alone.
fn machine() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}
