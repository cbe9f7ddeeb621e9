//! The login of the day in the console's interface: a fresh code first, the log before the login, wrong codes counted.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use serde_json::{Value, json};
use vault::{AuditFilter, AuditRow, Outcome, RELEASE_ACT};

use super::house::{House, Visitor};
use crate::totp;

const SECRET: [u8; 20] = [7; 20];

fn asked(code: &str) -> Value {
    json!({ "code": code, "receiver": "the auditor", "reason": "ticket 4711" })
}

fn code(house: &House) -> String {
    totp::code(&SECRET, u64::try_from(crate::Host::now(&*house.host).0 / 1_000_000).unwrap() / 30)
}

/// What the audit log says of logins, newest first.
fn entries(house: &House) -> Vec<AuditRow> {
    let filter = AuditFilter { act: Some(RELEASE_ACT.into()), ..AuditFilter::default() };
    house.vault().audit_page(&filter, None, 50).unwrap().rows
}

/// An administrator who is signed in and has an authenticator.
async fn administrator(house: &House) -> Visitor {
    let visitor = house.signed_in(Role::Administrator).await;
    let mut user = house.vault().user_by_name("administrator").unwrap().unwrap();
    user.totp_secret = Some(SECRET.to_vec());
    house.vault().change_user(&user).unwrap();
    visitor
}

#[tokio::test]
async fn a_fresh_code_shows_it_once_and_the_logs_said_so_before() {
    let house = House::new();
    let mut admin = administrator(&house).await;
    let right = code(&house);
    let shown = admin.post("/daily-login", asked(&right)).await;
    assert_eq!(shown.status, 200, "{}", shown.json());
    assert_eq!(shown.json()["login"], "a0000", "by leaf 0");
    let rows = entries(&house);
    assert_eq!((rows.len(), rows[0].outcome, rows[0].actor_name.as_str()), (1, Outcome::Ok, "administrator"));
    assert!(rows[0].details.contains("the auditor") && rows[0].details.contains("ticket 4711"));
    assert!(rows[0].session.is_some() && !rows[0].details.contains("NVJ9"));
    let again = admin.post("/daily-login", asked(&right)).await;
    assert_eq!(again.status, 422, "a code is taken once");
    house.wait(30);
    let next = admin.post("/daily-login", asked(&code(&house))).await;
    assert_eq!(next.json()["login"], "a0001", "each sight has a leaf of its own");
}

#[tokio::test]
async fn wrong_codes_are_written_down_and_lock_the_account() {
    let house = House::new();
    let mut admin = administrator(&house).await;
    for n in 1..=5 {
        assert_eq!(admin.post("/daily-login", asked("000000")).await.status, 422);
        let rows = entries(&house);
        assert_eq!((rows.len(), rows[0].outcome), (n, Outcome::Refused));
    }
    assert_eq!(admin.post("/daily-login", asked(&code(&house))).await.status, 429, "the right one too late");
    let user = house.vault().user_by_name("administrator").unwrap().unwrap();
    assert!(user.locked_until.is_some(), "the sign-in waits as well");
    assert!(entries(&house).iter().all(|row| row.outcome == Outcome::Refused), "nothing was given out");
}

#[tokio::test]
async fn without_an_authenticator_a_reason_or_a_log_nothing_is_shown() {
    let house = House::new();
    let mut bare = house.signed_in(Role::Administrator).await;
    assert_eq!(bare.post("/daily-login", asked("000000")).await.status, 409);
    let mut user = house.vault().user_by_name("administrator").unwrap().unwrap();
    user.totp_secret = Some(SECRET.to_vec());
    house.vault().change_user(&user).unwrap();
    for (receiver, reason) in [("", "x"), ("x", " "), ("x", "a\u{1b}[2J")] {
        let body = json!({ "code": code(&house), "receiver": receiver, "reason": reason });
        assert_eq!(bare.post("/daily-login", body).await.status, 400, "{receiver:?} {reason:?}");
    }
    assert!(entries(&house).is_empty());
}
