//! Taking recordings out: one ZIP with sound, sidecars and a signed report, made while it is sent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use api::{ExportRequest, SoundFormat};
use axum::body::Body as Sent;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use shared::{RecordingId, UtcMicros};
use tokio::task::JoinSet;

use super::export::{Export, Piece, Wanted};
use super::media::{attachment, legs, said, sound_format, still_valid};
use super::recordings::visible;
use super::sealed::Result as SoundResult;
use super::unfold::unfold;
use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Body};

/// Recordings in one export.
const IDS_MAX: usize = 1_000;
const STILL_VALID_US: i64 = 5_000_000;

pub(super) fn register(routes: &mut Routes) {
    routes.add(
        Method::POST,
        "/exports",
        Spec::new("Sound", "Takes recordings out: a ZIP with a signed report", Door::Act(Act::Export))
            .body::<ExportRequest>()
            .bytes(200, "application/zip")
            .may(&[404, 410, 422]),
        export,
    );
}

async fn export(caller: Caller, Body(asked): Body<ExportRequest>) -> Answer<Response> {
    let ids = ids(&asked)?;
    // One that cannot be seen does not exist: then nothing goes out at all.
    let mut recordings = VecDeque::with_capacity(ids.len());
    for id in &ids {
        recordings.push_back(Arc::new(visible(&caller, *id).await?));
    }
    audit(&caller, &ids, &asked).await?;
    let now = caller.doors.now();
    let host = caller.doors.host();
    let zone = host.zone();
    let day = zone.day_of(now).yyyymmdd();
    let (h, m, s) = zone.hms_of(now);
    let name = format!("amethyst-export-{day:08}-{h:02}{m:02}{s:02}.zip");
    let wanted = Wanted { format: sound_format(asked.format), legs: legs(asked.legs) };
    let run = Export::new(&host.site(), zone, now, caller.name(), wanted, recordings);
    let mut response = Sent::from_stream(stream(caller, run, now)).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    head.insert(header::CONTENT_DISPOSITION, attachment(&name));
    Ok(response)
}

fn ids(asked: &ExportRequest) -> Answer<Vec<RecordingId>> {
    if asked.ids.is_empty() || asked.ids.len() > IDS_MAX {
        return Err(Refusal::not_acceptable(format!("`ids` lists 1 to {IDS_MAX} recordings.")));
    }
    let mut seen = BTreeSet::new();
    let mut ids = Vec::with_capacity(asked.ids.len());
    for text in &asked.ids {
        let id: RecordingId = text.parse().map_err(|_no_identity| Refusal::not_found())?;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Writes one entry for each recording; those of one export share their commits.
async fn audit(caller: &Caller, ids: &[RecordingId], asked: &ExportRequest) -> Answer<()> {
    let (format, legs) = (format_word(asked.format), super::sidecar::legs_word(legs(asked.legs)));
    let details =
        [("format", format.to_owned()), ("legs", legs.to_owned()), ("recordings", ids.len().to_string())];
    let details = Arc::new(details);
    let mut entries = JoinSet::new();
    for id in ids.iter().copied() {
        let (caller, details) = (caller.clone(), Arc::clone(&details));
        entries.spawn(async move { caller.audit_recording("export", id, details.as_slice()).await });
    }
    while let Some(done) = entries.join_next().await {
        done.map_err(|_ended_badly| Refusal::not_audited())??;
    }
    Ok(())
}

fn stream(
    caller: Caller,
    run: Export,
    begun: UtcMicros,
) -> impl futures_core::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    unfold((run, caller, begun), |(mut run, caller, mut checked)| async move {
        loop {
            let now = caller.doors.now();
            if now.since(checked).abs() >= STILL_VALID_US {
                checked = now;
                still_valid(&caller).await?;
            }
            let step = move |host: &dyn crate::Host| -> SoundResult<(Piece, Export)> {
                let piece = run.step(host)?;
                Ok((piece, run))
            };
            let (piece, so_far) = caller.doors.blocking_long(step).await.map_err(said)?;
            run = so_far;
            match piece {
                Piece::End => return Ok(None),
                Piece::Bytes(bytes) if bytes.is_empty() => {}
                Piece::Bytes(bytes) => return Ok(Some((Bytes::from(bytes), (run, caller, checked)))),
            }
        }
    })
}

/// Says in a word which format.
const fn format_word(format: SoundFormat) -> &'static str {
    match format {
        SoundFormat::Wav => "wav",
        SoundFormat::Flac => "flac",
        SoundFormat::Opus => "opus",
        SoundFormat::Raw => "raw",
    }
}
