//! What people write on a recording: tags, notes, texts, and the legal hold. The history of every change is the catalogue's.

use api::{ChangeRecording, Detail, HoldRequest, Note, NoteText, ReleaseRequest, TagText};
use axum::Json;
use axum::http::{Method, StatusCode};
use shared::{Day, RecordingId};
use vault::{By, Field, NoteId, Noted, Recording, Vault};

use super::live::going_us;
use super::recordings::visible;
use super::rows;
use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body, Id, Names};

const TAG: &str = "Labels";
const TAG_MAX: usize = 60;
const TEXT_MAX: usize = 4_000;
const LINE_MAX: usize = 200;
const REASON_MAX: usize = 1_000;
/// Tags and notes that one recording may carry.
const LABELS_MAX: usize = 500;

pub(super) fn register(routes: &mut Routes) {
    let label = |summary| Spec::new(TAG, summary, Door::Act(Act::Label));
    routes.add(
        Method::PATCH,
        "/recordings/{id}",
        label("Changes subject, comment or external reference")
            .body::<ChangeRecording>()
            .answers::<Detail>(200)
            .may(&[422]),
        change,
    );
    routes.add(
        Method::POST,
        "/recordings/{id}/tags",
        label("Puts a tag on a recording").body::<TagText>().empty(204).may(&[409, 422]),
        add_tag,
    );
    routes.add(
        Method::DELETE,
        "/recordings/{id}/tags/{tag}",
        label("Takes a tag off a recording").empty(204),
        remove_tag,
    );
    routes.add(
        Method::POST,
        "/recordings/{id}/notes",
        label("Writes a note on a recording or on a moment of it, also while its call goes on")
            .body::<NoteText>()
            .answers::<Note>(201)
            .may(&[409, 422]),
        add_note,
    );
    routes.add(
        Method::PUT,
        "/recordings/{id}/notes/{note}",
        label("Changes the text of a note").body::<NoteText>().answers::<Note>(200).may(&[422]),
        edit_note,
    );
    routes.add(
        Method::DELETE,
        "/recordings/{id}/notes/{note}",
        label("Removes a note").empty(204),
        remove_note,
    );
    routes.add(
        Method::PUT,
        "/recordings/{id}/hold",
        Spec::new(TAG, "Puts a legal hold on a recording", Door::Act(Act::Hold))
            .body::<HoldRequest>()
            .empty(204)
            .may(&[410, 422]),
        hold,
    );
    routes.add(
        Method::DELETE,
        "/recordings/{id}/hold",
        Spec::new(TAG, "Releases a legal hold", Door::Act(Act::Release))
            .body::<ReleaseRequest>()
            .empty(204)
            .may(&[409, 422]),
        release,
    );
}

async fn change(caller: Caller, Id(id): Id, Body(asked): Body<ChangeRecording>) -> Answer<Json<Detail>> {
    visible(&caller, id).await?;
    let given = [
        (Field::Subject, "subject", asked.subject, LINE_MAX),
        (Field::Comment, "comment", asked.comment, TEXT_MAX),
        (Field::ExternalReference, "external_reference", asked.external_reference, LINE_MAX),
    ];
    let mut fields = Vec::new();
    for (field, name, text, max) in given {
        if let Some(text) = text {
            fields.push((field, name, fitting(name, &text, 0, max)?));
        }
    }
    for (field, name, text) in fields {
        let details = [("what", name.to_owned()), ("text", text.clone())];
        write(&caller, "label", id, &details, move |vault, by| vault.set_text(id, field, &text, by)).await?;
    }
    let recording = visible(&caller, id).await?;
    Ok(Json(rows::detail(&recording, caller.doors.host().zone())))
}

async fn add_tag(caller: Caller, Id(id): Id, Body(asked): Body<TagText>) -> Answer<StatusCode> {
    let recording = visible(&caller, id).await?;
    room(&recording)?;
    let tag = fitting("tag", &asked.tag, 1, TAG_MAX)?;
    let details = [("what", "tag".to_owned()), ("text", tag.clone())];
    write(&caller, "label", id, &details, move |vault, by| vault.add_tag(id, &tag, by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_tag(caller: Caller, Names([id, tag]): Names<2>) -> Answer<StatusCode> {
    let id = parsed(&id)?;
    let recording = visible(&caller, id).await?;
    if !recording.labels.tags.contains(&tag) {
        return Err(Refusal::not_found());
    }
    let details = [("what", "tag removed".to_owned()), ("text", tag.clone())];
    write(&caller, "label", id, &details, move |vault, by| vault.remove_tag(id, &tag, by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn add_note(
    caller: Caller,
    Id(id): Id,
    Body(asked): Body<NoteText>,
) -> Answer<(StatusCode, Json<Note>)> {
    let at_us = asked.at_ms.map(|ms| ms.saturating_mul(1_000));
    let going = going_us(&caller, id);
    let recording = match (visible(&caller, id).await, going) {
        // A call that goes on has no recording yet, as a rule: its note waits for it.
        (Err(_none_yet), Some(us)) => return add_early(&caller, id, at_us, us, &asked.text).await,
        (found, _) => found?,
    };
    room(&recording)?;
    let text = fitting("text", &asked.text, 1, TEXT_MAX)?;
    let long_us = u64::try_from(recording.duration_us()).unwrap_or(0).max(going.unwrap_or(0));
    not_behind(at_us, long_us)?;
    let details = [("what", "note".to_owned()), ("text", text.clone())];
    let add = move |vault: &Vault, by: &By| vault.add_note(id, at_us, &text, by);
    let note = write(&caller, "label", id, &details, add).await?;
    Ok((StatusCode::CREATED, Json(note_of(&caller, id, note).await?)))
}

/// Writes a note on a call that goes on, so far for `long_us`. It can be changed when the call has ended.
async fn add_early(
    caller: &Caller,
    id: RecordingId,
    at_us: Option<u64>,
    long_us: u64,
    text: &str,
) -> Answer<(StatusCode, Json<Note>)> {
    let text = fitting("text", text, 1, TEXT_MAX)?;
    not_behind(at_us, long_us)?;
    let details =
        [("what", "note".to_owned()), ("text", text.clone()), ("while", "the call goes on".to_owned())];
    let said = text.clone();
    let add = move |vault: &Vault, by: &By| vault.add_early_note(id, at_us, &said, by);
    let name = match write(caller, "label", id, &details, add).await? {
        Noted::Note(note) => note.0.to_string(),
        Noted::Early(number) => format!("early-{number}"),
    };
    let note = Note {
        id: name,
        at_ms: at_us.map(|us| us / 1_000),
        text,
        author: caller.name().to_owned(),
        written_at: caller.doors.host().zone().rfc3339(caller.doors.now()),
        edited: false,
    };
    Ok((StatusCode::CREATED, Json(note)))
}

/// Refuses a moment that has not come yet.
fn not_behind(at_us: Option<u64>, long_us: u64) -> Answer<()> {
    if at_us.is_some_and(|us| us > long_us.saturating_add(1_000_000)) {
        return Err(Refusal::not_acceptable("`at_ms` lies behind the end of the recording."));
    }
    Ok(())
}

async fn edit_note(
    caller: Caller,
    Names([id, note]): Names<2>,
    Body(asked): Body<NoteText>,
) -> Answer<Json<Note>> {
    let (id, note) = (parsed(&id)?, note_id(&note)?);
    let known = note_of(&caller, id, note).await?;
    if asked.at_ms.is_some() && asked.at_ms != known.at_ms {
        return Err(Refusal::not_acceptable(
            "A note stays at its place: remove it and write another one there.",
        ));
    }
    let text = fitting("text", &asked.text, 1, TEXT_MAX)?;
    let details = [("what", "note changed".to_owned()), ("text", text.clone())];
    write(&caller, "label", id, &details, move |vault, by| vault.edit_note(id, note, &text, by)).await?;
    Ok(Json(note_of(&caller, id, note).await?))
}

async fn remove_note(caller: Caller, Names([id, note]): Names<2>) -> Answer<StatusCode> {
    let (id, note) = (parsed(&id)?, note_id(&note)?);
    let known = note_of(&caller, id, note).await?;
    let details = [("what", "note removed".to_owned()), ("text", known.text)];
    write(&caller, "label", id, &details, move |vault, by| vault.remove_note(id, note, by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn hold(caller: Caller, Id(id): Id, Body(asked): Body<HoldRequest>) -> Answer<StatusCode> {
    visible(&caller, id).await?;
    let reason = fitting("reason", &asked.reason, 1, REASON_MAX)?;
    let review = asked.review.as_deref().map(str::parse::<Day>).transpose();
    let review = review.map_err(|error| Refusal::not_acceptable(format!("`review`: {error}")))?;
    let day = review.map(|day| day.to_string()).unwrap_or_default();
    let details = [("reason", reason.clone()), ("review", day)];
    write(&caller, "hold", id, &details, move |vault, by| vault.hold(id, &reason, review, by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn release(caller: Caller, Id(id): Id, Body(asked): Body<ReleaseRequest>) -> Answer<StatusCode> {
    let recording = visible(&caller, id).await?;
    let reason = fitting("reason", &asked.reason, 1, REASON_MAX)?;
    if recording.labels.hold.is_none() {
        return Err(Refusal::conflict("There is no legal hold on this recording."));
    }
    let details = [("reason", reason.clone())];
    write(&caller, "release", id, &details, move |vault, by| vault.release(id, &reason, by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes the audit entry, then does it.
async fn write<T: Send + 'static>(
    caller: &Caller,
    act: &'static str,
    id: RecordingId,
    details: &[(&str, String)],
    work: impl FnOnce(&Vault, &By) -> vault::Result<T> + Send + 'static,
) -> Answer<T> {
    caller.audit_recording(act, id, details).await?;
    let by = By { user: Some(caller.user.id), name: caller.name().to_owned(), at: caller.doors.now() };
    caller.doors.vault(move |vault| work(vault, &by)).await
}

async fn note_of(caller: &Caller, id: RecordingId, note: NoteId) -> Answer<Note> {
    let recording = visible(caller, id).await?;
    let found = recording.labels.notes.iter().find(|known| known.id == note);
    found.map(|note| rows::note(note, caller.doors.host().zone())).ok_or_else(Refusal::not_found)
}

fn room(recording: &Recording) -> Answer<()> {
    let labels = &recording.labels;
    if labels.tags.len().saturating_add(labels.notes.len()) < LABELS_MAX {
        return Ok(());
    }
    Err(Refusal::conflict(format!(
        "A recording carries at most {LABELS_MAX} tags and notes: remove some first."
    )))
}

fn parsed(id: &str) -> Answer<RecordingId> {
    id.parse().map_err(|_no_identity| Refusal::not_found())
}

fn note_id(text: &str) -> Answer<NoteId> {
    text.parse().map(NoteId).map_err(|_no_number| Refusal::not_found())
}

/// Takes a text of a person: trimmed, of a fitting length, without control characters but line breaks.
fn fitting(name: &str, text: &str, min: usize, max: usize) -> Answer<String> {
    let text = text.trim();
    let length = text.chars().count();
    if length < min || length > max {
        return Err(Refusal::not_acceptable(format!(
            "`{name}` has {min} to {max} characters; this has {length}."
        )));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Refusal::not_acceptable(format!("`{name}` has control characters in it.")));
    }
    Ok(text.to_owned())
}
