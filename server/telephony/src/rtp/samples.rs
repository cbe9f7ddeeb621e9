//! How many ticks of sound one payload stands for, read from the payload alone.
//!
//! Not a decoder: only frame borders and table-of-contents bytes are looked at. A codec that tells nothing about its
//! length is [`Shape::Unknown`]; then the timestamps tell.

/// What the octets of a codec say about the time they cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Shape {
    /// A fixed number of octets per tick; packets may be joined and split anywhere (PCMU, PCMA, G722, L16).
    Octets(u8),
    /// A fixed number of bits per tick (G.726).
    Bits(u8),
    /// Whole frames of `octets` that cover `ticks` (GSM: 33 and 160).
    Frames {
        /// Octets of one frame.
        octets: u16,
        /// Ticks of one frame.
        ticks: u16,
    },
    /// G.729: frames of 10 octets, 80 ticks each, perhaps a 2-octet SID at the end (RFC 3551, 4.5.6).
    G729,
    /// G.723.1: 24, 20 or 4 octets by the two lowest bits of a frame, 240 ticks each (RFC 3551, 4.5.3).
    G7231,
    /// iLBC: 38 octets are 20 ms, 50 octets are 30 ms (RFC 3952); true for the 30 ms mode.
    Ilbc(bool),
    /// AMR and AMR-WB by their table of contents (RFC 4867).
    Amr {
        /// AMR-WB: 320 ticks a frame instead of 160.
        wide: bool,
        /// `octet-align=1`.
        aligned: bool,
    },
    /// Opus by its TOC byte (RFC 6716, 3.1), always in ticks of 48 kHz (RFC 7587).
    Opus,
    /// DVI4: a header of 4 octets, then two samples in each octet (RFC 3551, 4.5.1).
    Dvi4,
    /// Nothing tells but the timestamps.
    #[default]
    Unknown,
}

impl Shape {
    /// Finds the shape for an encoding name (any case), its channels and its `fmtp` text.
    #[must_use]
    pub fn of(name: &str, channels: u8, fmtp: &str) -> Self {
        let upper = name.to_ascii_uppercase();
        match upper.as_str() {
            "PCMU" | "PCMA" | "G722" | "L8" => Self::Octets(channels.max(1)),
            "L16" => Self::Octets(channels.clamp(1, 100).saturating_mul(2)),
            "G726-16" | "AAL2-G726-16" => Self::Bits(2),
            "G726-24" | "AAL2-G726-24" => Self::Bits(3),
            "G726-32" | "AAL2-G726-32" | "G721" => Self::Bits(4),
            "G726-40" | "AAL2-G726-40" => Self::Bits(5),
            "GSM" => Self::Frames { octets: 33, ticks: 160 },
            "GSM-EFR" => Self::Frames { octets: 31, ticks: 160 },
            "LPC" => Self::Frames { octets: 14, ticks: 160 },
            "G729" | "G729A" | "G729B" | "G729AB" => Self::G729,
            "G723" | "G7231" | "G723.1" => Self::G7231,
            "ILBC" => Self::Ilbc(!fmtp.contains("mode=20")),
            "AMR" => Self::Amr { wide: false, aligned: fmtp.contains("octet-align=1") },
            "AMR-WB" => Self::Amr { wide: true, aligned: fmtp.contains("octet-align=1") },
            "OPUS" => Self::Opus,
            "DVI4" => Self::Dvi4,
            _ => Self::Unknown,
        }
    }

    /// Tells whether packets of this codec may be joined into one run and split at any tick.
    #[must_use]
    pub const fn joinable(self) -> bool {
        matches!(self, Self::Octets(_))
    }

    /// Returns the ticks that `payload` covers, or `None` when its octets do not tell.
    #[inline]
    #[must_use]
    pub fn ticks(self, payload: &[u8]) -> Option<u32> {
        let len = u32::try_from(payload.len()).ok()?;
        let ticks = match self {
            Self::Octets(1) => len,
            Self::Octets(n) => len.checked_div(u32::from(n))?,
            Self::Bits(n) => len.checked_mul(8)?.checked_div(u32::from(n))?,
            Self::Frames { octets, ticks } => {
                len.checked_div(u32::from(octets))?.checked_mul(u32::from(ticks))?
            }
            Self::G729 => g729(len),
            Self::G7231 => g7231(payload),
            Self::Ilbc(slow) => ilbc(len, slow),
            Self::Amr { wide, aligned } => {
                amr_frames(payload, aligned)?.checked_mul(if wide { 320 } else { 160 })?
            }
            Self::Opus => opus(payload)?,
            Self::Dvi4 => len.saturating_sub(4).saturating_mul(2),
            Self::Unknown => return None,
        };
        (ticks > 0).then_some(ticks)
    }

    /// Returns the ticks that `payload` covers if it consists of whole frames and nothing else.
    #[must_use]
    pub fn exact_ticks(self, payload: &[u8]) -> Option<u32> {
        let len = u32::try_from(payload.len()).ok()?;
        let whole = match self {
            Self::Frames { octets, .. } => len.checked_rem(u32::from(octets)) == Some(0),
            Self::G729 => matches!(len % 10, 0 | 2),
            Self::Octets(_)
            | Self::Bits(_)
            | Self::G7231
            | Self::Ilbc(_)
            | Self::Amr { .. }
            | Self::Opus
            | Self::Dvi4
            | Self::Unknown => true,
        };
        self.ticks(payload).filter(|_| whole)
    }

    /// Tells whether a packet of `len` octets announces silence (SID, DTX), so that a step after it is no loss.
    #[must_use]
    pub const fn announces_silence(self, len: u32) -> bool {
        match self {
            Self::G729 => len % 10 == 2,
            Self::G7231 => len % 24 == 4 || len % 20 == 4,
            Self::Amr { .. } => len <= 8,
            Self::Opus => len <= 2,
            Self::Octets(_)
            | Self::Bits(_)
            | Self::Frames { .. }
            | Self::Ilbc(_)
            | Self::Dvi4
            | Self::Unknown => false,
        }
    }
}

const fn g729(len: u32) -> u32 {
    let speech = (len / 10).saturating_mul(80);
    if len % 10 == 2 { speech.saturating_add(80) } else { speech }
}

fn g7231(payload: &[u8]) -> u32 {
    let (mut rest, mut ticks) = (payload, 0u32);
    while let Some(first) = rest.first() {
        let octets = match first & 3 {
            0 => 24,
            1 => 20,
            2 => 4,
            _ => 1,
        };
        let Some(next) = rest.get(octets..) else { break };
        rest = next;
        ticks = ticks.saturating_add(240);
    }
    ticks
}

fn ilbc(len: u32, slow: bool) -> u32 {
    let (twenty, thirty) = (len.is_multiple_of(38), len.is_multiple_of(50));
    if thirty && (slow || !twenty) {
        (len / 50).saturating_mul(240)
    } else if twenty {
        (len / 38).saturating_mul(160)
    } else {
        0
    }
}

/// Counts the entries of an AMR table of contents: each is one 20 ms frame.
fn amr_frames(payload: &[u8], aligned: bool) -> Option<u32> {
    let follows = |entry: u32| -> Option<bool> {
        if aligned {
            let byte = payload.get(usize::try_from(entry).ok()?.checked_add(1)?)?;
            return Some(byte & 0x80 != 0);
        }
        // Bandwidth-efficient: 4 bits of mode request, then entries of 6 bits, their first bit saying "more".
        let bit = usize::try_from(entry).ok()?.checked_mul(6)?.checked_add(4)?;
        let byte = payload.get(bit / 8)?;
        Some(byte & (0x80u8 >> (bit % 8)) != 0)
    };
    let mut count = 1u32;
    while follows(count.checked_sub(1)?)? {
        count = count.checked_add(1)?;
        if count > 50 {
            return None;
        }
    }
    Some(count)
}

fn opus(payload: &[u8]) -> Option<u32> {
    let toc = *payload.first()?;
    let config = u32::from(toc >> 3);
    let frame: u32 = match config {
        0..=11 => [480, 960, 1_920, 2_880].get(usize::try_from(config & 3).ok()?).copied()?,
        12..=15 => [480, 960].get(usize::try_from(config & 1).ok()?).copied()?,
        _ => 120u32 << (config & 3),
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(payload.get(1)? & 0x3f),
    };
    frame.checked_mul(frames).filter(|ticks| *ticks <= 5_760)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, fmtp: &str, payload: &[u8], ticks: Option<u32>) {
        assert_eq!(Shape::of(name, 1, fmtp).ticks(payload), ticks, "{name} {fmtp} {} octets", payload.len());
    }

    #[test]
    fn ticks_come_from_the_octets() {
        check("PCMU", "", &[0; 160], Some(160));
        check("pcma", "", &[0; 1], Some(1));
        check("G722", "", &[0; 160], Some(160));
        check("L16", "", &[0; 320], Some(160));
        check("G726-32", "", &[0; 80], Some(160));
        check("G726-40", "", &[0; 100], Some(160));
        check("GSM", "", &[0; 66], Some(320));
        check("G729", "", &[0; 20], Some(160));
        check("G729", "", &[0; 12], Some(160));
        check("G729", "", &[0; 2], Some(80));
        check("G723", "", &[0; 24], Some(240));
        check("G723", "", &[&[1u8; 20][..], &[2; 4]].concat(), Some(480));
        check("iLBC", "mode=20", &[0; 38], Some(160));
        check("iLBC", "", &[0; 50], Some(240));
        check("AMR", "octet-align=1", &[0xf0, 0xbc, 0x3c, 0, 0], Some(320));
        check("AMR-WB", "", &[0xf0, 0x40, 0, 0], Some(320));
        check("opus", "", &[0x78, 1, 2], Some(960));
        check("opus", "", &[0x7b, 3, 2], Some(2_880));
        check("DVI4", "", &[0; 84], Some(160));
        check("speex", "", &[0; 84], None);
        check("PCMU", "", &[], None);
        check("AMR", "", &[], None);
        check("opus", "", &[], None);
    }

    #[test]
    fn hostile_octets_never_panic() {
        for name in ["AMR", "AMR-WB", "opus", "G723", "G729", "iLBC", "DVI4", "GSM"] {
            for len in 0..200 {
                for fill in [0u8, 0x7f, 0x80, 0xff] {
                    let _any = Shape::of(name, 255, "octet-align=1").ticks(&vec![fill; len]);
                }
            }
        }
    }
}
