//! Hearing a recording: its time line, its waveform, its sound.

use std::io;
use std::sync::Arc;

use api::{AudioQuery, PeaksQuery, SoundFormat, SoundLegs, Timeline};
use audio::Legs;
use audio::PcmSink as _;
use audio::peaks::{Peaks, PeaksView};
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use shared::{UtcMicros, Zone};
use utoipa::openapi::Required;
use vault::{PartyRole, Recording};

use super::encode::{Encoding, Format};
use super::gaps::{GapMap, GapWalk};
use super::ranges::{self, Asked as Range};
use super::recordings::{note, visible};
use super::sealed::{Result as SoundResult, Sealed, Shape};
use super::shelf::Edition;
use super::unfold::unfold;
use super::wav_file::WavFile;
use super::{names, timeline};
use crate::act::Act;
use crate::caller::Caller;
use crate::doors::Doors;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Asked, Id};

const TAG: &str = "Sound";
const COLUMNS: u32 = 1_000;
const COLUMNS_MAX: u32 = 4_000;
/// Blocks of a waveform computed in one step: half a minute of sound.
const PEAK_BLOCKS: u64 = 8;
/// A stream asks so often whether its session still lives, microseconds.
const STILL_VALID_US: i64 = 5_000_000;

pub(super) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Play)).sound();
    routes.add(
        Method::GET,
        "/recordings/{id}/timeline",
        spec("Says where audio is missing and what happened").answers::<Timeline>(200).may(&[410]),
        line,
    );
    routes.add(
        Method::GET,
        "/recordings/{id}/peaks",
        spec("Draws the waveform: minimum, maximum and loudness of each column, format AMXP")
            .query::<PeaksQuery>()
            .bytes(200, "application/octet-stream")
            .may(&[410, 422]),
        peaks,
    );
    routes.add(
        Method::GET,
        "/recordings/{id}/audio",
        spec("Gives the sound: WAV with ranges, FLAC, or Opus")
            .query::<AudioQuery>()
            .header("range", Required::False, "Which bytes of the WAV file, as RFC 9110 writes it.")
            .bytes(200, "audio/wav")
            .bytes(200, "audio/flac")
            .bytes(200, "audio/ogg")
            .bytes(206, "audio/wav")
            .may(&[410, 416, 422]),
        sound,
    );
}

/// An opened recording on loan from the shelf; it goes back whatever happens.
pub(super) struct Lent {
    doors: Doors,
    edition: Edition,
    sealed: Option<Sealed>,
    at: UtcMicros,
}

impl Lent {
    /// Takes a recording from the shelf or opens it.
    pub(super) async fn open(doors: &Doors, recording: Arc<Recording>) -> Answer<Self> {
        let (doors, at) = (doors.clone(), doors.now());
        let shelf = doors.clone();
        doors
            .blocking_long(move |host| -> SoundResult<Self> {
                let sealed = Some(shelf.shelf().take(host, &recording)?);
                Ok(Self { edition: Edition::of(&recording), doors: shelf, sealed, at })
            })
            .await
    }

    pub(super) fn sealed(&mut self) -> Option<&mut Sealed> {
        self.sealed.as_mut()
    }

    /// Works on the opened recording, on a thread that may wait.
    pub(super) async fn work<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Sealed) -> playback::Result<T> + Send + 'static,
    ) -> Answer<(T, Self)> {
        let doors = self.doors.clone();
        let work = move |_: &dyn crate::Host| -> SoundResult<Option<(T, Self)>> {
            let Some(sealed) = self.sealed.as_mut() else { return Ok(None) };
            let done = work(sealed)?;
            Ok(Some((done, self)))
        };
        doors.blocking_long(work).await?.ok_or_else(Refusal::internal)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(sealed) = self.sealed.take() {
            self.doors.shelf().give(self.edition, sealed, self.doors.now().max(self.at));
        }
    }
}

async fn line(caller: Caller, Id(id): Id) -> Answer<Json<Timeline>> {
    let recording = Arc::new(visible(&caller, id).await?);
    note(&caller, "open", id, &[]).await?;
    let mut lent = Lent::open(&caller.doors, Arc::clone(&recording)).await?;
    let (map, mut lent) = if recording.gaps().0.iter().all(|samples| *samples == 0) {
        (GapMap::new(), lent)
    } else {
        let mut walk = GapWalk::default();
        loop {
            let ((so_far, more), back) =
                lent.work(move |sealed| walk.step(sealed).map(|more| (walk, more))).await?;
            (walk, lent) = (so_far, back);
            if !more {
                break;
            }
        }
        lent.work(move |sealed| Ok(walk.finish(sealed))).await?
    };
    let sealed = lent.sealed().ok_or_else(Refusal::internal)?;
    let drawn = timeline::timeline(&recording, sealed, &map);
    let fetched_from = caller.doors.vault(move |vault| vault.fetched_from(&recording)).await?;
    Ok(Json(Timeline { fetched_from, ..drawn }))
}

async fn peaks(caller: Caller, Id(id): Id, Asked(asked): Asked<PeaksQuery>) -> Answer<Response> {
    let columns = asked.columns.unwrap_or(COLUMNS);
    if !(1..=COLUMNS_MAX).contains(&columns) {
        return Err(Refusal::bad("`columns` is a number from 1 to 4000."));
    }
    let recording = Arc::new(visible(&caller, id).await?);
    note(&caller, "open", id, &[]).await?;
    let edition = Edition::of(&recording);
    let whole = match caller.doors.shelf().peaks(edition) {
        Some(whole) => whole,
        None => {
            let turn = caller.doors.shelf().turn(edition);
            let _mine = turn.lock().await;
            match caller.doors.shelf().peaks(edition) {
                Some(whole) => whole,
                None => computed(&caller.doors, recording, edition).await?,
            }
        }
    };
    let view = PeaksView::parse(&whole).map_err(|_ours| Refusal::internal())?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind)], view.narrowed(columns)).into_response())
}

/// Computes a waveform in steps, so that hearing others is not kept waiting. Stops when nobody waits for it any more.
async fn computed(doors: &Doors, recording: Arc<Recording>, edition: Edition) -> Answer<Arc<Vec<u8>>> {
    let lent = Lent::open(doors, recording).await?;
    let (shape, mut lent) = lent.work(|sealed| sealed.shape(Legs::Both, None)).await?;
    let mut peaks = Peaks::new(shape.rate_hz, shape.channels);
    let mut from = 0;
    while from < shape.blocks() {
        let to = from.saturating_add(PEAK_BLOCKS).min(shape.blocks());
        let step = move |sealed: &mut Sealed| {
            for n in from..to {
                peaks.write_frames(&sealed.block(&shape, n)?.0)?;
            }
            Ok(peaks)
        };
        (peaks, lent) = lent.work(step).await?;
        from = to;
    }
    let whole = Arc::new(peaks.to_bytes());
    doors.shelf().keep_peaks(edition, Arc::clone(&whole));
    Ok(whole)
}

async fn sound(
    caller: Caller,
    Id(id): Id,
    Asked(asked): Asked<AudioQuery>,
    method: Method,
    headers: HeaderMap,
) -> Answer<Response> {
    let download = match asked.download {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(Refusal::bad("`download` is 0 or 1.")),
    };
    if download {
        caller.require(Act::Export).await?;
    }
    let (legs, format) = (legs(asked.legs.unwrap_or_default()), format(asked.format.unwrap_or_default())?);
    let recording = Arc::new(visible(&caller, id).await?);
    let lent = Lent::open(&caller.doors, Arc::clone(&recording)).await?;
    let (shape, lent) = lent.work(move |sealed| sealed.shape(legs, None)).await?;
    let details =
        [("legs", super::sidecar::legs_word(legs).to_owned()), ("format", format.extension().to_owned())];
    if download {
        caller.audit_recording("export", id, &details).await?;
    } else {
        note(&caller, "play", id, &details).await?;
    }
    let mut response = match format {
        Format::Wav => wav(&caller, &recording, lent, shape, &method, &headers).await?,
        Format::Flac | Format::Opus => encoded(&caller, lent, format, legs).await?,
    };
    if !response.status().is_success() {
        return Ok(response);
    }
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if download {
        let name = format!("{}.{}", stem(&recording, caller.doors.host().zone()), format.extension());
        head.insert(header::CONTENT_DISPOSITION, attachment(&name));
    }
    Ok(response)
}

/// Answers with the WAV or a range of it; a block is made when the one before was taken.
async fn wav(
    caller: &Caller,
    recording: &Recording,
    lent: Lent,
    shape: Shape,
    method: &Method,
    headers: &HeaderMap,
) -> Answer<Response> {
    let file = Arc::new(WavFile::new(shape));
    let (length, tag) = (file.len(), tag(recording, &shape));
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // A range of another state of the file would not fit what the client has.
    let same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let wanted =
        text(header::RANGE).filter(|_| same).map_or(Range::Whole, |range| ranges::asked(range, length));
    let (status, from, to) = match wanted {
        Range::Whole => (StatusCode::OK, 0, length),
        Range::Part(from, to) => (StatusCode::PARTIAL_CONTENT, from, to),
        Range::Nothing => {
            let mut response = Refusal::no_such_range().into_response();
            response.headers_mut().insert(header::CONTENT_RANGE, ascii(&format!("bytes */{length}")));
            return Ok(response);
        }
    };
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        let first = Arc::clone(&file);
        let (piece, lent) = lent.work(move |sealed| first.read(sealed, from, to)).await?;
        let flow = Flow { caller: caller.clone(), checked: caller.doors.now(), lent };
        Body::from_stream(wav_stream(flow, file, piece, from, to))
    };
    let mut response = (status, body).into_response();
    let head = response.headers_mut();
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(header::CONTENT_LENGTH, to.saturating_sub(from).into());
    head.insert(header::ETAG, ascii(&tag));
    if status == StatusCode::PARTIAL_CONTENT {
        let last = to.saturating_sub(1);
        head.insert(header::CONTENT_RANGE, ascii(&format!("bytes {from}-{last}/{length}")));
    }
    Ok(response)
}

/// What a stream holds while it flows.
pub(super) struct Flow {
    pub(super) caller: Caller,
    checked: UtcMicros,
    lent: Lent,
}

impl Flow {
    /// Ends the stream when the session has ended meanwhile.
    async fn go_on(&mut self) -> io::Result<()> {
        let now = self.caller.doors.now();
        if now.since(self.checked).abs() < STILL_VALID_US {
            return Ok(());
        }
        self.checked = now;
        still_valid(&self.caller).await
    }
}

/// Tells whether a stream may go on.
pub(super) async fn still_valid(caller: &Caller) -> io::Result<()> {
    if caller.still_valid().await { Ok(()) } else { Err(broken("the session has ended")) }
}

/// Says why a body breaks off. The status is sent by then; a body that is cut is all that can still be said.
pub(super) fn broken(why: impl std::fmt::Display) -> io::Error {
    io::Error::other(why.to_string())
}

fn wav_stream(
    flow: Flow,
    file: Arc<WavFile>,
    piece: Vec<u8>,
    from: u64,
    to: u64,
) -> impl futures_core::Stream<Item = io::Result<Bytes>> + Send + 'static {
    let begun = (Some(piece), from, Some(flow));
    unfold(begun, move |(ready, at, flow)| {
        let file = Arc::clone(&file);
        async move {
            let Some(mut flow) = flow else { return Ok(None) };
            let (piece, flow) = if let Some(piece) = ready {
                (piece, flow)
            } else if at >= to {
                return Ok(None);
            } else {
                flow.go_on().await?;
                let Flow { caller, checked, lent } = flow;
                let (piece, lent) = lent.work(move |sealed| file.read(sealed, at, to)).await.map_err(said)?;
                (piece, Flow { caller, checked, lent })
            };
            if piece.is_empty() {
                return Ok(None);
            }
            let at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            Ok(Some((Bytes::from(piece), (None, at, Some(flow)))))
        }
    })
}

async fn encoded(caller: &Caller, lent: Lent, format: Format, legs: Legs) -> Answer<Response> {
    let (encoding, lent) = lent.work(move |sealed| Encoding::new(sealed, format, legs)).await?;
    let flow = Flow { caller: caller.clone(), checked: caller.doors.now(), lent };
    let stream = unfold((encoding, flow), |(mut encoding, mut flow)| async move {
        loop {
            flow.go_on().await?;
            let Flow { caller, checked, lent } = flow;
            let step = move |sealed: &mut Sealed| encoding.step(sealed).map(|piece| (piece, encoding));
            let ((piece, so_far), lent) = lent.work(step).await.map_err(said)?;
            (encoding, flow) = (so_far, Flow { caller, checked, lent });
            match piece {
                None => return Ok(None),
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Ok(Some((Bytes::from(piece), (encoding, flow)))),
            }
        }
    });
    Ok(Body::from_stream(stream).into_response())
}

pub(super) fn said(refusal: Refusal) -> io::Error {
    broken(refusal.status())
}

/// Names one state of one sound: the sealed files and what is made of them.
fn tag(recording: &Recording, shape: &Shape) -> String {
    use sha2::{Digest as _, Sha256};
    let mut digest = Sha256::new().chain_update(recording.facts.recording_id.bytes());
    for part in &recording.parts {
        digest.update(part.sha256);
    }
    digest.update(format!("{shape:?}"));
    let digest: [u8; 32] = digest.finalize().into();
    format!("\"{}\"", super::view::hex(digest.first_chunk::<12>().unwrap_or(&[0; 12])))
}

/// Returns the stem of a file's name for a recording.
pub(super) fn stem(recording: &Recording, zone: &Zone) -> String {
    let number = |role| {
        let party = recording.parties.iter().find(|p| p.role == role);
        party.map_or("", |p| p.party.number.as_str())
    };
    let (caller, called) = (number(PartyRole::Caller), number(PartyRole::Called));
    let facts = &recording.facts;
    names::export_stem(facts.started_at, zone, caller, called, &facts.reference.to_string())
}

/// Makes a browser keep the body as a file. `name` is safe by its making.
pub(super) fn attachment(name: &str) -> HeaderValue {
    ascii(&format!("attachment; filename=\"{name}\""))
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_never| HeaderValue::from_static(""))
}

pub(super) const fn legs(asked: SoundLegs) -> Legs {
    match asked {
        SoundLegs::Near => Legs::Near,
        SoundLegs::Far => Legs::Far,
        SoundLegs::Both => Legs::Both,
    }
}

fn format(asked: SoundFormat) -> Answer<Format> {
    sound_format(asked).ok_or_else(|| {
        Refusal::not_acceptable(
            "The payload as received is one file for each track: ask POST /api/v1/exports for `raw`.",
        )
    })
}

/// Returns the format of sound; `None` for the payload as received.
pub(super) const fn sound_format(asked: SoundFormat) -> Option<Format> {
    match asked {
        SoundFormat::Wav => Some(Format::Wav),
        SoundFormat::Flac => Some(Format::Flac),
        SoundFormat::Opus => Some(Format::Opus),
        SoundFormat::Raw => None,
    }
}
