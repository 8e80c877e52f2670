//! Who asks, and whether they may: the only place that decides it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use consign_store::{Role, User};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use crate::app::App;
use crate::password::secret_hash;
use crate::refusal::{Answer, Refusal};
use crate::sessions;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without saying who they are.
    Anybody,
    /// Who has that role, or one that may more.
    From(Role),
}

impl Access {
    /// Whether somebody of a role may.
    pub fn allows(self, role: Role) -> bool {
        match self {
            Self::Anybody => true,
            Self::From(least) => role >= least,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// The user's id.
    pub id: String,
    /// The user's name, which goes to the audit log.
    pub name: String,
    /// What they may do here: of a token, no more than its own role.
    pub role: Role,
}

impl From<User> for Caller {
    fn from(User { id, name, role, .. }: User) -> Self {
        Self { id, name, role }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Answer<Self> {
        parts.extensions.get().cloned().ok_or_else(|| unknown("log in first"))
    }
}

/// Lets through who may, and says to the handler who it is.
pub(crate) async fn allowed(
    State((app, access)): State<(App, Access)>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::From(least) = access else { return next.run(request).await };
    let caller = match caller(&app, &session, request.headers()).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    if !access.allows(caller.role) {
        let detail = format!("it takes the role {least}, and `{}` has {} here: ask an admin", caller.name, caller.role);
        return Refusal::new(StatusCode::FORBIDDEN, detail).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Who a request is of: by its token where it has one, else by its session.
async fn caller(app: &App, session: &Session, headers: &HeaderMap) -> Answer<Caller> {
    if let Some(token) = bearer(headers) {
        let known = app.store.token(&secret_hash(token)).await?;
        let (token, owner) =
            known.ok_or_else(|| unknown("the token is not known, or not good any more: make another"))?;
        return Ok(Caller { role: token.role.min(owner.role), ..owner.into() });
    }
    if let Some(caller) = sessions::caller(session).await? {
        return Ok(caller);
    }
    let nobody = app.store.users().await?.is_empty();
    Err(unknown(if nobody {
        "nobody can log in yet: open the link that `consign serve` said when it started, or add somebody with \
         `consign users add NAME --role admin`"
    } else {
        "log in first, or send a token as `Authorization: Bearer`"
    }))
}

/// The token that a request has.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

pub(crate) fn unknown(detail: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, detail)
}

/// The address that a request comes from. Behind a proxy on this machine it is the last that the proxy names.
pub(crate) struct ComesFrom(pub IpAddr);

impl FromRequestParts<App> for ComesFrom {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let missing = || Refusal::bad("the request comes from nowhere");
        let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>().ok_or_else(missing)?;
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded.and_then(|all| all.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        let proxied = app.url.is_some() && peer.ip().is_loopback();
        Ok(Self(forwarded.filter(|_| proxied).unwrap_or(peer.ip())))
    }
}
