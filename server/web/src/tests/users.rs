//! Accounts, settings and the audit log as an administrator uses them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::Ordering;

use api::Role;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::house::{House, Visitor};

async fn put_settings(visitor: &mut Visitor, version: Option<&str>, settings: &Value) -> super::Reply {
    let mut request = Request::put("/api/v1/settings").header("content-type", "application/json");
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    visitor.send(request.body(Body::from(settings.to_string())).unwrap()).await
}

#[tokio::test]
async fn an_account_is_made_used_shut_and_opened() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let wish = json!({ "name": "Bob", "role": "agent", "scope": { "extensions": ["200"] } });
    let made = admin.post("/users", wish.clone()).await;
    assert_eq!(made.status, 201);
    let (id, made) = (made.json()["id"].as_str().unwrap().to_owned(), made.json());
    assert_eq!((&made["name"], &made["has_password"]), (&json!("bob"), &json!(false)));
    assert_eq!(admin.post("/users", wish).await.status, 409, "the name is taken");
    let link = admin.post(&format!("/users/{id}/link"), json!({})).await.json();
    let token = link["link"].as_str().unwrap().strip_prefix("/link#").unwrap().to_owned();
    let mut bob = house.visitor();
    bob.post("/sign-in/link", json!({ "token": token })).await;
    let reply = bob.post("/sign-in/password", json!({ "password": "six seven eight" })).await;
    assert_eq!(reply.json()["next"], "done");
    assert_eq!(bob.get("/me").await.json()["scope"]["extensions"], json!(["200"]));
    assert_eq!(
        admin.get(&format!("/users/{id}/sessions")).await.json()["sessions"].as_array().unwrap().len(),
        1
    );
    assert_eq!(admin.ask(Method::DELETE, &format!("/users/{id}"), None).await.status, 204);
    assert_eq!(bob.get("/me").await.status, 401, "at once");
    let opened = admin.ask(Method::PATCH, &format!("/users/{id}"), Some(json!({ "disabled": false }))).await;
    assert_eq!((opened.status.as_u16(), &opened.json()["has_password"]), (200, &json!(true)));
}

#[tokio::test]
async fn odd_accounts_are_refused_with_a_reason() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    for (odd, status) in [
        (json!({ "name": "a b", "role": "agent", "scope": { "extensions": ["1"] } }), 422),
        (json!({ "name": "bob", "role": "agent" }), 422),
        (json!({ "name": "bob", "role": "king" }), 400),
        (json!({ "name": "bob", "role": "agent", "scope": { "groups": ["gone"] } }), 422),
        (json!({ "name": "bob", "role": "auditor", "scope": { "extensions": ["9-1"] } }), 422),
        (json!({ "name": "bob", "role": "auditor", "colour": "red" }), 400),
        (json!([]), 400),
    ] {
        let reply = admin.post("/users", odd.clone()).await;
        assert_eq!(reply.status, status, "{odd}: {}", reply.json());
        assert!(reply.json()["what_to_do"].is_string(), "a problem says what to do");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let me = admin.get("/me").await.json()["user"]["id"].as_str().unwrap().to_owned();
    let myself = format!("/users/{me}");
    assert_eq!(admin.ask(Method::DELETE, &myself, None).await.status, 409);
    assert_eq!(admin.ask(Method::PATCH, &myself, Some(json!({ "role": "auditor" }))).await.status, 409);
    assert_eq!(admin.ask(Method::PATCH, &myself, Some(json!({ "display": "Root" }))).await.status, 200);
}

#[tokio::test]
async fn a_changed_role_ends_the_sessions_and_a_changed_scope_holds_at_once() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let mut bob = house.signed_in(Role::Supervisor).await;
    let id = bob.get("/me").await.json()["user"]["id"].as_str().unwrap().to_owned();
    let path = format!("/users/{id}");
    let narrower = json!({ "scope": { "extensions": ["200"] } });
    assert_eq!(admin.ask(Method::PATCH, &path, Some(narrower)).await.status, 200);
    assert_eq!(bob.get("/me").await.json()["scope"]["extensions"], json!(["200"]));
    assert_eq!(admin.ask(Method::PATCH, &path, Some(json!({ "role": "auditor" }))).await.status, 200);
    assert_eq!(bob.get("/me").await.status, 401);
}

#[tokio::test]
async fn settings_are_changed_by_who_saw_the_latest() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let reply = admin.get("/settings").await;
    let (tag, mut settings) =
        (reply.headers["etag"].to_str().unwrap().to_owned(), reply.json()["settings"].clone());
    settings["site"]["name"] = json!("City hall");
    assert_eq!(put_settings(&mut admin, None, &settings).await.status, 428);
    assert_eq!(put_settings(&mut admin, Some("\"0\""), &settings).await.status, 412);
    assert_eq!(put_settings(&mut admin, Some(&tag), &settings).await.json()["version"], "2");
    assert_eq!(put_settings(&mut admin, Some(&tag), &settings).await.status, 412, "the version has moved on");
    assert_eq!(admin.get("/me").await.json()["site"]["name"], "City hall");
    settings["web"]["idle_minutes"]["agent"] = json!(0);
    assert_eq!(put_settings(&mut admin, Some("2"), &settings).await.status, 422);
    settings["web"]["idle_minutes"]["agent"] = json!(60);
    settings["recording"]["preroll_seconds"] = json!(11);
    assert_eq!(
        put_settings(&mut admin, Some("2"), &settings).await.json()["detail"],
        "preroll_seconds is over 10"
    );
    settings["surprise"] = json!(1);
    assert_eq!(put_settings(&mut admin, Some("2"), &settings).await.status, 400);
    let written = house.audited();
    assert_eq!(written[1..4], ["settings-change ok", "settings-change failed", "settings-change ok"]);
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages_and_checked() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    for _ in 0..3 {
        assert_eq!(admin.post("/test-call", json!({})).await.json(), json!({ "recording_id": null }));
    }
    let page = admin.get("/audit?limit=2&act=test-call").await.json();
    assert_eq!(page["entries"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&page["entries"][0]["actor_name"], &page["entries"][0]["outcome"]),
        (&json!("administrator"), &json!("ok"))
    );
    let check = admin.get("/audit/check").await.json();
    assert_eq!((&check["ok"], &check["checked"]), (&json!(true), &json!(4)));
    for odd in ["limit=0", "limit=201", "limit=x", "since=never", "after=x", "colour=red"] {
        assert_eq!(admin.get(&format!("/audit?{odd}")).await.status, 400, "{odd}");
    }
}

#[tokio::test]
async fn machines_ask_for_health_and_counters() {
    let house = House::new();
    let mut visitor = house.visitor();
    let mut get = async |path: &str| visitor.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(get("/healthz").await.json(), json!({ "live": true, "ready": true, "reasons": [] }));
    assert_eq!(get("/readyz").await.status, 200);
    assert_eq!(get("/metrics").await.bytes, b"amethyst_up 1\n");
    house.host.well.store(false, Ordering::Relaxed);
    assert_eq!(get("/healthz").await.status, 200);
    assert_eq!(get("/readyz").await.status, 503);
    let mut elsewhere = house.visitor();
    elsewhere.address = [10, 0, 0, 9];
    let reply = elsewhere.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 404, "from another machine without a token");
}
