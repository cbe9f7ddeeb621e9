//! Digits of one leg: telephone events in, notes out.
//!
//! Where the site masks digits, the notes lose their digit on the way out (in the engine, SIP INFO alike); here the octets
//! stay behind and their stretch becomes a masked gap.

use shared::{Event, Stamp};

use crate::rtp::dtmf::{self, Digit};
use crate::rtp::formats::Kind;
use crate::rtp::ticks::micros;

use super::{Env, Leg, Out, Packet};

impl Leg {
    /// Remembers in which stretch digits were sent in place of sound: it is masked, not silent.
    pub(super) fn hide(&mut self, packet: &Packet<'_>, ticks: u32) {
        let from = i64::from(packet.ts.wrapping_sub(self.next_ts).cast_signed()).max(0);
        let to = from.saturating_add(i64::from(ticks));
        let so_far = self.cold.hidden.unwrap_or((from, to));
        self.cold.hidden = Some((so_far.0.min(from), so_far.1.max(to)));
        self.cold.silent = true;
    }

    /// Tells whether a packet of redundant data has a digit in it, be it one that was sent before: then all of it stays
    /// behind, since what is sealed is sealed as received.
    pub(super) fn smuggles_digit(&self, packet: &Packet<'_>) -> bool {
        let formats = &self.cold.formats;
        !packet.opaque
            && formats.is_redundant(packet.pt)
            && dtmf::redundant_types(packet.payload).any(|pt| formats.kind(pt) == Some(Kind::Events))
    }

    pub(super) fn event(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        if packet.opaque {
            return;
        }
        self.cold.event_ns = packet.at.mono_ns;
        if let Some(digit) = self.cold.dtmf.handle(packet.ts, packet.marker, packet.payload) {
            self.digit(&digit, &packet.at, env);
        }
    }

    pub(super) fn digit(&self, digit: &Digit, at: &Stamp, env: &mut Env<'_>) {
        let Some(start) = env.shared.start else { return };
        let hz = u64::from(self.writer.clock_hz().max(8_000));
        let ms = u64::from(digit.duration_ticks).saturating_mul(1_000).checked_div(hz).unwrap_or(0);
        let mut text = String::new();
        text.push(digit.digit);
        let mut note = Event::new("digit", micros(at, &start))
            .text("digit", &text)
            .text("by", "rfc4733")
            .int("leg", i64::from(self.cold.number))
            .int("duration_ms", i64::try_from(ms).unwrap_or(i64::MAX));
        if self.cold.has_track {
            note = note.on_track(self.writer.track());
        }
        env.out.push(Out::Note(note));
    }
}
