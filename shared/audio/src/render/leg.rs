//! One leg on its way to PCM: the decoder of its present track, its place in time, and what waits to be written.

use shared::GapCause;

use super::{Fill, LegRun, RenderReport};
use crate::codec::{Codec, Decoder};
use crate::resample::Resampler;

/// A gap longer than this is not fed through decoder and resampler sample by sample.
const SHORT_GAP_MS: u64 = 1_000;
/// Comfort noise between two packets lasts no longer; the next description normally comes much earlier.
const NOISE_MS_MAX: u64 = 60_000;
/// A sealed frame holds one second of audio; other makers of runs may join more.
const RUN_MAX_S: usize = 60;

/// One leg. All indices are frames of the output rate from the recording's start unless they say `native`.
pub(super) struct Leg {
    side: u8,
    rate_hz: u32,
    first: u64,
    end: u64,
    fill: Fill,
    stage: Option<Stage>,
    queue: Vec<i16>,
    /// Frames at the front of `queue` that were written already.
    head: usize,
    /// Index after the last queued frame.
    at: u64,
    /// Silence owed: the queue is to reach this index in steps.
    silent_to: u64,
}

/// The present track of the leg.
struct Stage {
    track: u8,
    native_hz: u32,
    decoder: Decoder,
    resampler: Option<Resampler>,
    /// Native position after the last sample given to `decoder`.
    at_native: u64,
    scratch: Vec<i16>,
    resampled: Vec<i16>,
}

impl Leg {
    pub(super) fn new(side: u8, rate_hz: u32, first: u64, end: u64, fill: Fill) -> Self {
        let (queue, at) = (Vec::new(), first);
        Self { side, rate_hz, first, end, fill, stage: None, queue, head: 0, at, silent_to: first }
    }

    pub(super) const fn side(&self) -> u8 {
        self.side
    }

    /// Returns the number of frames that wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len().saturating_sub(self.head)
    }

    /// Returns the first `frames` that wait.
    pub(super) fn front(&self, frames: usize) -> &[i16] {
        self.queue.get(self.head..self.head.saturating_add(frames)).unwrap_or_default()
    }

    /// Forgets the first `frames`.
    pub(super) fn consume(&mut self, frames: usize) {
        self.head = self.head.saturating_add(frames).min(self.queue.len());
        if self.head == self.queue.len() {
            self.queue.clear();
            self.head = 0;
        } else if self.head > 65_536 {
            self.queue.drain(..self.head);
            self.head = 0;
        }
    }

    /// Makes a leg that lags have at least `frames` waiting, silence if nothing else.
    pub(super) fn keep_up(&mut self, frames: usize) {
        let missing = frames.saturating_sub(self.queued());
        if missing > 0 {
            let to = self.at.saturating_add(u64::try_from(missing).unwrap_or(0));
            self.silence_to(to);
        }
    }

    /// Says that no run will come any more: the rest is silence.
    pub(super) fn end_of_input(&mut self) {
        self.end_stage();
        self.silent_to = self.end;
    }

    /// Writes a second of the silence owed; tells whether there was any.
    pub(super) fn go_on(&mut self) -> bool {
        let to = self.silent_to.min(self.end).min(self.at.saturating_add(u64::from(self.rate_hz)));
        let more = to > self.at;
        if more {
            self.silence_to(to);
        }
        more
    }

    /// Brings the leg to the begin of a run: right track, gap filled. Tells whether the run is to be decoded.
    ///
    /// Silence may be owed afterwards: it must be written ([`Leg::go_on`]) before the run is decoded.
    pub(super) fn approach(
        &mut self,
        run: &LegRun<'_>,
        codec: Option<&Codec>,
        clock_hz: u32,
        report: &mut RenderReport,
    ) -> bool {
        let (run_begin, run_end) =
            (self.frame_of(run.pos, clock_hz), self.frame_of(run.pos.saturating_add(run.samples), clock_hz));
        let Some(codec) = codec else {
            self.count_missing(run, run_begin, self.at.max(self.silent_to), clock_hz, report);
            self.end_stage();
            self.silent_to = self.silent_to.max(run_end);
            return false;
        };
        let warm_up = self.frame_of(codec.warm_up_samples(), clock_hz);
        if run_end.saturating_add(warm_up) <= self.first {
            return false;
        }
        let known_to = match &self.stage {
            Some(stage) if stage.track == run.track => scaled(stage.at_native, stage.native_hz, self.rate_hz),
            _ => self.at.max(self.silent_to),
        };
        self.count_missing(run, run_begin, known_to, clock_hz, report);
        self.step_to(run, codec, report);
        run.samples > 0 && run_begin < self.end
    }

    /// Counts a gap under its cause, and what no gap speaks of as unknown.
    fn count_missing(
        &self,
        run: &LegRun<'_>,
        begin: u64,
        known_to: u64,
        clock_hz: u32,
        report: &mut RenderReport,
    ) {
        let held = |index: u64| index.clamp(self.first, self.end);
        let gap_begin = self.frame_of(run.pos.saturating_sub(run.gap_samples), clock_hz);
        if run.gap_samples > 0
            && let Some(slot) = report.gap_frames.get_mut(usize::from(run.cause.number()))
        {
            *slot = slot.saturating_add(held(begin).saturating_sub(held(gap_begin)));
        }
        let unknown = held(gap_begin).saturating_sub(held(known_to));
        report.unknown_frames = report.unknown_frames.saturating_add(unknown);
    }

    fn step_to(&mut self, run: &LegRun<'_>, codec: &Codec, report: &mut RenderReport) {
        let begin = native_of(run.pos, codec);
        if self.stage.as_ref().is_none_or(|stage| stage.track != run.track) {
            self.end_stage();
            self.start_stage(run.track, codec, begin);
            self.silent_to = self.silent_to.max(scaled(begin, codec.rate_hz(), self.rate_hz));
        }
        let Some(stage) = &mut self.stage else { return };
        let gap = begin.saturating_sub(stage.at_native);
        if gap == 0 {
            return;
        }
        // What is missing for these reasons sounds as the decoder supposes. A silence that the sender described is noise for as
        // long as it lasts, or a minute.
        let (lost, described) = match run.cause {
            GapCause::LostInNetwork | GapCause::LostByRecorder => (run.gap_samples > 0, false),
            GapCause::SilenceSuppressed => (false, stage.decoder.is_comfort_noise()),
            GapCause::None | GapCause::Paused | GapCause::Undecodable => (false, false),
        };
        let concealed = (lost || described) && self.fill == Fill::Conceal;
        let short_ms = if described && concealed { NOISE_MS_MAX } else { SHORT_GAP_MS };
        let short = u64::from(stage.native_hz).saturating_mul(short_ms).div_ceil(1_000);
        let count = usize::try_from(gap.min(short)).unwrap_or(0);
        stage.scratch.clear();
        if concealed {
            stage.decoder.conceal(count, &mut stage.scratch);
        } else {
            stage.decoder.silence(count, &mut stage.scratch);
        }
        self.emit(0, report);
        if gap > short {
            self.jump_to(begin);
        }
    }

    /// Decodes a run that [`Leg::approach`] accepted.
    pub(super) fn decode(&mut self, run: &LegRun<'_>, codec: &Codec, report: &mut RenderReport) {
        let Some(stage) = &mut self.stage else { return };
        let (begin, end) = (native_of(run.pos, codec), native_of(run.pos.saturating_add(run.samples), codec));
        // A run longer than a minute comes from no sealed frame; a head that claims one must not cost memory.
        let most = usize::try_from(stage.native_hz).unwrap_or(8_000).saturating_mul(RUN_MAX_S);
        let count = usize::try_from(end.saturating_sub(begin)).unwrap_or(usize::MAX).min(most);
        stage.scratch.clear();
        if stage.decoder.decode(run.bytes, &mut stage.scratch).is_err() {
            report.damaged_runs = report.damaged_runs.saturating_add(1);
            match self.fill {
                Fill::Conceal => stage.decoder.conceal(count, &mut stage.scratch),
                Fill::Silence => stage.decoder.silence(count, &mut stage.scratch),
            }
        }
        if stage.scratch.is_empty() {
            stage.decoder.conceal(count, &mut stage.scratch); // a packet of comfort noise says how silence sounds
        }
        if stage.scratch.len() != count {
            report.odd_length_runs = report.odd_length_runs.saturating_add(1);
            stage.scratch.resize(count, 0);
        }
        let old = usize::try_from(stage.at_native.saturating_sub(begin)).unwrap_or(usize::MAX).min(count);
        report.overlap_frames = report.overlap_frames.saturating_add(u64::try_from(old).unwrap_or(0));
        self.emit(old, report);
    }

    /// Sends the scratch samples from `skip` on to the queue, through the resampler if rates differ.
    fn emit(&mut self, skip: usize, report: &mut RenderReport) {
        let Some(mut stage) = self.stage.take() else { return };
        let samples = stage.scratch.get(skip..).unwrap_or_default();
        let begin = stage.at_native;
        stage.at_native = begin.saturating_add(u64::try_from(samples.len()).unwrap_or(0));
        if let Some(resampler) = &mut stage.resampler {
            stage.resampled.clear();
            let index = resampler.next_out();
            resampler.push(samples, &mut stage.resampled);
            self.place(index, &stage.resampled, report);
        } else {
            self.place(begin, samples, report);
        }
        self.stage = Some(stage);
    }

    fn start_stage(&mut self, track: u8, codec: &Codec, begin_native: u64) {
        let native_hz = codec.rate_hz();
        let resampler =
            (native_hz != self.rate_hz).then(|| Resampler::new(native_hz, self.rate_hz, begin_native));
        let (scratch, resampled) = (Vec::new(), Vec::new());
        let decoder = codec.decoder();
        self.stage =
            Some(Stage { track, native_hz, decoder, resampler, at_native: begin_native, scratch, resampled });
    }

    /// Jumps over a long silence without computing it.
    fn jump_to(&mut self, begin_native: u64) {
        let Some(mut stage) = self.stage.take() else { return };
        self.flush(&mut stage);
        stage.at_native = begin_native;
        stage.resampler =
            stage.resampler.map(|_old| Resampler::new(stage.native_hz, self.rate_hz, begin_native));
        self.silent_to = self.silent_to.max(scaled(begin_native, stage.native_hz, self.rate_hz));
        self.stage = Some(stage);
    }

    fn end_stage(&mut self) {
        if let Some(mut stage) = self.stage.take() {
            self.flush(&mut stage);
        }
    }

    /// Lets the last samples out of the resampler.
    fn flush(&mut self, stage: &mut Stage) {
        if let Some(resampler) = &mut stage.resampler {
            stage.resampled.clear();
            let index = resampler.next_out();
            resampler.finish(&mut stage.resampled);
            self.place(index, &stage.resampled, &mut RenderReport::default());
        }
    }

    /// Puts samples at their index: what lies before the queue's end is dropped, a hole before them is silent.
    fn place(&mut self, index: u64, samples: &[i16], report: &mut RenderReport) {
        let len = u64::try_from(samples.len()).unwrap_or(0);
        let to = index.saturating_add(len).min(self.end);
        if to <= self.at {
            let dropped = if index >= self.first { to.saturating_sub(index) } else { 0 };
            report.overlap_frames = report.overlap_frames.saturating_add(dropped);
            return;
        }
        self.silence_to(index);
        if index >= self.first {
            let taken = self.at.saturating_sub(index);
            report.overlap_frames = report.overlap_frames.saturating_add(taken);
        }
        let from = usize::try_from(self.at.saturating_sub(index)).unwrap_or(usize::MAX);
        let upto = usize::try_from(to.saturating_sub(index)).unwrap_or(0);
        self.queue.extend_from_slice(samples.get(from..upto).unwrap_or_default());
        self.at = to;
    }

    fn silence_to(&mut self, index: u64) {
        let to = index.min(self.end);
        let count = usize::try_from(to.saturating_sub(self.at)).unwrap_or(0);
        self.queue.resize(self.queue.len().saturating_add(count), 0);
        self.at = self.at.max(to);
    }

    fn frame_of(&self, ticks: u64, clock_hz: u32) -> u64 {
        scaled(ticks, clock_hz, self.rate_hz)
    }
}

/// Returns the native sample index of a position in ticks.
fn native_of(ticks: u64, codec: &Codec) -> u64 {
    scaled(ticks, codec.clock_hz(), codec.rate_hz())
}

/// Scales an index from one rate to another, rounding down.
fn scaled(index: u64, from_hz: u32, to_hz: u32) -> u64 {
    if from_hz == to_hz {
        return index;
    }
    let wide =
        u128::from(index).saturating_mul(u128::from(to_hz)).checked_div(u128::from(from_hz)).unwrap_or(0);
    u64::try_from(wide).unwrap_or(u64::MAX)
}
