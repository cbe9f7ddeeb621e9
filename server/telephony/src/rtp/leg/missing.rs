//! What is missing on one leg: each gap gets its length and its cause, and a cause that was learned later is corrected.

use shared::{GapCause, GapCorrection};

use crate::rtp::samples::Shape;
use crate::rtp::ticks::{ticks_of, us_of};

use super::{Env, Leg, Out, Packet, Shared};

/// Seconds that a timestamp may jump ahead before it is a new epoch.
const EPOCH_S: i64 = 60;

impl Leg {
    /// Accounts for the time between the last sound and this one.
    pub(super) fn bridge(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        let hz = i64::from(self.writer.clock_hz());
        let step = i64::from(packet.ts.wrapping_sub(self.next_ts).cast_signed());
        if self.cold.missing == 0 && !self.cold.epoch && !self.cold.silent && self.amend(step, packet) {
            return;
        }
        let small_overlap = packet.opaque && step < 0 && step > hz.saturating_neg();
        if self.cold.epoch || step < 0 && !small_overlap || step > hz.saturating_mul(EPOCH_S) {
            self.new_epoch(packet, env);
            return;
        }
        let step = u64::try_from(step).unwrap_or(0);
        let silent = self.was_silent(env.shared)
            || packet.marker
            || !self.shape.joinable() && self.shape.announces_silence(self.writer.last_len());
        let lost = u64::from(self.cold.missing).saturating_mul(u64::from(self.last_ticks.max(1)));
        let lost = match (self.cold.missing, silent) {
            (0, _) => 0,
            (_, true) => lost.min(step),
            (_, false) => step,
        };
        let by = if self.cold.dropped { GapCause::LostByRecorder } else { GapCause::LostInNetwork };
        let rest = if silent { GapCause::SilenceSuppressed } else { GapCause::None };
        let from = self.writer.pos().saturating_sub(self.cold.open);
        let hidden = self.hidden_in(lost, step);
        let parts = [
            (by, lost),
            (rest, hidden.start.saturating_sub(lost)),
            (GapCause::Paused, hidden.end.saturating_sub(hidden.start)),
            (rest, step.saturating_sub(hidden.end)),
        ];
        self.close_gap(&parts, env);
        if lost > 0 && by == GapCause::LostInNetwork {
            self.suspect(from, lost, packet.seq);
        }
    }

    /// Returns the part of the gap `lost..step` that masked digits take, at its end and empty if there are none. Digits whose
    /// place cannot be told take all of it.
    fn hidden_in(&self, lost: u64, step: u64) -> std::ops::Range<u64> {
        let Some((from, to)) = self.cold.hidden else { return step..step };
        let within = |ticks: i64| u64::try_from(ticks).unwrap_or(0).clamp(lost.min(step), step);
        let (from, to) = (within(from), within(to));
        if from < to { from..to } else { lost.min(step)..step }
    }

    /// Learns the true length of a packet whose octets did not tell it; tells whether that explains the step.
    fn amend(&mut self, step: i64, packet: &Packet<'_>) -> bool {
        if self.shape != Shape::Unknown || packet.opaque || step == 0 || self.cold.open > 0 {
            return false;
        }
        let was = self.last_ticks;
        let is = i64::from(was).saturating_add(step);
        let most = self.writer.clock_hz() / 5;
        match u32::try_from(is) {
            Ok(is) if (1..=most).contains(&is) => {
                self.cold.guess = is;
                self.writer.amend_last(was, is)
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// The sender's clock began anew: the distance is what the monotonic clock says.
    fn new_epoch(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        let hz = self.writer.clock_hz();
        let since = ticks_of(packet.at.mono_ns.saturating_sub(self.last_ns), hz);
        let beyond = since.saturating_sub(u64::from(self.last_ticks));
        // Less than 40 ms is jitter, not absence.
        let step = if beyond < u64::from(hz / 25) { 0 } else { beyond };
        let cause = if self.cold.hidden.is_some() {
            GapCause::Paused
        } else if self.was_silent(env.shared) {
            GapCause::SilenceSuppressed
        } else if packet.drops != self.drops {
            GapCause::LostByRecorder
        } else {
            GapCause::None
        };
        self.close_gap(&[(cause, step)], env);
        self.next_ts = packet.ts;
    }

    /// Tells whether the sender had a reason to send nothing since its last packet.
    pub(super) fn was_silent(&self, shared: &Shared) -> bool {
        self.cold.silent || shared.held_since(self.last_ns)
    }

    /// Writes the gaps before a packet, less what an open gap has already said of them.
    fn close_gap(&mut self, parts: &[(GapCause, u64)], env: &mut Env<'_>) {
        let mut written = std::mem::take(&mut self.cold.open);
        let was = self.cold.open_cause;
        let mut from = self.writer.pos().saturating_sub(written);
        for (cause, samples) in parts.iter().copied() {
            let said = samples.min(written);
            if said > 0 && cause != was {
                self.correct(was, cause, from, said, env);
            }
            written = written.saturating_sub(said);
            from = from.saturating_add(said);
            self.gap(cause, samples.saturating_sub(said), env);
        }
    }

    /// Says that an open gap had another cause than was written.
    pub(super) fn correct(
        &mut self,
        was: GapCause,
        is: GapCause,
        from: u64,
        samples: u64,
        env: &mut Env<'_>,
    ) {
        self.writer.recount(was, is, samples);
        let to = from.saturating_add(samples);
        let t_us = us_of(to, self.writer.clock_hz());
        let place = |pos: u64| i64::try_from(pos).unwrap_or(i64::MAX);
        let (track, from, to) = (self.writer.track(), place(from), place(to));
        let note = GapCorrection { track, from, to, was, cause: is }.event(t_us);
        env.out.push(Out::Note(note));
    }

    pub(super) fn open_gap(&mut self, cause: GapCause, samples: u64, env: &mut Env<'_>) {
        if self.cold.open > 0 && self.cold.open_cause != cause {
            // One open gap has one cause; what it was before stays corrected to the newer word.
            let (was, open) = (self.cold.open_cause, self.cold.open);
            let from = self.writer.pos().saturating_sub(open);
            self.correct(was, cause, from, open, env);
        }
        self.gap(cause, samples, env);
        self.cold.open = self.cold.open.saturating_add(samples);
        self.cold.open_cause = cause;
        self.plain = false;
    }

    pub(super) fn gap(&mut self, cause: GapCause, samples: u64, env: &mut Env<'_>) {
        let mut rest = samples;
        while rest > 0 {
            self.cold.anchor_due |= cause != GapCause::Undecodable;
            rest = self.writer.gap(cause, rest);
            if rest > 0 {
                self.cut(env);
            }
        }
    }
}
