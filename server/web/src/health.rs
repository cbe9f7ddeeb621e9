//! What machines ask: is it alive, is it ready, what does it count. No sign-in; nothing about callers.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use subtle::ConstantTimeEq as _;

use crate::doors::Doors;
use crate::guard::Peer;
use crate::problem::Refusal;
use crate::{Health, HostError};

/// `GET /healthz`: 200 while the program is alive.
pub(crate) async fn live(State(doors): State<Doors>) -> Response {
    told(&doors, |health| health.live).await
}

/// `GET /readyz`: 200 while it records and can be asked.
pub(crate) async fn ready(State(doors): State<Doors>) -> Response {
    told(&doors, |health| health.live && health.ready).await
}

async fn told(doors: &Doors, well: impl Fn(&Health) -> bool) -> Response {
    match doors.blocking(|host| Ok::<_, HostError>(host.health())).await {
        Ok(health) => {
            let status = if well(&health) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            let body =
                serde_json::json!({ "live": health.live, "ready": health.ready, "reasons": health.reasons });
            (status, Json(body)).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `GET /metrics`: Prometheus text, with the token of the configuration, or from this machine when there is none.
pub(crate) async fn metrics(State(doors): State<Doors>, request: Request) -> Response {
    if !may_read(&request, doors.host().metrics_token().as_deref()) {
        return Refusal::not_found().into_response();
    }
    match doors.blocking(|host| Ok::<_, HostError>(host.metrics())).await {
        Ok(text) => {
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn may_read(request: &Request, token: Option<&str>) -> bool {
    match token {
        Some(token) => {
            let given = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
            let given = given.and_then(|v| v.strip_prefix("Bearer ")).unwrap_or_default();
            !token.is_empty() && bool::from(given.as_bytes().ct_eq(token.as_bytes()))
        }
        None => {
            request.extensions().get::<Peer>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
        }
    }
}
