//! The board of channels: which calls are going on, told by the commands that pass from the engine to the recorder.
//!
//! It sees about one command a second and call, and looks at the last packets of it for the level: nothing is decrypted for
//! it, and nothing is kept of what was heard. Once a second, when something changed, the whole board is published.

use std::collections::HashMap;
use std::sync::Arc;

use api::{Canary, LineState, TapLine, TapState};
use audio::codec::g711::{ALAW, MULAW};
use audio::peaks::{level_dbfs, rms};
use recorder::Recorder;
use shared::{Chunk, Direction, GapCause, Party, RecordingId, Reference, Role, Stamp, Track, Zone};
use telephony::cmd::{CallInfo, SegCmd, SegId};
use tokio::sync::watch;
use vault::PartyRole;
use web::{Board, BoardLine};

use super::taps::{Entry, TEST_TAP, Taps};
use super::watch::TapVitals;

/// Nanoseconds without audio after which a level is that of silence.
const STALE_NS: u64 = 3_000_000_000;
/// Octets of G.711 that a level is taken from: 50 ms.
const LEVEL_OCTETS: usize = 400;
/// What a meter shows for digital silence.
const SILENCE_DBFS: f32 = -96.0;
/// Calls on the board at most; the oldest are shown.
const LINES_MAX: usize = 5_000;

/// The calls that are going on.
pub(crate) struct Channels {
    calls: HashMap<SegId, Call>,
    out: watch::Sender<Arc<Board>>,
}

struct Call {
    info: CallInfo,
    /// Its first recording, once its ledger entry is durable; neither changes.
    entry: Option<(RecordingId, Reference)>,
    signalled: Stamp,
    opened: Option<Stamp>,
    tracks: Vec<Track>,
    /// Level of near and far party, and when it was taken.
    levels: [Option<f32>; 2],
    paused: bool,
    heard: bool,
    heard_in_last_look: bool,
    silent_since_ns: u64,
}

impl Channels {
    /// Makes an empty board and the end from which it is read.
    pub(crate) fn new() -> (Self, watch::Receiver<Arc<Board>>) {
        let (out, read) = watch::channel(Arc::default());
        (Self { calls: HashMap::new(), out }, read)
    }

    /// Takes note of a command.
    pub(crate) fn note(&mut self, command: &SegCmd) {
        if let SegCmd::Signalled { seg, at, info } = command {
            self.calls.insert(*seg, Call::new(info, *at));
            return;
        }
        let Some(call) = self.calls.get_mut(&command.seg()) else { return };
        match command {
            SegCmd::Signalled { .. } | SegCmd::Note { .. } => {}
            SegCmd::Open { start, tracks, .. } => {
                call.opened = Some(*start);
                call.tracks.clone_from(tracks);
            }
            SegCmd::Tracks { tracks, .. } => call.tracks.extend(tracks.iter().cloned()),
            SegCmd::Info { info, .. } => call.info.clone_from(info),
            SegCmd::Append { chunks, .. } => chunks.iter().for_each(|chunk| call.hear(chunk)),
            SegCmd::Discard { seg } => {
                self.calls.remove(seg);
            }
            SegCmd::Close(close) => {
                self.calls.remove(&close.seg);
            }
        }
    }

    /// Finds the call of a recording that is on the published board.
    pub(crate) fn seg_of(&self, id: RecordingId) -> Option<SegId> {
        let known = |call: &Call| call.entry.is_some_and(|(recording_id, _)| recording_id == id);
        self.calls.iter().find_map(|(seg, call)| known(call).then_some(*seg))
    }

    /// Publishes the board as it is now, if it changed.
    pub(crate) fn publish(
        &mut self,
        now: &Stamp,
        recorder: &Recorder,
        taps: &Taps,
        vitals: &[TapVitals],
        zone: &Zone,
    ) {
        let mut calls: Vec<(&SegId, &mut Call)> = self.calls.iter_mut().collect();
        calls.sort_unstable_by_key(|(seg, _)| **seg);
        calls.truncate(LINES_MAX);
        let lines =
            calls.into_iter().map(|(seg, call)| line(*seg, call, now, recorder, taps.all())).collect();
        let taps = vitals.iter().map(|vitals| tap_line(vitals, zone)).collect();
        let board = Board { lines, taps, ..Board::default() };
        self.out.send_if_modified(|known| {
            let changed = **known != board;
            if changed {
                *known = Arc::new(board);
            }
            changed
        });
    }
}

impl Call {
    fn new(info: &CallInfo, at: Stamp) -> Self {
        Self {
            info: info.clone(),
            entry: None,
            signalled: at,
            opened: None,
            tracks: Vec::new(),
            levels: [None; 2],
            paused: false,
            heard: false,
            heard_in_last_look: false,
            silent_since_ns: at.mono_ns,
        }
    }

    fn hear(&mut self, chunk: &Chunk) {
        self.heard = true;
        self.heard_in_last_look = true;
        self.paused = chunk.runs.last().is_some_and(|run| run.samples == 0 && run.cause == GapCause::Paused);
        let Some(track) = self.tracks.iter().find(|t| t.track == chunk.track) else { return };
        let payload = chunk.buf.payload();
        let last = payload.get(payload.len().saturating_sub(LEVEL_OCTETS)..).unwrap_or_default();
        let table = match track.codec.as_str() {
            "PCMA" => &ALAW,
            "PCMU" => &MULAW,
            _ => return, // other codecs would have to be decoded from an earlier state
        };
        let samples: Vec<i16> =
            last.iter().filter_map(|octet| table.get(usize::from(*octet)).copied()).collect();
        let level = level_dbfs(rms(&samples)).unwrap_or(SILENCE_DBFS);
        let [near, far] = &mut self.levels;
        match track.role {
            Role::Far => *far = Some(level),
            Role::Near | Role::Unknown | Role::Joint | Role::Radio => *near = Some(level),
        }
    }
}

fn line(seg: SegId, call: &mut Call, now: &Stamp, recorder: &Recorder, taps: &[Entry]) -> BoardLine {
    if std::mem::take(&mut call.heard_in_last_look) {
        call.silent_since_ns = now.mono_ns;
    }
    let stale = now.mono_ns.saturating_sub(call.silent_since_ns) > STALE_NS;
    call.entry = call.entry.or_else(|| recorder.entry_of(seg));
    let entry = call.entry;
    let state = match (call.opened, call.paused) {
        (None, _) => LineState::Ringing,
        (Some(_), true) => LineState::Paused,
        (Some(_), false) => LineState::Recording,
    };
    let levels = call.levels.map(|level| if stale { SILENCE_DBFS } else { level.unwrap_or(SILENCE_DBFS) });
    let known = call.levels.iter().any(Option::is_some);
    let mut codecs: Vec<String> = call.tracks.iter().map(|track| track.codec.clone()).collect();
    codecs.sort_unstable();
    codecs.dedup();
    BoardLine {
        key: seg.0,
        satellite: None,
        recording_id: entry.filter(|_| call.heard).map(|(id, _)| id),
        part: None,
        reference: entry.map(|(_, reference)| reference.to_string()),
        tap: taps
            .get(usize::from(call.info.tap.0))
            .map_or_else(|| TEST_TAP.to_owned(), |e| e.tap.name.clone()),
        side: call.info.side,
        state,
        started_at: Some(call.opened.unwrap_or(call.signalled).utc),
        caller: party(&call.info.caller, call.info.direction, PartyRole::Caller),
        called: party(&call.info.called, call.info.direction, PartyRole::Called),
        direction: call.info.direction,
        codecs,
        level_dbfs: known.then_some(levels),
        fault: None,
    }
}

/// A party with the extension at which it sits, by which a scope is judged: as that of the recording will be.
fn party(party: &Party, direction: Direction, role: PartyRole) -> api::Party {
    let extension = Some(vault::extension(direction, role, &party.number)).filter(|at| !at.is_empty());
    api::Party { number: party.number.clone(), name: party.display.clone(), extension }
}

fn tap_line(vitals: &TapVitals, zone: &Zone) -> TapLine {
    let state = match (vitals.open, vitals.packets_per_s) {
        (false, _) => TapState::Down,
        (true, 0) => TapState::Idle,
        (true, _) => TapState::Up,
    };
    TapLine {
        name: vitals.name.clone(),
        interface: vitals.interface.clone(),
        state,
        packets_per_s: vitals.packets_per_s,
        kernel_drops: vitals.kernel_drops,
        canary: vitals
            .canary
            .as_ref()
            .map(|last| Canary { at: zone.rfc3339(last.at), failed: last.failed.clone() }),
    }
}
