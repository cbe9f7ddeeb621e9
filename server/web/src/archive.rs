//! The archive: whether what was recorded is safe, its locations and media, and runs by hand.

use api::{Archive, LocationTest, LocationWord, MadeReady, MediumText, NewLocation, NewMedium};
use axum::Json;
use axum::http::{Method, StatusCode};
use shared::{LocationId, MediaId};
use vault::{AuditObject, LocationRow, Outcome};

use crate::act::Act;
use crate::archive_watch;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body, Names};

const TAG: &str = "Archive";
const NAME_MAX: usize = 64;
const PATH_MAX: usize = 1_000;
const LABEL_MAX: usize = 64;
const LIES_IN_MAX: usize = 120;

pub(crate) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Archive));
    routes.add(
        Method::GET,
        "/archive",
        spec("Tells whether what was recorded is safe, and where").answers::<Archive>(200),
        show,
    );
    routes.add(
        Method::POST,
        "/archive/locations",
        spec("Configures a location and prepares its medium")
            .body::<NewLocation>()
            .answers::<MadeReady>(201)
            .may(&[422]),
        add,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/prepare",
        spec("Makes the medium that is connected now one of the location's")
            .body::<NewMedium>()
            .answers::<MadeReady>(200)
            .may(&[422]),
        prepare,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/test",
        spec("Looks whether the location is there with its right medium; nothing is written there")
            .answers::<LocationTest>(200)
            .may(&[422]),
        test,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/run",
        spec("Asks for a run there; it begins when those before it have ended").empty(204),
        run,
    );
    routes.add(
        Method::POST,
        "/archive/locations/{id}/stop",
        spec("Ends the run there early; what it carried is proven").empty(204).may(&[409]),
        stop,
    );
    routes.add(
        Method::PATCH,
        "/archive/media/{id}",
        spec("Writes what stands on a medium, and where it lies").body::<MediumText>().empty(204),
        label,
    );
}

async fn show(caller: Caller) -> Answer<Json<Archive>> {
    let shown = caller.doors.blocking(|host| host.archive()).await?;
    Ok(Json(archive_watch::with_removals(&caller, shown).await?))
}

async fn add(caller: Caller, Body(wanted): Body<NewLocation>) -> Answer<(StatusCode, Json<MadeReady>)> {
    let wanted = NewLocation {
        name: text("name", &wanted.name, 1, NAME_MAX)?,
        path: text("path", &wanted.path, 1, PATH_MAX)?,
        label: text("label", &wanted.label, 0, LABEL_MAX)?,
        lies_in: text("lies_in", &wanted.lies_in, 0, LIES_IN_MAX)?,
        ..wanted
    };
    let is_bucket = wanted.kind == LocationWord::S3;
    if is_bucket && !wanted.path.starts_with("s3://") {
        return Err(Refusal::bad("`path` of a bucket is s3://BUCKET or s3://BUCKET/FOLDER."));
    }
    if !is_bucket && !wanted.path.starts_with('/') {
        return Err(Refusal::bad("`path` begins with a stroke: it is the whole path on the server."));
    }
    let object = || Some(AuditObject::Named(wanted.name.clone()));
    let details = [("path", wanted.path.clone())];
    caller.audit("archive-location-add", object(), &details).await?;
    let (asked, host_asked) = (object(), wanted.clone());
    let made = caller.doors.blocking_long(move |host| host.add_location(&host_asked)).await;
    if made.is_err() {
        caller.write("archive-location-add", asked, &details, Outcome::Failed).await?;
    }
    Ok((StatusCode::CREATED, Json(made?)))
}

async fn prepare(
    caller: Caller,
    Names([id]): Names<1>,
    Body(wanted): Body<NewMedium>,
) -> Answer<Json<MadeReady>> {
    let location = found(&caller, &id).await?;
    let wanted = NewMedium {
        label: text("label", &wanted.label, 0, LABEL_MAX)?,
        lies_in: text("lies_in", &wanted.lies_in, 0, LIES_IN_MAX)?,
        seed: wanted.seed,
    };
    let object = || Some(AuditObject::Named(location.name.clone()));
    caller.audit("archive-medium-prepare", object(), &[]).await?;
    let id = location.location_id;
    let made = caller.doors.blocking_long(move |host| host.prepare_location(id, &wanted)).await;
    if made.is_err() {
        caller.write("archive-medium-prepare", object(), &[], Outcome::Failed).await?;
    }
    Ok(Json(made?))
}

async fn test(caller: Caller, Names([id]): Names<1>) -> Answer<Json<LocationTest>> {
    let location = found(&caller, &id).await?;
    caller.audit("archive-location-test", Some(AuditObject::Named(location.name)), &[]).await?;
    let id = location.location_id;
    Ok(Json(caller.doors.blocking_long(move |host| host.test_location(id)).await?))
}

async fn run(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let location = found(&caller, &id).await?;
    caller.audit("archive-run", Some(AuditObject::Named(location.name)), &[]).await?;
    let id = location.location_id;
    caller.doors.vault(move |vault| vault.go_on_archiving(id)).await?;
    caller.doors.host().run_archive(location.location_id);
    Ok(StatusCode::NO_CONTENT)
}

async fn stop(caller: Caller, Names([id]): Names<1>) -> Answer<StatusCode> {
    let location = found(&caller, &id).await?;
    caller.audit("archive-stop", Some(AuditObject::Named(location.name)), &[]).await?;
    // Before it ends, so that it does not begin again by itself: it goes on the next evening.
    let (id, by) = (location.location_id, archive_watch::by(&caller));
    caller.doors.vault(move |vault| vault.stop_archive(id, &by)).await?;
    if caller.doors.host().stop_archive(location.location_id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Refusal::conflict("No run goes on there, and none waits."))
}

async fn label(caller: Caller, Names([id]): Names<1>, Body(wanted): Body<MediumText>) -> Answer<StatusCode> {
    let id: MediaId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    let medium = caller.doors.vault(move |vault| vault.medium(id)).await?.ok_or_else(Refusal::not_found)?;
    let wanted = medium_text(&wanted)?;
    let details = [("label", wanted.label.clone()), ("lies_in", wanted.lies_in.clone())];
    let object = Some(AuditObject::Named(medium.media_id.to_string()));
    caller.audit("archive-medium-label", object, &details).await?;
    caller.doors.vault(move |vault| vault.label_medium(id, &wanted.label, &wanted.lies_in)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The location in the path; a text that is no identity names nothing.
pub(crate) async fn found(caller: &Caller, id: &str) -> Answer<LocationRow> {
    let id: LocationId = id.parse().map_err(|_no_identity| Refusal::not_found())?;
    let found = caller.doors.vault(move |vault| vault.location(&id.to_string())).await?;
    found.filter(|location| location.removed_at.is_none()).ok_or_else(Refusal::not_found)
}

fn medium_text(wanted: &MediumText) -> Answer<MediumText> {
    Ok(MediumText {
        label: text("label", &wanted.label, 0, LABEL_MAX)?,
        lies_in: text("lies_in", &wanted.lies_in, 0, LIES_IN_MAX)?,
    })
}

/// Takes a text of one line: trimmed, and neither shorter nor longer than it may be.
pub(crate) fn text(name: &str, given: &str, min: usize, max: usize) -> Answer<String> {
    let given = given.trim();
    if given.chars().count() < min || given.chars().count() > max {
        return Err(Refusal::bad(format!("`{name}` has {min} to {max} characters.")));
    }
    if given.chars().any(char::is_control) {
        return Err(Refusal::bad(format!("`{name}` has control characters in it.")));
    }
    Ok(given.to_owned())
}
