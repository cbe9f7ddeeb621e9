//! What is on the wire: codecs of the generator, with an encoder of their own so that they judge the product's.
//!
//! G.711 is encoded by searching the decoder's table for the nearest value, and the table follows ITU-T G.711 literally:
//! slow, short, and not the way the product does it.

use std::sync::OnceLock;

/// A codec that the parties agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// Name as in SDP.
    pub name: &'static str,
    /// RTP payload type.
    pub payload_type: u8,
    /// RTP clock.
    pub clock_hz: u32,
    /// Ticks of that clock in one packet of 20 ms.
    pub ticks_per_packet: u32,
    /// Payload bytes in one packet.
    pub bytes_per_packet: usize,
    coding: Coding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Ulaw,
    Alaw,
    L16,
    /// Bytes that stand for nothing: to test that they are kept.
    Opaque,
}

impl Codec {
    /// G.711 with µ-law.
    pub const PCMU: Self = Self::of("PCMU", 0, 8_000, 160, Coding::Ulaw);
    /// G.711 with A-law.
    pub const PCMA: Self = Self::of("PCMA", 8, 8_000, 160, Coding::Alaw);
    /// 16-bit samples, most significant byte first (RFC 3551).
    pub const L16: Self = Self::of("L16", 96, 8_000, 320, Coding::L16);
    /// G.722 at 64 kbit/s: any byte is a valid code, so noise will do. Its RTP clock is 8,000 Hz (RFC 3551, 4.5.2).
    pub const G722: Self = Self::of("G722", 9, 8_000, 160, Coding::Opaque);
    /// A codec that nobody knows: its bytes must be kept all the same.
    pub const UNKNOWN: Self = Self::of("X-UNHEARD-OF", 97, 8_000, 47, Coding::Opaque);

    const ALL: [Self; 5] = [Self::PCMU, Self::PCMA, Self::L16, Self::G722, Self::UNKNOWN];

    const fn of(
        name: &'static str,
        payload_type: u8,
        clock_hz: u32,
        bytes_per_packet: usize,
        coding: Coding,
    ) -> Self {
        Self { name, payload_type, clock_hz, ticks_per_packet: clock_hz / 50, bytes_per_packet, coding }
    }

    /// Finds a codec by its SDP name; `u` and `a` are G.711.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "u" => Some(Self::PCMU),
            "a" => Some(Self::PCMA),
            _ => Self::ALL.into_iter().find(|c| c.name.eq_ignore_ascii_case(name)),
        }
    }

    /// Encodes 8 kHz audio; the result holds whole packets only.
    #[must_use]
    pub fn encode(&self, pcm: &[i16], seed: u32) -> Vec<u8> {
        let packets = pcm.len() / 160;
        match self.coding {
            Coding::Ulaw => pcm.iter().take(packets * 160).map(|&s| nearest(ulaw_codes(), s)).collect(),
            Coding::Alaw => pcm.iter().take(packets * 160).map(|&s| nearest(alaw_codes(), s)).collect(),
            Coding::L16 => pcm.iter().take(packets * 160).flat_map(|s| s.to_be_bytes()).collect(),
            Coding::Opaque => noise(seed).take(packets * self.bytes_per_packet).collect(),
        }
    }

    /// Decodes what [`Self::encode`] made; `None` for codecs whose bytes stand for nothing.
    #[must_use]
    pub fn decode(&self, bytes: &[u8]) -> Option<Vec<i16>> {
        match self.coding {
            Coding::Ulaw => Some(bytes.iter().map(|&b| ulaw_decode(b)).collect()),
            Coding::Alaw => Some(bytes.iter().map(|&b| alaw_decode(b)).collect()),
            Coding::L16 => Some(bytes.as_chunks::<2>().0.iter().map(|&b| i16::from_be_bytes(b)).collect()),
            Coding::Opaque => None,
        }
    }

    /// Says it as in an SDP `a=rtpmap` line.
    #[must_use]
    pub fn rtpmap(&self) -> String {
        format!("{} {}/{}", self.payload_type, self.name, self.clock_hz)
    }
}

/// Decodes one µ-law byte (ITU-T G.711, table 2).
#[must_use]
pub fn ulaw_decode(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((i16::from(code & 0x0f)) << 3) + 0x84) << ((code & 0x70) >> 4);
    if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

/// Decodes one A-law byte (ITU-T G.711, table 1).
#[must_use]
pub fn alaw_decode(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = ((code & 0x70) >> 4, i16::from(code & 0x0f) << 4);
    let magnitude = match segment {
        0 => step + 8,
        s => (step + 0x108) << (s - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

type Codes = Vec<(i16, u8)>;

fn ulaw_codes() -> &'static Codes {
    static CODES: OnceLock<Codes> = OnceLock::new();
    CODES.get_or_init(|| sorted(ulaw_decode))
}

fn alaw_codes() -> &'static Codes {
    static CODES: OnceLock<Codes> = OnceLock::new();
    CODES.get_or_init(|| sorted(alaw_decode))
}

fn sorted(decode: fn(u8) -> i16) -> Codes {
    let mut codes: Codes = (0..=u8::MAX).map(|c| (decode(c), c)).collect();
    codes.sort_unstable();
    codes
}

fn nearest(codes: &Codes, sample: i16) -> u8 {
    let above = codes.partition_point(|&(value, _)| value < sample);
    let near = |&&(value, _): &&(i16, u8)| (i32::from(value) - i32::from(sample)).abs();
    let around = codes.get(above.saturating_sub(1)..(above + 1).min(codes.len())).unwrap_or(codes);
    around.iter().min_by_key(near).map_or(0xff, |&(_, code)| code)
}

/// Bytes without a pattern, the same for the same seed (xorshift).
fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::missing_assert_message, reason = "tests")]
    use super::*;

    #[test]
    fn every_g711_code_survives_a_round_trip_by_value() {
        for code in 0..=u8::MAX {
            assert_eq!(ulaw_decode(nearest(ulaw_codes(), ulaw_decode(code))), ulaw_decode(code));
            assert_eq!(alaw_decode(nearest(alaw_codes(), alaw_decode(code))), alaw_decode(code));
        }
    }

    #[test]
    fn known_values_of_g711() {
        // ITU-T G.711: the ends of both laws, and the smallest magnitudes.
        assert_eq!(
            (ulaw_decode(0x00), ulaw_decode(0x80), ulaw_decode(0xff), ulaw_decode(0x7f)),
            (-32124, 32124, 0, 0)
        );
        assert_eq!(
            (alaw_decode(0x2a), alaw_decode(0xaa), alaw_decode(0xd5), alaw_decode(0x55)),
            (-32256, 32256, 8, -8)
        );
    }

    #[test]
    fn only_whole_packets_are_encoded() {
        for codec in Codec::ALL {
            assert_eq!(codec.encode(&[0; 500], 1).len(), 3 * codec.bytes_per_packet, "{}", codec.name);
        }
    }
}
