//! Manners of every answer: headers, problems, limits of what is taken in.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::house::House;
use crate::headers::ALWAYS;

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let house = House::new();
    let paths = house.table.iter().map(|route| (route.method.clone(), format!("/api/v1{}", route.path)));
    let more = [
        "/",
        "/link",
        "/no/such/page",
        "/assets/none.js",
        "/api/v1/none",
        "/api/v1/openapi.json",
        "/healthz",
        "/metrics",
    ];
    let more = more.into_iter().map(|path| (Method::GET, path.to_owned()));
    for (method, path) in
        paths.chain(more).chain([(Method::DELETE, "/".to_owned()), (Method::TRACE, "/api/v1/me".to_owned())])
    {
        let path = path.replace(['{', '}'], "x");
        let request = Request::builder().method(method.clone()).uri(&path).body(Body::empty()).unwrap();
        let reply = house.visitor().send(request).await;
        for (name, value) in ALWAYS {
            assert_eq!(
                reply.headers.get(name).and_then(|v| v.to_str().ok()),
                Some(value),
                "{method} {path}: {name}"
            );
        }
        let isolated = reply.headers.get("cross-origin-embedder-policy").is_some_and(|v| v == "require-corp");
        assert_eq!(isolated, path == "/link", "{method} {path}: apart from the console");
        assert!(reply.headers.contains_key("cache-control"), "{method} {path}");
        if path.starts_with("/api/") {
            assert_eq!(reply.headers["cache-control"], "no-store", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_search_string_of_a_megabyte_is_refused_before_anything_is_done() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Administrator).await;
    let reply = visitor.get(&format!("/audit?actor={}", "x".repeat(9_000))).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["type"].as_str().unwrap()),
        (414, "about:amethyst/too-long")
    );
}

#[tokio::test]
async fn bodies_are_json_and_of_bounded_size() {
    let house = House::new();
    let send = |kind: &'static str, body: String| {
        Request::post("/api/v1/sign-in").header("content-type", kind).body(Body::from(body)).unwrap()
    };
    let status = async |request| house.visitor().send(request).await.status.as_u16();
    assert_eq!(status(send("text/plain", "{}".into())).await, 415);
    assert_eq!(status(send("application/x-www-form-urlencoded", "name=a".into())).await, 415);
    assert_eq!(status(send("application/json", "{".into())).await, 400);
    // Name and password in the right order are no object, though they could be taken for one.
    assert_eq!(status(send("application/json", "[\"alice\", \"four words or five\"]".into())).await, 400);
    assert_eq!(status(send("application/json", format!("\"{}\"", "x".repeat(300_000)))).await, 413);
    assert_eq!(status(send("application/json; charset=utf-8", "{}".into())).await, 400);
}

#[tokio::test]
async fn a_wrong_method_says_which_ones_fit() {
    let house = House::new();
    let request = Request::delete("/api/v1/me").body(Body::empty()).unwrap();
    let reply = house.visitor().send(request).await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.json()["type"], "about:amethyst/wrong-method");
    let allow = reply.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("PUT"), "{allow}");
}

#[tokio::test]
async fn what_the_api_does_not_have_is_a_problem_and_no_page() {
    let house = House::new();
    let reply = house.visitor().send(get("/api/v1/nothing")).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn the_console_or_a_page_about_it_is_there() {
    let house = House::new();
    for path in ["/", "/recordings/x", "/link"] {
        let reply = house.visitor().send(get(path)).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.headers["content-type"], "text/html; charset=utf-8");
    }
    assert_eq!(house.visitor().send(get("/assets/none.js")).await.status, 404);
}

#[tokio::test]
async fn the_description_is_open_to_all() {
    let house = House::new();
    let description = house.visitor().send(get("/api/v1/openapi.json")).await.json();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(
        description["paths"]["/api/v1/sign-in"]["post"]["responses"]["401"].is_object(),
        "its refusals too"
    );
    assert!(description["components"]["schemas"]["Problem"].is_object(), "and their shape");
}

#[tokio::test]
async fn a_session_that_asks_too_often_is_slowed_down() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Auditor).await;
    let mut refused = None;
    for n in 0..400 {
        if visitor.get("/me").await.status == 429 {
            refused = Some(n);
            break;
        }
    }
    assert_eq!(refused, Some(199), "200 at once, one of them to learn the token");
    house.wait(1);
    assert_eq!(visitor.ask(Method::PUT, "/me", Some(json!({ "locale": "af" }))).await.status, 200);
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let house = House::new();
    let description = house.visitor().send(get("/api/v1/openapi.json")).await.json();
    let (mut todo, mut checked) = (vec![&description], 0);
    while let Some(value) = todo.pop() {
        if let Some(reference) = value.get("$ref").and_then(|r| r.as_str()) {
            let place = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(place).is_some(), "{reference} leads nowhere");
            checked += 1;
        }
        todo.extend(value.as_object().into_iter().flat_map(|members| members.values()));
        todo.extend(value.as_array().into_iter().flatten());
    }
    assert!(checked > 100, "only {checked} references");
    let operations = description["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<&str> =
        operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "names of operations are unique");
}
