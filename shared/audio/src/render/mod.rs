//! Rendering: from the runs of a recording to interleaved PCM16 of any time range, one leg or both.
//!
//! The caller pushes runs in the order of the file; PCM comes out as soon as every leg has it. Memory stays bounded
//! however long the call: when one leg has nothing for 30 s while the other speaks, it counts as silent.
//! The number of frames given is fixed before the first run is pushed, so a WAV header can say it up front.
//!
//! Positions rule. A sample lies where its position says, in integer arithmetic from the recording's start, so a range
//! and the whole recording give the same samples, and nothing drifts in a call of twelve hours.

use std::collections::BTreeMap;
use std::io;

use shared::{Chunk, GapCause, Role, Track};

use crate::codec::{Codec, NoDecoder};

mod leg;
mod sink;
#[cfg(test)]
mod tests;

use leg::Leg;
pub use sink::PcmSink;

/// Seconds that one leg may run ahead of another. The sealed format writes an open gap at least every 10 s.
pub(crate) const LAG_MAX_S: u64 = 30;

/// One run of one track, as it stands in a sealed recording.
#[derive(Clone, Copy, Debug)]
pub struct LegRun<'a> {
    /// Which track.
    pub track: u8,
    /// Position of the run's first sample, after the gap, in ticks from the recording's start.
    pub pos: u64,
    /// Ticks missing before `pos`.
    pub gap_samples: u64,
    /// Why they are missing.
    pub cause: GapCause,
    /// Ticks that the bytes stand for; 0 for a gap only.
    pub samples: u64,
    /// Codec payload as received.
    pub bytes: &'a [u8],
}

/// Which legs are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Legs {
    /// Stereo, near left and far right; mono if the recording has a single leg that carries both parties or nobody knows
    /// whose voice it is.
    #[default]
    Both,
    /// The near party, mono.
    Near,
    /// The far party, mono.
    Far,
    /// The leg of this number, mono.
    Leg(u8),
}

/// What a gap sounds like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fill {
    /// Audio lost on the way or by us is concealed for at most 60 ms; everything else is silent.
    #[default]
    Conceal,
    /// Every gap is silent.
    Silence,
}

/// What to render.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// Begin, microseconds from the recording's start.
    pub from_us: u64,
    /// End, microseconds from the recording's start; for the whole recording take [`length_us`].
    pub to_us: u64,
    /// Which legs.
    pub legs: Legs,
    /// PCM rate; `None`: the highest rate of the tracks concerned, so that G.711 stays as it is.
    pub rate_hz: Option<u32>,
    /// What gaps sound like.
    pub fill: Fill,
}

/// Says why nothing could be rendered, or why rendering stopped.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// None of the wanted tracks has a decoder; the first refusal is told.
    #[error(transparent)]
    NoDecoder(#[from] NoDecoder),
    /// The recording has no such leg.
    #[error("the recording has no {0} leg: see its tracks with `amethyst show`, or ask for both legs")]
    NoSuchLeg(String),
    /// A rate that nobody plays.
    #[error("{0} samples a second cannot be rendered: choose 8000 to 192000")]
    Rate(u32),
    /// The sink refused.
    #[error("writing the rendered audio failed")]
    Write(#[from] io::Error),
}

/// What rendering met on its way. Frames count in the output rate, per leg.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RenderReport {
    /// Frames written: exactly [`Renderer::frames`].
    pub frames: u64,
    /// Frames of gaps inside the range, by cause ([`GapCause::number`]).
    pub gap_frames: [u64; 6],
    /// Frames that no run and no gap spoke of: frames of the file that could not be read, or a leg that began later.
    pub unknown_frames: u64,
    /// Frames dropped because their place was taken already.
    pub overlap_frames: u64,
    /// Runs whose payload its decoder refused; they were filled like a loss.
    pub damaged_runs: u64,
    /// Runs that decoded to more or fewer samples than they stand for; they were cut or filled up.
    pub odd_length_runs: u64,
    /// Tracks among the wanted that are silent because nothing decodes them.
    pub no_decoder: Vec<NoDecoder>,
}

/// Renders a range of one recording. See the module's description for what holds.
pub struct Renderer {
    rate_hz: u32,
    channels: u8,
    first: u64,
    end: u64,
    written: u64,
    legs: BTreeMap<u8, Leg>,
    /// Track to leg, for the wanted legs only.
    tracks: BTreeMap<u8, TrackOf>,
    block: Vec<i16>,
    report: RenderReport,
}

struct TrackOf {
    leg: u8,
    codec: Option<Codec>,
    clock_hz: u32,
}

impl std::fmt::Debug for Renderer {
    /// Shows nothing of the audio inside.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Renderer({} of {} frames at {} Hz)", self.written, self.frames(), self.rate_hz)
    }
}

impl Renderer {
    /// Prepares to render `request` from a recording that has `tracks`.
    ///
    /// # Errors
    /// No such leg, no decoder for any wanted track, or an impossible rate. Tracks without decoder beside others that
    /// have one are silent and told in the report.
    pub fn new(tracks: &[Track], request: &Request) -> Result<Self, RenderError> {
        let wanted = wanted_legs(tracks, request.legs)?;
        let mut report = RenderReport::default();
        let mut known = BTreeMap::new();
        for track in tracks.iter().filter(|track| wanted.sides.contains_key(&track.leg)) {
            let codec = Codec::from_track(track).map_err(|refusal| report.no_decoder.push(refusal)).ok();
            let clock_hz = codec.as_ref().map_or_else(|| track.clock_hz.max(1), Codec::clock_hz);
            known.insert(track.track, TrackOf { leg: track.leg, codec, clock_hz });
        }
        let native_hz = known.values().filter_map(|track| track.codec.as_ref()).map(Codec::rate_hz).max();
        let Some(native_hz) = native_hz else {
            let refusal = report.no_decoder.into_iter().next();
            return Err(
                refusal.map_or_else(|| RenderError::NoSuchLeg("audible".to_owned()), RenderError::from)
            );
        };
        let rate_hz = request.rate_hz.unwrap_or(native_hz);
        if !(4_000..=192_000).contains(&rate_hz) {
            return Err(RenderError::Rate(rate_hz));
        }
        let (first, end) = (frames_at(request.from_us, rate_hz), frames_at(request.to_us, rate_hz));
        let end = end.max(first);
        let legs =
            wanted.sides.iter().map(|(leg, side)| (*leg, Leg::new(*side, rate_hz, first, end, request.fill)));
        Ok(Self {
            rate_hz,
            channels: wanted.channels,
            first,
            end,
            written: 0,
            legs: legs.collect(),
            tracks: known,
            block: Vec::new(),
            report,
        })
    }

    /// Returns the frames a second of the output.
    #[must_use]
    pub const fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Returns the channels of the output: 1, or 2 (near left, far right).
    #[must_use]
    pub const fn channels(&self) -> u8 {
        self.channels
    }

    /// Returns the frames that will have been written when rendering is finished, whatever is pushed.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// Returns the media time from which runs should be pushed so that decoders have found their feet: microseconds
    /// from the recording's start. Earlier runs are welcome and cost little.
    #[must_use]
    pub fn feed_from_us(&self) -> u64 {
        let from_us = self.first.saturating_mul(1_000_000).checked_div(u64::from(self.rate_hz)).unwrap_or(0);
        let warm_up_us = |track: &TrackOf| {
            let ticks = track.codec.as_ref().map_or(0, Codec::warm_up_samples);
            ticks.saturating_mul(1_000_000).div_ceil(u64::from(track.clock_hz.max(1)))
        };
        let longest_us = self.tracks.values().map(warm_up_us).max().unwrap_or(0);
        from_us.saturating_sub(longest_us.saturating_add(RESAMPLER_US))
    }

    /// Tells whether everything up to the end of the range was written: further runs change nothing.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.written >= self.frames()
    }

    /// Takes one run; writes what became complete. Runs of tracks that are not wanted are passed over.
    ///
    /// # Errors
    /// What the sink refuses.
    pub fn push(&mut self, run: &LegRun<'_>, sink: &mut dyn PcmSink) -> Result<(), RenderError> {
        let Some(track) = self.tracks.get(&run.track) else { return Ok(()) };
        let Some(leg) = self.legs.get_mut(&track.leg) else { return Ok(()) };
        let decodes = leg.approach(run, track.codec.as_ref(), track.clock_hz, &mut self.report);
        // A long silence is written in steps, so that the queues stay short.
        while let Some(leg) = self.legs.get_mut(&track.leg)
            && leg.go_on()
        {
            Self::drain(
                &mut self.legs,
                &mut self.block,
                self.channels,
                &mut self.written,
                self.rate_hz,
                sink,
            )?;
        }
        if let (true, Some(codec), Some(leg)) = (decodes, &track.codec, self.legs.get_mut(&track.leg)) {
            leg.decode(run, codec, &mut self.report);
        }
        Self::drain(&mut self.legs, &mut self.block, self.channels, &mut self.written, self.rate_hz, sink)
    }

    /// Takes all runs of a chunk.
    ///
    /// # Errors
    /// As [`Renderer::push`].
    pub fn push_chunk(&mut self, chunk: &Chunk, sink: &mut dyn PcmSink) -> Result<(), RenderError> {
        if !self.tracks.contains_key(&chunk.track) {
            return Ok(());
        }
        let (mut rest, mut at) = (chunk.buf.payload(), chunk.base_samples);
        for head in &chunk.runs {
            let len = usize::try_from(head.len).unwrap_or(usize::MAX).min(rest.len());
            let (bytes, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let pos = at.saturating_add(head.gap_samples);
            let (gap_samples, cause, samples) = (head.gap_samples, head.cause, head.samples);
            self.push(&LegRun { track: chunk.track, pos, gap_samples, cause, samples, bytes }, sink)?;
            rest = after;
            at = pos.saturating_add(samples);
        }
        Ok(())
    }

    /// Writes what is left, silence up to the end of the range included, and tells what was met.
    ///
    /// # Errors
    /// What the sink refuses.
    pub fn finish(mut self, sink: &mut dyn PcmSink) -> Result<RenderReport, RenderError> {
        let Self { legs, block, channels, written, rate_hz, .. } = &mut self;
        for leg in legs.values_mut() {
            leg.end_of_input();
        }
        loop {
            let mut more = false;
            for leg in legs.values_mut() {
                more |= leg.go_on();
            }
            Self::drain(legs, block, *channels, written, *rate_hz, sink)?;
            if !more {
                break;
            }
        }
        self.report.frames = self.written;
        Ok(self.report)
    }

    /// Writes the frames that all legs have; holds a leg that lags too far to silence.
    fn drain(
        legs: &mut BTreeMap<u8, Leg>,
        block: &mut Vec<i16>,
        channels: u8,
        written: &mut u64,
        rate_hz: u32,
        sink: &mut dyn PcmSink,
    ) -> Result<(), RenderError> {
        let lag_max = usize::try_from(LAG_MAX_S.saturating_mul(u64::from(rate_hz))).unwrap_or(usize::MAX);
        let ahead = legs.values().map(Leg::queued).max().unwrap_or(0);
        for leg in legs.values_mut() {
            leg.keep_up(ahead.saturating_sub(lag_max));
        }
        let ready = legs.values().map(Leg::queued).min().unwrap_or(0);
        if ready == 0 {
            return Ok(());
        }
        interleave(legs, ready, channels, block);
        for leg in legs.values_mut() {
            leg.consume(ready);
        }
        *written = written.saturating_add(u64::try_from(ready).unwrap_or(0));
        Ok(sink.write_frames(block)?)
    }
}

/// The reach of the resampler.
const RESAMPLER_US: u64 = 10_000;

fn interleave(legs: &BTreeMap<u8, Leg>, frames: usize, channels: u8, block: &mut Vec<i16>) {
    block.clear();
    let mut voices = legs.values().map(|leg| (leg.side(), leg.front(frames)));
    if let (1, 1, Some((_, only))) = (channels, legs.len(), voices.next()) {
        block.extend_from_slice(only);
        return;
    }
    let width = usize::from(channels.max(1));
    block.resize(frames.saturating_mul(width), 0);
    for leg in legs.values() {
        let side = usize::from(leg.side());
        let places = block.iter_mut().skip(side).step_by(width);
        for (place, pcm) in places.zip(leg.front(frames)) {
            *place = place.saturating_add(*pcm);
        }
    }
}

/// The legs to render, with the channel of each.
struct Wanted {
    sides: BTreeMap<u8, u8>,
    channels: u8,
}

fn wanted_legs(tracks: &[Track], legs: Legs) -> Result<Wanted, RenderError> {
    let roles: BTreeMap<u8, Role> = tracks.iter().map(|track| (track.leg, track.role)).collect();
    let with_role =
        |role: Role| roles.iter().filter(move |(_, is)| **is == role).map(|(leg, _)| (*leg, 0)).collect();
    let (sides, missing): (BTreeMap<u8, u8>, String) = match legs {
        Legs::Both => return both_legs(&roles),
        Legs::Near => (with_role(Role::Near), "near".to_owned()),
        Legs::Far => (with_role(Role::Far), "far".to_owned()),
        Legs::Leg(n) => (roles.keys().filter(|leg| **leg == n).map(|leg| (*leg, 0)).collect(), n.to_string()),
    };
    if sides.is_empty() { Err(RenderError::NoSuchLeg(missing)) } else { Ok(Wanted { sides, channels: 1 }) }
}

/// Near goes left, far goes right; a leg that nothing is known of takes the side that is still free.
fn both_legs(roles: &BTreeMap<u8, Role>) -> Result<Wanted, RenderError> {
    let sided = roles.values().any(|role| matches!(role, Role::Near | Role::Far));
    if roles.is_empty() {
        return Err(RenderError::NoSuchLeg("recorded".to_owned()));
    }
    if roles.len() == 1 && !sided {
        return Ok(Wanted { sides: roles.keys().map(|leg| (*leg, 0)).collect(), channels: 1 });
    }
    let mut sides = BTreeMap::new();
    for (leg, role) in roles {
        match role {
            Role::Near => sides.insert(*leg, 0),
            Role::Far => sides.insert(*leg, 1),
            Role::Unknown | Role::Joint | Role::Radio => None,
        };
    }
    for leg in roles.keys() {
        let left_taken = sides.values().any(|side| *side == 0);
        let right_taken = sides.values().any(|side| *side == 1);
        sides.entry(*leg).or_insert_with(|| u8::from(left_taken && !right_taken));
    }
    Ok(Wanted { sides, channels: 2 })
}

/// Returns the first frame at or before a media time.
fn frames_at(us: u64, rate_hz: u32) -> u64 {
    let frames = u128::from(us).saturating_mul(u128::from(rate_hz)).checked_div(1_000_000).unwrap_or(0);
    u64::try_from(frames).unwrap_or(u64::MAX)
}

/// Returns the length of a recording, given the end position of each of its tracks: microseconds, rounded so that
/// rendering `0..length_us` gives every sample of the longest track and not one more.
#[must_use]
pub fn length_us<'a>(ends: impl IntoIterator<Item = (&'a Track, u64)>) -> u64 {
    let us = |(track, end_samples): (&Track, u64)| {
        let clock_hz = Codec::from_track(track).map_or(track.clock_hz, |codec| codec.clock_hz()).max(1);
        let us = u128::from(end_samples).saturating_mul(1_000_000).div_ceil(u128::from(clock_hz));
        u64::try_from(us).unwrap_or(u64::MAX)
    };
    ends.into_iter().map(us).max().unwrap_or(0)
}
