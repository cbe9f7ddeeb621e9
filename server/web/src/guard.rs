//! The guard in front of every route: rate, session, origin, CSRF, role, in this order, before a body is read.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

use crate::act::may;
use crate::caller::Caller;
use crate::doors::Doors;
use crate::limits::{Rate, Whose};
use crate::problem::Refusal;
use crate::routes::Door;
use crate::token::Token;

/// The session cookie: `__Host-` makes browsers refuse it unless it is secure, of this host and of the whole site.
pub(crate) const COOKIE: &str = "__Host-amethyst";
const CSRF: &str = "x-csrf-token";

/// Where a connection comes from; `serve` puts it on every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What the guard knows of its route.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) doors: Doors,
    pub(crate) door: Door,
    pub(crate) rate: Rate,
    pub(crate) writes: bool,
    pub(crate) path: &'static str,
}

/// Lets a request through to its handler, or answers it.
pub(crate) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match admit(&gate, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn admit(gate: &Gate, mut request: Request) -> Result<Request, Refusal> {
    let doors = &gate.doors;
    let stranger = Stranger::of(&request);
    let now = doors.now();
    doors.limiter().take(Whose::Address(stranger.ip), gate.rate, now).map_err(Refusal::too_many)?;
    if gate.writes && !same_origin(request.headers()) {
        return Err(Refusal::wrong_csrf());
    }
    if gate.door == Door::Open {
        request.extensions_mut().insert(stranger);
        return Ok(request);
    }
    let token = cookie(request.headers()).ok_or_else(Refusal::sign_in_first)?;
    let found = Caller::find(doors, token, stranger.ip.to_string()).await?;
    let caller = found.ok_or_else(Refusal::sign_in_first)?;
    let session = Whose::Session(*caller.session.digest.first_chunk().unwrap_or(&[0; 8]));
    doors.limiter().take(session, gate.rate, now).map_err(Refusal::too_many)?;
    if let Door::Act(act) = gate.door {
        if !caller.is_complete() {
            return Err(Refusal::sign_in_first());
        }
        if !may(caller.role(), act) {
            caller.audit_refusal(&format!("{} {}", request.method(), gate.path)).await?;
            return Err(Refusal::not_allowed());
        }
    }
    if gate.writes && caller.is_complete() && !carries_csrf(request.headers(), &caller.csrf()) {
        return Err(Refusal::wrong_csrf());
    }
    caller.touch().await?;
    request.extensions_mut().insert(stranger);
    request.extensions_mut().insert(caller);
    Ok(request)
}

/// What is known of whoever sends a request, signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct Stranger {
    pub(crate) ip: IpAddr,
    pub(crate) agent: String,
}

impl Stranger {
    fn of(request: &Request) -> Self {
        let ip =
            request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let agent =
            request.headers().get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self { ip: ip.to_canonical(), agent: agent.chars().take(200).collect() }
    }
}

impl FromRequestParts<Doors> for Stranger {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _doors: &Doors) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::internal)
    }
}

/// Finds the session cookie.
fn cookie(headers: &HeaderMap) -> Option<Token> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    Token::parse(value)
}

fn carries_csrf(headers: &HeaderMap, expected: &str) -> bool {
    let given = headers.get(CSRF).map(|v| v.as_bytes()).unwrap_or_default();
    bool::from(given.ct_eq(expected.as_bytes()))
}

/// Tells whether the request may come from our own page: a browser says so in `Sec-Fetch-Site` or `Origin`. What sends
/// neither is no browser, and cannot be made to act for somebody who is signed in.
pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text("origin") else { return true };
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    host.is_some() && host == text("host")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (header::HeaderName::from_static(k), v.parse().unwrap())).collect()
    }

    #[test]
    fn another_page_is_told_from_our_own() {
        let check = |pairs: &[(&'static str, &str)], expected| {
            assert_eq!(same_origin(&headers(pairs)), expected, "{pairs:?}");
        };
        check(&[], true);
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("origin", "https://a:8443"), ("host", "a:8443")], true);
        check(&[("origin", "https://a:8443"), ("host", "a")], false);
        check(&[("origin", "https://evil"), ("host", "a")], false);
        check(&[("origin", "null"), ("host", "a")], false);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "https://a"), ("host", "a")], false);
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let token = Token::new([9; 32]);
        let line = format!("a=b; {COOKIE}={}; c=d", token.expose());
        assert_eq!(cookie(&headers(&[("cookie", &line)])).unwrap().digest(), token.digest());
        for odd in ["", "a=b", "__Host-amethystx=1", "__Host-amethyst=short"] {
            assert!(cookie(&headers(&[("cookie", odd)])).is_none(), "{odd}");
        }
    }
}
