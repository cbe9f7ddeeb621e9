//! Sessions: how they end, who ends them, and what a request must carry to change something.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::house::{House, PASSWORD};

#[tokio::test]
async fn an_idle_session_ends_and_a_used_one_does_not() {
    let house = House::new();
    let mut administrator = house.signed_in(Role::Administrator).await;
    for _ in 0..10 {
        house.wait(14 * 60);
        assert_eq!(administrator.get("/me").await.status, 200, "used every 14 minutes");
    }
    house.wait(16 * 60);
    assert_eq!(administrator.get("/me").await.status, 401, "idle for 16 minutes");
}

#[tokio::test]
async fn after_twelve_hours_every_session_has_ended() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Supervisor).await;
    for _ in 0..23 {
        house.wait(1_800);
        assert_eq!(visitor.get("/me").await.status, 200);
    }
    house.wait(1_800);
    assert_eq!(visitor.get("/me").await.status, 401);
}

#[tokio::test]
async fn sessions_survive_a_restart() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Supervisor).await;
    visitor.app = house.restarted().app;
    assert_eq!(visitor.get("/me").await.status, 200);
}

#[tokio::test]
async fn one_ends_ones_own_other_session() {
    let house = House::new();
    let mut here = house.signed_in(Role::Supervisor).await;
    let mut there = house.visitor();
    there.sign_in("supervisor").await;
    let list = here.get("/me/sessions").await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 2);
    let other = list["sessions"].as_array().unwrap().iter().find(|s| s["current"] == false).unwrap();
    let id = other["id"].as_str().unwrap();
    assert_eq!(here.ask(Method::DELETE, &format!("/me/sessions/{id}"), None).await.status, 204);
    assert_eq!(there.get("/me").await.status, 401, "gone");
    assert_eq!(here.get("/me").await.status, 200, "this one stays");
    assert_eq!(here.ask(Method::DELETE, &format!("/me/sessions/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn anothers_session_is_not_found_among_ones_own() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let mut agent = house.signed_in(Role::Agent).await;
    let id = admin.get("/me/sessions").await.json()["sessions"][0]["id"].as_str().unwrap().to_owned();
    let guessed = agent.ask(Method::DELETE, &format!("/me/sessions/{id}"), None).await;
    let missing = agent.ask(Method::DELETE, "/me/sessions/0123456789abcdef", None).await;
    assert_eq!((guessed.status.as_u16(), guessed.bytes), (404, missing.bytes));
    assert_eq!(admin.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let house = House::new();
    let mut here = house.signed_in(Role::Supervisor).await;
    let mut there = house.visitor();
    there.sign_in("supervisor").await;
    let wrong = json!({ "old": "not it at all", "new": "one two three four" });
    assert_eq!(here.ask(Method::PUT, "/me/password", Some(wrong)).await.status, 401);
    let poor = json!({ "old": PASSWORD, "new": "short" });
    assert_eq!(here.ask(Method::PUT, "/me/password", Some(poor)).await.status, 422);
    let right = json!({ "old": PASSWORD, "new": "one two three four" });
    assert_eq!(here.ask(Method::PUT, "/me/password", Some(right)).await.status, 204);
    assert_eq!(there.get("/me").await.status, 401);
    assert_eq!(here.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_change_without_the_sessions_token_is_refused() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Administrator).await;
    let right = visitor.csrf.clone();
    let mut other = house.signed_in(Role::Supervisor).await;
    other.learn_csrf().await;
    for wrong in [None, Some(String::new()), other.csrf.clone()] {
        visitor.csrf = wrong;
        let reply = visitor.ask(Method::PUT, "/me", Some(json!({ "display": "Eve" }))).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["type"].as_str().unwrap()),
            (403, "about:amethyst/csrf")
        );
    }
    visitor.csrf = right;
    assert_eq!(visitor.ask(Method::PUT, "/me", Some(json!({ "display": "Eve" }))).await.status, 200);
}

#[tokio::test]
async fn another_sites_page_cannot_sign_anybody_in() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let send = |name: &'static str, value: &'static str| {
        let body = json!({ "name": "alice", "password": PASSWORD }).to_string();
        let request = Request::post("/api/v1/sign-in").header("content-type", "application/json");
        request.header("host", "site:8443").header(name, value).body(Body::from(body)).unwrap()
    };
    assert_eq!(house.visitor().send(send("origin", "https://evil")).await.status, 403);
    assert_eq!(house.visitor().send(send("sec-fetch-site", "cross-site")).await.status, 403);
    assert_eq!(house.visitor().send(send("origin", "https://site:8443")).await.status, 200);
}
