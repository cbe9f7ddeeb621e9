//! Signing in: what opens the door, what does not, and what the audit log says of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use axum::http::Method;
use serde_json::json;

use super::house::{House, PASSWORD, Visitor};
use crate::totp;

async fn password(visitor: &mut Visitor, name: &str, password: &str) -> super::Reply {
    visitor.post("/sign-in", json!({ "name": name, "password": password })).await
}

/// Decodes base 32, as an authenticator does.
fn unbase32(text: &str) -> Vec<u8> {
    let value = |c: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
    let bits: String = text.chars().map(|c| format!("{:05b}", value(c))).collect();
    bits.as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap())
        .collect()
}

fn code(house: &House, secret: &[u8]) -> String {
    totp::code(secret, u64::try_from(crate::Host::now(&*house.host).0 / 1_000_000).unwrap() / 30)
}

#[tokio::test]
async fn name_and_password_open_the_door() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let mut visitor = house.visitor();
    let reply = password(&mut visitor, " ALICE ", PASSWORD).await;
    assert_eq!(reply.json(), json!({ "next": "done" }));
    let cookie = reply.headers["set-cookie"].to_str().unwrap();
    for part in ["__Host-amethyst=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    let me = visitor.get("/me").await.json();
    assert_eq!((&me["user"]["name"], &me["user"]["role"]), (&json!("alice"), &json!("supervisor")));
    assert_eq!(me["permissions"], json!(["search", "play", "export", "label", "hold", "live", "ledger"]));
    assert_eq!((&me["idle_seconds"], &me["site"]["zone"]), (&json!(3600), &json!("Africa/Johannesburg")));
    assert_eq!(house.audited(), ["sign-in ok"]);
}

#[tokio::test]
async fn an_unknown_name_a_wrong_password_and_a_shut_account_answer_alike() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let shut = house.user("bob", Role::Supervisor, &api::Scope::default());
    let mut user = house.vault().user(shut).unwrap().unwrap();
    user.disabled = true;
    house.vault().change_user(&user).unwrap();
    let mut replies = Vec::new();
    for (name, word) in [("alice", "wrong wrong wrong"), ("nobody", PASSWORD), ("bob", PASSWORD), ("", "")] {
        let reply = password(&mut house.visitor(), name, word).await;
        assert!(!reply.headers.contains_key("set-cookie"), "{name} got a cookie");
        replies.push((reply.status.as_u16(), reply.bytes));
    }
    assert_eq!(replies[0].0, 401);
    assert!(replies.iter().all(|reply| *reply == replies[0]), "the answers differ");
    assert_eq!(house.audited(), ["sign-in-refused refused"; 4]);
}

#[tokio::test]
async fn five_wrong_passwords_lock_an_account_and_a_name_that_nobody_has() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    for name in ["alice", "nobody"] {
        for attempt in 0..5 {
            assert_eq!(password(&mut house.visitor(), name, "wrong").await.status, 401, "{name} {attempt}");
        }
        let reply = password(&mut house.visitor(), name, PASSWORD).await;
        assert_eq!(reply.status, 429, "{name}: also the right one has to wait");
        assert_eq!(reply.headers["retry-after"], "31");
    }
    house.wait(31);
    assert_eq!(password(&mut house.visitor(), "alice", PASSWORD).await.status, 200, "after the wait");
    assert_eq!(password(&mut house.visitor(), "alice", "wrong").await.status, 401, "and forgiven");
}

#[tokio::test]
async fn a_locked_account_stays_locked_after_a_restart() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    for _ in 0..5 {
        password(&mut house.visitor(), "alice", "wrong").await;
    }
    assert_eq!(password(&mut house.restarted().visitor(), "alice", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_flood_from_one_address_is_slowed_down_and_others_are_not() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let mut flood = house.visitor();
    flood.address = [10, 0, 0, 9];
    let mut statuses = Vec::new();
    for n in 0..30 {
        statuses.push(password(&mut flood, &format!("name{n}"), "wrong").await.status.as_u16());
    }
    assert_eq!(statuses[..20], [401; 20]);
    assert_eq!(statuses[20..], [429; 10]);
    assert_eq!(password(&mut house.visitor(), "alice", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn who_comes_through_a_trusted_proxy_has_an_address_of_their_own() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let behind = |said: &'static str| {
        let mut visitor = house.visitor();
        (visitor.address, visitor.forwarded_for) = ([10, 0, 0, 5], Some(said));
        visitor
    };
    *house.host.proxies.lock().unwrap() =
        crate::Proxies { trusted: vec!["10.0.0.5".parse().unwrap()], ..crate::Proxies::default() };
    // Whatever they say of themselves: what the proxy wrote counts.
    for n in 0..20_u8 {
        let said = if n % 2 == 0 { "192.0.2.7" } else { "198.51.100.1, 192.0.2.7" };
        assert_eq!(password(&mut behind(said), &format!("name{n}"), "wrong").await.status, 401);
    }
    assert_eq!(password(&mut behind("192.0.2.8, 192.0.2.7"), "alice", PASSWORD).await.status, 429);
    let mut alice = behind("192.0.2.8");
    assert_eq!(password(&mut alice, "alice", PASSWORD).await.status, 200, "another behind the same proxy");
    let sessions = alice.get("/me/sessions").await.json();
    assert!(sessions.to_string().contains("192.0.2.8"), "{sessions}");
    // The same header from anybody else is only text.
    let mut stranger = behind("192.0.2.9");
    stranger.address = [10, 0, 0, 6];
    for _ in 0..20 {
        assert_eq!(password(&mut stranger, "nobody", "wrong").await.status.as_u16() / 100, 4);
    }
    stranger.forwarded_for = Some("192.0.2.10");
    assert_eq!(password(&mut stranger, "alice", PASSWORD).await.status, 429, "its own address waits");
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_a_code_works_once() {
    let house = House::new();
    house.change_settings(|settings| settings.web.totp = api::TotpRule::Required);
    house.user("root", Role::Administrator, &api::Scope::default());
    let mut visitor = house.visitor();
    assert_eq!(password(&mut visitor, "root", PASSWORD).await.json()["next"], "enrol_totp");
    let first_cookie = visitor.cookie.clone();
    let enrolment = visitor.post("/sign-in/enrol-totp", json!({})).await.json();
    assert!(enrolment["qr_svg"].as_str().unwrap().contains("<svg"), "a picture");
    let secret = unbase32(enrolment["secret"].as_str().unwrap());
    assert_eq!(visitor.post("/sign-in/enrol-totp/confirm", json!({ "code": "000000" })).await.status, 401);
    let used = code(&house, &secret);
    let reply = visitor.post("/sign-in/enrol-totp/confirm", json!({ "code": used })).await;
    assert_eq!(reply.json()["next"], "done");
    assert_ne!(visitor.cookie, first_cookie, "the session got a new cookie");

    let mut again = house.visitor();
    assert_eq!(password(&mut again, "root", PASSWORD).await.json()["next"], "totp");
    assert_eq!(again.get("/me").await.status, 401, "half a sign-in opens nothing");
    assert_eq!(again.post("/sign-in/totp", json!({ "code": used })).await.status, 401, "the code was used");
    house.wait(30);
    let fresh = code(&house, &secret);
    assert_eq!(again.post("/sign-in/totp", json!({ "code": fresh })).await.json()["next"], "done");
    assert_eq!(again.get("/me").await.json()["totp"], true);

    let mut thief = house.visitor();
    password(&mut thief, "root", PASSWORD).await;
    assert_eq!(
        thief.post("/sign-in/totp", json!({ "code": fresh })).await.status,
        401,
        "replayed by another"
    );
    assert_eq!(
        thief.post("/sign-in/enrol-totp", json!({})).await.status,
        409,
        "nobody enrols over an authenticator"
    );
}

#[tokio::test]
async fn guessed_codes_lock_the_account() {
    let house = House::new();
    let id = house.user("alice", Role::Supervisor, &api::Scope::default());
    let mut user = house.vault().user(id).unwrap().unwrap();
    user.totp_secret = Some(vec![7; 20]);
    house.vault().change_user(&user).unwrap();
    let mut visitor = house.visitor();
    assert_eq!(password(&mut visitor, "alice", PASSWORD).await.json()["next"], "totp");
    for _ in 0..5 {
        assert_eq!(visitor.post("/sign-in/totp", json!({ "code": "000000" })).await.status, 401);
    }
    let right = code(&house, &[7; 20]);
    assert_eq!(visitor.post("/sign-in/totp", json!({ "code": right })).await.status, 429);
}

#[tokio::test]
async fn a_one_time_link_works_once_and_forces_a_password() {
    let house = House::new();
    let now = crate::Host::now(&*house.host);
    let link = crate::one_time_link(house.vault(), "Admin", now, [9; 32]).unwrap().unwrap();
    assert!(
        crate::one_time_link(house.vault(), "other", now, [8; 32]).unwrap().is_none(),
        "only the first start makes users"
    );
    let token = link.path.strip_prefix("/link#").unwrap();
    let mut visitor = house.visitor();
    let reply = visitor.post("/sign-in/link", json!({ "token": token })).await;
    assert_eq!(reply.json(), json!({ "next": "set_password", "name": "admin" }));
    assert_eq!(
        house.visitor().post("/sign-in/link", json!({ "token": token })).await.status,
        401,
        "a second time"
    );
    assert_eq!(visitor.get("/me").await.status, 401);
    for poor in ["short", "aaaaaaaaaaaaaaaaaaaa", "admin-admin1"] {
        assert_eq!(
            visitor.post("/sign-in/password", json!({ "password": poor })).await.status,
            422,
            "{poor}"
        );
    }
    let reply = visitor.post("/sign-in/password", json!({ "password": "eight nine ten" })).await;
    assert_eq!(reply.json()["next"], "done", "the second factor is optional in this house");
    visitor.learn_csrf().await;
    assert_eq!(visitor.get("/users").await.json()["users"][0]["name"], "admin");
    assert_eq!(
        visitor.post("/sign-in/password", json!({ "password": "another one here" })).await.status,
        409
    );
    assert_eq!(password(&mut house.visitor(), "admin", "eight nine ten").await.status, 200);
    assert_eq!(
        house.audited()[..4],
        ["sign-in-link ok", "sign-in-refused refused", "user-password ok", "sign-in ok"]
    );
}

#[tokio::test]
async fn a_link_that_is_a_day_old_or_invented_opens_nothing() {
    let house = House::new();
    let now = crate::Host::now(&*house.host);
    let link = crate::one_time_link(house.vault(), "admin", now, [9; 32]).unwrap().unwrap();
    house.wait(24 * 3_600);
    let token = link.path.strip_prefix("/link#").unwrap().to_owned();
    for odd in [token.as_str(), "", "x", &"A".repeat(43)] {
        let reply = house.visitor().post("/sign-in/link", json!({ "token": odd })).await;
        assert_eq!(reply.status, 401, "{odd}");
    }
}

#[tokio::test]
async fn without_an_audit_entry_nobody_gets_in() {
    let house = House::new();
    house.user("alice", Role::Supervisor, &api::Scope::default());
    let Some(_intruder) = house.break_the_audit_log() else { return };
    let mut visitor = house.visitor();
    let reply = password(&mut visitor, "alice", PASSWORD).await;
    assert_eq!(reply.status, 503);
    assert_eq!(visitor.cookie, None, "no cookie left the house");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_browser() {
    let house = House::new();
    let mut visitor = house.signed_in(Role::Auditor).await;
    let cookie = visitor.cookie.clone();
    let reply = visitor.ask(Method::POST, "/sign-out", None).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.headers["clear-site-data"], "\"cache\", \"storage\"");
    assert!(reply.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"), "the cookie goes");
    visitor.cookie = cookie;
    assert_eq!(visitor.get("/me").await.status, 401, "the old cookie opens nothing");
}
