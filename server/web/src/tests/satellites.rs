//! Satellites as an administrator governs them: codes, names, settings, revoking; each act in the audit log before it is done.
#![allow(clippy::unwrap_used, reason = "tests")]

use api::Role;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use shared::{RecorderId, UtcMicros};
use vault::{By, InvitationRow, SatelliteRow};

use super::house::{House, T0, Visitor};

/// Enters a satellite; returns its identity as text.
fn enrolled(house: &House, n: u8, name: &str) -> String {
    let made = By { user: None, name: "test".into(), at: T0 };
    let invitation_id = [n + 100; 16];
    let row = InvitationRow {
        invitation_id,
        secret: vec![n; 32],
        name: name.into(),
        made,
        expires_at: T0.plus(900_000_000),
        tries: 0,
    };
    house.vault().invite(&row).unwrap();
    let id = RecorderId([n; 16]);
    let row = SatelliteRow {
        recorder_id: id,
        name: String::new(),
        letter: '?',
        signing_key: [n; 32],
        certificate: [n; 32],
        certificate_until: UtcMicros(T0.0 + 1),
        enrolled_at: T0,
        revoked: None,
        last_seen_at: None,
        status: "{}".into(),
        config_version: 0,
    };
    house.vault().take_invitation(invitation_id, &row, T0).unwrap().unwrap();
    id.to_string()
}

async fn put(visitor: &mut Visitor, id: &str, version: Option<&str>, text: &str) -> super::Reply {
    let mut request =
        Request::put(format!("/api/v1/satellites/{id}/settings")).header("content-type", "application/json");
    if let Some(version) = version {
        request = request.header("if-match", version);
    }
    visitor.send(request.body(Body::from(json!({ "text": text }).to_string())).unwrap()).await
}

#[tokio::test]
async fn a_code_is_made_once_for_a_name_and_closed() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let made = admin.post("/satellites/invitations", json!({ "name": " South " })).await;
    assert_eq!((made.status.as_u16(), made.json()["code"].as_str()), (201, Some("7KPM-3XQ9")));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let again = admin.post("/satellites/invitations", json!({ "name": "South" })).await;
    assert_eq!(again.status, 409, "two open codes of one name");
    let listed = admin.get("/satellites").await;
    assert_eq!(listed.json()["invitations"][0]["name"], "South");
    assert!(!String::from_utf8_lossy(&listed.bytes).contains("7KPM"), "the code is shown once");
    let close = format!("/satellites/invitations/{id}");
    assert_eq!(admin.ask(Method::DELETE, &close, None).await.status, 204);
    assert_eq!(admin.ask(Method::DELETE, &close, None).await.status, 404);
    for n in 0..8 {
        let name = format!("branch {n}");
        assert_eq!(admin.post("/satellites/invitations", json!({ "name": name })).await.status, 201);
    }
    let many = admin.post("/satellites/invitations", json!({ "name": "one more" })).await;
    assert_eq!(many.status, 409, "each open code is one more that a guess may hit");
    for odd in [json!({ "name": " " }), json!({ "name": "x".repeat(61) }), json!({ "name": "a\u{7}b" })] {
        assert_eq!(admin.post("/satellites/invitations", odd).await.status, 400);
    }
    assert_eq!(house.audited()[1..3], ["satellite-invited ok", "satellite-invitation-closed ok"]);
}

#[tokio::test]
async fn revoking_asks_for_the_name_and_a_reason() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let id = enrolled(&house, 7, "South");
    let path = format!("/satellites/{id}/revoke");
    let wrong = admin.post(&path, json!({ "name": "North", "reason": "stolen" })).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(admin.post(&path, json!({ "name": "South", "reason": " " })).await.status, 400);
    assert!(house.vault().satellite(RecorderId([7; 16])).unwrap().unwrap().revoked.is_none());
    assert_eq!(admin.post(&path, json!({ "name": "South", "reason": "stolen" })).await.status, 204);
    let row = house.vault().satellite(RecorderId([7; 16])).unwrap().unwrap();
    assert_eq!(row.revoked.unwrap().name, "administrator");
    assert_eq!(admin.post(&path, json!({ "name": "South", "reason": "stolen" })).await.status, 409);
    assert_eq!(
        put(&mut admin, &id, Some("1"), "format = 1\n").await.status,
        409,
        "it follows nothing any more"
    );
    let entry = admin.get("/audit?act=satellite-revoked").await.json();
    assert_eq!(entry["entries"][1]["details"]["reason"], "stolen", "{entry}");
}

#[tokio::test]
async fn settings_are_changed_from_the_version_that_was_read() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let id = enrolled(&house, 7, "South");
    let shown = admin.get(&format!("/satellites/{id}/settings")).await;
    assert_eq!(shown.json(), json!({ "version": "1", "text": "format = 1\n" }));
    assert_eq!(shown.headers["etag"], "\"1\"");
    assert_eq!(put(&mut admin, &id, None, "x").await.status, 428);
    let faulty = put(&mut admin, &id, Some("\"1\""), "oops").await;
    assert_eq!((faulty.status.as_u16(), faulty.json()["detail"].as_str()), (422, Some("Line 2: oops")));
    assert_eq!(put(&mut admin, &id, Some("1"), &"#".repeat((64 << 10) + 1)).await.status, 422);
    assert_eq!(put(&mut admin, &id, Some("1"), "format = 1\n#\n").await.json()["version"], "2");
    assert_eq!(put(&mut admin, &id, Some("1"), "format = 1\n").await.status, 412, "somebody was faster");
    let acts = house.audited();
    assert_eq!(acts[1..4], ["satellite-settings ok", "satellite-settings failed", "satellite-settings ok"]);
}

#[tokio::test]
async fn a_satellite_is_renamed_unless_another_has_the_name() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let south = format!("/satellites/{}", enrolled(&house, 7, "South"));
    enrolled(&house, 8, "North");
    let rename = |name: &str| Some(json!({ "name": name }));
    assert_eq!(admin.ask(Method::PATCH, &south, rename("North")).await.status, 409);
    assert_eq!(admin.ask(Method::PATCH, &south, rename("South branch")).await.status, 204);
    assert_eq!(admin.get("/satellites").await.json()["satellites"][0]["name"], "South branch");
}

#[tokio::test]
async fn nothing_is_done_that_the_audit_log_cannot_take() {
    let house = House::new();
    let mut admin = house.signed_in(Role::Administrator).await;
    let id = enrolled(&house, 7, "South");
    let Some(intruder) = house.break_the_audit_log() else { return };
    let revoked =
        admin.post(&format!("/satellites/{id}/revoke"), json!({ "name": "South", "reason": "x" })).await;
    let changed = put(&mut admin, &id, Some("1"), "format = 1\n#\n").await;
    drop(intruder);
    assert_eq!((revoked.status.as_u16(), changed.status.as_u16()), (503, 503));
    assert!(house.vault().satellite(RecorderId([7; 16])).unwrap().unwrap().revoked.is_none());
    assert_eq!(admin.get(&format!("/satellites/{id}/settings")).await.json()["version"], "1");
}
