//! The HTTP API: what the browser and other programs ask of Consign.
//!
//! [`route`] is the table of what can be asked; the handlers are in `api`, one file a resource. What takes tables,
//! engine or platforms is done by whoever wires the server, behind [`work::Work`].

mod api;
mod app;
mod counts;
mod edit;
mod events;
mod guard;
mod live;
mod metrics;
pub mod openapi;
mod page;
pub mod refusal;
pub mod route;
pub mod schedules;
pub mod show;
pub mod summary;
mod tag;
mod ui;
pub mod view;
pub mod work;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

pub use api::routes;
pub use app::{App, Memory, Options};

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// Why the server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could reach it, and nobody is asked who they are.
    #[error("`{0}` can be reached from other machines, and nobody is asked to log in: listen on 127.0.0.1 or [::1]")]
    NotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("`{address}` cannot be listened on: {reason}: end what listens there, or name another address")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Listens at an address of this machine alone; port 0 takes a free one.
    pub async fn listen(address: SocketAddr) -> Result<Self, ServeError> {
        if !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
        let listen = |reason| ServeError::Listen { address, reason };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the application is asked to stop, and then ends what is under way.
    pub async fn serve(self, app: App) -> io::Result<()> {
        let stop = app.stop.clone();
        let router = api::router(app);
        axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}
