//! What is kept in memory between two requests about the same recording: opened files, waveforms, and what was just
//! written down. All of it is bounded, none of it is on disk, and no audio is in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use shared::{RecordingId, UtcMicros};
use vault::Recording;

use super::sealed::{Result, Sealed};
use crate::Host;
use crate::doors::held;

/// Opened recordings that wait for the next request.
const OPEN_MAX: usize = 64;
/// How long they wait, microseconds.
const OPEN_US: i64 = 60_000_000;
/// Waveforms kept: at most 100 kB each.
const PEAKS_MAX: usize = 256;
/// Doing the same within this time is the same entry of the audit log, microseconds.
const SAME_ACT_US: i64 = 600_000_000;
/// Entries remembered; when there are more, some acts are written down once more than needed.
const NOTED_MAX: usize = 20_000;

/// What tells one state of a recording from another: a part that is admitted later makes it longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Edition {
    id: RecordingId,
    parts: usize,
    last: [u8; 32],
}

impl Edition {
    pub(crate) fn of(recording: &Recording) -> Self {
        let last = recording.parts.last().map_or([0; 32], |part| part.sha256);
        Self { id: recording.facts.recording_id, parts: recording.parts.len(), last }
    }
}

/// The shelf.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    open: Mutex<Vec<(Edition, UtcMicros, Sealed)>>,
    peaks: Mutex<Vec<(Edition, Arc<Vec<u8>>)>>,
    /// One computes, others wait for it.
    turns: Mutex<HashMap<Edition, std::sync::Weak<tokio::sync::Mutex<()>>>>,
    noted: Mutex<HashMap<([u8; 32], [u8; 32]), UtcMicros>>,
}

impl Shelf {
    /// Takes an opened recording from the shelf, or opens it. Blocks.
    pub(crate) fn take(&self, host: &dyn Host, recording: &Recording) -> Result<Sealed> {
        let edition = Edition::of(recording);
        let kept = {
            let mut open = held(&self.open);
            let place = open.iter().rposition(|(known, ..)| *known == edition);
            place.map(|n| open.swap_remove(n).2)
        };
        // What was destroyed meanwhile is refused by the vault.
        let stays = || host.vault().shredded_at(recording.facts.recording_id).is_ok_and(|at| at.is_none());
        match kept {
            Some(sealed) if stays() => Ok(sealed),
            _ => open(host, recording),
        }
    }

    /// Puts it back for the next request, and forgets what waited too long.
    pub(crate) fn give(&self, edition: Edition, sealed: Sealed, now: UtcMicros) {
        let gone: Vec<_> = {
            let mut open = held(&self.open);
            let mut gone: Vec<_> =
                open.extract_if(.., |(_, since, _)| now.since(*since).abs() > OPEN_US).collect();
            if open.len() >= OPEN_MAX {
                let oldest = open.iter().enumerate().min_by_key(|(_, (_, since, _))| *since).map(|(n, _)| n);
                gone.extend(oldest.map(|n| open.swap_remove(n)));
            }
            open.push((edition, now, sealed));
            gone
        };
        // Files are closed outside the lock.
        drop(gone);
    }

    /// Finds a waveform.
    pub(crate) fn peaks(&self, edition: Edition) -> Option<Arc<Vec<u8>>> {
        let mut peaks = held(&self.peaks);
        let place = peaks.iter().position(|(known, _)| *known == edition)?;
        let found = peaks.remove(place);
        let bytes = Arc::clone(&found.1);
        peaks.push(found);
        Some(bytes)
    }

    /// Keeps a waveform.
    pub(crate) fn keep_peaks(&self, edition: Edition, bytes: Arc<Vec<u8>>) {
        let mut peaks = held(&self.peaks);
        if peaks.len() >= PEAKS_MAX {
            peaks.remove(0);
        }
        peaks.push((edition, bytes));
    }

    /// Returns the turn for computing a waveform.
    pub(crate) fn turn(&self, edition: Edition) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = held(&self.turns);
        if let Some(turn) = turns.get(&edition).and_then(std::sync::Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        turns.insert(edition, Arc::downgrade(&turn));
        turn
    }

    /// Tells whether this act was written down for this session a short while ago.
    pub(crate) fn is_noted(&self, session: [u8; 32], what: [u8; 32], now: UtcMicros) -> bool {
        let noted = held(&self.noted).get(&(session, what)).copied();
        noted.is_some_and(|at| (0..SAME_ACT_US).contains(&now.since(at)))
    }

    /// Remembers that it was written down.
    pub(crate) fn note(&self, session: [u8; 32], what: [u8; 32], now: UtcMicros) {
        let mut noted = held(&self.noted);
        if noted.len() >= NOTED_MAX {
            noted.retain(|_, at| (0..SAME_ACT_US).contains(&now.since(*at)));
        }
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert((session, what), now);
    }
}

/// Opens the files of a recording. Blocks.
pub(crate) fn open(host: &dyn Host, recording: &Recording) -> Result<Sealed> {
    let readers = host.vault().open_recording(recording.facts.recording_id)?;
    super::sealed::open(recording, readers, host.keys(), host.min_suite())
}
