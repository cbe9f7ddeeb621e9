//! Opus (RFC 6716, RTP of RFC 7587) by libopus, at 48 kHz, mixed down to mono by libopus itself.

use super::Damaged;

/// The longest Opus packet: 120 ms at 48 kHz.
const PACKET_SAMPLES_MAX: usize = 5_760;
/// Concealment goes in steps of 2.5 ms.
const STEP_SAMPLES: usize = 120;

/// libopus's state.
pub(super) struct Opus(opus::Decoder);

impl Opus {
    /// Makes a decoder; `None` if libopus has no memory for it.
    pub(super) fn new() -> Option<Self> {
        opus::Decoder::new(48_000, opus::Channels::Mono).ok().map(Self)
    }

    /// Appends the samples of one packet.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        // An empty payload would mean "conceal" to libopus.
        if payload.is_empty() {
            return Err(Damaged);
        }
        self.extend(payload, PACKET_SAMPLES_MAX, out)
    }

    /// Appends exactly `samples` of libopus's own concealment, as far as it goes in one call; silence after that.
    pub(super) fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        let before = out.len();
        let wanted = samples.min(PACKET_SAMPLES_MAX).next_multiple_of(STEP_SAMPLES);
        if wanted > 0 && self.extend(&[], wanted, out).is_err() {
            out.truncate(before);
        }
        out.resize(before.saturating_add(samples), 0);
    }

    fn extend(&mut self, payload: &[u8], room: usize, out: &mut Vec<i16>) -> Result<(), Damaged> {
        let before = out.len();
        out.resize(before.saturating_add(room), 0);
        let tail = out.get_mut(before..).unwrap_or_default();
        let decoded = self.0.decode(payload, tail, false).map_err(|_reason| Damaged)?;
        out.truncate(before.saturating_add(decoded));
        Ok(())
    }
}
