//! What somebody should know about the archive, what its days hold, verifications and drills, and a place that is to go.

use api::{
    ArchiveDay, ArchiveDays, ArchiveNotice, ArchiveNotices, CheckAsked, CheckWord, NoticeSeen,
    NoticeSeverity, Removal,
};
use axum::Json;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::{Day, LocationId, MediaId, RunId, UtcMicros, Zone};
use vault::{
    AuditObject, By, CheckKind, NoticeRow, Outcome, PolicyChange, PolicyRow, PolicyStep, Severity, Vault,
};

use crate::act::Act;
use crate::archive::found;
use crate::caller::Caller;
use crate::host::{Host, HostError};
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body, Names};

const TAG: &str = "Archive";
const KEY_MAX: usize = 200;
/// Days of the calendar.
const DAYS: i32 = 60;
/// Changes looked through for a removal that waits.
const CHANGES: u32 = 200;

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Archive));
    routes.add(
        Method::GET,
        "/archive/notices",
        spec("Tells what somebody should know about the archive, taps and satellites, the worst first")
            .answers::<ArchiveNotices>(200),
        notices,
    );
    routes.add(
        Method::POST,
        "/archive/notices/seen",
        spec("Notes that the caller has seen a notice; it stands until it is true no more")
            .body::<NoticeSeen>()
            .empty(204)
            .may(&[404]),
        seen,
    );
    routes.add(
        Method::GET,
        "/archive/days",
        spec("Tells of each of the last sixty days how many places hold all of it")
            .answers::<ArchiveDays>(200),
        days,
    );
    routes.add(
        Method::GET,
        "/archive/runs/{id}/report",
        spec("Reads the signed report of a run from its medium")
            .bytes(200, "application/x-ndjson")
            .may(&[422]),
        report,
    );
    checks(routes);
    removals(routes);
}

fn checks(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Archive));
    routes.add(
        Method::POST,
        "/archive/locations/{id}/check",
        spec("Begins a verification of the connected medium, or a drill, and does not wait for it")
            .body::<CheckAsked>()
            .empty(204)
            .may(&[409, 422]),
        check,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/check/stop",
        spec("Ends the verification or drill there").empty(204).may(&[409]),
        stop_check,
    );
    routes.add(
        Method::POST,
        "/archive/media/{id}/trust",
        spec("Trusts a suspect medium again that was verified since, by the caller's word")
            .empty(204)
            .may(&[409]),
        trust,
    );
}

fn removals(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Archive));
    routes.add(
        Method::GET,
        "/archive/locations/{id}/removal",
        spec("Tells what taking a place out of use would mean, or how far that is").answers::<Removal>(200),
        preview,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/removal",
        spec("Proposes to take a place out of use; one on which nothing was ever proven goes at once")
            .answers::<Removal>(200)
            .may(&[409]),
        propose,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/removal/confirm",
        spec("Confirms what another administrator proposed: it takes effect in 14 days")
            .answers::<Removal>(200)
            .may(&[409]),
        confirm,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/removal/cancel",
        spec("Cancels it").empty(204).may(&[409]),
        cancel,
    );
}

async fn notices(caller: Caller) -> Answer<Json<ArchiveNotices>> {
    let mut rows = caller.doors.vault(Vault::notices).await?;
    let host = caller.doors.host();
    let archive = rows.len();
    rows.extend(host.observed());
    let shown = |(place, row)| {
        let shown = notice(row, host.zone());
        if place < archive { shown } else { ArchiveNotice { kind: observed(&row.key).to_owned(), ..shown } }
    };
    let mut shown: Vec<(Severity, ArchiveNotice)> =
        rows.iter().enumerate().map(|(place, row)| (row.severity, shown((place, row)))).collect();
    shown.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    Ok(Json(ArchiveNotices { notices: shown.into_iter().map(|(_, notice)| notice).collect() }))
}

/// The word for what the server saw itself: of a satellite, or of its own taps.
fn observed(key: &str) -> &'static str {
    if key.starts_with("satellite") { "observed-satellite" } else { "observed" }
}

fn notice(row: &NoticeRow, zone: &Zone) -> ArchiveNotice {
    let filled: serde_json::Value = serde_json::from_str(&row.filled).unwrap_or_default();
    let text = |name: &str| filled.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let number = |name: &str| filled.get(name).and_then(serde_json::Value::as_u64);
    let at = filled.get("at_us").and_then(serde_json::Value::as_i64);
    let day = number("day").and_then(|n| u32::try_from(n).ok()).and_then(|n| Day::from_yyyymmdd(n).ok());
    ArchiveNotice {
        key: row.key.clone(),
        kind: row.key.split('/').next().unwrap_or_default().to_owned(),
        severity: match row.severity {
            Severity::Told => NoticeSeverity::Told,
            Severity::Warning => NoticeSeverity::Warning,
            Severity::Urgent => NoticeSeverity::Urgent,
        },
        since: zone.rfc3339(row.since),
        seen_by: row.seen.as_ref().map(|by| by.name.clone()),
        location: Some(text("place")).filter(|id| !id.is_empty()),
        name: text("name"),
        medium: text("medium"),
        lies_in: text("lies_in"),
        why: text("why"),
        at: at.map(|us| zone.rfc3339(UtcMicros(us))),
        day: day.map(|day| day.to_string()),
        count: number("count"),
        bytes: number("bytes"),
    }
}

async fn seen(caller: Caller, Body(asked): Body<NoticeSeen>) -> Answer<StatusCode> {
    if asked.key.is_empty() || asked.key.chars().count() > KEY_MAX {
        return Err(Refusal::bad(format!("`key` has 1 to {KEY_MAX} characters.")));
    }
    caller.audit("archive-notice-seen", Some(AuditObject::Named(asked.key.clone())), &[]).await?;
    let by = by(&caller);
    let (host_key, host_by) = (asked.key.clone(), by.clone());
    let seen = move |host: &dyn Host| Ok::<_, HostError>(host.observed_seen(&host_key, &host_by));
    if caller.doors.blocking(seen).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    caller.doors.vault(move |vault| vault.notice_seen(&asked.key, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn days(caller: Caller) -> Answer<Json<ArchiveDays>> {
    let zone = caller.doors.host().zone().clone();
    let today = zone.day_of(caller.doors.now());
    Ok(Json(caller.doors.vault(move |vault| days_of(vault, &zone, today)).await?))
}

fn days_of(vault: &Vault, zone: &Zone, today: Day) -> vault::Result<ArchiveDays> {
    let from = today.plus_days(1_i32.saturating_sub(DAYS)).unwrap_or(today);
    let recorded = vault.recorded_by_day(from)?;
    let purged = vault.purged_by_day(from, zone.start_of(from).unwrap_or_default())?;
    let locations = vault.locations()?;
    let mut lacks = Vec::new();
    for location in &locations {
        // A place with media that take turns is shown by the newest, which serves it now.
        let medium = vault.media(location.location_id)?.into_iter().next();
        lacks.push(medium.map(|medium| vault.due_by_day(medium.media_id, from)).transpose()?);
    }
    let of = |days: &[vault::DayCount], day| {
        days.iter().find(|count| count.day == day).map_or(0, |count| count.parts)
    };
    let shown = (0..DAYS).filter_map(|n| from.plus_days(n)).map(|day| {
        let files = of(&recorded, day);
        let lacking = lacks.iter().map(|lacks| lacks.as_ref().map_or(files, |lacks| of(lacks, day)));
        ArchiveDay {
            day: day.to_string(),
            files,
            proven_in: u32::try_from(lacking.clone().filter(|n| *n == 0).count()).unwrap_or(u32::MAX),
            lacking: lacking.max().unwrap_or(files),
            purged: of(&purged, day),
        }
    });
    Ok(ArchiveDays { places: u32::try_from(locations.len()).unwrap_or(u32::MAX), days: shown.collect() })
}

async fn report(caller: Caller, Names([id]): Names<1>) -> Answer<Response> {
    let id: RunId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    caller.audit("archive-report", Some(AuditObject::Named(id.to_string())), &[]).await?;
    let bytes = caller.doors.blocking_long(move |host| host.run_report(id)).await?;
    let bytes = bytes.ok_or_else(Refusal::not_found)?;
    let name = format!("attachment; filename=\"run-{id}.jsonl\"");
    let heads =
        [(header::CONTENT_TYPE, "application/x-ndjson".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((heads, bytes).into_response())
}

async fn check(caller: Caller, Names([id]): Names<1>, Body(asked): Body<CheckAsked>) -> Answer<StatusCode> {
    let location = found(&caller, &id).await?;
    let (act, what) = match asked.what {
        CheckWord::Verify => ("archive-verify", CheckKind::Verify),
        CheckWord::Drill => ("archive-drill", CheckKind::Drill),
    };
    caller.audit(act, Some(AuditObject::Named(location.name)), &[]).await?;
    let id = location.location_id;
    if caller.doors.blocking(move |host| host.check_archive(id, what)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::conflict("A run, a verification or a drill goes on there already."))
}

async fn stop_check(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let location = found(&caller, &id).await?;
    caller.audit("archive-check-stop", Some(AuditObject::Named(location.name)), &[]).await?;
    if caller.doors.host().stop_check(location.location_id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::conflict("No verification and no drill goes on there."))
}

async fn trust(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let id: MediaId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    let medium = caller.doors.vault(move |vault| vault.medium(id)).await?.ok_or_else(Refusal::not_found)?;
    let object = || Some(AuditObject::Named(medium.media_id.to_string()));
    caller.audit("archive-medium-trust", object(), &[("label", medium.label.clone())]).await?;
    let by = by(&caller);
    if caller.doors.vault(move |vault| vault.trust_medium(id, &by)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    caller.write("archive-medium-trust", object(), &[], Outcome::Failed).await?;
    let text = "Only a suspect medium is trusted again that was verified as a whole since, with nothing wrong but files \
                that are due again.";
    Err(Refusal::conflict(text))
}

async fn preview(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Removal>> {
    let id = found(&caller, &id).await?.location_id;
    let now = caller.doors.now();
    let (waits, affected, at_once) = caller
        .doors
        .vault(move |vault| {
            let affected = vault.preview_policy(&PolicyChange::RemoveLocation(id), now)?.affected;
            Ok((waiting(vault, id)?, affected, !is_used(vault, id)?))
        })
        .await?;
    let none =
        Removal { change: None, at_once, affected, proposed_by: None, effective: None, may_confirm: false };
    Ok(Json(waits.map_or(none, |row| removal(&caller, &row))))
}

async fn propose(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Removal>> {
    let location = found(&caller, &id).await?;
    let id = location.location_id;
    caller.audit("archive-location-remove", Some(AuditObject::Named(location.name)), &[]).await?;
    let by = by(&caller);
    let mut salt = [0; 32];
    caller.doors.host().dice(&mut salt);
    let row = caller
        .doors
        .vault(move |vault| {
            if !is_used(vault, id)? {
                vault.forget_location(id)?;
                return Ok(None);
            }
            match waiting(vault, id)? {
                Some(row) => Ok(Some(row)),
                None => vault.change_policy(&PolicyChange::RemoveLocation(id), salt, &by, by.at).map(Some),
            }
        })
        .await?;
    let gone = Removal {
        change: None,
        at_once: true,
        affected: 0,
        proposed_by: None,
        effective: None,
        may_confirm: false,
    };
    Ok(Json(row.map_or(gone, |row| removal(&caller, &row))))
}

async fn confirm(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Removal>> {
    let location = found(&caller, &id).await?;
    let id = location.location_id;
    let row = caller.doors.vault(move |vault| waiting(vault, id)).await?;
    let row = row.ok_or_else(|| Refusal::conflict("Nobody proposed to take this place out of use."))?;
    if !removal(&caller, &row).may_confirm {
        return Err(Refusal::conflict(
            "It is confirmed already, or you proposed it yourself: another administrator must confirm it.",
        ));
    }
    caller.audit("archive-location-remove-confirm", Some(AuditObject::Named(location.name)), &[]).await?;
    let by = by(&caller);
    let row = caller.doors.vault(move |vault| vault.confirm_policy(row.change_id, &by, by.at)).await?;
    Ok(Json(removal(&caller, &row)))
}

async fn cancel(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let location = found(&caller, &id).await?;
    let id = location.location_id;
    let row = caller.doors.vault(move |vault| waiting(vault, id)).await?;
    let row = row.ok_or_else(|| Refusal::conflict("Nobody proposed to take this place out of use."))?;
    caller.audit("archive-location-remove-cancel", Some(AuditObject::Named(location.name)), &[]).await?;
    let by = by(&caller);
    caller.doors.vault(move |vault| vault.cancel_policy(row.change_id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fills in which places are to go: that depends on who asks.
pub(crate) async fn with_removals(caller: &Caller, mut archive: api::Archive) -> Answer<api::Archive> {
    let rows = caller.doors.vault(|vault| vault.policies(CHANGES)).await?;
    for location in &mut archive.locations {
        let waits = rows.iter().find(|row| is_waiting(row) && row.change.object() == location.id);
        location.removal = waits.map(|row| removal(caller, row));
    }
    Ok(archive)
}

fn waiting(vault: &Vault, id: LocationId) -> vault::Result<Option<PolicyRow>> {
    let removes = |row: &PolicyRow| is_waiting(row) && row.change == PolicyChange::RemoveLocation(id);
    Ok(vault.policies(CHANGES)?.into_iter().find(removes))
}

fn is_waiting(row: &PolicyRow) -> bool {
    matches!(row.change, PolicyChange::RemoveLocation(_))
        && matches!(row.step(), PolicyStep::Proposed | PolicyStep::Confirmed)
}

/// Whether anything was ever proven there.
fn is_used(vault: &Vault, id: LocationId) -> vault::Result<bool> {
    Ok(vault.media(id)?.iter().any(|medium| medium.last_run_at.is_some()))
}

fn removal(caller: &Caller, row: &PolicyRow) -> Removal {
    let zone = caller.doors.host().zone();
    Removal {
        change: Some(row.change_id),
        at_once: false,
        affected: row.affected,
        proposed_by: Some(row.proposed.name.clone()),
        effective: row.effective_at.map(|at| zone.rfc3339(at)),
        may_confirm: row.step() == PolicyStep::Proposed && row.proposed.user != Some(caller.user.id),
    }
}

/// Who asks, for what is kept with a name.
pub(crate) fn by(caller: &Caller) -> By {
    By { user: Some(caller.user.id), name: caller.name().to_owned(), at: caller.doors.now() }
}
