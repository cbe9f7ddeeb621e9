//! Each role at each route, from the router's own table; and what is hidden against what is not there.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use axum::http::Method;
use serde_json::json;

use super::house::House;
use crate::act::{Act, may};
use crate::routes::{Door, Route};

const ROLES: [Role; 4] = [Role::Administrator, Role::Supervisor, Role::Auditor, Role::Agent];
const NOBODY: &str = "018bcfe5-687b-7fff-bfff-ffffffffffff";

/// A path whose parameters name nothing that exists.
fn path(route: &Route) -> String {
    route.path.replace("{id}", NOBODY).replace("{session}", "0").replace("{tag}", "x").replace("{note}", "1")
}

#[tokio::test]
async fn every_role_passes_the_doors_of_its_acts_and_no_other() {
    for role in ROLES {
        let house = House::new();
        let visitor = house.signed_in(role).await;
        let mut asked = 0;
        for route in house.table.iter() {
            let Door::Act(act) = route.spec.door else { continue };
            let mut visitor = visitor.clone();
            let body = (route.spec.body.is_some()).then(|| json!({}));
            let reply = visitor.ask(route.method.clone(), &path(route), body).await;
            let told = format!("{role:?} {} {}: {}", route.method, route.path, reply.status);
            assert_eq!(reply.status == 403, !may(role, act), "{told}");
            assert_ne!(reply.status, 401, "{told}");
            asked += 1;
            house.wait(30);
        }
        assert!(asked > 20, "only {asked} routes in the table");
    }
}

#[tokio::test]
async fn a_stranger_passes_no_door_that_asks_for_an_act() {
    let house = House::new();
    for route in house.table.iter().filter(|route| route.spec.door != Door::Open) {
        let reply = house.visitor().ask(route.method.clone(), &path(route), None).await;
        assert_eq!(reply.status, 401, "{} {}", route.method, route.path);
        assert_eq!(reply.json()["type"], "about:amethyst/sign-in-first");
    }
}

#[tokio::test]
async fn a_half_session_opens_nothing_but_the_next_step() {
    let house = House::new();
    house.user("alice", Role::Administrator, &api::Scope::default());
    house.change_settings(|settings| settings.web.totp = api::TotpRule::Required);
    let mut half = house.visitor();
    let reply = half.post("/sign-in", json!({ "name": "alice", "password": super::house::PASSWORD })).await;
    assert_eq!(reply.json()["next"], "enrol_totp");
    for route in house.table.iter() {
        if let Door::Act(_) = route.spec.door {
            let reply = half.ask(route.method.clone(), &path(route), None).await;
            assert_eq!(reply.status, 401, "{} {}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn a_refusal_of_the_role_stands_in_the_audit_log() {
    let house = House::new();
    let mut agent = house.signed_in(Role::Agent).await;
    assert_eq!(agent.get("/audit").await.status, 403);
    assert_eq!(house.audited(), ["sign-in ok", "refused refused"]);
}

#[tokio::test]
async fn what_is_no_identity_answers_as_what_does_not_exist() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Administrator).await;
    let missing = visitor.get("/users/999999").await;
    assert_eq!(missing.status, 404);
    for odd in ["x", "-1", "99999999999999999999999", "%00", "..%2f"] {
        let reply = visitor.get(&format!("/users/{odd}")).await;
        assert_eq!((reply.status, reply.bytes), (missing.status, missing.bytes.clone()), "{odd}");
    }
}

#[test]
fn every_act_has_a_route_and_every_route_is_described_once() {
    let house = House::new();
    let table = &*house.table;
    let description = crate::openapi::describe(table, "0");
    let mut seen = std::collections::BTreeSet::new();
    for route in table {
        assert!(seen.insert((route.method.to_string(), route.path)), "{} {} twice", route.method, route.path);
        let path = &description["paths"][format!("{}{}", api::PREFIX, route.path)];
        let operation = &path[route.method.as_str().to_lowercase()];
        assert!(operation["summary"].is_string(), "{} {} is not described", route.method, route.path);
        for status in route.problems() {
            assert!(operation["responses"][status.to_string()].is_object(), "{} {status}", route.path);
        }
    }
    for act in [
        Act::Own,
        Act::Audit,
        Act::Users,
        Act::Sessions,
        Act::Settings,
        Act::Archive,
        Act::Keep,
        Act::Satellites,
        Act::DailyLogin,
        Act::TestCall,
    ] {
        assert!(table.iter().any(|r| r.spec.door == Door::Act(act)), "{act:?} opens nothing");
    }
    assert!(table.iter().all(|r| r.method != Method::OPTIONS), "no route answers preflights");
}
