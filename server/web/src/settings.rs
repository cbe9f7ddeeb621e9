//! Settings, interfaces, the test call, and how far a new site is.

use api::{Interfaces, Settings, SettingsAnswer, Setup, SetupSteps, TestCall, Version};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use utoipa::openapi::Required;
use vault::{AuditObject, ExtensionPattern, Outcome, Scope, Search};

use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body};
use crate::{Host, HostError};

/// The tap of the built-in test call.
const SELF_TEST: &str = "self-test";
/// Longest and shortest idle time, in minutes.
const IDLE_MINUTES: std::ops::RangeInclusive<u32> = 1..=720;
const GROUPS_MAX: usize = 200;
const TAG: &str = "Settings";

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Settings));
    routes.add(Method::GET, "/settings", spec("Shows the settings").answers::<SettingsAnswer>(200), show);
    routes.add(
        Method::PUT,
        "/settings",
        spec("Changes the settings; the header If-Match carries the version that was changed")
            .header("if-match", Required::True, "The version of GET /api/v1/settings that was changed.")
            .body::<Settings>()
            .answers::<Version>(200)
            .may(&[412, 422, 428]),
        change,
    );
    routes.add(
        Method::GET,
        "/interfaces",
        spec("Lists the network interfaces of the recorder").answers::<Interfaces>(200),
        interfaces,
    );
    routes.add(Method::GET, "/setup", spec("Tells how far a new site is").answers::<Setup>(200), setup);
    routes.add(
        Method::POST,
        "/test-call",
        Spec::new(TAG, "Places the built-in test call and records it", Door::Act(Act::TestCall))
            .answers::<TestCall>(200)
            .may(&[422]),
        test_call,
    );
}

async fn show(caller: Caller) -> Answer<Response> {
    let (settings, version) = caller.doors.blocking(|host| host.settings()).await?;
    let tag = HeaderValue::from_str(&format!("\"{version}\"")).ok();
    let mut response = Json(SettingsAnswer { version, settings }).into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

async fn change(caller: Caller, headers: HeaderMap, Body(wish): Body<Settings>) -> Answer<Json<Version>> {
    let version = version_given(&headers)?;
    check(&wish).map_err(Refusal::not_acceptable)?;
    let (before, _) = caller.doors.blocking(|host| host.settings()).await?;
    let object = || Some(AuditObject::Named("settings".to_owned()));
    let details = [("changed", differing(&before, &wish)), ("version", version.clone())];
    caller.audit("settings-change", object(), &details).await?;
    let changed = caller.doors.blocking(move |host| host.change_settings(&wish, &version)).await;
    caller.doors.forget_settings();
    if changed.is_err() {
        caller.write("settings-change", object(), &details, Outcome::Failed).await?;
    }
    Ok(Json(Version { version: changed? }))
}

/// Takes the version that a change starts from out of `If-Match`.
pub(crate) fn version_given(headers: &HeaderMap) -> Answer<String> {
    let given = headers.get(header::IF_MATCH).ok_or_else(Refusal::version_wanted)?;
    Ok(given.to_str().unwrap_or_default().trim().trim_start_matches("W/").trim_matches('"').to_owned())
}

/// Checks what concerns the doors; the program checks the rest.
fn check(wish: &Settings) -> Result<(), String> {
    let idle = &wish.web.idle_minutes;
    let all = [idle.administrator, idle.supervisor, idle.auditor, idle.agent];
    if !all.iter().all(|minutes| IDLE_MINUTES.contains(minutes)) {
        return Err("web.idle_minutes are numbers from 1 to 720.".to_owned());
    }
    if wish.groups.len() > GROUPS_MAX {
        return Err(format!("There are at most {GROUPS_MAX} groups."));
    }
    for (name, patterns) in &wish.groups {
        if name.trim().is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err("The name of a group has 1 to 64 characters.".to_owned());
        }
        for pattern in patterns {
            pattern.parse::<ExtensionPattern>().map_err(|error| format!("Group `{name}`: {error}"))?;
        }
    }
    Ok(())
}

/// Names the sections that differ: values may be numbers of people, and stay out of the audit log.
fn differing(before: &Settings, after: &Settings) -> String {
    let sections = [
        ("site", before.site != after.site),
        ("recording", before.recording != after.recording),
        ("rules", before.rules != after.rules),
        ("taps", before.taps != after.taps),
        ("web", before.web != after.web),
        ("groups", before.groups != after.groups),
    ];
    let names: Vec<&str> =
        sections.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    names.join(" ")
}

async fn interfaces(caller: Caller) -> Answer<Json<Interfaces>> {
    let interfaces = caller.doors.blocking(|host| Ok::<_, HostError>(host.interfaces())).await?;
    Ok(Json(Interfaces { interfaces }))
}

async fn test_call(caller: Caller) -> Answer<Json<TestCall>> {
    caller.audit("test-call", None, &[]).await?;
    let made = caller.doors.blocking_long(|host| host.test_call()).await?;
    Ok(Json(TestCall { recording_id: made.map(|id| id.to_string()) }))
}

async fn setup(caller: Caller) -> Answer<Json<Setup>> {
    let settings = caller.doors.settings().await?;
    let test_call = caller.doors.blocking(tested).await?;
    // A central whose satellites record needs no tap of its own.
    let satellites = caller.doors.vault(|vault| vault.satellites()).await?;
    let source = !settings.taps.is_empty() || satellites.iter().any(|row| row.revoked.is_none());
    let steps = SetupSteps { signed_in: true, source, test_call };
    Ok(Json(Setup { done: steps.source && steps.test_call, steps }))
}

fn tested(host: &dyn Host) -> vault::Result<bool> {
    let search = Search { tap: Some(SELF_TEST.to_owned()), limit: 1, ..Search::default() };
    Ok(!host.vault().search(&search, &Scope::default())?.recordings.is_empty())
}
