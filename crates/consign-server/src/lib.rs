//! The HTTP API: what the browser and other programs ask of Consign.
//!
//! [`route`] is the table of what can be asked; the handlers are in `api`, one file a resource. What takes tables,
//! engine or platforms is done by whoever wires the server, behind [`work::Work`].

pub mod access;
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
pub mod password;
pub mod refusal;
pub mod route;
pub mod schedules;
mod sessions;
pub mod show;
pub mod summary;
mod tag;
mod throttle;
mod ui;
pub mod view;
pub mod work;

use std::io;
use std::net::SocketAddr;

use consign_store::{Accounts, StoreError};
use tokio::net::TcpListener;
use url::Url;

pub use api::routes;
pub use app::{App, Memory, Options};

/// Where the API begins.
pub const BASE: &str = "/api/v1";

/// Why the server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Other machines could reach it, and be the first to say who they are.
    #[error(
        "`{0}` can be reached from other machines, and nobody can log in yet: add somebody first with `consign users add \
         NAME --role admin`, or listen on 127.0.0.1 or [::1]"
    )]
    NobodyYet(SocketAddr),
    /// Other machines could reach it, and it is not known by which address.
    #[error(
        "`{0}` can be reached from other machines: say with `--url` by which address browsers reach it, such as \
         `--url https://consign.example.com`"
    )]
    NoUrl(SocketAddr),
    /// What goes to that address could be read on the way.
    #[error(
        "`{0}` cannot be where browsers reach it: write `https://HOST`, with a proxy before it that speaks TLS, or \
         `http://` and an address of this machine"
    )]
    Url(Url),
    /// Who may log in cannot be looked up.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Listens at an address; port 0 takes a free one. At one that other machines can reach it does so only where somebody
    /// can log in, and it is known how browsers reach it.
    pub async fn listen(address: SocketAddr, url: Option<&Url>, accounts: &dyn Accounts) -> Result<Self, ServeError> {
        if let Some(url) = url.filter(|url| !is_safe(url)) {
            return Err(ServeError::Url(url.clone()));
        }
        if !address.ip().is_loopback() {
            if accounts.users().await?.is_empty() {
                return Err(ServeError::NobodyYet(address));
            }
            if url.is_none() {
                return Err(ServeError::NoUrl(address));
            }
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
        let router = api::router(app).into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
    }
}

/// Whether what goes to an address cannot be read on the way.
fn is_safe(url: &Url) -> bool {
    let at_root = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    at_root && url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && here))
}
