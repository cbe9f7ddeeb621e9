//! The sound of a call that is still going on, read from the sealed part while it grows.
//!
//! The recorder flushes every leg once a second and cannot open what it wrote; whoever listens opens it again with central's
//! keys. So sound comes in pieces of about a second, each rendered for itself. What is missing is said, never hidden. Nothing
//! here waits or asks a clock: a caller looks again when it wants to.

use std::collections::{BTreeMap, BTreeSet};

use audio::Legs;
use seal::{Part, State};
use shared::{GapCause, RecordingId};

use super::sealed::{Result, Ring, Sealed, Shape, Share, SoundError, micros};
use crate::Host;

/// Listening begins so far behind the newest second, microseconds.
const BEHIND_US: u64 = 1_000_000;
/// A leg of which nothing came while the other went on for so long is silent, not late, microseconds.
const SILENT_US: u64 = 1_500_000;

/// A call that is being listened to.
pub(crate) struct Growing {
    id: RecordingId,
    sealed: Sealed,
    number: u16,
    /// Where this part begins in what is told as position, microseconds.
    base_us: u64,
    at_us: u64,
    rate_hz: u32,
    /// Legs that are silent at the moment.
    silent: BTreeSet<u8>,
    ended: bool,
}

impl std::fmt::Debug for Growing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Growing({} at {} µs)", self.id, self.at_us)
    }
}

/// A stretch of audio that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Position, microseconds.
    pub at_us: u64,
    /// How long, microseconds.
    pub for_us: u64,
    /// Why.
    pub cause: GapCause,
}

/// What a look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Sound: stereo, near left, far right.
    Sound {
        /// Position of its first sample, microseconds.
        at_us: u64,
        /// Interleaved samples.
        pcm: Vec<i16>,
        /// What is missing in it.
        lost: Vec<Lost>,
    },
    /// Nothing new.
    Nothing,
    /// The recording is closed, and all of it was heard.
    End,
}

impl Growing {
    /// Opens the part of a recording that grows now, a second before its present end. `None`: there is none.
    ///
    /// # Errors
    /// The vault's; a part that does not open with central's keys; no leg that this server can decode.
    pub(crate) fn open(host: &dyn Host, id: RecordingId) -> Result<Option<Self>> {
        let Some(found) = host.vault().growing(id, None)? else { return Ok(None) };
        let mut sealed = opened(host, found)?;
        let number = sealed.parts().first().map_or(0, |open| open.number);
        let shape = sealed.shape(Legs::Both, None)?;
        let mut this = Self {
            id,
            sealed,
            number,
            base_us: 0,
            at_us: 0,
            rate_hz: shape.rate_hz,
            silent: BTreeSet::new(),
            ended: false,
        };
        let newest = this.sealed.parts().first().map_or(0, |open| open.part.walked_us());
        this.at_us = newest.saturating_sub(BEHIND_US);
        Ok(Some(this))
    }

    /// Returns the samples a second of everything that will be heard.
    #[must_use]
    pub(crate) const fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Returns the position of the next sample, microseconds.
    #[must_use]
    pub(crate) const fn at_us(&self) -> u64 {
        self.base_us.saturating_add(self.at_us)
    }

    /// Looks whether there is more.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn look(&mut self, host: &dyn Host) -> Result<Heard> {
        self.sealed.refresh(host.keys())?;
        let state = self.sealed.states().next().map(|(_, state)| state);
        let closed = state.is_some_and(|state| state != State::Unfinished);
        let ends = self.ends(self.at_us)?;
        let until = self.until(&ends, closed);
        if until > self.at_us {
            return self.sound(until);
        }
        if !closed {
            return Ok(Heard::Nothing);
        }
        if !self.ended && self.next_part(host)? {
            return Ok(Heard::Nothing);
        }
        Ok(if self.ended { Heard::End } else { Heard::Nothing })
    }

    /// Goes on in the next part, if the recording has one. Says that it ended, if not.
    fn next_part(&mut self, host: &dyn Host) -> Result<bool> {
        let trailer = self.sealed.parts().first().and_then(|open| open.part.trailer().cloned());
        if !trailer.is_some_and(|trailer| trailer.continued) {
            self.ended = true;
            return Ok(false);
        }
        let next = self.number.saturating_add(1);
        let Some(found) = host.vault().growing(self.id, Some(next))? else { return Ok(false) };
        let mut sealed = opened(host, found)?;
        let start = |sealed: &mut Sealed| sealed.parts().first().map(|open| open.part.header().spec.start);
        if let (Some(before), Some(now)) = (start(&mut self.sealed), start(&mut sealed)) {
            self.base_us = self.base_us.saturating_add(super::sealed::us(now.since(before)));
        }
        (self.sealed, self.number, self.at_us) = (sealed, next, 0);
        Ok(true)
    }

    fn sound(&mut self, until_us: u64) -> Result<Heard> {
        let shape = Shape { rate_hz: self.rate_hz, ..self.sealed.shape(Legs::Both, Some(self.rate_hz))? };
        let (pcm, _report) = self.sealed.stretch(&shape, self.at_us, until_us)?;
        let pcm = if shape.channels == 2 { pcm } else { pcm.iter().flat_map(|s| [*s, *s]).collect() };
        let lost = self.lost(until_us)?;
        let at_us = self.at_us();
        self.at_us = until_us;
        Ok(Heard::Sound { at_us, pcm, lost })
    }

    /// Lists what is missing up to `until_us` for another reason than that nothing was sent.
    fn lost(&mut self, until_us: u64) -> Result<Vec<Lost>> {
        let clocks = self.clocks();
        let runs = self.sealed.runs(Legs::Both, self.at_us, until_us, Share::Ending)?;
        let mut lost = Vec::new();
        for run in runs.iter().map(super::sealed::SealedRun::leg_run) {
            let clock_hz = clocks.get(&run.track).map_or(8_000, |(_, hz)| *hz);
            let said = !matches!(run.cause, GapCause::None | GapCause::SilenceSuppressed);
            if run.gap_samples > 0 && said {
                let at_us = micros(run.pos.saturating_sub(run.gap_samples), clock_hz);
                let at_us = self.base_us.saturating_add(at_us);
                lost.push(Lost { at_us, for_us: micros(run.gap_samples, clock_hz), cause: run.cause });
            }
        }
        Ok(lost)
    }

    /// Chooses up to where sound is complete: the end of the leg that is furthest behind, but for legs that are silent.
    fn until(&mut self, ends: &BTreeMap<u8, u64>, closed: bool) -> u64 {
        let newest = ends.values().copied().max().unwrap_or(0);
        let legs: BTreeSet<u8> = self.clocks().into_values().map(|(leg, _)| leg).collect();
        for leg in &legs {
            let end = ends.get(leg).copied().unwrap_or(0);
            if end > self.at_us {
                self.silent.remove(leg);
            } else if newest.saturating_sub(self.at_us) >= SILENT_US {
                self.silent.insert(*leg);
            }
        }
        if closed {
            return newest;
        }
        let awake = legs.iter().filter(|leg| !self.silent.contains(leg));
        awake.map(|leg| ends.get(leg).copied().unwrap_or(0)).min().unwrap_or(newest)
    }

    /// Returns where each leg ends, as far as it has anything behind `from_us`.
    fn ends(&mut self, from_us: u64) -> Result<BTreeMap<u8, u64>> {
        let clocks = self.clocks();
        let mut ends = BTreeMap::new();
        for run in self.sealed.runs(Legs::Both, from_us, self.sealed.length_us(), Share::Touching)? {
            if let Some((leg, clock_hz)) = clocks.get(&run.leg_run().track) {
                let known: &mut u64 = ends.entry(*leg).or_default();
                *known = run.end_us(*clock_hz).max(*known);
            }
        }
        Ok(ends)
    }

    /// Leg and clock of each track.
    fn clocks(&self) -> BTreeMap<u8, (u8, u32)> {
        self.sealed.tracks().iter().map(|t| (t.track, (t.leg, t.clock_hz.max(1)))).collect()
    }
}

fn opened(host: &dyn Host, found: vault::GrowingPart) -> Result<Sealed> {
    let vault::GrowingPart { part, path, io } = found;
    let opened = Part::open(io, &Ring(host.keys()), host.min_suite());
    let opened = opened.map_err(|source| SoundError::Seal { path: path.clone(), source })?;
    Sealed::growing(opened, part, path)
}
