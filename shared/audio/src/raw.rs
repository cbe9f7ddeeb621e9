//! The payload itself, out of a recording, for codecs without decoder and for those who trust only the original bits.
//!
//! | codec | file | how |
//! | --- | --- | --- |
//! | PCMU, PCMA, G722, G726, L16, L8, GSM | `ulaw alaw g722 g726 l16 l8 gsm` | payload after payload, gaps left out |
//! | AMR, AMR-WB, Opus, DVI4, G.729, all others | `amxr` | packets framed as below |
//!
//! A gap is left out, not filled: a raw file is shorter than the call by its gaps. The sidecar's gap map tells where.
//!
//! # Framed packets (`AMXR`, little-endian)
//! Head: `AMXR`, version u8 = 1, 3 zero octets, clock in ticks a second u32, length of the codec name u16, length of its
//! format parameters u16, both texts in UTF-8. Then for every packet: position u64 and length in ticks u32, octets u32, the
//! octets. The position counts from the recording's start, so that gaps can be told from the file alone.

use std::io::{self, Write};

use shared::Track;

use crate::render::LegRun;

/// How a codec's payload stands in a raw file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RawFormat {
    /// Payload after payload; the text is the usual file extension.
    Plain(&'static str),
    /// Framed packets, extension `amxr`.
    Framed,
}

impl RawFormat {
    /// Chooses the format for a track. Encrypted payload is always framed.
    #[must_use]
    pub fn of(track: &Track) -> Self {
        let name = track.codec.to_ascii_uppercase();
        match name.as_str() {
            _ if track.opaque => Self::Framed,
            "PCMU" => Self::Plain("ulaw"),
            "PCMA" => Self::Plain("alaw"),
            "G722" => Self::Plain("g722"),
            "L16" => Self::Plain("l16"),
            "L8" => Self::Plain("l8"),
            "GSM" => Self::Plain("gsm"),
            "G721" => Self::Plain("g726"),
            _ if name.starts_with("G726-") || name.starts_with("AAL2-G726-") => Self::Plain("g726"),
            _ => Self::Framed,
        }
    }

    /// Returns the file extension, without a dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Plain(extension) => extension,
            Self::Framed => "amxr",
        }
    }
}

/// Writes the payload of one track.
#[derive(Debug)]
pub struct RawWriter<W> {
    out: W,
    format: RawFormat,
}

impl<W: Write> RawWriter<W> {
    /// Writes the head, where the format has one.
    ///
    /// # Errors
    /// What `out` refuses.
    pub fn new(mut out: W, track: &Track) -> io::Result<Self> {
        let format = RawFormat::of(track);
        if format == RawFormat::Framed {
            let (codec, codec_len) = short_text(&track.codec);
            let (fmtp, fmtp_len) = short_text(&track.fmtp);
            out.write_all(b"AMXR\x01\0\0\0")?;
            out.write_all(&track.clock_hz.to_le_bytes())?;
            out.write_all(&codec_len.to_le_bytes())?;
            out.write_all(&fmtp_len.to_le_bytes())?;
            out.write_all(codec)?;
            out.write_all(fmtp)?;
        }
        Ok(Self { out, format })
    }

    /// Writes the payload of one run; a gap alone writes nothing.
    ///
    /// # Errors
    /// What `out` refuses.
    pub fn push(&mut self, run: &LegRun<'_>) -> io::Result<()> {
        if run.bytes.is_empty() {
            return Ok(());
        }
        if self.format == RawFormat::Framed {
            let too_long = |_error| {
                io::Error::new(io::ErrorKind::InvalidData, "a run of more than 2^32 ticks or octets")
            };
            self.out.write_all(&run.pos.to_le_bytes())?;
            self.out.write_all(&u32::try_from(run.samples).map_err(too_long)?.to_le_bytes())?;
            self.out.write_all(&u32::try_from(run.bytes.len()).map_err(too_long)?.to_le_bytes())?;
        }
        self.out.write_all(run.bytes)
    }

    /// Flushes and gives back what was written to.
    ///
    /// # Errors
    /// What `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The octets of a text and their number; SDP knows no text of more than 64 KiB.
fn short_text(text: &str) -> (&[u8], u16) {
    let held = text.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(text.as_bytes());
    (held, u16::try_from(held.len()).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use shared::GapCause;

    use super::*;

    fn written(codec: &str) -> Vec<u8> {
        let track =
            Track { codec: codec.to_owned(), clock_hz: 8_000, fmtp: "a=1".to_owned(), ..Track::default() };
        let mut raw = RawWriter::new(Vec::new(), &track).unwrap();
        let run =
            LegRun { track: 0, pos: 5, gap_samples: 5, cause: GapCause::Paused, samples: 240, bytes: b"xyz" };
        raw.push(&run).unwrap();
        raw.push(&LegRun { samples: 0, bytes: b"", ..run }).unwrap();
        raw.finish().unwrap()
    }

    #[test]
    fn self_delimiting_payload_is_plain() {
        assert_eq!(written("PCMA"), b"xyz");
        assert_eq!(written("gsm"), b"xyz");
    }

    #[test]
    fn other_payload_is_framed_with_its_place() {
        let expected =
            b"AMXR\x01\0\0\0\x40\x1f\0\0\x04\0\x03\0G723a=1\x05\0\0\0\0\0\0\0\xf0\0\0\0\x03\0\0\0xyz";
        assert_eq!(written("G723"), expected);
    }

    #[test]
    fn encrypted_payload_is_never_plain() {
        let track = Track { codec: "PCMU".to_owned(), opaque: true, ..Track::default() };
        assert_eq!(RawFormat::of(&track), RawFormat::Framed);
    }
}
