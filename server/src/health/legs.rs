//! Whether both sides of a call are heard: judged while it goes on by what passes to the recorder anyway, in the time of the media.
//!
//! *One-way*: one side sends nothing for so long while the other does, in a call that was answered and is not on hold. A pause that the
//! sender announced (silence suppression, comfort noise), a mask of ours and packets that this machine lost are no silence of a side.
//! *Silent*: both sides send, and nothing but digital zero since the answer. Codecs of which this cannot be told cheaply count as heard.

use audio::codec::{Codec, g711};
use shared::{Chunk, Event, GapCause, Role, Track};

/// Octets of a piece that are looked at: 20 ms of G.711.
const LOOKED_AT: usize = 160;
/// Samples up to here are digital zero: the smallest steps of G.711 and what G.722 makes of zeros.
const ZERO: u16 = 16;

/// What a call is marked with. The words stand in sealed files and in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// This side was not heard: 0 the near one, 1 the far one.
    OneWay(usize),
    /// Neither was.
    Silent,
}

impl Mark {
    /// Returns the event that is sealed with the recording; `t_us` from the start of the call's sound.
    pub(crate) fn event(self, t_us: i64, since_us: i64) -> Event {
        let seconds = t_us.saturating_sub(since_us) / 1_000_000;
        match self {
            Self::OneWay(side) => {
                let missing = if side == 0 { "near" } else { "far" };
                Event::new("one_way", t_us).text("missing", missing).int("seconds", seconds)
            }
            Self::Silent => Event::new("silent", t_us).int("seconds", seconds),
        }
    }
}

/// One side of a call.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    /// Up to here it was heard, or had a reason not to be, in microseconds from the start.
    until_us: i64,
    /// It announced pauses: that nothing comes from it says nothing.
    pauses: bool,
    /// Something came.
    came: bool,
    /// Something came that is not zero, or cannot be told.
    sounded: bool,
}

/// What is known of one call.
#[derive(Debug, Default)]
pub(crate) struct Legs {
    tracks: Vec<(Track, usize)>,
    sides: [Side; 2],
    /// Since when both sides should be heard; `None`: not answered, or on hold.
    since_us: Option<i64>,
    is_held: bool,
    /// One wire carries both sides.
    is_joint: bool,
    marked: bool,
    /// Both sides were there for long enough, and heard.
    judged: bool,
}

impl Legs {
    /// Takes new tracks.
    pub(crate) fn tracks(&mut self, tracks: &[Track]) {
        for track in tracks {
            let side = match track.role {
                Role::Near => 0,
                Role::Far => 1,
                Role::Unknown => usize::from(track.leg > 0),
                Role::Joint | Role::Radio => {
                    self.is_joint = true;
                    0
                }
            };
            self.tracks.push((track.clone(), side));
        }
    }

    /// Takes what happened: the answer, hold and its end.
    pub(crate) fn event(&mut self, event: &Event) {
        match event.kind.as_str() {
            "answered" => self.since_us = self.since_us.or(Some(event.t_us)).filter(|_| !self.is_held),
            "held" => (self.is_held, self.since_us) = (true, None),
            "retrieved" => (self.is_held, self.since_us) = (false, Some(event.t_us)),
            _ => {}
        }
    }

    /// Takes a flush; returns a mark if it has just become plain that one is due. `limit_us`: so long a side may be silent.
    pub(crate) fn hear(&mut self, chunks: &[Chunk], limit_us: i64) -> Option<(Mark, Event)> {
        for chunk in chunks {
            self.take(chunk);
        }
        if self.marked || self.is_joint || limit_us <= 0 {
            return None;
        }
        let since = self.since_us?;
        let [near, far] = self.sides;
        let now = near.until_us.max(far.until_us);
        let missing = usize::from(near.until_us > far.until_us);
        let silent_since = self.sides.get(missing)?.until_us.max(since);
        let excused = self.sides.get(missing)?.pauses;
        let mark = if now.saturating_sub(silent_since) >= limit_us && !excused {
            Some((Mark::OneWay(missing), silent_since))
        } else if now.saturating_sub(since) >= limit_us {
            self.judged = true;
            let is_silent = near.came && far.came && !near.sounded && !far.sounded;
            is_silent.then_some((Mark::Silent, since))
        } else {
            None
        };
        mark.map(|(mark, silent_since)| {
            self.marked = true;
            (mark, mark.event(now, silent_since))
        })
    }

    /// At the end: `Some(false)` if both sides were heard for long enough to say that all was well, `None` if nothing can be said.
    pub(crate) fn ended(&self) -> Option<bool> {
        if self.marked { Some(true) } else { self.judged.then_some(false) }
    }

    fn take(&mut self, chunk: &Chunk) {
        let Some((track, place)) = self.tracks.iter().find(|(track, _)| track.track == chunk.track) else {
            return;
        };
        let Some(side) = self.sides.get_mut(*place) else { return };
        let clock = i64::from(track.clock_hz.max(1));
        let mut at = chunk.base_samples;
        let mut until = None;
        for run in &chunk.runs {
            at = at.saturating_add(run.gap_samples);
            match run.cause {
                GapCause::SilenceSuppressed => side.pauses = true,
                GapCause::None | GapCause::LostInNetwork => {}
                GapCause::LostByRecorder | GapCause::Paused | GapCause::Undecodable => until = Some(at),
            }
            if run.samples > 0 {
                side.came = true;
                at = at.saturating_add(run.samples);
                until = Some(at);
            }
        }
        if let Some(until) = until {
            let us = i64::try_from(until).unwrap_or(i64::MAX).saturating_mul(1_000) / clock;
            side.until_us = side.until_us.max(us.saturating_mul(1_000));
        }
        // Once something was heard nobody looks again: that costs the first second of a call, and no more.
        side.sounded = side.sounded || sounds(track, chunk.buf.payload());
    }
}

/// True if the end of a piece is more than digital zero, or cannot be told.
fn sounds(track: &Track, payload: &[u8]) -> bool {
    let last = payload.get(payload.len().saturating_sub(LOOKED_AT)..).unwrap_or_default();
    if track.opaque {
        return true;
    }
    let table = match track.codec.as_str() {
        "PCMA" => &g711::ALAW,
        "PCMU" => &g711::MULAW,
        "L16" | "G722" => return decoded(track, last),
        _ => return true,
    };
    let is_loud =
        |octet: &u8| table.get(usize::from(*octet)).is_some_and(|sample| sample.unsigned_abs() > ZERO);
    last.iter().any(is_loud)
}

fn decoded(track: &Track, last: &[u8]) -> bool {
    let Ok(codec) = Codec::from_track(track) else { return true };
    let mut pcm = Vec::new();
    // From no earlier state: zeros stay zeros, and of anything else enough is left to be told from them.
    let decoded = codec.decoder().decode(last, &mut pcm);
    decoded.is_err() || pcm.iter().any(|sample| sample.unsigned_abs() > ZERO)
}

/// The calls of one tap, the last ones: whether each was marked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    last: std::collections::VecDeque<bool>,
}

/// So many calls of late are counted.
pub(crate) const OF_LATE: usize = 20;

impl Share {
    /// Takes a call.
    pub(crate) fn call(&mut self, is_marked: bool) {
        self.last.push_back(is_marked);
        while self.last.len() > OF_LATE {
            self.last.pop_front();
        }
    }

    /// Calls that are marked, and how many were judged.
    pub(crate) fn count(&self) -> (u32, u32) {
        let few = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (few(self.last.iter().filter(|marked| **marked).count()), few(self.last.len()))
    }
}

#[cfg(test)]
mod tests;
