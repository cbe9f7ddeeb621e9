//! Where audio is missing and why, in the words that were learned last.
//!
//! Gaps stand inside the sealed frames, so finding them opens a recording from end to end; it is done in steps that a caller
//! can stop between. A recording whose totals say that nothing is missing is not opened at all.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use shared::{GapCause, GapCorrection};

use crate::sealed::{OpenPart, Result, Sealed, SoundError, is_audio, ticks};

/// Frames opened in one step.
const STEP_FRAMES: usize = 2_000;

/// Missing samples of one track, in ticks of its clock from the start of the recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// First missing sample.
    pub from: u64,
    /// How many.
    pub samples: u64,
    /// Why.
    pub cause: GapCause,
}

impl Gap {
    /// Returns the sample after the last.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.from.saturating_add(self.samples)
    }

    /// Cuts the gap at the borders of `from..to` and gives what lies between them another cause.
    fn corrected(self, from: u64, to: u64, cause: GapCause) -> impl Iterator<Item = Self> {
        let (begin, end) = (from.clamp(self.from, self.end()), to.clamp(self.from, self.end()));
        let end = end.max(begin);
        let pieces = [(self.from, begin, self.cause), (begin, end, cause), (end, self.end(), self.cause)];
        pieces.into_iter().filter(|(from, to, _)| from < to).map(|(from, to, cause)| Self {
            from,
            samples: to.saturating_sub(from),
            cause,
        })
    }
}

/// Gaps by part and track (the track's own number in its part).
pub type GapMap = BTreeMap<(u16, u8), Vec<Gap>>;

/// A walk through all frames of a recording.
#[derive(Debug, Default)]
pub struct GapWalk {
    map: GapMap,
    corrections: Vec<(usize, GapCorrection)>,
    /// Where each track of the present part ends so far, in its part's ticks.
    ends: BTreeMap<u8, u64>,
    part: usize,
    offset: u64,
}

impl GapWalk {
    /// Opens some more frames. Returns whether there may be more.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn step(&mut self, sealed: &mut Sealed) -> Result<bool> {
        let part = self.part;
        let Some(open) = sealed.parts().get_mut(part) else { return Ok(false) };
        let mut left = STEP_FRAMES;
        let mut broken = None;
        let Self { map, ends, offset, .. } = self;
        let (number, offset_us, tracks) = (open.number, open.offset_us, open.tracks.clone());
        let reached = open.part.frames(*offset, |head, plain| {
            let track = tracks.iter().find(|t| t.own == head.track).filter(|_| is_audio(head.kind));
            if let Some(track) = track {
                match seal::parse_runs(plain, track.clock_hz) {
                    Ok(runs) => {
                        let shift = ticks(offset_us, track.clock_hz);
                        let list = map.entry((number, track.own)).or_default();
                        note(list, &runs, ends.get(&track.own).copied(), shift);
                        ends.insert(track.own, runs.end);
                    }
                    Err(error) => broken = Some(error),
                }
            }
            left = left.saturating_sub(1);
            if left == 0 || broken.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let failed = |source| SoundError::Seal { path: open.path.clone(), source };
        *offset = reached.map_err(failed)?;
        if let Some(error) = broken {
            return Err(failed(error));
        }
        if left > 0 {
            self.end_part(open, part)?;
        }
        Ok(true)
    }

    fn end_part(&mut self, open: &mut OpenPart, part: usize) -> Result<()> {
        let events =
            open.part.events().map_err(|source| SoundError::Seal { path: open.path.clone(), source })?;
        self.corrections.extend(events.iter().filter_map(GapCorrection::of).map(|learned| (part, learned)));
        (self.part, self.offset) = (part.saturating_add(1), 0);
        self.ends.clear();
        Ok(())
    }

    /// Returns what was found, with everything that was learned later. A part may tell of a gap in the part before it.
    #[must_use]
    pub fn finish(mut self, sealed: &mut Sealed) -> GapMap {
        for (part, learned) in &self.corrections {
            let Some(open) = sealed.parts().get(*part) else { continue };
            let clock_hz = open.tracks.iter().find(|t| t.own == learned.track).map_or(8_000, |t| t.clock_hz);
            let shift = i64::try_from(ticks(open.offset_us, clock_hz)).unwrap_or(i64::MAX);
            let place = |pos: i64| u64::try_from(pos.saturating_add(shift)).unwrap_or(0);
            let (from, to) = (place(learned.from), place(learned.to));
            for ((_, track), list) in &mut self.map {
                if *track == learned.track {
                    let known = std::mem::take(list);
                    list.extend(known.into_iter().flat_map(|gap| gap.corrected(from, to, learned.cause)));
                }
            }
        }
        self.map.retain(|_, list| !list.is_empty());
        self.map
    }
}

/// Notes the gaps of one frame, and what damaged frames before it took with them.
fn note(list: &mut Vec<Gap>, runs: &seal::Runs<'_>, end: Option<u64>, shift: u64) {
    let torn = end.map_or(0, |end| runs.base.saturating_sub(end));
    let mut add = |from: u64, samples: u64, cause: GapCause| {
        let from = from.saturating_add(shift);
        match list.last_mut() {
            // An open gap is written in pieces of ten seconds.
            Some(last) if last.cause == cause && last.end() == from => {
                last.samples = last.samples.saturating_add(samples);
            }
            Some(_) | None => list.push(Gap { from, samples, cause }),
        }
    };
    if torn > 0 {
        add(runs.base.saturating_sub(torn), torn, GapCause::LostByRecorder);
    }
    for run in runs.runs.iter().filter(|run| run.head.gap_samples > 0) {
        add(run.pos.saturating_sub(run.head.gap_samples), run.head.gap_samples, run.head.cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: u64, to: u64, expected: &[(u64, u64, GapCause)]) {
        let gap = Gap { from: 100, samples: 100, cause: GapCause::LostInNetwork };
        let pieces: Vec<_> = gap
            .corrected(from, to, GapCause::SilenceSuppressed)
            .map(|gap| (gap.from, gap.samples, gap.cause))
            .collect();
        assert_eq!(pieces, expected, "{from}..{to}");
        assert_eq!(pieces.iter().map(|(_, samples, _)| samples).sum::<u64>(), 100, "no sample more or less");
    }

    #[test]
    fn a_gap_is_cut_where_its_cause_was_corrected() {
        let (was, is) = (GapCause::LostInNetwork, GapCause::SilenceSuppressed);
        check(100, 200, &[(100, 100, is)]);
        check(0, 500, &[(100, 100, is)]);
        check(0, 150, &[(100, 50, is), (150, 50, was)]);
        check(150, 160, &[(100, 50, was), (150, 10, is), (160, 40, was)]);
        check(0, 100, &[(100, 100, was)]);
        check(200, 300, &[(100, 100, was)]);
        check(0, 0, &[(100, 100, was)]);
    }
}
