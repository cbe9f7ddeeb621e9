//! Digits of one leg: telephone events in, notes out.

use shared::{Event, Stamp};

use crate::rtp::dtmf::Digit;
use crate::rtp::ticks::micros;

use super::{Env, Leg, Out, Packet};

impl Leg {
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
