//! The doors of the central server: everything that speaks HTTP, and nothing behind it.
//!
//! [`app`] makes the router over a [`Host`], which the program implements; [`serve`](serve()) lets browsers in. Signing in,
//! roles, scopes, CSRF, headers, rates and the audit log are decided here, each in one place:
//!
//! * `act` – the table role x act; `guard` – rate, session, CSRF, role before every route; `caller` – whoever passed.
//! * `routes` – the table of routes, and how to add one; `take` – query strings, bodies, path parameters; `problem` – refusals.
//! * `sound` – finding, hearing, exporting, live; everything else is a file of its own name.
//!
//! What must hold: what is not visible to a caller answers byte for byte as what does not exist. An act is in the audit log
//! before data leave, or they do not leave. This crate knows no SQL, opens no file and asks no clock of its own; status codes
//! are known here only.
#![forbid(unsafe_code)]

mod act;
mod archive;
mod archive_watch;
mod audit;
mod caller;
mod console;
mod daily_login;
mod doors;
mod guard;
mod headers;
mod health;
mod host;
mod keeping;
mod limits;
mod lockout;
mod me;
mod openapi;
mod password;
mod people;
mod problem;
mod proxies;
mod routes;
mod satellites;
mod serve;
mod settings;
mod sign_in;
pub mod sound;
mod take;
mod tls;
mod token;
mod totp;
mod users;
mod vouch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

pub use act::{Act, may, permissions};
pub use guard::Peer;
pub use host::{
    Board, BoardLine, BoardSatellite, Health, Host, HostError, LoginAsked, OfSatellite, ReportSignature,
    Satellites, SiteInfo,
};
pub use proxies::{Net, NetError, Proxies, Said as ProxyHeader};
pub use serve::{Attended, Beside, Limits, Tls, redirect, serve};
pub use tls::{SelfSigned, TlsError, fingerprint, self_signed, tls};
pub use users::{Link, one_time_link};
pub use vouch::{NotVouched, Said, vouch};

use doors::Doors;
use problem::Refusal;
use routes::{Route, Routes};

/// Longest address with its query string.
const URI_MAX: usize = 8_000;

/// Makes the router: API under `/api/v1`, health, metrics, and the console for everything else.
pub fn app(host: Arc<dyn Host>) -> Router {
    let doors = Doors::new(host);
    let (api, table) = table(&doors);
    let description = Arc::new(openapi::describe(&table, &doors.host().site().version).to_string());
    let described = get(move || async move { json_text(&description) });
    Router::new()
        .nest(api::PREFIX, api.route("/openapi.json", described))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(console::serve)
        .method_not_allowed_fallback(|| async { Refusal::wrong_method() })
        .layer(from_fn(headers::always))
        .layer(from_fn(short_addresses))
        .layer(from_fn_with_state(doors.clone(), proxies::look_behind))
        .with_state(doors)
}

/// Registers every route of the API.
fn table(doors: &Doors) -> (Router<Doors>, Vec<Route>) {
    let mut routes = Routes::new(doors.clone());
    sign_in::register(&mut routes);
    me::register(&mut routes);
    sound::register(&mut routes);
    audit::register(&mut routes);
    users::register(&mut routes);
    settings::register(&mut routes);
    archive::register(&mut routes);
    archive_watch::register(&mut routes);
    keeping::register(&mut routes);
    satellites::register(&mut routes);
    daily_login::register(&mut routes);
    routes.finish()
}

async fn short_addresses(request: Request, next: Next) -> Response {
    if request.uri().path_and_query().is_some_and(|p| p.as_str().len() > URI_MAX) {
        return Refusal::too_long().into_response();
    }
    next.run(request).await
}

fn json_text(text: &str) -> Response {
    let kind = axum::http::HeaderValue::from_static("application/json");
    ([(axum::http::header::CONTENT_TYPE, kind)], text.to_owned()).into_response()
}
