//! WAV with its length known up front: PCM16, A-law or µ-law, mono or stereo; RF64 (EBU Tech 3306) above 4 GiB.
//!
//! The header says the exact size before the first sample is written, so the file can be streamed, served by ranges, and
//! is whole or visibly cut. Nothing seeks.

use std::io::{self, Write};

use crate::codec::g711;
use crate::render::PcmSink;

/// How samples stand in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WavFormat {
    /// Linear, 16 bits, little-endian (format tag 1).
    #[default]
    Pcm16,
    /// G.711 A-law (tag 6): half the size, and lossless for audio that was A-law. `WebKitGTK` does not play it.
    Alaw,
    /// G.711 µ-law (tag 7), likewise.
    Mulaw,
}

impl WavFormat {
    const fn tag(self) -> u16 {
        match self {
            Self::Pcm16 => 1,
            Self::Alaw => 6,
            Self::Mulaw => 7,
        }
    }

    const fn bytes_per_sample(self) -> u16 {
        match self {
            Self::Pcm16 => 2,
            Self::Alaw | Self::Mulaw => 1,
        }
    }
}

/// What a WAV header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WavSpec {
    /// How samples stand in the file.
    pub format: WavFormat,
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels, 1 or 2 here.
    pub channels: u8,
    /// Frames in the file.
    pub frames: u64,
}

impl WavSpec {
    /// Returns the size of the whole file in bytes.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        let header = u64::try_from(self.header().len()).unwrap_or(0);
        header.saturating_add(self.data_bytes()).saturating_add(self.data_bytes() % 2)
    }

    /// Returns the header: everything before the first sample.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let chunks = self.chunks_before_data();
        let chunk_bytes = u64::try_from(chunks.len()).unwrap_or(0);
        let padded = self.data_bytes().saturating_add(self.data_bytes() % 2);
        let riff_bytes = padded.saturating_add(chunk_bytes).saturating_add(4 + 8);
        let mut header = Vec::with_capacity(96);
        match (u32::try_from(riff_bytes), u32::try_from(self.data_bytes())) {
            (Ok(riff), Ok(data)) => {
                header.extend_from_slice(b"RIFF");
                header.extend_from_slice(&riff.to_le_bytes());
                header.extend_from_slice(b"WAVE");
                header.extend_from_slice(&chunks);
                header.extend_from_slice(b"data");
                header.extend_from_slice(&data.to_le_bytes());
            }
            _ => {
                header.extend_from_slice(b"RF64\xff\xff\xff\xffWAVEds64");
                header.extend_from_slice(&28u32.to_le_bytes());
                header.extend_from_slice(&riff_bytes.saturating_add(36).to_le_bytes());
                header.extend_from_slice(&self.data_bytes().to_le_bytes());
                header.extend_from_slice(&self.frames.to_le_bytes());
                header.extend_from_slice(&0u32.to_le_bytes());
                header.extend_from_slice(&chunks);
                header.extend_from_slice(b"data\xff\xff\xff\xff");
            }
        }
        header
    }

    fn frame_bytes(&self) -> u16 {
        self.format.bytes_per_sample().saturating_mul(u16::from(self.channels))
    }

    fn data_bytes(&self) -> u64 {
        self.frames.saturating_mul(u64::from(self.frame_bytes()))
    }

    /// `fmt `, and `fact` where the format is not PCM.
    fn chunks_before_data(&self) -> Vec<u8> {
        let plain = self.format == WavFormat::Pcm16;
        let bits = self.format.bytes_per_sample().saturating_mul(8);
        let mut out = Vec::with_capacity(48);
        out.extend_from_slice(b"fmt ");
        out.extend_from_slice(&if plain { 16u32 } else { 18 }.to_le_bytes());
        out.extend_from_slice(&self.format.tag().to_le_bytes());
        out.extend_from_slice(&u16::from(self.channels).to_le_bytes());
        out.extend_from_slice(&self.rate_hz.to_le_bytes());
        out.extend_from_slice(&self.rate_hz.saturating_mul(u32::from(self.frame_bytes())).to_le_bytes());
        out.extend_from_slice(&self.frame_bytes().to_le_bytes());
        out.extend_from_slice(&bits.to_le_bytes());
        if !plain {
            out.extend_from_slice(&0u16.to_le_bytes());
            out.extend_from_slice(b"fact");
            out.extend_from_slice(&4u32.to_le_bytes());
            out.extend_from_slice(&u32::try_from(self.frames).unwrap_or(u32::MAX).to_le_bytes());
        }
        out
    }
}

/// Writes one WAV file, frame by frame, to whatever takes bytes.
#[derive(Debug)]
pub struct WavWriter<W> {
    out: W,
    spec: WavSpec,
    samples_left: u64,
    bytes: Vec<u8>,
}

impl<W: Write> WavWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// What `out` refuses.
    pub fn new(mut out: W, spec: WavSpec) -> io::Result<Self> {
        out.write_all(&spec.header())?;
        let samples_left = spec.frames.saturating_mul(u64::from(spec.channels));
        Ok(Self { out, spec, samples_left, bytes: Vec::new() })
    }

    /// Ends the file, flushes, and gives back what was written to.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if fewer frames came than the header says; what `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        if self.samples_left > 0 {
            let text = format!("the WAV lacks {} samples that its header promises", self.samples_left);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if self.spec.data_bytes() % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> PcmSink for WavWriter<W> {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        let count = u64::try_from(interleaved.len()).unwrap_or(u64::MAX);
        self.samples_left = self.samples_left.checked_sub(count).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "more samples than the WAV header promises")
        })?;
        self.bytes.clear();
        match self.spec.format {
            WavFormat::Pcm16 => self.bytes.extend(interleaved.iter().flat_map(|pcm| pcm.to_le_bytes())),
            WavFormat::Alaw => self.bytes.extend(interleaved.iter().map(|pcm| g711::encode_alaw(*pcm))),
            WavFormat::Mulaw => self.bytes.extend(interleaved.iter().map(|pcm| g711::encode_mulaw(*pcm))),
        }
        self.out.write_all(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn spec(format: WavFormat, channels: u8, frames: u64) -> WavSpec {
        WavSpec { format, rate_hz: 8_000, channels, frames }
    }

    #[test]
    fn a_small_file_byte_for_byte() {
        let mut wav = WavWriter::new(Vec::new(), spec(WavFormat::Pcm16, 2, 2)).unwrap();
        wav.write_frames(&[1, -1, 256, 0]).unwrap();
        let expected = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\x08\0\0\0\x01\0\xff\xff\0\x01\0\0";
        assert_eq!(wav.finish().unwrap(), expected);
    }

    #[test]
    fn the_size_is_known_before_the_end() {
        for (format, channels, frames) in [
            (WavFormat::Pcm16, 1, 7),
            (WavFormat::Alaw, 1, 7),
            (WavFormat::Mulaw, 2, 7),
            (WavFormat::Pcm16, 2, 0),
        ] {
            let spec = spec(format, channels, frames);
            let mut wav = WavWriter::new(Vec::new(), spec).unwrap();
            wav.write_frames(&vec![0; usize::try_from(frames).unwrap() * usize::from(channels)]).unwrap();
            let bytes = wav.finish().unwrap();
            assert_eq!(u64::try_from(bytes.len()).unwrap(), spec.file_bytes(), "{spec:?}");
            let riff = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(u64::from(riff) + 8, spec.file_bytes(), "{spec:?}");
        }
    }

    #[test]
    fn too_few_and_too_many_frames_are_errors() {
        let wav = WavWriter::new(Vec::new(), spec(WavFormat::Pcm16, 1, 3)).unwrap();
        assert!(wav.finish().is_err(), "three frames are missing");
        let mut wav = WavWriter::new(Vec::new(), spec(WavFormat::Pcm16, 1, 3)).unwrap();
        assert!(wav.write_frames(&[0; 4]).is_err(), "one frame too many");
    }

    #[test]
    fn beyond_four_gib_the_header_is_rf64() {
        let header = spec(WavFormat::Pcm16, 2, 1 << 31).header();
        assert_eq!(&header[..4], b"RF64");
        assert_eq!(&header[12..16], b"ds64");
        assert_eq!(u64::from_le_bytes(header[28..36].try_into().unwrap()), 1 << 33, "data size");
        assert_eq!(u64::from_le_bytes(header[36..44].try_into().unwrap()), 1 << 31, "frames");
        let riff = u64::from_le_bytes(header[20..28].try_into().unwrap());
        assert_eq!(riff + 8, spec(WavFormat::Pcm16, 2, 1 << 31).file_bytes());
    }
}
