//! The sound of a call that is still going on, read from the sealed part while it grows.
//!
//! The recorder flushes every leg once a second, and ten times while somebody listens, and cannot open what it wrote; whoever
//! listens opens it again with central's keys. So sound comes in pieces of a flush, each rendered for itself. What is missing is
//! said, never hidden. Nothing here waits or asks a clock: a caller looks again when it wants to.

use std::collections::{BTreeMap, BTreeSet};

use audio::Legs;
use seal::{Part, State};
use shared::{GapCause, RecorderId, RecordingId};

use super::sealed::{Result, Ring, Sealed, Shape, Share, micros};
use crate::Host;

/// A leg of which nothing came while the other went on for so long is silent, not late, microseconds: a packet waits a fifth of
/// a second for those before it. A leg that has been silent before is believed at once.
const SILENT_US: u64 = 250_000;
/// After so many looks that found nothing new, what is there is whole flushes: one is appended in a single write.
const WHOLE_AFTER: u32 = 2;
/// Sound that waits for longer than this is not live any more: what is older than the last of it is skipped, microseconds.
const STALE_US: u64 = 3_000_000;
const FRESH_US: u64 = 300_000;
/// What a resampler wants to know of the sound that follows, microseconds.
const AHEAD_US: u64 = 10_000;

/// A call that is being listened to.
pub(crate) struct Growing {
    id: RecordingId,
    /// The satellite that makes it.
    from: Option<RecorderId>,
    sealed: Sealed,
    number: u16,
    /// Where this part begins in what is told as position, microseconds.
    base_us: u64,
    at_us: u64,
    rate_hz: u32,
    /// Legs that are silent at the moment.
    silent: BTreeSet<u8>,
    /// Legs that were silent before: their senders suppress silence, or the call was on hold.
    pausing: BTreeSet<u8>,
    /// Where the newest sound ends, and where it ended before the part last grew, microseconds.
    newest_us: u64,
    before_us: u64,
    /// Looks since the part last grew.
    quiet: u32,
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
    /// Why, as a word: that of a [`GapCause`], or `skipped` for what the listener could not take in time.
    pub why: &'static str,
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
    /// Opens the part of a recording that grows now, at its present end; `from` is the satellite that makes it, `None` this server. `None`:
    /// there is none.
    ///
    /// # Errors
    /// The vault's; a part that does not open with central's keys; no leg that this server can decode.
    pub(crate) fn open(host: &dyn Host, id: RecordingId, from: Option<RecorderId>) -> Result<Option<Self>> {
        let Some(found) = host.vault().growing(id, None, from)? else { return Ok(None) };
        let mut sealed = opened(host, found)?;
        let number = sealed.parts().first().map_or(0, |open| open.number);
        let shape = sealed.shape(Legs::Both, None)?;
        let mut this = Self {
            id,
            from,
            sealed,
            number,
            base_us: 0,
            at_us: 0,
            rate_hz: shape.rate_hz,
            silent: BTreeSet::new(),
            pausing: BTreeSet::new(),
            newest_us: 0,
            before_us: 0,
            quiet: 0,
            ended: false,
        };
        this.begin_at_end();
        Ok(Some(this))
    }

    /// Passes over what came since it was opened: what is heard first decides how late everything is heard.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn catch_up(&mut self, host: &dyn Host) -> Result<()> {
        self.sealed.refresh(host.keys())?;
        if self.state() == Some(State::Unfinished) {
            self.begin_at_end();
        }
        Ok(())
    }

    fn begin_at_end(&mut self) {
        self.at_us = self.sealed.parts().first().map_or(0, |open| open.part.walked_us());
        (self.newest_us, self.before_us) = (self.at_us, self.at_us);
    }

    fn state(&self) -> Option<State> {
        self.sealed.states().next().map(|(_, state)| state)
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
        let grown = self.sealed.refresh(host.keys())?;
        let closed = self.state().is_some_and(|state| state != State::Unfinished);
        self.quiet = if grown { 0 } else { self.quiet.saturating_add(1) };
        // Most looks end here.
        if !grown && !closed && self.newest_us <= self.at_us {
            return Ok(Heard::Nothing);
        }
        let ends = self.ends(self.at_us)?;
        if grown {
            self.before_us = self.newest_us;
            self.newest_us = ends.values().copied().max().unwrap_or(self.newest_us);
        } else if self.quiet >= WHOLE_AFTER {
            self.before_us = self.newest_us;
        }
        let until = self.until(&ends, closed);
        if until > self.at_us {
            let skipped = self.skip_stale(until)?;
            return self.sound(until, skipped);
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
        let Some(found) = host.vault().growing(self.id, Some(next), self.from)? else { return Ok(false) };
        let mut sealed = opened(host, found)?;
        let start = |sealed: &mut Sealed| sealed.parts().first().map(|open| open.part.header().spec.start);
        if let (Some(before), Some(now)) = (start(&mut self.sealed), start(&mut sealed)) {
            self.base_us = self.base_us.saturating_add(super::sealed::us(now.since(before)));
        }
        (self.sealed, self.number, self.at_us) = (sealed, next, 0);
        (self.newest_us, self.before_us) = (0, 0);
        // What lies in it already is as new as if it had just grown.
        self.newest_us = self.sealed.parts().first().map_or(0, |open| open.part.walked_us());
        Ok(true)
    }

    /// Leaves out what is too old to be heard as live; says so if there was any sound in it.
    fn skip_stale(&mut self, until_us: u64) -> Result<Option<Lost>> {
        let from_us = self.at_us;
        if until_us.saturating_sub(from_us) <= STALE_US {
            return Ok(None);
        }
        self.at_us = until_us.saturating_sub(FRESH_US);
        let passed = self.sealed.runs(Legs::Both, from_us, self.at_us, Share::Ending)?;
        let spoken = passed.iter().any(|run| run.leg_run().samples > 0);
        let (at_us, for_us) = (self.base_us.saturating_add(from_us), self.at_us.saturating_sub(from_us));
        Ok(spoken.then_some(Lost { at_us, for_us, why: "skipped" }))
    }

    fn sound(&mut self, until_us: u64, skipped: Option<Lost>) -> Result<Heard> {
        let shape = Shape { rate_hz: self.rate_hz, ..self.sealed.shape(Legs::Both, Some(self.rate_hz))? };
        let (pcm, _report) = self.sealed.stretch(&shape, self.at_us, until_us)?;
        let pcm = if shape.channels == 2 { pcm } else { pcm.iter().flat_map(|s| [*s, *s]).collect() };
        let lost = skipped.into_iter().chain(self.lost(until_us)?).collect();
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
                lost.push(Lost { at_us, for_us: micros(run.gap_samples, clock_hz), why: run.cause.word() });
            }
        }
        Ok(lost)
    }

    /// Chooses up to where sound is complete: the end of the leg that is furthest behind, but for legs that are silent.
    fn until(&mut self, ends: &BTreeMap<u8, u64>, closed: bool) -> u64 {
        let newest = ends.values().copied().max().unwrap_or(0);
        let legs: BTreeSet<u8> = self.clocks().into_values().map(|(leg, _)| leg).collect();
        let absent_us = self.before_us.saturating_sub(self.at_us);
        for leg in &legs {
            let end = ends.get(leg).copied().unwrap_or(0);
            if end > self.at_us {
                self.silent.remove(leg);
            } else if absent_us >= SILENT_US || absent_us > 0 && self.pausing.contains(leg) {
                self.silent.insert(*leg);
                self.pausing.insert(*leg);
            }
        }
        if closed {
            return newest;
        }
        let awake = legs.iter().filter(|leg| !self.silent.contains(leg));
        let until = awake.map(|leg| ends.get(leg).copied().unwrap_or(0)).min().unwrap_or(newest);
        until.saturating_sub(if self.resamples() { AHEAD_US } else { 0 })
    }

    /// Tells whether a leg is heard at another rate than its own.
    fn resamples(&self) -> bool {
        let rate_of = |track| audio::Codec::from_track(track).map(|codec| codec.rate_hz()).ok();
        self.sealed.tracks().iter().filter_map(rate_of).any(|hz| hz != self.rate_hz)
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
    let io: Box<dyn playback::ReadSeek> = Box::new(io);
    let opened = Part::open(io, &Ring(host.keys()), host.min_suite());
    let opened = opened.map_err(|source| playback::SoundError::Seal { path: path.clone(), source })?;
    Ok(Sealed::growing(opened, part, path)?)
}
