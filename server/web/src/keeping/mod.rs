//! How long calls are kept: classes and changes of them, holds by order, and what is destroyed. Administrators only: a rule about all
//! calls says something about calls that a scope hides.
//!
//! Two persons are two accounts; the vault asks for them, not this file.

mod ends;
mod holds;
mod view;

use api::{Keeping, KeepingChange, KeepingPreview, WishedChange};
use axum::Json;
use axum::http::{Method, StatusCode};
use vault::{AuditObject, By, PolicyChange, RetentionClass};

use self::view::{class_shown, coverage, seen};
use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body, Names};

const TAG: &str = "Keeping";
/// Changes and destructions that are shown.
const SHOWN: u32 = 200;

fn spec(summary: &'static str) -> Spec {
    Spec::new(TAG, summary, Door::Act(Act::Keep))
}

pub(crate) fn register(routes: &mut Routes) {
    routes.add(
        Method::GET,
        "/keeping",
        spec("Tells how long calls are kept, what waits, what is held, and what was destroyed")
            .answers::<Keeping>(200),
        show,
    );
    routes.add(
        Method::POST,
        "/keeping/preview",
        spec("Says what a change would do; nothing is changed")
            .body::<WishedChange>()
            .answers::<KeepingPreview>(200)
            .may(&[422]),
        preview,
    );
    routes.add(
        Method::POST,
        "/keeping/changes",
        spec("Proposes a change; one that only lengthens is in force at once")
            .body::<WishedChange>()
            .answers::<KeepingChange>(201)
            .may(&[404, 422]),
        propose,
    );
    routes.add(
        Method::POST,
        "/keeping/changes/{id}/confirm",
        spec("Confirms what another administrator proposed; it is in force 14 days later")
            .answers::<KeepingChange>(200)
            .may(&[409]),
        confirm,
    );
    routes.add(
        Method::POST,
        "/keeping/changes/{id}/cancel",
        spec("Cancels a change that is not in force yet").answers::<KeepingChange>(200).may(&[409]),
        cancel,
    );
    holds::register(routes);
    ends::register(routes);
}

async fn show(caller: Caller) -> Answer<Json<Keeping>> {
    let read = |vault: &vault::Vault| {
        Ok((vault.classes()?, vault.policies(SHOWN)?, vault.hold_orders()?, vault.shreds(SHOWN)?))
    };
    let (classes, changes, holds, destroyed) = caller.doors.vault(read).await?;
    let seen = seen(&caller);
    Ok(Json(Keeping {
        classes: classes.iter().map(|class| class_shown(class, seen.zone)).collect(),
        changes: changes.iter().map(|row| seen.change(row)).collect(),
        holds: holds.iter().map(|order| seen.hold(order)).collect(),
        destroyed: destroyed.iter().map(|row| seen.destruction(row)).collect(),
        at_the_end: caller.doors.host().at_the_end().to_owned(),
    }))
}

/// Whoever asks, as the vault writes it down.
fn by(caller: &Caller) -> By {
    By { user: Some(caller.user.id), name: caller.user.name.clone(), at: caller.doors.now() }
}

fn wished(caller: &Caller, wish: &WishedChange) -> Answer<PolicyChange> {
    match (&wish.put, &wish.remove) {
        (Some(class), None) => Ok(PolicyChange::PutClass(RetentionClass {
            name: class.name.trim().to_owned(),
            min_days: class.min_days,
            max_days: class.max_days,
            coverage: coverage(&class.which, caller.doors.host().zone())?,
        })),
        (None, Some(name)) => Ok(PolicyChange::RemoveClass(name.clone())),
        _ => Err(Refusal::bad("One of `put` and `remove` is wanted.")),
    }
}

async fn preview(caller: Caller, Body(wish): Body<WishedChange>) -> Answer<Json<KeepingPreview>> {
    let (change, now) = (wished(&caller, &wish)?, caller.doors.now());
    let found = caller.doors.blocking_long(move |host| host.vault().preview_policy(&change, now)).await?;
    Ok(Json(KeepingPreview { affected: found.affected, held: found.held, more: found.more }))
}

async fn propose(
    caller: Caller,
    Body(wish): Body<WishedChange>,
) -> Answer<(StatusCode, Json<KeepingChange>)> {
    let change = wished(&caller, &wish)?;
    let details = [("after", change.after())];
    caller.audit("policy-propose", Some(AuditObject::Named(change.object())), &details).await?;
    let (by, salt) = (by(&caller), caller.doors.dice());
    let row =
        caller.doors.blocking_long(move |host| host.vault().change_policy(&change, salt, &by, by.at)).await?;
    Ok((StatusCode::CREATED, Json(seen(&caller).change(&row))))
}

async fn confirm(caller: Caller, Names([id]): Names<1>) -> Answer<Json<KeepingChange>> {
    let (id, by) = (number(&id)?, by(&caller));
    caller.audit("policy-confirm", Some(AuditObject::Named(id.to_string())), &[]).await?;
    let row = caller.doors.blocking_long(move |host| host.vault().confirm_policy(id, &by, by.at)).await?;
    Ok(Json(seen(&caller).change(&row)))
}

async fn cancel(caller: Caller, Names([id]): Names<1>) -> Answer<Json<KeepingChange>> {
    let (id, by) = (number(&id)?, by(&caller));
    caller.audit("policy-cancel", Some(AuditObject::Named(id.to_string())), &[]).await?;
    let row = caller.doors.vault(move |vault| vault.cancel_policy(id, &by)).await?;
    Ok(Json(seen(&caller).change(&row)))
}

/// A text that is no number names nothing.
fn number(text: &str) -> Answer<u64> {
    text.parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok()).ok_or_else(Refusal::not_found)
}

fn day(name: &str, text: &str) -> Answer<shared::Day> {
    text.trim().parse().map_err(|_no_day| Refusal::bad(format!("`{name}` is no day: write 2026-11-22.")))
}
