//! The console's files, built by `npm run build` in `ui/` and carried inside the program.
//!
//! Without them (no Node.js where the program was built) a plain page says how to build them; everything else works.
//! Files under `assets/` have a digest in their name and may be kept for ever; all other ones are asked for each time.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

use crate::problem::Refusal;

#[derive(RustEmbed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";

const NO_CONSOLE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>AMETHYST</title>\n\
    <h1>AMETHYST is running</h1>\n\
    <p>Recording does not depend on this page. The console was not built into this program. To build it: \
    <code>cd server/web/ui &amp;&amp; npm ci &amp;&amp; npm run build</code>, then build the program again.</p>\n\
    <p>The interface for programs is described at <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>.</p>\n";

/// Answers whatever no route took: a file of the console, or its first page, which finds its own way.
pub(crate) async fn serve(request: Request) -> Response {
    let uri = request.uri();
    if uri.path().starts_with("/api/") || uri.path() == "/api" {
        return Refusal::not_found().into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = Refusal::wrong_method().into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    let tag = request.headers().get(header::IF_NONE_MATCH).cloned();
    file(uri, tag.as_ref())
}

fn file(uri: &Uri, known: Option<&HeaderValue>) -> Response {
    let path = uri.path().trim_start_matches('/');
    let asset = path.starts_with("assets/");
    let (name, found) = match Dist::get(path) {
        Some(found) if !path.is_empty() => (path, Some(found)),
        _ if asset => return Refusal::not_found().into_response(),
        _ => (INDEX, Dist::get(INDEX)),
    };
    let Some(found) = found else { return page(NO_CONSOLE) };
    let tag = format!("\"{}\"", crate::token::hex(&found.metadata.sha256_hash()[..16]));
    let mut response = if known.is_some_and(|k| k.as_bytes() == tag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(found.data.into_owned()).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching(asset)));
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (header::ETAG, tag)));
    response
}

fn page(html: &'static str) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], html).into_response()
}

const fn caching(asset: bool) -> &'static str {
    if asset { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "ftl" | "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
