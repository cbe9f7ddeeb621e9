//! Legal holds by order: what nothing and nobody purges or destroys, calls to come included.

use api::{ChangeHold, CountWhich, Covered, HoldByOrder, NewHold, ReleaseRequest};
use axum::Json;
use axum::http::{Method, StatusCode};
use vault::{AuditObject, HoldOrder};

use super::view::{coverage, seen};
use super::{by, day, spec};
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::{Answer, Body, Names};
use crate::token::hex;

pub(super) fn register(routes: &mut Routes) {
    routes.add(
        Method::POST,
        "/keeping/count",
        spec("Counts the recordings that a hold or a class would speak of")
            .body::<CountWhich>()
            .answers::<Covered>(200)
            .may(&[422]),
        count,
    );
    routes.add(
        Method::POST,
        "/keeping/holds",
        spec("Places a hold; it covers from this moment on, also calls to come")
            .body::<NewHold>()
            .answers::<HoldByOrder>(201)
            .may(&[422]),
        place,
    );
    routes.add(
        Method::PATCH,
        "/keeping/holds/{id}",
        spec("Says who answers for a hold now, and when somebody should ask again")
            .body::<ChangeHold>()
            .empty(204)
            .may(&[409, 422]),
        change,
    );
    routes.add(
        Method::POST,
        "/keeping/holds/{id}/release",
        spec("Releases a hold").body::<ReleaseRequest>().empty(204).may(&[409, 422]),
        release,
    );
}

async fn count(caller: Caller, Body(asked): Body<CountWhich>) -> Answer<Json<Covered>> {
    let coverage = coverage(&asked.which, caller.doors.host().zone())?;
    let found = caller.doors.blocking_long(move |host| host.vault().count_covered(&coverage)).await?;
    Ok(Json(Covered { recordings: found.n, more: found.more }))
}

async fn place(caller: Caller, Body(wanted): Body<NewHold>) -> Answer<(StatusCode, Json<HoldByOrder>)> {
    let id: [u8; 32] = caller.doors.dice();
    let order = HoldOrder {
        hold_id: *id.first_chunk().ok_or_else(Refusal::internal)?,
        reason: wanted.reason.trim().to_owned(),
        owner: wanted.owner.trim().to_owned(),
        review: wanted.review.as_deref().map(|text| day("review", text)).transpose()?,
        coverage: coverage(&wanted.which, caller.doors.host().zone())?,
        salt: caller.doors.dice(),
        placed: by(&caller),
        released: None,
        release_reason: String::new(),
    };
    let object = Some(AuditObject::Named(hex(&order.hold_id)));
    let details = [("reason", order.reason.clone()), ("which", order.coverage.to_json())];
    caller.audit("hold-order-place", object, &details).await?;
    let shown = seen(&caller).hold(&order);
    caller.doors.vault(move |vault| vault.place_hold(&order)).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn change(caller: Caller, Names([id]): Names<1>, Body(wanted): Body<ChangeHold>) -> Answer<StatusCode> {
    let order = standing(&caller, &id).await?;
    let review = wanted.review.as_deref().map(|text| day("review", text)).transpose()?;
    let details = [("owner", wanted.owner.clone())];
    caller.audit("hold-order-change", Some(AuditObject::Named(id)), &details).await?;
    let by = by(&caller);
    caller.doors.vault(move |vault| vault.change_hold(order, &wanted.owner, review, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn release(
    caller: Caller,
    Names([id]): Names<1>,
    Body(wanted): Body<ReleaseRequest>,
) -> Answer<StatusCode> {
    let order = standing(&caller, &id).await?;
    let details = [("reason", wanted.reason.clone())];
    caller.audit("hold-order-release", Some(AuditObject::Named(id)), &details).await?;
    let by = by(&caller);
    caller.doors.vault(move |vault| vault.release_hold(order, &wanted.reason, &by, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The standing hold in the path.
async fn standing(caller: &Caller, id: &str) -> Answer<[u8; 16]> {
    let orders = caller.doors.vault(|vault| vault.hold_orders()).await?;
    let mut standing = orders.iter().filter(|order| order.released.is_none());
    standing.find(|order| hex(&order.hold_id) == id).map(|order| order.hold_id).ok_or_else(Refusal::not_found)
}
