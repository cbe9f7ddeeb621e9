//! What goes on now: the board of channels as server-sent events, and the sound of a call by WebSocket.
//!
//! What a caller may see of the board is decided here, line by line, by the same scope as the recordings. While somebody listens
//! the recorder is asked to write that call more often, and what it wrote is sent on at once; what a slow listener could not take
//! is skipped and said.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use api::{AudioEnd, AudioHead, AudioLoss, Board as Shown, Line, SatelliteLine, SideWord};
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use shared::{RecorderId, RecordingId, Side, UtcMicros, Zone};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use vault::Scope;

use super::growing::{Growing, Heard, Lost};
use super::media::still_valid;
use super::recordings::note;
use super::sealed::Result as SoundResult;
use super::unfold::unfold;
use crate::act::Act;
use crate::caller::Caller;
use crate::guard::same_origin;
use crate::host::{Board, BoardLine, BoardSatellite};
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Id};

const TAG: &str = "Live";
/// A board that does not change is followed by a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// Between two looks into the growing file.
const TURN: Duration = Duration::from_millis(20);
/// Turns until the recorder writes as quickly as it was asked to: only then listening begins.
const SETTLE: u32 = 12;
/// The turn after sound came in which it is looked for again: the next flush comes a tenth of a second after the last.
const REST: u32 = 4;
/// Turns between two words to the recorder that somebody listens.
const RENEW_EVERY: u32 = 50;
/// Turns between two questions whether the session still lives.
const ASK_EVERY: u32 = 250;
/// Binary messages that a second of sound has at least.
const PIECES_A_SECOND: usize = 10;
/// A client that takes no message for so long is gone.
const SEND_MAX: Duration = Duration::from_secs(5);
/// Nothing new for so long: the call is over, or its recorder.
const NOTHING_MAX: Duration = Duration::from_secs(45);
/// The first seconds of a satellite's call are on their way when it stands on the board already.
const COMES_WITHIN: Duration = Duration::from_secs(4);
pub(super) fn register(routes: &mut Routes) {
    let spec = |summary| Spec::new(TAG, summary, Door::Act(Act::Live));
    routes.add(
        Method::GET,
        "/live",
        spec("Shows the board of channels as server-sent events").bytes(200, "text/event-stream"),
        board,
    );
    routes.add(
        Method::GET,
        "/live/{id}/audio",
        spec("Gives the sound of a call that is going on, by WebSocket")
            .empty(101)
            .may(&[400, 404, 422, 426])
            .sound(),
        listen,
    );
}

async fn board(caller: Caller) -> Response {
    let mut boards = caller.doors.host().board();
    boards.mark_changed();
    let stream = unfold((caller, boards, String::new()), |(caller, mut boards, told)| async move {
        loop {
            let changed = timeout(SIGN_OF_LIFE, boards.changed()).await;
            still_valid(&caller).await?;
            match changed {
                Err(_quiet) => {
                    return Ok(Some((Bytes::from_static(b": still here\n\n"), (caller, boards, told))));
                }
                Ok(Err(_the_recorder_has_ended)) => return Ok(None),
                Ok(Ok(())) => {}
            }
            let shown = shown(&mut boards, &caller);
            let text = serde_json::to_string(&shown).map_err(io::Error::other)?;
            if text != told {
                let event = format!("event: board\ndata: {text}\n\n");
                return Ok(Some((Bytes::from(event), (caller, boards, text))));
            }
        }
    });
    let mut response = Body::from_stream(stream).into_response();
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    head.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn shown(boards: &mut watch::Receiver<Arc<Board>>, caller: &Caller) -> Shown {
    let board = Arc::clone(&boards.borrow_and_update());
    let host = caller.doors.host();
    show(&board, &caller.scope, host.zone(), host.now())
}

/// Shows of the board what the scope covers.
fn show(board: &Board, scope: &Scope, zone: &Zone, now: UtcMicros) -> Shown {
    let lines =
        board.lines.iter().filter(|line| covers(scope, line, now)).map(|line| show_line(line, zone, now));
    let tap = |name: &str| scope.taps.is_empty() || scope.taps.iter().any(|known| known == name);
    let satellite = |of: &BoardSatellite| {
        let is_its = |line: &&BoardLine| line.satellite.as_ref().is_some_and(|s| s.name == of.name);
        let told = u64::try_from(board.lines.iter().filter(is_its).count()).unwrap_or(u64::MAX);
        SatelliteLine {
            name: of.name.clone(),
            connected: of.connected,
            seen_at: of.seen_at.map(|at| zone.rfc3339(at)),
            // Whoever sees some calls only learns nothing of the others.
            more: if scope.is_all() { of.calls.saturating_sub(told) } else { 0 },
        }
    };
    Shown {
        lines: lines.collect(),
        taps: board.taps.iter().filter(|t| tap(&t.name)).cloned().collect(),
        satellites: board.satellites.iter().map(satellite).collect(),
    }
}

fn covers(scope: &Scope, line: &BoardLine, now: UtcMicros) -> bool {
    let extensions = [&line.caller, &line.called].into_iter().filter_map(|party| party.extension.as_deref());
    scope.covers(extensions, &line.tap, line.started_at.unwrap_or(now))
}

fn show_line(line: &BoardLine, zone: &Zone, now: UtcMicros) -> Line {
    let playing = matches!(line.state, api::LineState::Recording | api::LineState::Paused);
    let since = line.started_at.map_or(0, |at| now.since(at).max(0) / 1_000_000);
    Line {
        recording_id: line.recording_id.map(|id| id.to_string()),
        reference: line.reference.clone(),
        satellite: line.satellite.as_ref().map(|of| of.name.clone()),
        tap: line.tap.clone(),
        side: if line.side == Side::Trunk { SideWord::Trunk } else { SideWord::Extension },
        state: line.state,
        started_at: line.started_at.map(|at| zone.rfc3339(at)),
        seconds: u64::try_from(since).unwrap_or(0),
        caller: line.caller.clone(),
        called: line.called.clone(),
        direction: line.direction.word().to_owned(),
        codecs: line.codecs.clone(),
        level_dbfs: line.level_dbfs,
        listenable: playing && line.recording_id.is_some(),
        fault: line.fault.clone(),
    }
}

/// Upgrades to a WebSocket once everything that can be refused was looked at.
async fn listen(
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer<Response> {
    // A page of another origin may open a WebSocket with our cookie; the guard judges writes only.
    if !same_origin(&headers) {
        return Err(Refusal::wrong_csrf());
    }
    let from = on_board(&caller, id).ok_or_else(Refusal::not_found)?;
    let upgrade = upgrade.map_err(|_plain| Refusal::bad("This address speaks WebSocket only."))?;
    note(&caller, "listen-live", id, &[]).await?;
    caller.doors.host().listening(id);
    let growing = open(&caller, id, from).await?.ok_or_else(Refusal::not_found)?;
    Ok(upgrade.max_message_size(1_024).on_upgrade(move |socket| async move {
        let mut listener = Listener { socket, caller, id, rate_hz: growing.rate_hz() };
        if let Err(end) = listener.run(growing).await {
            listener.say_end(end).await;
        }
    }))
}

/// Opens what grows of a call. What a satellite makes may still be on its way.
async fn open(caller: &Caller, id: RecordingId, from: Option<RecorderId>) -> Answer<Option<Growing>> {
    let since = Instant::now();
    loop {
        let open =
            move |host: &dyn crate::Host| -> SoundResult<Option<Growing>> { Growing::open(host, id, from) };
        match caller.doors.blocking_long(open).await {
            Ok(None) | Err(_) if from.is_some() && since.elapsed() < COMES_WITHIN => sleep(REST * TURN).await,
            opened => return opened,
        }
    }
}

/// Finds the call on the board, if the caller's scope covers it: the satellite that records it, or this server. What is not covered is
/// not there.
fn on_board(caller: &Caller, id: RecordingId) -> Option<Option<RecorderId>> {
    let board = Arc::clone(&caller.doors.host().board().borrow());
    let now = caller.doors.now();
    let mut lines = board.lines.iter().filter(|line| line.recording_id == Some(id));
    lines.find(|line| covers(&caller.scope, line, now)).map(|line| line.satellite.as_ref().map(|of| of.id))
}

/// Returns for how long a call has gone on so far, in microseconds; `None`: it does not go on, or the caller's scope does not cover it.
pub(super) fn going_us(caller: &Caller, id: RecordingId) -> Option<u64> {
    let board = Arc::clone(&caller.doors.host().board().borrow());
    let now = caller.doors.now();
    let mut lines = board.lines.iter();
    let line = lines.find(|line| line.recording_id == Some(id) && covers(&caller.scope, line, now))?;
    Some(u64::try_from(now.since(line.started_at.unwrap_or(now))).unwrap_or(0))
}

/// Why listening ended, as a word; empty when nobody is there to be told.
type End = &'static str;

struct Listener {
    socket: WebSocket,
    caller: Caller,
    id: RecordingId,
    rate_hz: u32,
}

impl Listener {
    /// Sends sound until the call or the listener has gone.
    async fn run(&mut self, growing: Growing) -> Result<(), End> {
        let mut growing = growing;
        let (mut tick, mut n, mut rest) = (interval(TURN), 0_u32, SETTLE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                said = self.socket.recv() => match said {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(""),
                    Some(Ok(_)) => continue,
                },
                _ = tick.tick() => {}
            }
            n = n.wrapping_add(1);
            if n.is_multiple_of(RENEW_EVERY) {
                self.caller.doors.host().listening(self.id);
            }
            if n.is_multiple_of(ASK_EVERY) && !self.caller.still_valid().await {
                return Err("signed-out");
            }
            rest = rest.saturating_sub(1);
            if rest > 0 {
                continue;
            }
            if n == SETTLE {
                growing = look(self.caller.clone(), growing, |growing, host| growing.catch_up(host)).await?.1;
                let head = AudioHead { rate_hz: self.rate_hz, channels: 2, at_ms: growing.at_us() / 1_000 };
                self.text(&head).await?;
            }
            let (heard, open) =
                look(self.caller.clone(), growing, |growing, host| growing.look(host)).await?;
            growing = open;
            match heard {
                Heard::End => return Err("call-ended"),
                Heard::Nothing => {}
                Heard::Sound { pcm, lost, .. } => {
                    (heard_at, rest) = (Instant::now(), REST);
                    self.give(&pcm, &lost).await?;
                }
            }
            if heard_at.elapsed() > NOTHING_MAX {
                return Err(if on_board(&self.caller, self.id).is_some() {
                    "no-sound"
                } else {
                    "call-ended"
                });
            }
        }
    }

    /// Says what is missing, then sends the sound at once: how evenly it is played is for the listener's buffer.
    async fn give(&mut self, pcm: &[i16], lost: &[Lost]) -> Result<(), End> {
        for one in lost {
            let (at_ms, lost_ms) = (one.at_us / 1_000, one.for_us.div_ceil(1_000));
            self.text(&AudioLoss { at_ms, lost_ms, cause: one.why.to_owned() }).await?;
        }
        let piece = usize::try_from(self.rate_hz).unwrap_or(8_000) / PIECES_A_SECOND * 2;
        for samples in pcm.chunks(piece.max(2)) {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            self.send(Message::Binary(Bytes::from(bytes))).await?;
        }
        Ok(())
    }

    async fn text(&mut self, what: &impl serde::Serialize) -> Result<(), End> {
        let text = serde_json::to_string(what).map_err(|_never| "")?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND_MAX, self.socket.send(message)).await {
            Err(_slow) => Err("too-slow"),
            Ok(Err(_gone)) => Err(""),
            Ok(Ok(())) => Ok(()),
        }
    }

    async fn say_end(&mut self, end: End) {
        if end.is_empty() {
            return;
        }
        // Whoever is told that they were too slow may not hear it.
        if self.text(&AudioEnd { end: end.to_owned() }).await.is_ok() {
            let close = timeout(SEND_MAX, self.socket.send(Message::Close(None)));
            drop(close.await);
        }
    }
}

async fn look<T: Send + 'static>(
    caller: Caller,
    mut growing: Growing,
    look: impl FnOnce(&mut Growing, &dyn crate::Host) -> SoundResult<T> + Send + 'static,
) -> Result<(T, Growing), End> {
    let look = move |host: &dyn crate::Host| -> SoundResult<(T, Growing)> {
        let seen = look(&mut growing, host)?;
        Ok((seen, growing))
    };
    caller.doors.blocking_live(look).await.map_err(|_told_in_the_log| "not-playable")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: u8, caller: &str, tap: &str) -> BoardLine {
        let party = |extension: &str| api::Party {
            number: extension.to_owned(),
            name: String::new(),
            extension: Some(extension.to_owned()),
        };
        BoardLine {
            key: u64::from(n),
            satellite: None,
            recording_id: Some(RecordingId([n; 16])),
            part: None,
            reference: None,
            tap: tap.to_owned(),
            side: Side::Trunk,
            state: api::LineState::Recording,
            started_at: Some(UtcMicros(1_000_000)),
            caller: party(caller),
            called: api::Party::default(),
            direction: shared::Direction::Out,
            codecs: vec!["PCMU".to_owned()],
            level_dbfs: None,
            fault: None,
        }
    }

    #[test]
    fn a_limited_caller_sees_covered_lines_and_taps_only() {
        let tap = |name: &str| api::TapLine {
            name: name.to_owned(),
            interface: "eth1".to_owned(),
            state: api::TapState::Up,
            packets_per_s: 1,
            kernel_drops: 0,
            canary: None,
        };
        let board = Board {
            lines: vec![line(1, "200", "a"), line(2, "201", "a"), line(3, "200", "b")],
            taps: vec![tap("a"), tap("b")],
            satellites: Vec::new(),
        };
        let zone = Zone::named("UTC").unwrap();
        let seen = |scope: &Scope| {
            let shown = show(&board, scope, &zone, UtcMicros(3_500_000));
            (
                shown.lines.iter().map(|l| (l.caller.number.clone(), l.seconds)).collect::<Vec<_>>(),
                shown.taps.len(),
            )
        };
        assert_eq!(seen(&Scope::default()).0.len(), 3);
        let scope =
            Scope { extensions: vec!["200".parse().unwrap()], taps: vec!["a".to_owned()], since: None };
        assert_eq!(seen(&scope), (vec![("200".to_owned(), 2)], 1));
        let later = Scope { since: Some(UtcMicros(2_000_000)), ..Scope::default() };
        assert_eq!(seen(&later).0, Vec::new());
    }
}
