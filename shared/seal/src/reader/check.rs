//! A part read from its first frame to its last, each opened once: everything that can be wrong with it.

use std::io::{Read, Seek};

use shared::{GapCause, GapTotals, Track};

use super::read::{lost_before, runs_of};
use super::{Part, content};
use crate::Result;
use crate::frame::{FrameHead, FrameType};

impl<R: Read + Seek> Part<R> {
    /// Opens every frame: all tags, all run lists, the order of runs, and for a complete part the totals of FINAL.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&mut self) -> Result<()> {
        let mut tallies: Vec<Tally> = self.meta()?.tracks.iter().cloned().map(Tally::new).collect();
        let (mut offset, mut seq, holed) = (u64::from(self.header.len), None, !self.holes.is_empty());
        loop {
            let asked = offset;
            let Some(head) = self.head_at(&mut offset)? else { break };
            self.follows(&head, (asked, offset), &mut seq)?;
            let plain = self.open_frame(offset, &head)?;
            let of_head =
                |tally: &&mut Tally| head.kind == FrameType::Audio && tally.track.track == head.track;
            if let Some(tally) = tallies.iter_mut().find(of_head) {
                tally.add(&head, offset, plain, holed)?;
            }
            offset = offset.saturating_add(head.frame_len());
        }
        tallies.iter().try_for_each(|tally| self.fits_final(tally))
    }

    /// Compares what the runs of a track came to with FINAL, if there is one.
    fn fits_final(&self, Tally { track, samples, gaps, .. }: &Tally) -> Result<()> {
        let Some(table) = &self.final_table else { return Ok(()) };
        let line = table.tracks.iter().find(|t| t.track == track.track);
        if line.is_some_and(|t| t.samples == *samples && t.gaps == *gaps) {
            Ok(())
        } else {
            let offset = self.trailer.as_ref().map_or(0, |t| t.facts.final_offset);
            Err(content(offset, &format!("the totals of track {} are not those of its runs", track.track)))
        }
    }
}

/// What the runs of one track come to, counted while all frames are opened once.
struct Tally {
    track: Track,
    at: Option<u64>,
    samples: u64,
    gaps: GapTotals,
}

impl Tally {
    fn new(track: Track) -> Self {
        Self { track, at: None, samples: 0, gaps: GapTotals::default() }
    }

    fn add(&mut self, head: &FrameHead, offset: u64, plain: &[u8], holed: bool) -> Result<()> {
        let list = runs_of(head, offset, plain, self.track.clock_hz)?;
        if let Some(lost) = lost_before(self.at, list.base, offset, holed)? {
            self.gaps.add(GapCause::LostByRecorder, lost);
        }
        self.at = Some(list.end);
        for run in &list.runs {
            self.samples = self.samples.saturating_add(run.head.samples);
            self.gaps.add(run.head.cause, run.head.gap_samples);
        }
        Ok(())
    }
}
