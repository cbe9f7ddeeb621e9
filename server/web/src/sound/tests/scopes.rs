//! Role x route x scope, from the router's own table: what a scope hides answers byte for byte as what is not there.

use api::Role;
use axum::http::Method;
use serde_json::{Value, json};

use super::bench::{About, Bench, duplex};
use super::site::Site;
use crate::act::may;
use crate::doors::Doors;
use crate::routes::{Door, Route};

const MISSING: &str = "018bcfe5-687b-7fff-bfff-ffffffffffff";
const ROLES: [Role; 4] = [Role::Administrator, Role::Supervisor, Role::Auditor, Role::Agent];

/// Something that the route would take if the recording were there.
fn body(route: &Route) -> Option<Value> {
    route.spec.body.as_ref()?;
    Some(match route.path.rsplit('/').next() {
        Some("tags") => json!({ "tag": "x" }),
        Some("notes" | "{note}") => json!({ "text": "x" }),
        Some("hold") => json!({ "reason": "x" }),
        _ => json!({ "subject": "x" }),
    })
}

/// Scopes that do not include a call of extension 201 on the bench's tap four days ago.
fn narrow() -> [api::Scope; 4] {
    let list = |text: &str| vec![text.to_owned()];
    let own = api::Scope { extensions: list("2**"), ..api::Scope::default() };
    [
        api::Scope { extensions: list("200"), ..api::Scope::default() },
        api::Scope { extensions: list("100-199"), groups: list("gone"), ..api::Scope::default() },
        api::Scope { taps: list("another tap"), ..own.clone() },
        api::Scope { days_back: Some(2), ..own },
    ]
}

#[tokio::test]
async fn whatever_the_role_and_the_route_a_hidden_recording_is_not_there() {
    let bench = Bench::new();
    let hidden = About { caller: "201", ..About::new(1, duplex("PCMU", 8_000)) };
    bench.record(&hidden, 1);
    let site = Site::over(bench);
    site.wait(3 * 86_400);
    let (_, table) = crate::table(&Doors::new(std::sync::Arc::clone(&site.host) as _));
    let id = hidden.id().to_string();
    let mut compared = 0;
    for role in ROLES {
        let sees = site.caller(role, &["201"]);
        assert_eq!(
            sees.get(&format!("/recordings/{id}")).await.status,
            200,
            "{role:?} finds it with a scope that has it"
        );
        for scope in narrow() {
            let who = site.scoped(role, &scope);
            for route in table
                .iter()
                .filter(|route| route.path.contains("ings/{id}") || route.path.contains("live/{id}"))
            {
                let path = route.path.replace("{tag}", "x").replace("{note}", "1");
                let at = |id: &str| path.replace("{id}", id);
                let a = who.ask(route.method.clone(), &at(&id), &[], body(route)).await;
                let b = who.ask(route.method.clone(), &at(MISSING), &[], body(route)).await;
                let told = format!("{role:?} {} {} {scope:?}", route.method, route.path);
                assert_eq!((a.status, &a.bytes, &a.headers), (b.status, &b.bytes, &b.headers), "{told}");
                let allowed = matches!(route.spec.door, Door::Act(act) if may(role, act));
                let expected = if allowed { 404 } else { 403 };
                // A socket that is not asked for as one is refused before anything is looked for.
                if !route.path.starts_with("/live") {
                    assert_eq!(a.status, expected, "{told}");
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 4 * 4 * 12, "only {compared} pairs were compared");
    assert!(table.iter().any(|route| route.method == Method::GET), "the table has something to read");
}
