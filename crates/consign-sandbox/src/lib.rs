//! The platforms' side of the five protocols, for rehearsals and tests: a server that checks what a
//! platform checks, holds what a platform holds, and fails on demand.
//!
//! It is written from the specifications alone and shares no code with the clients or encoders, so
//! that a misreading on one side shows. One port serves all: a client's `base_url` is
//! `http://HOST:PORT/klaviyo`, `/attentive`, `/criteo`, `/tiktok` or `/meta`. `GET /` is a page to
//! look at lists, requests and refusals; `GET /state.json` and `GET /lists/{id}.json` are the same for
//! programs; `POST /reset` forgets everything.

mod apply;
mod attentive;
mod call;
mod check;
mod criteo;
mod event;
mod fault;
mod journal;
mod klaviyo;
mod log;
mod members;
mod meta;
mod page;
mod platform;
mod profiles;
mod server;
mod shape;
mod tiktok;
mod world;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use fault::{Fault, What, When};
pub use platform::Platform;

/// How the sandbox runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder that keeps the state over restarts; `None` keeps it in memory only.
    pub state: Option<PathBuf>,
    /// What goes wrong without being asked by a header.
    pub faults: Vec<Fault>,
    /// Decides ids, chances and which rows a fault refuses: the same calls give the same.
    pub seed: u64,
    /// How long asynchronous work takes.
    pub job_time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            state: None,
            faults: Vec::new(),
            seed: 0,
            job_time: Duration::ZERO,
        }
    }
}

/// Why the sandbox did not start.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another with `--port`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The state folder cannot be used.
    #[error("cannot use the state in `{}`: {source}; choose another folder with `--state`", path.display())]
    State {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another sandbox has the folder.
    #[error("the state in `{}` is in use by another sandbox; stop that one, or choose another folder", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The log is not what a sandbox writes.
    #[error("`{}`, line {line}: {reason}; delete the file to begin with no lists", path.display())]
    Damaged {
        /// The log.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A fault cannot be read.
    #[error("the fault `{text}` is not `PLATFORM:CALL:WHEN:WHAT` (as in `klaviyo:import:3:rate-limit`): {reason}")]
    Fault {
        /// The text.
        text: String,
        /// What is wrong.
        reason: String,
    },
}

/// A running sandbox.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Sandbox {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `base_url` of a platform.
    pub fn base_url(&self, platform: Platform) -> String {
        format!("http://{}/{platform}", self.address)
    }

    /// Waits until it has stopped, which it does when its token is cancelled.
    pub async fn stopped(self) {
        // It is never aborted, and what it does cannot panic outside a connection's own task.
        let _ = self.task.await;
    }
}

/// Starts the sandbox; it listens when this returns.
pub async fn serve(options: Options, shutdown: CancellationToken) -> Result<Sandbox, SandboxError> {
    let listen = options.listen;
    let failed = |source| SandboxError::Listen { address: listen, source };
    let shared = server::Shared::open(options, shutdown.clone())?;
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let task = tokio::spawn(server::accept(listener, shared, shutdown));
    Ok(Sandbox { address, task })
}
