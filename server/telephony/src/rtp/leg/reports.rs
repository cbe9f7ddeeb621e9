//! What RTCP says of one leg: its receiver, whether it got what we miss; its sender, which instant a sample means to it.
//!
//! Both are hearsay. A receiver's word changes a cause, never a length; a sender's clock is written down beside ours and
//! moves nothing.

use shared::{Event, GapCause, Stamp};

use crate::rtp::rtcp::NtpTime;
use crate::rtp::ticks::{distance, micros};

use super::{Env, Leg, Out};

/// Suspects kept between two reports of a receiver.
const SUSPECTS_MAX: usize = 32;
/// Nanoseconds between two notes of the sender's clock.
const SENDER_NS: u64 = 30_000_000_000;
/// Seconds that a sender's timestamp may lie away from the last sound.
const FAR_S: i64 = 60;

/// A gap that the network may not be to blame for: the receiver's next report tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    from: u64,
    samples: u64,
    track: u8,
    /// The packet after the gap.
    seq: u16,
}

impl Leg {
    /// Remembers a gap until the receiver's next report.
    pub(super) fn suspect(&mut self, from: u64, samples: u64, seq: u16) {
        if self.cold.suspects.len() < SUSPECTS_MAX {
            let track = self.writer.track();
            self.cold.suspects.push(Suspect { from, samples, track, seq });
        }
    }

    /// Forgets what was said of the stream before: another SSRC is counted anew.
    pub(super) fn forget_reports(&mut self) {
        self.cold.suspects.clear();
        self.cold.reported_lost = None;
        self.cold.sender_ns = None;
    }

    /// Hears what the receiver of this leg says of it (RTCP receiver report): if it got what we miss, the loss is ours.
    pub(crate) fn report(&mut self, lost: i32, highest: u32, env: &mut Env<'_>) {
        // Before its first report it had missed nothing: it counts from the beginning of the stream (RFC 3550, 6.4.1).
        let before = self.cold.reported_lost.replace(lost).unwrap_or(0);
        let newest = u16::try_from(highest & 0xffff).unwrap_or(0);
        let suspects = std::mem::take(&mut self.cold.suspects);
        for suspect in suspects {
            if distance(newest, suspect.seq) < 0 {
                self.cold.suspects.push(suspect); // the report does not reach that far yet
            } else if before == lost && suspect.track == self.writer.track() {
                let (was, is) = (GapCause::LostInNetwork, GapCause::LostByRecorder);
                self.correct(was, is, suspect.from, suspect.samples, env);
            }
        }
    }

    /// Hears which instant a timestamp means to its sender (RTCP sender report), and notes it beside our own clocks, so that
    /// legs of senders that share a clock can be laid side by side to the sample later.
    pub(crate) fn sent(&mut self, ssrc: u32, ntp: NtpTime, timestamp: u32, at: &Stamp, env: &mut Env<'_>) {
        let cold = &self.cold;
        let settled = cold.has_track && ssrc == self.ssrc && !cold.starting && !cold.epoch;
        let due = cold.sender_ns.is_none_or(|ns| at.mono_ns.saturating_sub(ns) >= SENDER_NS);
        let (Some(start), Some(sender)) = (env.shared.start, ntp.utc()) else { return };
        let away = i64::from(timestamp.wrapping_sub(self.next_ts).cast_signed());
        let far = FAR_S.saturating_mul(i64::from(self.writer.clock_hz()));
        let heard = self.writer.pos().saturating_sub(cold.open);
        let Some(pos) = heard.checked_add_signed(away).and_then(|pos| i64::try_from(pos).ok()) else {
            return;
        };
        if !settled || !due || away.saturating_abs() > far {
            return;
        }
        self.cold.sender_ns = Some(at.mono_ns);
        let note = Event::new("sender_clock", micros(at, &start))
            .on_track(self.writer.track())
            .int("pos", pos)
            .int("sender_us", sender.0)
            .int("mono_us", i64::try_from(at.mono_ns / 1_000).unwrap_or(i64::MAX))
            .int("utc_us", at.utc.0);
        env.out.push(Out::Note(note));
    }
}
