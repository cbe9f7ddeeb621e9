//! Which codec a track carries, and the decoder that turns its payload into PCM.
//!
//! Every decoder gives 16-bit mono PCM. A codec with two channels is one leg all the same and is mixed down to their
//! mean; whoever needs both channels exports the raw payload.

use shared::Track;

use crate::plc::Plc;

mod amr;
mod cn;
mod dvi4;
pub mod g711;
mod g722;
mod g726;
mod g729;
mod gsm;
mod linear;
mod opus;

/// Says plainly that a track cannot be turned into sound, and what can be done instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "track {track} is {codec}, for which AMETHYST has no decoder: its payload is kept as received and can be \
     exported with `--format raw`"
)]
pub struct NoDecoder {
    /// The track concerned.
    pub track: u8,
    /// Codec name as in SDP, or `encrypted payload` for an opaque track.
    pub codec: String,
}

/// Says that one payload made no sense to its decoder. Nothing was written to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is damaged or not of this codec")]
pub struct Damaged;

/// What a track's payload is, as far as it can be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codec {
    kind: Kind,
    clock_hz: u32,
    rate_hz: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Mulaw,
    Alaw,
    L16 { channels: u8 },
    L8 { channels: u8 },
    G722,
    G726 { bits: u8, packing: g726::Packing },
    Gsm,
    Dvi4,
    Opus,
    G729,
    Amr(amr::Form),
    ComfortNoise,
}

impl Codec {
    /// Finds the codec of a track by its name in SDP (letter case does not matter), clock and format parameters.
    ///
    /// # Errors
    /// [`NoDecoder`] if the payload is opaque, the codec unknown, or its parameters ask for what no decoder here does.
    pub fn from_track(track: &Track) -> Result<Self, NoDecoder> {
        let refused = |codec: &str| NoDecoder { track: track.track, codec: codec.chars().take(64).collect() };
        if track.opaque {
            return Err(refused("encrypted payload"));
        }
        let (kind, native_hz) = kind_of(track).ok_or_else(|| refused(&track.codec))?;
        let clock_hz = if track.clock_hz == 0 { native_hz.clock } else { track.clock_hz };
        // A clock that the codec cannot have would stretch all positions; only the free-rate codecs take any.
        if clock_hz > MAX_RATE_HZ || native_hz.fixed && clock_hz != native_hz.clock {
            return Err(refused(&format!("{}/{clock_hz}", track.codec)));
        }
        let rate_hz = if native_hz.fixed { native_hz.pcm } else { clock_hz };
        Ok(Self { kind, clock_hz, rate_hz })
    }

    /// Returns the ticks a second of positions and sample counts: the RTP clock.
    #[must_use]
    pub const fn clock_hz(&self) -> u32 {
        self.clock_hz
    }

    /// Returns the PCM samples a second that the decoder gives.
    #[must_use]
    pub const fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Returns the PCM samples per clock tick as a fraction in lowest terms: (2, 1) for G.722, (1, 1) for most.
    #[must_use]
    pub fn pcm_per_tick(&self) -> (u32, u32) {
        let common = gcd(self.rate_hz, self.clock_hz).max(1);
        (self.rate_hz.checked_div(common).unwrap_or(1), self.clock_hz.checked_div(common).unwrap_or(1))
    }

    /// Tells whether each payload decodes by itself, whatever came before it.
    #[must_use]
    pub const fn is_stateless(&self) -> bool {
        matches!(self.kind, Kind::Mulaw | Kind::Alaw | Kind::L16 { .. } | Kind::L8 { .. } | Kind::Dvi4)
    }

    /// Returns how many ticks before a wanted position decoding should begin, so that the decoder has found its feet.
    ///
    /// 100 ms for codecs without memory (that is what loss concealment looks back), 200 ms for those with; 3 s for GSM, whose
    /// long-term prediction carries what was said through pauses: after that it gives the very samples that decoding from
    /// the start gives.
    #[must_use]
    pub fn warm_up_samples(&self) -> u64 {
        let tenths: u64 = match self.kind {
            Kind::Gsm => 30,
            Kind::Mulaw | Kind::Alaw | Kind::L16 { .. } | Kind::L8 { .. } | Kind::Dvi4 => 1,
            Kind::G722 | Kind::G726 { .. } | Kind::Opus | Kind::G729 | Kind::Amr(_) | Kind::ComfortNoise => 2,
        };
        u64::from(self.clock_hz).saturating_mul(tenths).div_ceil(10)
    }

    /// Makes a decoder at the beginning of a stream.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        let state = match self.kind {
            Kind::Mulaw => State::Table(&g711::MULAW),
            Kind::Alaw => State::Table(&g711::ALAW),
            Kind::L16 { channels } => State::L16 { channels },
            Kind::L8 { channels } => State::L8 { channels },
            Kind::G722 => State::G722(Box::default()),
            Kind::G726 { bits, packing } => State::G726(Box::new(g726::G726::new(bits, packing))),
            Kind::Gsm => State::Gsm(Box::default()),
            Kind::Dvi4 => State::Dvi4,
            Kind::Opus => opus::Opus::new().map_or(State::None, |state| State::Opus(Box::new(state))),
            Kind::G729 => State::G729(Box::default()),
            Kind::Amr(form) => amr::Amr::new(form).map_or(State::None, |state| State::Amr(Box::new(state))),
            Kind::ComfortNoise => State::ComfortNoise(cn::ComfortNoise::default()),
        };
        Decoder { state, plc: Plc::new(self.rate_hz) }
    }
}

/// No telephone or radio codec samples faster; a higher clock in SDP is a mistake or an attack.
const MAX_RATE_HZ: u32 = 192_000;

/// The rates that belong to a codec.
struct Rates {
    /// RTP clock, used where the track does not say.
    clock: u32,
    /// PCM rate.
    pcm: u32,
    /// Whether the codec has no other.
    fixed: bool,
}

const fn fixed(clock: u32, pcm: u32) -> Rates {
    Rates { clock, pcm, fixed: true }
}

const FREE: Rates = Rates { clock: 8_000, pcm: 8_000, fixed: false };

/// Knows the names of RFC 3551 and IANA's registry of RTP payload formats.
fn kind_of(track: &Track) -> Option<(Kind, Rates)> {
    let name = track.codec.trim().to_ascii_uppercase();
    let channels = track.channels.max(1);
    let mono = |kind, rates: Rates| (channels == 1).then_some((kind, rates));
    let telephone = fixed(8_000, 8_000);
    match name.as_str() {
        "PCMU" => mono(Kind::Mulaw, FREE),
        "PCMA" => mono(Kind::Alaw, FREE),
        "L16" => Some((Kind::L16 { channels }, Rates { clock: 44_100, ..FREE })),
        "L8" => Some((Kind::L8 { channels }, FREE)),
        "G722" => mono(Kind::G722, fixed(8_000, 16_000)),
        "GSM" => mono(Kind::Gsm, telephone),
        "DVI4" => mono(Kind::Dvi4, FREE),
        "CN" => mono(Kind::ComfortNoise, FREE),
        "OPUS" => Some((Kind::Opus, fixed(48_000, 48_000))),
        "G729" | "G729A" | "G729B" | "G729AB" => mono(Kind::G729, telephone),
        "AMR" => mono(Kind::Amr(amr::Form::from_fmtp(false, &track.fmtp)?), telephone),
        "AMR-WB" => mono(Kind::Amr(amr::Form::from_fmtp(true, &track.fmtp)?), fixed(16_000, 16_000)),
        "G721" => mono(Kind::G726 { bits: 4, packing: g726::Packing::Rtp }, telephone),
        other => mono(g726_kind(other)?, telephone),
    }
}

fn g726_kind(name: &str) -> Option<Kind> {
    let (packing, rest) = match name.strip_prefix("AAL2-") {
        Some(rest) => (g726::Packing::Aal2, rest),
        None => (g726::Packing::Rtp, name),
    };
    let bits = match rest.strip_prefix("G726-")? {
        "16" => 2,
        "24" => 3,
        "32" => 4,
        "40" => 5,
        _ => return None,
    };
    Some(Kind::G726 { bits, packing })
}

const fn gcd(a: u32, b: u32) -> u32 {
    let (mut a, mut b) = (a, b);
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

/// Turns the payloads of one track into PCM, one after the other, and fills holes between them.
pub struct Decoder {
    state: State,
    plc: Plc,
}

enum State {
    Table(&'static [i16; 256]),
    L16 {
        channels: u8,
    },
    L8 {
        channels: u8,
    },
    G722(Box<g722::G722>),
    G726(Box<g726::G726>),
    Gsm(Box<gsm::Gsm>),
    Dvi4,
    Opus(Box<opus::Opus>),
    G729(Box<g729::G729>),
    Amr(Box<amr::Amr>),
    ComfortNoise(cn::ComfortNoise),
    /// The decoder could not be made; every payload is refused, and the renderer reports it.
    None,
}

impl std::fmt::Debug for Decoder {
    /// Shows nothing of the audio inside.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Decoder(..)")
    }
}

impl Decoder {
    /// Appends the PCM of one payload to `out`.
    ///
    /// The number of samples follows from the payload, which may disagree with what its sender promised; the renderer
    /// holds it to the positions of the recording.
    ///
    /// # Errors
    /// [`Damaged`] if the payload makes no sense; `out` is as before.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        let before = out.len();
        let decoded = match &mut self.state {
            State::Table(table) => {
                g711::decode(table, payload, out);
                Ok(())
            }
            State::L16 { channels } => linear::decode_l16(payload, *channels, out),
            State::L8 { channels } => linear::decode_l8(payload, *channels, out),
            State::G722(state) => {
                state.decode(payload, out);
                Ok(())
            }
            State::G726(state) => {
                state.decode(payload, out);
                Ok(())
            }
            State::Gsm(state) => state.decode(payload, out),
            State::Dvi4 => dvi4::decode(payload, out),
            State::Opus(state) => state.decode(payload, out),
            State::G729(state) => state.decode(payload, out),
            State::Amr(state) => state.decode(payload, out),
            State::ComfortNoise(state) => state.decode(payload),
            State::None => Err(Damaged),
        };
        match decoded {
            Ok(()) => self.plc.heard(out.get(before..).unwrap_or_default()),
            Err(Damaged) => out.truncate(before),
        }
        decoded
    }

    /// Appends exactly `samples` PCM samples in place of lost ones: at most 60 ms fading away, then silence.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        match &mut self.state {
            State::ComfortNoise(noise) => noise.fill(samples, out),
            State::Opus(state) => state.conceal(samples, out),
            State::G729(state) => state.conceal(samples, out),
            State::Table(_)
            | State::L16 { .. }
            | State::L8 { .. }
            | State::G722(_)
            | State::G726(_)
            | State::Gsm(_)
            | State::Dvi4
            | State::Amr(_)
            | State::None => self.plc.fill(samples, out),
        }
    }

    /// Tells whether the sender described its silence, so that [`Self::conceal`] goes on with noise as long as it is asked to.
    #[must_use]
    pub const fn is_comfort_noise(&self) -> bool {
        match &self.state {
            State::G729(state) => state.is_silent(),
            State::ComfortNoise(_) => true,
            State::Table(_)
            | State::L16 { .. }
            | State::L8 { .. }
            | State::G722(_)
            | State::G726(_)
            | State::Gsm(_)
            | State::Dvi4
            | State::Opus(_)
            | State::Amr(_)
            | State::None => false,
        }
    }

    /// Appends exactly `samples` of silence: nothing was said here, or nobody may hear it.
    pub fn silence(&mut self, samples: usize, out: &mut Vec<i16>) {
        self.plc.forget();
        out.resize(out.len().saturating_add(samples), 0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic_in_result_fn, reason = "tests")]
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn track(codec: &str, clock_hz: u32) -> Track {
        Track { codec: codec.to_owned(), clock_hz, channels: 1, ..Track::default() }
    }

    fn check_rates(codec: &str, clock_hz: u32, rate_hz: u32, per_tick: (u32, u32)) {
        let found = Codec::from_track(&track(codec, clock_hz)).unwrap();
        assert_eq!((found.rate_hz(), found.pcm_per_tick()), (rate_hz, per_tick), "{codec}/{clock_hz}");
    }

    #[test]
    fn the_clock_of_g722_is_half_its_rate() {
        check_rates("G722", 8_000, 16_000, (2, 1));
        check_rates("PCMU", 8_000, 8_000, (1, 1));
        check_rates("pcma", 16_000, 16_000, (1, 1));
        check_rates("L16", 44_100, 44_100, (1, 1));
        check_rates("DVI4", 16_000, 16_000, (1, 1));
        check_rates("aal2-g726-40", 8_000, 8_000, (1, 1));
    }

    #[test]
    fn a_codec_without_decoder_is_said_plainly() {
        let refusal = Codec::from_track(&track("G723", 8_000)).unwrap_err();
        assert!(refusal.to_string().contains("G723"), "the sentence names the codec: {refusal}");
        assert!(Codec::from_track(&track("G722", 16_000)).is_err(), "a clock that G.722 cannot have");
        let opaque = Track { opaque: true, ..track("PCMU", 8_000) };
        assert!(Codec::from_track(&opaque).is_err(), "encrypted payload is never played as noise");
    }

    const ALL: [(&str, u32, &str); 20] = [
        ("PCMU", 8_000, ""),
        ("PCMA", 8_000, ""),
        ("L16", 44_100, ""),
        ("L8", 8_000, ""),
        ("G722", 8_000, ""),
        ("G726-16", 8_000, ""),
        ("G726-24", 8_000, ""),
        ("G726-32", 8_000, ""),
        ("G726-40", 8_000, ""),
        ("AAL2-G726-24", 8_000, ""),
        ("AAL2-G726-40", 8_000, ""),
        ("GSM", 8_000, ""),
        ("DVI4", 16_000, ""),
        ("CN", 8_000, ""),
        ("opus", 48_000, ""),
        ("G729", 8_000, ""),
        ("AMR", 8_000, ""),
        ("AMR", 8_000, "octet-align=1;crc=1"),
        ("AMR-WB", 16_000, ""),
        ("AMR-WB", 16_000, "octet-align=1"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// In a debug build every overflow would panic.
        #[test]
        fn no_payload_panics_a_decoder(
            which in 0..ALL.len(),
            lead in any::<u8>(),
            payloads in vec((vec(any::<u8>(), 0..90), any::<bool>()), 1..30),
        ) {
            let (name, clock_hz, fmtp) = ALL[which];
            let codec = Codec::from_track(&Track { fmtp: fmtp.to_owned(), ..track(name, clock_hz) }).unwrap();
            let (mut decoder, mut out) = (codec.decoder(), Vec::new());
            for (mut payload, plausible) in payloads {
                match (name, payload.first_mut()) {
                    ("GSM", Some(first)) if plausible => {
                        *first = 0xd0 | (*first & 0x0f);
                        payload.resize(33, lead);
                    }
                    ("G729", _) if plausible => payload.resize(if lead > 99 { 20 } else { 2 }, lead),
                    ("opus", Some(first)) if plausible => *first = lead,
                    _ => {}
                }
                out.clear();
                let refused = decoder.decode(&payload, &mut out).is_err();
                prop_assert!(!refused || out.is_empty(), "{} left samples of a refused payload", name);
                if refused || lead & 3 == 0 {
                    out.clear();
                    decoder.conceal(100, &mut out);
                    prop_assert_eq!(out.len(), 100);
                }
            }
        }
    }
}
