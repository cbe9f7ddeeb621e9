//! The runs of one track, in order: what a player plays.

use std::collections::VecDeque;
use std::io::{Read, Seek};
use std::ops::Range;

use shared::{GapCause, Track};

use super::{Part, content};
use crate::Result;
use crate::frame::{FrameHead, FrameType};
use crate::runs::{Runs, parse_runs};
use crate::writer::ticks_to_us;

/// One run: codec payload of a stretch without gaps, and the gap before it.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// Position of the first sample, in ticks from the part's start. The gap lies before it.
    pub pos: u64,
    /// Samples missing before `pos`.
    pub gap_samples: u64,
    /// Why they are missing.
    pub cause: GapCause,
    /// Samples that `bytes` stand for; 0 when the run is only a gap.
    pub samples: u64,
    /// Codec payload as received.
    pub bytes: Vec<u8>,
}

impl Run {
    /// Returns the position after the last sample.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.pos.saturating_add(self.samples)
    }
}

impl std::fmt::Debug for Run {
    /// Shows positions only: audio is never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Run({} + {} samples, {} bytes, before it {} {})",
            self.pos,
            self.samples,
            self.bytes.len(),
            self.gap_samples,
            self.cause.word()
        )
    }
}

/// The runs of one track; made by [`Part::runs`].
#[allow(missing_debug_implementations, reason = "it borrows keys")]
pub struct RunIter<'a, R> {
    part: &'a mut Part<R>,
    track: Track,
    samples: Range<u64>,
    offset: u64,
    stop: u64,
    /// End of the last run of the track, once one was read.
    at: Option<u64>,
    seq: Option<u32>,
    ready: VecDeque<Run>,
    done: bool,
}

impl<'a, R: Read + Seek> RunIter<'a, R> {
    /// Reads what touches `samples`, from the frames between two places.
    pub(super) const fn new(
        part: &'a mut Part<R>,
        track: Track,
        samples: Range<u64>,
        frames: Range<u64>,
    ) -> Self {
        let (offset, stop) = (frames.start, frames.end);
        let ready = VecDeque::new();
        Self { part, track, samples, offset, stop, at: None, seq: None, ready, done: false }
    }

    /// Reads on until there are runs to give, or the end.
    fn read_on(&mut self) -> Result<()> {
        while self.ready.is_empty() && !self.done {
            let asked = self.offset;
            let head = match self.part.head_at(&mut self.offset)? {
                Some(head) if self.offset < self.stop => head,
                Some(_) | None => {
                    self.done = true;
                    break;
                }
            };
            self.part.follows(&head, (asked, self.offset), &mut self.seq)?;
            if head.kind == FrameType::Audio && head.track == self.track.track {
                self.take_frame(&head)?;
            }
            self.offset = self.offset.saturating_add(head.frame_len());
        }
        Ok(())
    }

    fn take_frame(&mut self, head: &FrameHead) -> Result<()> {
        let (offset, clock_hz) = (self.offset, self.track.clock_hz);
        let holed = !self.part.holes.is_empty();
        let plain = self.part.open_frame(offset, head)?;
        let list = runs_of(head, offset, plain, clock_hz)?;
        if let Some(lost) = lost_before(self.at, list.base, offset, holed)? {
            self.ready.push_back(Run {
                pos: list.base,
                gap_samples: lost,
                cause: GapCause::LostByRecorder,
                samples: 0,
                bytes: Vec::new(),
            });
        }
        self.at = Some(list.end);
        self.ready.extend(list.runs.iter().map(|r| Run {
            pos: r.pos,
            gap_samples: r.head.gap_samples,
            cause: r.head.cause,
            samples: r.head.samples,
            bytes: r.bytes.to_vec(),
        }));
        let wanted = self.samples.clone();
        self.ready
            .retain(|run| run.pos.saturating_sub(run.gap_samples) < wanted.end && run.end() > wanted.start);
        self.done = list.end >= wanted.end;
        Ok(())
    }
}

impl<R: Read + Seek> Iterator for RunIter<'_, R> {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.read_on() {
            self.done = true;
            self.ready.clear();
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }
}

/// The runs of an opened AUDIO frame, whose times must be those of its head.
pub(super) fn runs_of<'a>(head: &FrameHead, offset: u64, plain: &'a [u8], clock_hz: u32) -> Result<Runs<'a>> {
    let list = parse_runs(plain, clock_hz).map_err(|e| content(offset, &e))?;
    if head.media_us != ticks_to_us(list.base, clock_hz)
        || u64::from(head.duration_us) != ticks_to_us(list.end.saturating_sub(list.base), clock_hz)
    {
        return Err(content(offset, &"its times are not those of its runs"));
    }
    Ok(list)
}

/// A frame begins where the last one of its track ended, at `at`. Where frames were damaged between, their samples are lost, and the file
/// must say so: returns how many.
pub(super) fn lost_before(at: Option<u64>, base: u64, offset: u64, holed: bool) -> Result<Option<u64>> {
    match at.map_or(Some(0), |at| base.checked_sub(at)) {
        Some(0) => Ok(None),
        Some(lost) if holed => Ok(Some(lost)),
        Some(_) | None => Err(content(offset, &"it does not begin where the last frame ended")),
    }
}
