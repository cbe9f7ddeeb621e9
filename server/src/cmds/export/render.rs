//! From sealed parts to sound: one pass over the frames of each part, in the order of the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use audio::flac::FlacWriter;
use audio::raw::{RawFormat, RawWriter};
use audio::wav::WavSpec;
use audio::{LegRun, Legs, PcmSink, RenderError, Renderer, Request, WavFormat, WavWriter, length_us};
use seal::{FrameType, Part};
use shared::{GapCause, GapCorrection, Track};
use vault::{PartRow, ReadSeek};

use super::whole_file;
use crate::cli::{Export, Format, LegChoice};
use crate::failure::{Failure, Kind};

/// One part of a recording, opened.
pub(crate) struct OpenPart {
    /// Its sealed contents.
    pub(crate) part: Part<Box<dyn ReadSeek>>,
    /// Its row.
    pub(crate) row: PartRow,
    /// Where it begins, microseconds from the start of the recording.
    pub(crate) offset_us: u64,
}

/// A gap as the sidecar lists it, in ticks of its track's clock from the start of the recording.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    /// First missing sample.
    pub(crate) from: u64,
    /// How many.
    pub(crate) samples: u64,
    /// Why, by what was learned last.
    pub(crate) cause: GapCause,
}

impl Gap {
    const fn end(&self) -> u64 {
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

/// What the pass over the frames told.
#[derive(Default)]
pub(crate) struct Notes {
    /// Gaps by (part, track).
    pub(crate) gaps: BTreeMap<(u16, u8), Vec<Gap>>,
    /// What rendering met.
    pub(crate) report: Option<audio::RenderReport>,
    /// Rate and channels of the sound file.
    pub(crate) sound: Option<(u32, u8)>,
}

/// Renders to WAV or FLAC; returns the length in microseconds.
pub(crate) fn to_sound(
    words: &Export,
    parts: &mut [OpenPart],
    path: &Path,
    notes: &mut Notes,
) -> anyhow::Result<u64> {
    let (tracks, ends) = tracks_and_ends(parts)?;
    let to_us = length_us(tracks.iter().map(|t| (t, ends.get(&t.track).copied().unwrap_or(0))));
    let legs = match words.leg {
        LegChoice::Near => Legs::Near,
        LegChoice::Far => Legs::Far,
        LegChoice::Both => Legs::Both,
    };
    let request = Request { to_us, legs, ..Request::default() };
    let renderer = Renderer::new(&tracks, &request).map_err(|e| no_sound(&e))?;
    let (rate_hz, channels, frames) = (renderer.rate_hz(), renderer.channels(), renderer.frames());
    notes.sound = Some((rate_hz, channels));
    whole_file(path, |out| match words.format {
        Format::Flac => {
            let mut flac = FlacWriter::new(out, rate_hz, channels, frames)?;
            notes.report = Some(render(renderer, parts, &mut flac, &mut notes.gaps)?);
            flac.finish()?;
            Ok(())
        }
        Format::Wav | Format::Raw => {
            let spec = WavSpec { format: WavFormat::Pcm16, rate_hz, channels, frames };
            let mut wav = WavWriter::new(out, spec)?;
            notes.report = Some(render(renderer, parts, &mut wav, &mut notes.gaps)?);
            wav.finish()?;
            Ok(())
        }
    })?;
    Ok(to_us)
}

/// Writes the octets of each track to a file of its own; returns the files.
pub(crate) fn to_raw(
    words: &Export,
    parts: &mut [OpenPart],
    out: &Path,
    stem: &str,
    notes: &mut Notes,
) -> anyhow::Result<Vec<PathBuf>> {
    let (tracks, _ends) = tracks_and_ends(parts)?;
    let wanted = |t: &&Track| match words.leg {
        LegChoice::Near => t.role == shared::Role::Near,
        LegChoice::Far => t.role == shared::Role::Far,
        LegChoice::Both => true,
    };
    let mut files = Vec::new();
    for track in tracks.iter().filter(wanted) {
        let extension = RawFormat::of(track).extension();
        let path = out.join(format!("{stem}_track{}-{}.{extension}", track.track, track.role.word()));
        // Each pass notes the gaps of all tracks.
        notes.gaps.clear();
        whole_file(&path, |file: &mut BufWriter<File>| {
            let mut raw = RawWriter::new(&mut *file, track)?;
            let mut failed = None;
            each_run(parts, &mut notes.gaps, &mut |run| {
                if run.track == track.track
                    && let Err(e) = raw.push(run)
                {
                    failed = Some(e);
                }
                failed.is_none()
            })?;
            failed.map_or(Ok(()), Err)?;
            raw.finish()?.flush()?;
            Ok(())
        })?;
        files.push(path);
    }
    Ok(files)
}

fn no_sound(error: &RenderError) -> Failure {
    Failure::new(
        Kind::Input,
        format!("{error}. The octets as received are kept: `amethyst export --format raw` gives them"),
    )
}

fn render(
    mut renderer: Renderer,
    parts: &mut [OpenPart],
    sink: &mut dyn PcmSink,
    gaps: &mut BTreeMap<(u16, u8), Vec<Gap>>,
) -> anyhow::Result<audio::RenderReport> {
    let mut failed = None;
    each_run(parts, gaps, &mut |run| {
        failed = renderer.push(run, sink).err();
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err)?;
    Ok(renderer.finish(sink)?)
}

/// Gives all runs of all parts in the order of the files, positions counted from the start of the recording, and notes gaps.
fn each_run(
    parts: &mut [OpenPart],
    gaps: &mut BTreeMap<(u16, u8), Vec<Gap>>,
    each: &mut dyn FnMut(&LegRun<'_>) -> bool,
) -> anyhow::Result<()> {
    for open in &mut *parts {
        let clocks: BTreeMap<u8, u32> =
            open.part.meta()?.tracks.iter().map(|t| (t.track, t.clock_hz)).collect();
        let (number, offset_us) = (open.row.part, open.offset_us);
        let mut broken = None;
        open.part.frames(0, |head, plain| {
            if head.kind != FrameType::Audio {
                return ControlFlow::Continue(());
            }
            let clock_hz = clocks.get(&head.track).copied().unwrap_or(8_000);
            let runs = match seal::parse_runs(plain, clock_hz) {
                Ok(runs) => runs,
                Err(e) => {
                    broken = Some(e);
                    return ControlFlow::Break(());
                }
            };
            let shift = ticks(offset_us, clock_hz);
            for run in &runs.runs {
                let pos = run.pos.saturating_add(shift);
                let (gap_samples, cause) = (run.head.gap_samples, run.head.cause);
                if gap_samples > 0 {
                    let list = gaps.entry((number, head.track)).or_default();
                    list.push(Gap { from: pos.saturating_sub(gap_samples), samples: gap_samples, cause });
                }
                let leg_run = LegRun {
                    track: head.track,
                    pos,
                    gap_samples,
                    cause,
                    samples: run.head.samples,
                    bytes: run.bytes,
                };
                if !each(&leg_run) {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        if let Some(e) = broken {
            return Err(e.into());
        }
    }
    correct(parts, gaps)
}

/// Applies what was learned later of the causes; a part may tell of a gap in the part before it.
fn correct(parts: &mut [OpenPart], gaps: &mut BTreeMap<(u16, u8), Vec<Gap>>) -> anyhow::Result<()> {
    for open in &mut *parts {
        let meta = open.part.meta()?;
        let clocks: BTreeMap<u8, u32> = meta.tracks.iter().map(|t| (t.track, t.clock_hz)).collect();
        for learned in open.part.events()?.iter().filter_map(GapCorrection::of) {
            let clock_hz = clocks.get(&learned.track).copied().unwrap_or(8_000);
            let shift = i64::try_from(ticks(open.offset_us, clock_hz)).unwrap_or(i64::MAX);
            let place = |pos: i64| u64::try_from(pos.saturating_add(shift)).unwrap_or(0);
            let (from, to) = (place(learned.from), place(learned.to));
            for list in
                gaps.iter_mut().filter(|((_, track), _)| *track == learned.track).map(|(_, list)| list)
            {
                let known = std::mem::take(list);
                list.extend(known.into_iter().flat_map(|gap| gap.corrected(from, to, learned.cause)));
            }
        }
    }
    Ok(())
}

/// Collects the tracks of all parts and where each ends, in ticks from the start of the recording.
fn tracks_and_ends(parts: &mut [OpenPart]) -> anyhow::Result<(Vec<Track>, BTreeMap<u8, u64>)> {
    let (mut tracks, mut ends): (Vec<Track>, BTreeMap<u8, u64>) = (Vec::new(), BTreeMap::new());
    for open in parts {
        for track in open.part.meta()?.tracks.clone() {
            let end = end_in_part(&mut open.part, &track)?
                .map(|end| end.saturating_add(ticks(open.offset_us, track.clock_hz)));
            if let Some(end) = end {
                let known = ends.entry(track.track).or_default();
                *known = end.max(*known);
            }
            if !tracks.iter().any(|t| t.track == track.track) {
                tracks.push(track);
            }
        }
    }
    Ok((tracks, ends))
}

/// Returns where a track ends: its first position plus what FINAL counted, or by reading all of it where FINAL is missing.
fn end_in_part(part: &mut Part<Box<dyn ReadSeek>>, track: &Track) -> anyhow::Result<Option<u64>> {
    let total = part.final_table().and_then(|f| f.tracks.iter().find(|t| t.track == track.track)).copied();
    let mut runs = part.runs(track.track, 0..u64::MAX)?;
    let Some(first) = runs.next().transpose()? else { return Ok(None) };
    if let Some(total) = total {
        let base = first.pos.saturating_sub(first.gap_samples);
        let gaps = total.gaps.0.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
        return Ok(Some(base.saturating_add(total.samples).saturating_add(gaps)));
    }
    let mut end = first.end();
    for run in runs {
        end = end.max(run?.end());
    }
    Ok(Some(end))
}

fn ticks(us: u64, clock_hz: u32) -> u64 {
    u64::try_from(u128::from(us) * u128::from(clock_hz) / 1_000_000).unwrap_or(u64::MAX)
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
