//! Headers on every answer, whichever route gave it: what a browser must not do with our pages.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// What the console may load, and from where: from here only.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    font-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Name and value of each.
pub(crate) const ALWAYS: [(&str, &str); 10] = [
    ("content-security-policy", CSP),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    ),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-dns-prefetch-control", "off"),
];

/// The pages before the console are isolated more strictly than the console itself (HTML, 7.1.4, embedder policy), so a browser never
/// keeps both in one process: who signs out leaves what was heard behind in a process that ends, and with it its memory. The browser's
/// walk looks for it there.
const EMBEDDER: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");

/// Puts the headers on an answer, and `Cache-Control: no-store` unless the route said otherwise.
pub(crate) async fn always(request: Request, next: Next) -> Response {
    let is_outside = matches!(request.uri().path(), "/sign-in" | "/link");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if is_outside {
        headers.insert(EMBEDDER, HeaderValue::from_static("require-corp"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
