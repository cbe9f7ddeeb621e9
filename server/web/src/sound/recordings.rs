//! Finding recordings, and reading what stands on one.

use std::sync::Arc;

use api::{Count, Detail, RecordingPage, RecordingQuery};
use axum::Json;
use axum::http::Method;
use sha2::{Digest as _, Sha256};
use shared::RecordingId;
use vault::{AuditObject, Query, Recording, Scope, Vault};

use super::{query, rows};
use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Asked, Id};

const TAG: &str = "Recordings";
/// Neighbours of the same call that are shown.
const LINKED_MAX: u32 = 20;

pub(super) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Search));
    routes.add(
        Method::GET,
        "/recordings",
        spec("Finds recordings").query::<RecordingQuery>().answers::<RecordingPage>(200),
        search,
    );
    routes.add(
        Method::GET,
        "/recordings/count",
        spec("Counts recordings, at most 10,000").query::<RecordingQuery>().answers::<Count>(200),
        count,
    );
    routes.add(Method::GET, "/recordings/{id}", spec("Shows one recording").answers::<Detail>(200), show);
}

async fn search(caller: Caller, Asked(asked): Asked<RecordingQuery>) -> Answer<Json<RecordingPage>> {
    let wanted = query::search(&asked, caller.doors.host().zone())?;
    note_search(&caller, asked).await?;
    let scope = Arc::clone(&caller.scope);
    let page = caller.doors.vault(move |vault| vault.search(&wanted, &scope)).await?;
    let zone = caller.doors.host().zone();
    Ok(Json(RecordingPage {
        recordings: page.recordings.iter().map(|recording| rows::row(recording, zone)).collect(),
        next: page.next.map(|place| place.to_string()),
        previous: page.previous.map(|place| place.to_string()),
    }))
}

async fn count(caller: Caller, Asked(asked): Asked<RecordingQuery>) -> Answer<Json<Count>> {
    let wanted = query::search(&asked, caller.doors.host().zone())?;
    note_search(&caller, asked).await?;
    let scope = Arc::clone(&caller.scope);
    let found = caller.doors.vault(move |vault| vault.count(&wanted, &scope)).await?;
    Ok(Json(Count { count: found.n, more: found.more }))
}

async fn show(caller: Caller, Id(id): Id) -> Answer<Json<Detail>> {
    let scope = Arc::clone(&caller.scope);
    let found = caller.doors.vault(move |vault| {
        let Some(recording) = vault.visible(id, &scope)? else { return Ok(None) };
        let linked = linked(vault, &recording, &scope)?;
        Ok(Some((recording, linked)))
    });
    let (recording, linked) = found.await?.ok_or_else(Refusal::not_found)?;
    note(&caller, "open", id, &[]).await?;
    Ok(Json(Detail { linked, ..rows::detail(&recording, caller.doors.host().zone()) }))
}

/// Finds other recordings of the same call, as far as the reader may know of them.
fn linked(vault: &Vault, recording: &Recording, scope: &Scope) -> vault::Result<Vec<api::Linked>> {
    let mut linked = Vec::new();
    for call_id in &recording.call_ids {
        let query = Query { call_id: Some(call_id.clone()), limit: LINKED_MAX, ..Query::default() };
        for other in vault.find(&query)?.recordings {
            let id = other.facts.recording_id;
            let is_new = id != recording.facts.recording_id
                && linked.iter().all(|l: &api::Linked| l.id != id.to_string());
            if is_new && vault.visible(id, scope)?.is_some() {
                linked.push(api::Linked { id: id.to_string(), reference: other.facts.reference.to_string() });
            }
        }
    }
    Ok(linked)
}

/// Finds a recording that the caller may see. What is not visible does not exist.
///
/// # Errors
/// 404.
pub(super) async fn visible(caller: &Caller, id: RecordingId) -> Answer<Recording> {
    let scope = Arc::clone(&caller.scope);
    let found = caller.doors.vault(move |vault| vault.visible(id, &scope)).await?;
    found.ok_or_else(Refusal::not_found)
}

/// Writes into the audit log what is about to be done to a recording, once in ten minutes for each session.
///
/// # Errors
/// 503: it cannot be written, so it must not be done.
pub(super) async fn note(
    caller: &Caller,
    act: &'static str,
    id: RecordingId,
    details: &[(&str, String)],
) -> Answer<()> {
    let key = key(act, id.bytes());
    once(caller, key, caller.audit_recording(act, id, details)).await
}

/// One entry for a query, however many pages of it are turned.
async fn note_search(caller: &Caller, asked: RecordingQuery) -> Answer<()> {
    let asked = RecordingQuery { after: None, before: None, limit: None, ..asked };
    let text = serde_json::to_value(&asked).unwrap_or_default();
    let given = text.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let given: serde_json::Map<_, _> = given.map(|(k, v)| (k.clone(), v.clone())).collect();
    let text = serde_json::Value::Object(given).to_string();
    let key = key("search", text.as_bytes());
    let details = [("query", text)];
    once(caller, key, caller.audit("search", None::<AuditObject>, &details)).await
}

fn key(act: &str, what: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(act).chain_update([0]).chain_update(what).finalize().into()
}

async fn once(caller: &Caller, key: [u8; 32], write: impl Future<Output = Answer<()>>) -> Answer<()> {
    let (session, now) = (caller.session.digest, caller.doors.now());
    if caller.doors.shelf().is_noted(session, key, now) {
        return Ok(());
    }
    write.await?;
    caller.doors.shelf().note(session, key, now);
    Ok(())
}
