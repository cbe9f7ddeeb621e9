//! What is destroyed: at the end of its retention, or by order of two administrators. A hold outranks both.

use api::{Destruction, NewDestruction};
use axum::Json;
use axum::http::{Method, StatusCode};
use vault::{AuditObject, DayKept, Query, ShredRow, ShredWhat, ShredWords, Shreddable};

use super::view::seen;
use super::{by, day, number, spec};
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{Answer, Body, Names};

pub(super) fn register(routes: &mut Routes) {
    routes.add(
        Method::POST,
        "/keeping/destructions",
        spec(
            "Destroys what is at the end of its retention, or orders it for another administrator to confirm",
        )
        .body::<NewDestruction>()
        .answers::<Destruction>(201)
        .may(&[404, 409, 422]),
        ask,
    );
    routes.add(
        Method::POST,
        "/keeping/destructions/{id}/confirm",
        spec("Confirms what another administrator ordered, and carries it out")
            .answers::<Destruction>(200)
            .may(&[409]),
        confirm,
    );
    routes.add(
        Method::POST,
        "/keeping/destructions/{id}/cancel",
        spec("Takes back an order that nobody confirmed yet").answers::<Destruction>(200).may(&[409]),
        cancel,
    );
}

async fn ask(caller: Caller, Body(wanted): Body<NewDestruction>) -> Answer<(StatusCode, Json<Destruction>)> {
    let what = meant(&caller, &wanted).await?;
    let words =
        ShredWords { reason: wanted.reason.trim().to_owned(), salt: caller.doors.dice(), by: by(&caller) };
    let act = if wanted.order { "shred-order" } else { "shred" };
    caller.audit(act, Some(object(what)), &[("reason", words.reason.clone())]).await?;
    let row = if wanted.order {
        caller.doors.vault(move |vault| vault.ask_shred(what, &words)).await?
    } else {
        let at = words.by.at;
        let judged = caller.doors.blocking_long(move |host| match what {
            ShredWhat::Day(day) => host.vault().shreddable(day, at),
            ShredWhat::Recording(_, id) => host.vault().shreddable_alone(id, at),
        });
        carry_out(&caller, judged.await?, words).await?
    };
    Ok((StatusCode::CREATED, Json(seen(&caller).destruction(&row))))
}

async fn confirm(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Destruction>> {
    let (id, by) = (number(&id)?, by(&caller));
    caller.audit("shred-confirm", Some(AuditObject::Named(id.to_string())), &[]).await?;
    let judge = move |host: &dyn crate::Host| {
        let row = host.vault().shred_row(id)?;
        // One whose second person spoke while a hold stood is carried out by either.
        if row.second.is_none() {
            host.vault().confirm_shred(id, &by)?;
        }
        let words = ShredWords { reason: row.reason, salt: row.salt, by: by.clone() };
        Ok::<_, vault::VaultError>((host.vault().ordered_shred(id, by.at)?, words))
    };
    let (judged, words) = caller.doors.blocking_long(judge).await?;
    let row = carry_out(&caller, judged, words).await?;
    Ok(Json(seen(&caller).destruction(&row)))
}

async fn cancel(caller: Caller, Names([id]): Names<1>) -> Answer<Json<Destruction>> {
    let (id, by) = (number(&id)?, by(&caller));
    caller.audit("shred-cancel", Some(AuditObject::Named(id.to_string())), &[]).await?;
    let row = caller.doors.vault(move |vault| vault.cancel_shred(id, &by)).await?;
    Ok(Json(seen(&caller).destruction(&row)))
}

async fn carry_out(
    caller: &Caller,
    judged: Result<Shreddable, DayKept>,
    words: ShredWords,
) -> Answer<ShredRow> {
    let permission = judged.map_err(stays)?;
    let now = words.by.at;
    let done = move |host: &dyn crate::Host| host.vault().shred(permission, &words, host.day_keys(), now);
    caller.doors.blocking_long(done).await?.map_err(stays)
}

/// Nothing was destroyed, and why.
#[allow(clippy::needless_pass_by_value, reason = "as map_err hands it")]
fn stays(kept: DayKept) -> Refusal {
    if kept.held.is_empty() {
        return Refusal::conflict(format!(
            "Nothing was destroyed: the retention of {} recordings is not over.",
            kept.kept
        ));
    }
    Refusal::conflict(format!(
        "Nothing was destroyed: {} recordings are held, and a hold outranks everything.",
        kept.held.len()
    ))
}

async fn meant(caller: &Caller, wanted: &NewDestruction) -> Answer<ShredWhat> {
    match (&wanted.day, &wanted.recording) {
        (Some(text), None) => Ok(ShredWhat::Day(day("day", text)?)),
        (None, Some(text)) => one(caller, text.trim()).await,
        _ => Err(Refusal::bad("One of `day` and `recording` is wanted.")),
    }
}

/// A recording by its identity or its reference.
async fn one(caller: &Caller, text: &str) -> Answer<ShredWhat> {
    let id = match text.parse() {
        Ok(id) => id,
        Err(_no_identity) => {
            let reference = text.parse().map_err(|_odd| Refusal::not_found())?;
            let query = Query { reference: Some(reference), ..Query::default() };
            let found = caller.doors.vault(move |vault| vault.find(&query)).await?.recordings;
            let [recording] = found.as_slice() else { return Err(Refusal::not_found()) };
            recording.facts.recording_id
        }
    };
    caller.doors.vault(move |vault| vault.one_alone(id)).await
}

fn object(what: ShredWhat) -> AuditObject {
    what.recording().map_or_else(|| AuditObject::Named(what.day().to_string()), AuditObject::Recording)
}
