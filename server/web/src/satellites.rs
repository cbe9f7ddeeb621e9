//! Satellites: how each stands, codes for new ones, their settings, their names, and revoking them. Administrators only.

use api::{
    ChangeSatelliteSettings, RevokeSatellite, SatelliteCode, SatelliteInvitation, SatelliteName,
    SatelliteSettings, Satellites, Version,
};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::RecorderId;
use utoipa::openapi::Required;
use vault::{AuditObject, By, InvitationRow, Outcome, SatelliteRow};

use crate::act::Act;
use crate::archive::text;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::settings::version_given;
use crate::take::{Answer, Body, Names};
use crate::token::hex;

const NAME_MAX: usize = 60;
const REASON_MAX: usize = 1_000;
/// What a configuration may be long, with room for the rest of its document.
const SETTINGS_BYTES_MAX: usize = 64 << 10;
/// Codes that may be open at once: each is one more that a guess may hit.
const INVITATIONS_MAX: usize = 8;

fn spec(summary: &'static str) -> Spec {
    Spec::new("Satellites", summary, Door::Act(Act::Satellites))
}

pub(crate) fn register(routes: &mut Routes) {
    routes.add(
        Method::GET,
        "/satellites",
        spec("Lists the satellites as they stand now, and the codes that wait").answers::<Satellites>(200),
        show,
    );
    routes.add(
        Method::POST,
        "/satellites/invitations",
        spec("Makes a code with which one new machine may become a satellite, for a quarter of an hour")
            .body::<SatelliteName>()
            .answers::<SatelliteCode>(201)
            .may(&[409]),
        invite,
    );
    routes.add(
        Method::DELETE,
        "/satellites/invitations/{id}",
        spec("Closes a code that nobody used yet").empty(204).may(&[409]),
        withdraw,
    );
    routes.add(
        Method::PATCH,
        "/satellites/{id}",
        spec("Gives a satellite another name").body::<SatelliteName>().empty(204).may(&[409, 422]),
        rename,
    );
    routes.add(
        Method::GET,
        "/satellites/{id}/settings",
        spec("Shows the settings of a satellite").answers::<SatelliteSettings>(200),
        settings,
    );
    routes.add(
        Method::PUT,
        "/satellites/{id}/settings",
        spec("Changes the settings of a satellite, which follows them within half a minute once it is connected")
            .header("if-match", Required::True, "The version that was changed.")
            .body::<ChangeSatelliteSettings>()
            .answers::<Version>(200)
            .may(&[409, 412, 422, 428]),
        change_settings,
    );
    routes.add(
        Method::POST,
        "/satellites/{id}/revoke",
        spec("Revokes a satellite for good: its connection ends within seconds, what it brought stays")
            .body::<RevokeSatellite>()
            .empty(204)
            .may(&[409, 422]),
        revoke,
    );
}

async fn show(caller: Caller) -> Answer<Json<Satellites>> {
    let satellites = caller.doors.blocking(|host| host.satellites().shown()).await?;
    let now = caller.doors.now();
    let open = caller.doors.vault(move |vault| vault.invitations(now)).await?;
    let zone = caller.doors.host().zone();
    let invitation = |row: InvitationRow| SatelliteInvitation {
        id: hex(&row.invitation_id),
        name: row.name,
        by: row.made.name,
        until: zone.rfc3339(row.expires_at),
        wrong: row.tries,
    };
    Ok(Json(Satellites { satellites, invitations: open.into_iter().map(invitation).collect() }))
}

async fn invite(
    caller: Caller,
    Body(wanted): Body<SatelliteName>,
) -> Answer<(StatusCode, Json<SatelliteCode>)> {
    let name = text("name", &wanted.name, 1, NAME_MAX)?;
    let (now, by) = (caller.doors.now(), by(&caller));
    let read = move |vault: &vault::Vault| Ok((vault.invitations(now)?, vault.satellites()?));
    let (open, known) = caller.doors.vault(read).await?;
    if open.len() >= INVITATIONS_MAX {
        return Err(Refusal::conflict(format!(
            "{INVITATIONS_MAX} codes are open: wait until one is used or over, or close one."
        )));
    }
    let is_taken = known.iter().any(|row| row.revoked.is_none() && row.name == name);
    if is_taken || open.iter().any(|row| row.name == name) {
        return Err(Refusal::conflict(format!("There is a satellite or an open code of the name {name}.")));
    }
    let object = || Some(AuditObject::Named(name.clone()));
    caller.audit("satellite-invited", object(), &[]).await?;
    let asked = name.clone();
    let made = caller.doors.blocking_long(move |host| host.satellites().invite(&asked, &by)).await;
    if made.is_err() {
        caller.write("satellite-invited", object(), &[], Outcome::Failed).await?;
    }
    Ok((StatusCode::CREATED, Json(made?)))
}

async fn withdraw(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let id: RecorderId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    let (id, now) = (*id.bytes(), caller.doors.now());
    let open = caller.doors.vault(move |vault| vault.invitations(now)).await?;
    let row = open.into_iter().find(|row| row.invitation_id == id).ok_or_else(Refusal::not_found)?;
    caller.audit("satellite-invitation-closed", Some(AuditObject::Named(row.name)), &[]).await?;
    if caller.doors.vault(move |vault| vault.withdraw_invitation(id, now)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::conflict("The code was used or ended a moment ago."))
}

async fn rename(
    caller: Caller,
    Names([id]): Names<1>,
    Body(wanted): Body<SatelliteName>,
) -> Answer<StatusCode> {
    let row = found(&caller, &id).await?;
    let name = text("name", &wanted.name, 1, NAME_MAX)?;
    caller.audit("satellite-renamed", object(&row), &[("name", name.clone())]).await?;
    let id = row.recorder_id;
    let renamed = caller.doors.vault(move |vault| vault.rename_satellite(id, &name)).await;
    if renamed.is_err() {
        caller.write("satellite-renamed", object(&row), &[], Outcome::Failed).await?;
    }
    renamed.map(|()| StatusCode::NO_CONTENT)
}

async fn settings(caller: Caller, Names([id]): Names<1>) -> Answer<Response> {
    let id = found(&caller, &id).await?.recorder_id;
    let shown = caller.doors.blocking(move |host| host.satellites().settings(id)).await?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", shown.version)).ok();
    let mut response = Json(shown).into_response();
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

async fn change_settings(
    caller: Caller,
    Names([id]): Names<1>,
    headers: HeaderMap,
    Body(wanted): Body<ChangeSatelliteSettings>,
) -> Answer<Json<Version>> {
    let row = found(&caller, &id).await?;
    let version = version_given(&headers)?;
    if row.revoked.is_some() {
        return Err(Refusal::conflict("This satellite was revoked, and follows nothing any more."));
    }
    if wanted.text.len() > SETTINGS_BYTES_MAX {
        return Err(Refusal::not_acceptable("The settings are longer than 64 KiB."));
    }
    let details = [("version", version.clone())];
    caller.audit("satellite-settings", object(&row), &details).await?;
    let id = row.recorder_id;
    let change = move |host: &dyn crate::Host| host.satellites().change_settings(id, &wanted.text, &version);
    let changed = caller.doors.blocking(change).await;
    if changed.is_err() {
        caller.write("satellite-settings", object(&row), &details, Outcome::Failed).await?;
    }
    Ok(Json(Version { version: changed? }))
}

async fn revoke(
    caller: Caller,
    Names([id]): Names<1>,
    Body(wanted): Body<RevokeSatellite>,
) -> Answer<StatusCode> {
    let row = found(&caller, &id).await?;
    let reason = text("reason", &wanted.reason, 1, REASON_MAX)?;
    if wanted.name.trim() != row.name {
        return Err(Refusal::not_acceptable(
            "The name that was typed is not that of this satellite. Nothing was revoked.",
        ));
    }
    caller.audit("satellite-revoked", object(&row), &[("reason", reason)]).await?;
    let (id, by) = (row.recorder_id, by(&caller));
    if caller.doors.vault(move |vault| vault.revoke_satellite(id, &by)).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::conflict("This satellite was revoked before."))
}

/// The satellite in the path; a text that is no identity names nothing.
async fn found(caller: &Caller, id: &str) -> Answer<SatelliteRow> {
    let id: RecorderId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    caller.doors.vault(move |vault| vault.satellite(id)).await?.ok_or_else(Refusal::not_found)
}

/// Named as people know it, letter first: names change.
fn object(row: &SatelliteRow) -> Option<AuditObject> {
    Some(AuditObject::Named(format!("{} {}", row.letter, row.name)))
}

fn by(caller: &Caller) -> By {
    By { user: Some(caller.user.id), name: caller.user.name.clone(), at: caller.doors.now() }
}
